"""A source in, the text of a spec out: everything between, in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, spelled
from specc.exchange.importing.blocks import with_blocks
from specc.exchange.importing.forms import Chain
from specc.exchange.importing.graph import TracedGraph, Wordless
from specc.exchange.importing.source import TORCHVISION, is_darknet, load_model
from specc.exchange.importing.structure import structure
from specc.exchange.importing.text import write_spec
from specc.ir.shaped import ShapedModel
from specc.layers.base import Shape
from specc.pipeline import analyse
from specc.source import Source

if TYPE_CHECKING:
    from torch import nn

SIZES = (224, 32, 28, 64, 96, 128, 227, 299)  # pictures that a model is tried on where no input is given


class Imported(NamedTuple):
    """A spec.

    network: compiled, with the source's weights, None for a file without any; difference: of the outputs;
    assumed: whether the input was not given; names: of the source's tensors, by the spec's names; remarks: what
    the spec says otherwise than the source, or not at all.
    """

    text: str
    model: ShapedModel
    network: nn.Sequential | None
    difference: float
    assumed: bool
    names: dict[str, str]
    remarks: tuple[str, ...] = ()


def import_source(source: str, input: Shape | None) -> Imported:
    """The spec of `torchvision:resnet18`, `package.module:factory` or a `.cfg`.

    Raises: Unreadable; Problem E665 to E668.
    """
    if is_darknet(source):
        return _from_darknet(source, input)
    return import_model(load_model(source), source, input)


def import_model(model: nn.Module, source: str, input: Shape | None = None) -> Imported:
    """The spec of a model that is there already. Raises: Problem E666, E668."""
    from specc.exchange.importing.trace import Unimportable
    from specc.exchange.importing.verify import verify

    model = model.eval()
    try:
        graph, shape = _traced(model, source, input)
    except Unimportable as error:
        raise _wordless(source, error.parts) from None
    with _faults_told():
        chain = structure(graph)
        text, shaped = _written(f"{type(model).__name__}, imported from {source}", shape, chain)
        found = verify(model, shaped, chain, shape)
    return Imported(text, shaped, found.network, found.difference, input is None, found.names, found.remarks)


@contextmanager
def _faults_told() -> Iterator[None]:
    """Errors of the import itself, which are no fault of the model. Raises: Problem E668."""
    try:
        yield
    except Problem:
        raise
    except Exception as error:  # of any kind: what a model may be has no end
        raise Problem.of(
            "E668",
            f"importing this model failed through a fault in specc itself: {type(error).__name__}, {error}",
            help="nothing was written; please report the model, so that importing it can be mended",
        ) from error


def _written(title: str, shape: Shape, chain: Chain) -> tuple[str, ShapedModel]:
    """The spec with blocks. Raises: Problem E668 where it does not check, which is a fault of the import."""
    blocks, network = with_blocks(chain)
    text = write_spec(title, shape, blocks, network)
    analysis = analyse(Source("<import>", text))
    if analysis.model is None:
        found = analysis.diagnostics[0]
        raise Problem.of("E668", f"the imported spec does not check: {found.message}", notes=(text,))
    first, _, rest = text.partition("\n")
    return f"{first}\n# {counted(analysis.model.params, 'parameter')}\n{rest}", analysis.model


def _wordless(source: str, parts: list[Wordless]) -> Problem:
    listed = tuple(dict.fromkeys(map(str, parts)))
    what = "a part" if len(listed) == 1 else f"{len(listed)} parts"
    return Problem.of("E666", f"{what} of {source} {'has' if len(listed) == 1 else 'have'} no word", notes=listed)


def _traced(model: nn.Module, source: str, input: Shape | None) -> tuple[TracedGraph, Shape]:
    from specc.exchange.importing.following import ModelFails
    from specc.exchange.importing.trace import trace

    shapes = [input] if input is not None else _guesses(model, source)
    problem: BaseException | None = None
    for shape in shapes:
        try:
            return trace(model, shape), shape
        except ModelFails as error:
            problem = problem or error.__cause__
    tried = ", ".join(spelled(shape) for shape in shapes[:3])
    raise Problem.of(
        "E665",
        f"the model does not run on an input of {tried}" + (" and others" if len(shapes) > 3 else ""),
        help="give the shape of one sample with `--input`, such as `--input 3x32x32`",
        notes=(f"{type(problem).__name__}: {str(problem).partition(chr(10))[0]}",) if problem else (),
    )


def _guesses(model: nn.Module, source: str) -> list[Shape]:
    """Inputs that a model may be made for, by its first layer with weights."""
    from torch import nn
    from torch.nn.modules.lazy import LazyModuleMixin

    sizes = (299, *SIZES) if source == f"{TORCHVISION}:inception_v3" else SIZES
    for module in model.modules():
        if isinstance(module, LazyModuleMixin):
            break  # it takes what comes
        if isinstance(module, nn.Conv2d):
            return [(module.in_channels, size, size) for size in sizes]
        if isinstance(module, nn.Conv1d):
            return [(module.in_channels, size) for size in (16000, 1024, 128)]
        if isinstance(module, nn.Linear):
            side = int(module.in_features**0.5)
            square = [(1, side, side)] if side * side == module.in_features else []
            return [(module.in_features,), *square]
    return [(3, 224, 224)]


def _from_darknet(path: str, input: Shape | None) -> Imported:
    from specc.exchange.importing.darknet import read_darknet

    graph, name, remarks = read_darknet(path, input)
    chain = structure(graph)
    text, shaped = _written(f"{name}, imported from a Darknet file", graph.ops[0].output, chain)
    return Imported(text, shaped, None, 0.0, assumed=False, names={}, remarks=remarks)
