"""A checked model as a picture: the way in for the command, the notebook and the documentation."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from specc.diagnostics.spelling import counted
from specc.emit.draw.marks import NamedMarks, Sheet
from specc.emit.draw.outline import AS_IT_COMES, Folds, Outline, outline
from specc.emit.draw.theme import Theme, shade_of
from specc.ir.shaped import ShapedModel
from specc.layers.base import written

if TYPE_CHECKING:
    from specc.emit.draw.svg import Words

Style: TypeAlias = Literal["flow", "lecture"]
Format: TypeAlias = Literal["svg", "png", "mermaid", "dot"]
STYLES: tuple[Style, ...] = ("flow", "lecture")
FORMATS: tuple[Format, ...] = ("svg", "png", "mermaid", "dot")
THEMES: tuple[Theme, ...] = ("auto", "light", "dark")
ENDINGS: dict[str, Format] = {
    ".svg": "svg", ".png": "png", ".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot",
}  # fmt: skip


class Options(NamedTuple):
    """style: flow, a diagram of the layers, or lecture, the stacked feature maps; depth: how many levels of blocks
    are opened, None for as many as stay readable; unfold: every repeat by itself; parameters: how many each has."""

    style: Style = "flow"
    theme: Theme = "auto"
    depth: int | None = None
    unfold: bool = False
    parameters: bool = False


PLAIN = Options()


def format_of(path: str) -> Format | None:
    """The format that a file's ending means, None where it means none.

    >>> format_of("figures/net.SVG"), format_of("net.jpg")
    ('svg', None)
    """
    return ENDINGS.get(PurePath(path).suffix.lower())


def draw(model: ShapedModel, form: Literal["svg", "mermaid", "dot"] = "svg", options: Options = PLAIN) -> str:
    """The text of a picture: the same for the same model and options, byte by byte. Mermaid and DOT know one style.

    Raises: Problem E655 where the network is too large for a picture.
    """
    network = outline(model, options.depth, unfold=options.unfold)
    if form == "svg":
        return _svg(model, network, options)
    from specc.emit.draw.graph import graph_of

    graph = graph_of(network, parameters=options.parameters)
    if form == "mermaid":
        from specc.emit.draw.mermaid import to_mermaid

        return to_mermaid(graph, options.theme)
    from specc.emit.draw.dot import to_dot

    return to_dot(graph, options.theme)


def draw_png(model: ShapedModel, options: Options = PLAIN, scale: float = 2.0) -> bytes:
    """A PNG file; its theme is light unless it is dark. scale: pixels of the PNG for each of the SVG.

    Raises: Problem E655 where the network is too large, and as `png.to_png`.
    """
    from specc.emit.draw.png import to_png

    return to_png(draw(model, "svg", options._replace(theme=shade_of(options.theme))), scale)


def draw_for_page(model: ShapedModel, options: Options, folds: Folds = AS_IT_COMES) -> tuple[str, tuple[str, ...]]:
    """A picture as an SVG element without colours, whose parts bear names, for a page that has the colours.

    Returns: the text, and the names: those of modules, as in `named_modules()`.
    Raises:  Problem E655 where the network is too large for a picture.
    """
    from specc.emit.draw.svg import to_svg_with_names

    network = outline(model, options.depth, unfold=options.unfold, folds=folds)
    sheet = _sheet(network, options)
    names = dict.fromkeys(mark.name for mark in sheet.marks if isinstance(mark, NamedMarks))
    return to_svg_with_names(sheet, _words(model, network)), tuple(names)


def _svg(model: ShapedModel, network: Outline, options: Options) -> str:
    from specc.emit.draw.svg import to_svg

    return to_svg(_sheet(network, options), options.theme, _words(model, network))


def _sheet(network: Outline, options: Options) -> Sheet:
    if options.style == "lecture":
        from specc.emit.draw.lecture import lecture

        return lecture(network, parameters=options.parameters)
    from specc.emit.draw.flow import flow

    return flow(network, parameters=options.parameters)


def _words(model: ShapedModel, network: Outline) -> Words:
    from specc.emit.draw.svg import Words

    costs = f"{counted(network.parameters, 'parameter')} and {counted(network.macs, 'multiply-accumulate')}"
    layers = counted(network.layers, "layer")
    description = f"From {written(network.input)} to {written(network.output)}: {layers} with {costs}."
    return Words(f"The network {_name(model)}", description)


def _name(model: ShapedModel) -> str:
    """The file's name without its folder and ending, or the gallery's; never longer than a line."""
    name = PurePath(model.source.path.replace("\\", "/").removeprefix("gallery:")).name.removesuffix(".cnn")
    return name if len(name) <= 80 else name[:79] + "…"
