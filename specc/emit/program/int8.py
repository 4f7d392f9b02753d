"""Int8: an ONNX program whose convolutions and linear layers compute with bytes, quantised by onnxruntime."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from specc.diagnostics.diagnostic import Problem
from specc.emit.program.compared import reason
from specc.emit.program.quiet import quiet

if TYPE_CHECKING:
    from torch import Tensor

OPERATIONS = ["Conv", "ConvTranspose", "Gemm", "MatMul"]  # where the time goes; what stands between stays as it is
PARTS = ("picture/", "network/", "told/")


def quantised(model: Any, batches: Iterable[Tensor]) -> Any:
    """A model that computes with bytes, each channel of the weights at a scale of its own.

    Args:   model, of the package `onnx`; batches, of what it takes, by which the range of what is computed is found.
    Raises: Problem E663 where onnxruntime cannot do it.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, quantize_static  # type: ignore[import-untyped] # it ships no types
    from onnxruntime.quantization.shape_inference import quant_pre_process  # type: ignore[import-untyped] # the same

    with TemporaryDirectory() as folder, quiet():
        whole, ready, done = (Path(folder) / f"{name}.onnx" for name in ("whole", "ready", "int8"))
        try:
            # Normalisation goes into the convolution before it, so that both are rounded once.
            whole.write_bytes(model.SerializeToString())
            quant_pre_process(whole, ready, skip_symbolic_shape=True)
            quantize_static(
                ready, done, _Calibration(batches), quant_format=QuantFormat.QDQ, per_channel=True,
                op_types_to_quantize=OPERATIONS,
            )  # fmt: skip
        except Exception as error:  # of any kind: it is told in onnxruntime's own words
            raise Problem.of("E663", f"onnxruntime cannot make int8 of this network: {reason(error)}",
                help="leave out `--int8`") from error  # fmt: skip
        return onnx.load(done)


class _Calibration:
    """Batches as onnxruntime asks for them."""

    def __init__(self, batches: Iterable[Tensor]) -> None:
        self._batches: Iterator[Tensor] = iter(batches)

    def get_next(self) -> dict[str, Any] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"input": batch.numpy()}


def joined(*models: Any) -> Any:
    """One model of those that go on from each other's output, from `input` to `output`; without metadata."""
    from onnx import compose

    for model in models:
        model.ir_version = max(one.ir_version for one in models)
        del model.metadata_props[:]
    last = len(models) - 1
    parts = [
        compose.add_prefix(model, prefix, rename_inputs=number > 0, rename_outputs=number < last)
        for number, (model, prefix) in enumerate(zip(models, PARTS, strict=True))
    ]
    whole = parts[0]
    for before, part in pairwise(parts):
        whole = compose.merge_models(whole, part, [(before.graph.output[0].name, part.graph.input[0].name)])
    return whole
