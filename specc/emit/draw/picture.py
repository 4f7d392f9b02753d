"""A checked model as a picture: the way in for the command, the notebook and the documentation."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal, NamedTuple

from specc.diagnostics.spelling import counted
from specc.emit.draw.marks import NamedMarks, Sheet
from specc.emit.draw.outline import AS_IT_COMES, Folds, Outline, outline
from specc.emit.draw.styles import STYLES, Layout, Style
from specc.emit.draw.svg import Words, to_svg, to_svg_with_names
from specc.emit.draw.theme import Theme
from specc.ir.shaped import ShapedModel
from specc.layers.base import written

THEMES: tuple[Theme, ...] = ("auto", "light", "dark")


class Options(NamedTuple):
    """style, layout: what is drawn and how it lies; depth: how many levels of blocks
    are opened, None for as many as stay readable; unfold: every repeat by itself; parameters: how many each has;
    title: over the picture; highlight: a label or a module's name, what bears it is set off."""

    style: Style = "flow"
    theme: Theme = "auto"
    depth: int | None = None
    unfold: bool = False
    parameters: bool = False
    layout: Layout = "auto"
    title: str = ""
    highlight: str = ""


PLAIN = Options()


class DescribedSheet(NamedTuple):
    """A picture before it is written into a file, and what is said of it."""

    sheet: Sheet
    words: Words


def figure(model: ShapedModel, options: Options = PLAIN, folds: Folds = AS_IT_COMES) -> DescribedSheet:
    """What is to be seen.

    Raises: Problem E655 where the network is too large for a picture, and as `highlighted`.
    """
    network = outline(model, options.depth, unfold=options.unfold, folds=folds)
    sheet = STYLES[options.style].draw(network, options.layout, options.parameters)
    if options.highlight:
        from specc.emit.draw.highlight import highlighted

        sheet = highlighted(sheet, model, options.highlight)
    if options.title:
        from specc.emit.draw.heading import with_title

        sheet = with_title(sheet, options.title)
    return DescribedSheet(sheet, _words(model, network, options.title))


def draw(model: ShapedModel, form: Literal["svg", "mermaid", "dot"] = "svg", options: Options = PLAIN) -> str:
    """The text of a picture: the same for the same model and options, byte by byte. Mermaid and DOT know one style.

    Raises: as `figure`.
    """
    if form == "svg":
        sheet, words = figure(model, options)
        return to_svg(sheet, options.theme, words)
    from specc.emit.draw.graph import graph_of

    graph = graph_of(outline(model, options.depth, unfold=options.unfold), parameters=options.parameters)
    if form == "mermaid":
        from specc.emit.draw.mermaid import to_mermaid

        return to_mermaid(graph, options.theme)
    from specc.emit.draw.dot import to_dot

    return to_dot(graph, options.theme)


def draw_for_page(model: ShapedModel, options: Options, folds: Folds = AS_IT_COMES) -> tuple[str, tuple[str, ...]]:
    """A picture as an SVG element without colours, whose parts bear names, for a page that has the colours.

    Returns: the text, and the names: those of modules, as in `named_modules()`.
    Raises:  as `figure`.
    """
    sheet, words = figure(model, options, folds)
    names = dict.fromkeys(mark.name for mark in sheet.marks if isinstance(mark, NamedMarks))
    return to_svg_with_names(sheet, words), tuple(names)


def _words(model: ShapedModel, network: Outline, title: str) -> Words:
    costs = f"{counted(network.parameters, 'parameter')} and {counted(network.macs, 'multiply-accumulate')}"
    layers = counted(network.layers, "layer")
    description = f"From {written(network.input)} to {written(network.output)}: {layers} with {costs}."
    return Words(title or f"The network {_name(model)}", description)


def _name(model: ShapedModel) -> str:
    """The file's name without its folder and ending, or the gallery's; never longer than a line."""
    name = PurePath(model.source.path.replace("\\", "/").removeprefix("gallery:")).name.removesuffix(".cnn")
    return name if len(name) <= 80 else name[:79] + "…"
