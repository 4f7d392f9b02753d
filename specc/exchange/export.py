"""A checked model in, the file that was asked for out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.diagnostics.spelling import counted, spelled
from specc.emit.program.compared import Exported, Given, Quantised
from specc.emit.python.program import stem_of
from specc.exchange.subject import SEED, fill
from specc.ir.shaped import Row, ShapedModel
from specc.source import Span

if TYPE_CHECKING:
    from torch import nn

Format = Literal["python", "onnx", "pt2"]
ELSE = "`--to pt2` exports what torch can run, and `--to python` the source"
ENDINGS: dict[str, Format] = {".py": "python", ".onnx": "onnx", ".pt2": "pt2"}


def format_of(path: Path | None) -> Format | None:
    """The format that a file's ending names."""
    return ENDINGS.get(path.suffix.lower()) if path is not None else None


class ExportedSource(NamedTuple):
    """The network as Python. is_run: whether its values were compared, or for a large one names and shapes alone.
    predicts: whether it has a `predict`."""

    text: str
    is_run: bool
    predicts: bool


def export_source(model: ShapedModel, weights: Path | None, folder: Path) -> ExportedSource:
    """The network as Python, run beside the network. Args: folder, of the file. Raises: Problem E641, E660, E662."""
    from specc.emit.program.source import require_general, require_same
    from specc.emit.python.program import trials, write_python
    from specc.exchange.purpose import prediction_of, purpose_of

    purpose = purpose_of(weights, model)
    use = prediction_of(purpose, weights, folder) if purpose is not None and weights is not None else None
    text = write_python(model, weights.as_posix() if weights is not None else "", use)
    is_run = require_same(text, model)
    require_general(text, trials(model))
    return ExportedSource(text, is_run, use is not None)


def require_free_name(path: Path) -> None:
    """Raises: Problem E669 for a file that Python would read in the place of a module that torch imports."""
    import torch  # noqa: F401 - so that what it imports is known

    others = ("torch", "numpy", "typing_extensions")
    if path.stem in sys.modules and (path.stem in sys.stdlib_module_names or path.stem in others):
        raise Problem.of(
            "E669",
            f"a file called {path.name} would stand in the way of Python's own `{path.stem}`, and could not run",
            help=f"name another file, such as `-o {path.with_name(f'{path.stem}_net.py')}`",
        )


def export_program(model: ShapedModel, weights: Path | None, to: Format, *, pictures: bool = False) -> Exported:
    """The network as a program with its weights; with the initial ones of seed 0 where none are given.

    Args:   pictures, whether it takes pictures as bytes and gives what `predict` tells.
    Raises: Problem E641, E647, E661 to E664, E700.
    """
    if to == "onnx":
        _require_onnx(model)
    from specc.exchange.purpose import metadata_of, of_pictures, purpose_of, require_pictures

    purpose = purpose_of(weights, model)
    network: nn.Module = network_of(model, weights)
    given = Given(model.input)
    if pictures:
        network = of_pictures(network, require_pictures(purpose, stem_of(model.source.path)))
        given = Given((*model.input[1:], model.input[0]), is_bytes=True)
    if to == "pt2":
        from specc.emit.program.pt2 import write_pt2

        return write_pt2(network, given, metadata_of(model, purpose))
    from specc.emit.program.onnx import write_onnx

    with _named_at_its_line(model):
        return write_onnx(network, given, metadata_of(model, purpose))


def export_int8(model: ShapedModel, weights: Path | None, data: str | None, *, pictures: bool = False) -> Quantised:
    """The network as an ONNX file that computes with bytes.

    Args:   data, whose pictures it is calibrated and measured on, in place of the run's own. pictures, as above.
    Raises: Problem E641, E642, E647, E661, E663, E664, E700; E601 to E611 for the data.
    """
    _require_onnx(model)
    from specc.evaluate.trained import load_trained
    from specc.exchange.int8 import to_int8
    from specc.exchange.purpose import metadata_of, purpose_of, require_pictures, require_trained

    name, purpose = stem_of(model.source.path), purpose_of(weights, model)
    require_trained(purpose, name)
    if pictures:
        require_pictures(purpose, name)
    assert weights is not None  # noqa: S101 - they say what the network is for
    trained = load_trained(weights)._replace(shaped=model, model=network_of(model, weights))
    with _named_at_its_line(model):
        return to_int8(trained, metadata_of(model, purpose), data, pictures=pictures)


def _require_onnx(model: ShapedModel) -> None:
    from specc.emit.program.onnx import require_packages, require_small

    require_packages()
    require_small(model.params)


@contextmanager
def _named_at_its_line(model: ShapedModel) -> Iterator[None]:
    """Tells of a layer that ONNX has no operation for where it stands. Raises: Problem E663."""
    from specc.emit.program.onnx import NoOperation

    try:
        yield
    except NoOperation as error:
        names = [name.removeprefix("network.") for name in error.modules or [error.operation]]
        raise _without_operation(model, names) from error


def _without_operation(model: ShapedModel, names: list[str]) -> Problem:
    """E663 at the first layer that ONNX has no operation for."""
    rows = [row for row in model.rows() if row.name in names]
    if not rows:
        return Problem.of("E663", f"ONNX has no operation for `{names[0]}`", help=ELSE)
    first = rows[0]
    before = model.source.text.splitlines(keepends=True)[: first.line - 1]
    start = sum(map(len, before))
    length = len(model.source.text[start:].partition("\n")[0])
    more = f", nor for {counted(len(rows) - 1, 'other')} like it" if len(rows) > 1 else ""
    shapes = f"from {spelled(first.input)} to {spelled(first.output)}"
    return Problem(
        Diagnostic(
            "E663", f"ONNX has no operation for `{first.layer or first.kind}` {shapes}{more}: `{first.name}`",
            model.source, Span(start, start + length), help="\n".join([*_dividing(first), ELSE]),
        )
    )  # fmt: skip


def _dividing(row: Row) -> list[str]:
    """The size nearest to an adaptive pool's that divides its input: such a pool is one of fixed windows."""
    if row.layer != "adaptivemaxpool" or isinstance(row.output, dict):
        return []
    sizes = [
        min((size for size in range(1, there + 1) if there % size == 0), key=lambda size: abs(size - wanted))
        for there, wanted in zip(row.input[1:], row.output[1:], strict=True)
    ]
    size = sizes[0] if len(set(sizes)) == 1 else spelled(sizes)
    return [f"`adaptivemaxpool {size}` can be written: its windows are all the same size"]


def network_of(model: ShapedModel, weights: Path | None) -> nn.Sequential:
    """The compiled network in evaluation mode. Raises: Problem E664."""
    import torch

    from specc.build.compile import build

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        network = build(model)
    if weights is not None:
        fill(network, weights, model.source.path)
    return network.eval()
