"""ONNX: one file with graph, weights and the spec's text, for any batch size."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from specc import __version__
from specc.diagnostics.amounts import in_bytes
from specc.diagnostics.diagnostic import Problem
from specc.emit.program.compared import Exported, Given, by_name, reason, require_equal
from specc.emit.program.quiet import quiet

if TYPE_CHECKING:
    from torch import Tensor, nn

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
LARGEST = 2**31 - 2**20  # protobuf counts bytes in 32 bits; a little is left for the graph


_MISSING = re.compile(r"No ONNX function found for <OpOverload\(op='aten\.(\w+)'")


class NoOperation(Exception):
    """ONNX lacks one of torch's operations. modules: the names of those in the network that need it."""

    def __init__(self, operation: str, modules: list[str]) -> None:
        super().__init__(operation)
        self.operation, self.modules = operation, modules


def _modules_with(network: nn.Module, given: Given, operation: str) -> list[str]:
    """The modules whose code runs an operation, in the order in which they do."""
    import torch

    graph = torch.export.export(network, (given.batch(2),)).graph
    found = [node for node in graph.nodes if str(node.target).startswith(f"aten.{operation}.")]
    stacks = [list((node.meta.get("nn_module_stack") or {}).values()) for node in found]
    return list(dict.fromkeys(str(stack[-1][0]) for stack in stacks if stack))


def require_packages() -> None:
    """Raises: Problem E661 where a package is missing."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise Problem.of(
            "E661",
            f"ONNX needs packages that are not installed: {', '.join(f'`{name}`' for name in missing)}",
            help="`pip install onnx onnxruntime onnxscript`",
        )


def require_small(parameters: int) -> None:
    """Raises: Problem E663 for a network whose weights do not fit into one file."""
    if 4 * parameters > LARGEST:
        raise Problem.of(
            "E663",
            f"{parameters:,} parameters take {in_bytes(4 * parameters)}, and one ONNX file holds 2 GB at most",
            help="`--to pt2` has no such limit",
        )


def write_onnx(network: nn.Module, given: Given, metadata: Mapping[str, str]) -> Exported:
    """A network as the content of an `.onnx` file, run by onnxruntime and compared.

    Args:   network, in evaluation mode; given, what it takes; metadata, texts that the file carries, by name.
    Raises: Problem E661 where packages are missing, E662 where it gives another output, E663 where it cannot be
            exported; NoOperation where that is for an operation that ONNX lacks.
    """
    require_packages()
    require_small(sum(tensor.numel() for tensor in network.state_dict().values()))
    with quiet():
        content = labelled(onnx_content(network, given), metadata)
        run = session_of(content)
    return Exported(content, require_equal(network, run, given, "ONNX file"))


def onnx_content(network: nn.Module, given: Given) -> Any:
    """The network as a model of the package `onnx`. Raises: NoOperation; Problem E663."""
    import torch

    batch = torch.export.Dim("batch", min=1)
    with torch.no_grad():
        names = list(by_name(network(given.batch(2))))
    try:
        program: Any = torch.onnx.export(
            network, (given.batch(2),), dynamo=True, verbose=False, dynamic_shapes=({0: batch},),
            input_names=["input"], output_names=names,
        )  # fmt: skip
        return program.model_proto
    except Exception as error:  # of any kind: it is told in the exporter's own words
        if missing := _MISSING.search(reason(error)):
            raise NoOperation(missing[1], _modules_with(network, given, missing[1])) from error
        raise Problem.of(
            "E663",
            f"this network cannot be written as ONNX: {reason(error)}",
            help="`--to pt2` has torch's own operations",
        ) from error


def labelled(model: Any, metadata: Mapping[str, str]) -> bytes:
    """The content of a file. Args: model, of the package `onnx`; metadata, texts that it carries, by name."""
    model.producer_name, model.producer_version = "specc", __version__
    del model.metadata_props[:]
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    content: bytes = model.SerializeToString()
    return content


def session_of(content: bytes) -> Callable[[Tensor], dict[str, Tensor]]:
    """The file as a function from a batch to the output."""
    import onnxruntime  # type: ignore[import-untyped]  # it ships no types
    import torch

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    names = [output.name for output in session.get_outputs()]

    def run(x: Tensor) -> dict[str, Tensor]:
        return dict(zip(names, map(torch.from_numpy, session.run(names, {"input": x.numpy()})), strict=True))

    return run
