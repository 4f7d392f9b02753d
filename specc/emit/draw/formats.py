"""The files that a picture can be written as: each is an entry of `FORMATS`, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import NamedTuple

from specc.emit.draw.picture import Options, draw, figure
from specc.emit.draw.theme import shade_of
from specc.ir.shaped import ShapedModel


class Format(NamedTuple):
    """A kind of file.

    endings: of its name, in lower case. words: what it is for, as the help says it. write: from a model, options, and
    pixels for each of the SVG. looks: whether it has styles, layouts, titles and highlights. pixels: whether it is made
    of them. read: whether people read it as text, so that a terminal may show it.
    """

    endings: tuple[str, ...]
    words: str
    write: Callable[[ShapedModel, Options, float], bytes]
    looks: bool = True
    pixels: bool = False
    read: bool = True


def _svg(model: ShapedModel, options: Options, scale: float) -> bytes:
    return draw(model, "svg", options).encode()


def _png(model: ShapedModel, options: Options, scale: float) -> bytes:
    from specc.emit.draw.png import to_png

    return to_png(figure(model, options).sheet, shade_of(options.theme), scale)


def _pdf(model: ShapedModel, options: Options, scale: float) -> bytes:
    from specc.emit.draw.pdf import to_pdf

    sheet, words = figure(model, options)
    return to_pdf(sheet, shade_of(options.theme), words)


def _tikz(model: ShapedModel, options: Options, scale: float) -> bytes:
    from specc.emit.draw.tikz import to_tikz

    sheet, words = figure(model, options)
    return to_tikz(sheet, shade_of(options.theme), words).encode()


def _mermaid(model: ShapedModel, options: Options, scale: float) -> bytes:
    return draw(model, "mermaid", options).encode()


def _dot(model: ShapedModel, options: Options, scale: float) -> bytes:
    return draw(model, "dot", options).encode()


FORMATS: dict[str, Format] = {
    "svg": Format((".svg",), "for web pages, Word and slides", _svg, read=False),
    "png": Format((".png",), "pixels", _png, pixels=True, read=False),
    "pdf": Format((".pdf",), "for LaTeX; needs the extra `draw`", _pdf, read=False),
    "tikz": Format((".tex", ".tikz"), "for LaTeX, in the paper's own letters", _tikz),
    "mermaid": Format((".mmd", ".mermaid"), "for Markdown pages", _mermaid, looks=False),
    "dot": Format((".dot", ".gv"), "for Graphviz", _dot, looks=False),
}


def format_of(path: str, formats: Mapping[str, Format] = FORMATS) -> str | None:
    """The format that a file's ending means, None where it means none.

    >>> format_of("figures/net.SVG"), format_of("net.jpg")
    ('svg', None)
    """
    ending = PurePath(path).suffix.lower()
    return next((name for name, one in formats.items() if ending in one.endings), None)
