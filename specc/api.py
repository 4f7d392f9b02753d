"""specc from Python: `specc.check`, `specc.compile` and `specc.load_weights`."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from specc import files
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.diagnostics.render import render_all
from specc.gallery import PREFIX, entry
from specc.ir.shaped import Row, ShapedModel
from specc.layers.fields import LARGEST
from specc.pipeline import Analysis, analyse, lint
from specc.reading import decode
from specc.source import Source
from specc.syntax.numerals import whole_of

if TYPE_CHECKING:
    from torch import Tensor, nn

    from specc.emit.draw.styles import Layout, Style
    from specc.emit.draw.theme import Theme


class SpecError(ValueError):
    """A spec with errors; its text is the rendered report.

    diagnostics: every finding, as data.
    """

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n" + render_all(diagnostics))
        self.diagnostics = diagnostics


class Report(NamedTuple):
    """What `specc check` found.

    ok: whether the spec has no errors; diagnostics: errors and warnings; layers: a row for each layer, in the order
    of execution; output: the shape that leaves, without the batch dimension, of `outputs` several by name, None for a
    spec with errors; model: the checked network, from which a notebook draws it.
    """

    ok: bool
    diagnostics: tuple[Diagnostic, ...]
    layers: tuple[Row, ...]
    output: tuple[int, ...] | dict[str, tuple[int, ...]] | None
    model: ShapedModel | None = None

    def __repr__(self) -> str:
        found = ", ".join(diagnostic.code for diagnostic in self.diagnostics)
        return f"Report(ok={self.ok}, diagnostics=[{found}], layers={len(self.layers)}, output={self.output})"

    def _repr_html_(self) -> str:
        """What a notebook shows: the report, or the picture and the table of the layers."""
        from specc.emit.html import report_html

        return report_html(self.diagnostics, self.model)

    def __str__(self) -> str:
        return render_all(self.diagnostics) if self.diagnostics else "no errors"


def check(spec: str | os.PathLike[str], *, input: tuple[int, ...] | str | None = None, **parameters: Any) -> Report:
    """Checks a spec without importing torch.

    Args:   spec, a path, `gallery:NAME`, or the text itself where a string holds a new line; input, a shape such as
            `(3, 32, 32)` or "3x32x32" in place of the spec's own; parameters, values for its `param`s.
    Raises: ValueError for a parameter that the spec does not have; OSError for a file that cannot be read.
    """
    try:
        source = _source(spec)
    except Problem as problem:
        return Report(False, (problem.diagnostic,), (), None)
    return check_source(source, input, parameters)


def check_source(source: Source, input: tuple[int, ...] | str | None, parameters: Mapping[str, Any]) -> Report:
    """As `check`, for a text that has been read. Raises: ValueError."""
    analysis = _advised(source, input, parameters)
    model = analysis.model
    rows = tuple(model.rows()) if model else ()
    return Report(analysis.ok, (*analysis.diagnostics, *lint(analysis)), rows, model.gives if model else None, model)


def compile(
    spec: str | os.PathLike[str], *, input: tuple[int, ...] | str | None = None, **parameters: Any
) -> nn.Sequential:
    """Compiles a spec into a torch module for inputs of shape `(N, *input)`.

    Args:   as for `check`.
    Raises: SpecError for a spec with errors; ValueError and OSError as for `check`.
    """
    try:
        analysis = _advised(_source(spec), input, parameters)
    except Problem as problem:
        raise SpecError((problem.diagnostic,)) from None
    if analysis.model is None:
        raise SpecError(analysis.diagnostics)
    from specc.build.compile import build
    from specc.build.names import ATTRIBUTE, names_beside

    model = build(analysis.model)
    names = names_beside(Path(analysis.model.source.path))
    if names.is_file():
        setattr(model, ATTRIBUTE, str(names))
    return model


class Drawing(str):
    """The SVG text of a network, which a notebook shows as the picture that it is."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        data = b64encode(self.encode()).decode()
        return f'<img alt="The network" style="max-width:100%" src="data:image/svg+xml;base64,{data}">'


def draw(  # noqa: PLR0913 - one for each option of the command, by name
    spec: str | os.PathLike[str],
    *,
    input: tuple[int, ...] | str | None = None,
    params: Mapping[str, Any] | None = None,
    style: Style = "flow",
    theme: Theme = "auto",
    depth: int | None = None,
    unfold: bool = False,
    counts: bool = False,
    layout: Layout = "auto",
    title: str = "",
    highlight: str = "",
) -> Drawing:
    """Draws a spec, without torch, as `specc draw` does.

    Args:   spec, input, as for `check`; params, values for its `param`s; style, "flow" for a diagram of the layers,
            "lecture" for stacked feature maps, "cuboids" for boxes; theme, "auto", "light" or "dark"; depth, how many
            levels of blocks are opened; unfold, whether every repeat is drawn by itself; counts, whether each layer's
            parameters are told; layout, "auto", "u", "row" or "column"; title, over the picture; highlight, a label or
            a module's name, which is set off.
    Raises: as `compile`; diagnostics.diagnostic.Problem E655 where the network is too large for a picture,
            E775 and E776 where there is nothing to set off.
    """
    from specc.emit.draw.picture import Options
    from specc.emit.draw.picture import draw as drawn

    try:
        analysis = _advised(_source(spec), input, params or {})
    except Problem as problem:
        raise SpecError((problem.diagnostic,)) from None
    model = analysis.drawable
    if model is None:
        raise SpecError(analysis.diagnostics)
    return Drawing(drawn(model, "svg", Options(style, theme, depth, unfold, counts, layout, title, highlight)))


def load_weights(
    model: nn.Module,
    weights: Mapping[str, Tensor],
    *,
    names: Mapping[str, str] | str | os.PathLike[str] | None = None,
    by_order: bool = False,
) -> None:
    """Copies weights from elsewhere into a compiled model: by name, or else by shape and order.

    Where the spec was imported, `specc import` wrote a file beside it that says which tensor is which; it is used by
    itself. Weights whose names are the model's go to those names. All others are paired by their shapes in order.

    Args:   model, from `specc.compile`; weights, a `state_dict()`, such as that of the model that was imported, or
            `torchvision.models.vgg16().state_dict()` for `gallery:classics/vgg16`; names, what the weights call each
            of the model's tensors, or a file that says so, in place of the one beside the spec; by_order, that
            tensors of one shape stand in the same order on both sides.
    Raises: ValueError that names the first tensor that does not fit, with both names and shapes, or lists those that
            only their order tells apart; the model is then as it was.
    """
    from specc.build.load import load_weights as load
    from specc.build.names import ATTRIBUTE, read_names

    found = getattr(model, ATTRIBUTE, None) if names is None else names
    known = read_names(Path(found)) if isinstance(found, str | os.PathLike) else found
    load(model, weights, known, by_order=by_order, asked=names is not None)


def _advised(source: Source, input: tuple[int, ...] | str | None, parameters: Mapping[str, Any]) -> Analysis:
    """The analysis; its errors, where there are any, with edits that mend them."""
    shape = _shape(input)
    analysis = analyse(source, shape, parameters)
    if analysis.ok:
        return analysis
    from specc.fixes.search import Asked, advise

    return analysis._replace(diagnostics=advise(analysis, Asked(shape, parameters)))


def _source(spec: str | os.PathLike[str]) -> Source:
    if isinstance(spec, str) and "\n" in spec:
        return Source("<string>", spec.removeprefix("\ufeff"))
    if isinstance(spec, str) and spec.startswith(PREFIX):
        return entry(spec).source
    path = Path(spec)
    return decode(str(path), files.read(path, pipes=True))


def _shape(input: tuple[int, ...] | str | None) -> tuple[int, ...] | None:
    if input is None:
        return None
    sizes = input.split("x") if isinstance(input, str) else list(input)
    try:
        shape = tuple(whole_of(size.strip()) if isinstance(size, str) else index(size) for size in sizes)
    except (TypeError, ValueError):
        shape = ()
    if shape and max(map(abs, shape)) > LARGEST:
        raise ValueError(f"the input is larger than any shape; torch counts to {LARGEST:,}")
    if not 1 <= len(shape) <= 4 or min(shape) < 1:
        raise ValueError(f"{input!r} is not a shape; give channels first, such as (3, 32, 32)")
    return shape
