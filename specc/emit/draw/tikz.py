"""Marks in, TikZ out: a `tikzpicture` for a paper, whose letters are the paper's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from string import ascii_uppercase

from specc.emit.draw.marks import Disc, LineMark, Mark, Point, Polygon, Rect, Sheet, TextMark, plain, styles_of
from specc.emit.draw.svg import Words
from specc.emit.draw.theme import Shade, opaque, paint
from specc.emit.latex import in_latex

POINTS = 0.75  # of the paper for each pixel of the sheet
_ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}


def to_tikz(sheet: Sheet, shade: Shade, words: Words) -> str:
    r"""The text of a file that a document takes in by `\input`; it says `\usepackage{tikz}` for it."""
    marks = tuple(plain(sheet.marks))
    used = sorted(styles_of(marks))
    names = {style: _letters(number) for number, style in enumerate(used)}
    paper = Rect(0, 0, sheet.width, sheet.height, "paper")
    lines = [
        f"% {_comment(words.title)}. {_comment(words.description)}",
        r"% In the preamble \usepackage{tikz}, and \usepackage{lmodern} for letters of every size.",
        rf"\begin{{tikzpicture}}[x={POINTS}bp, y=-{POINTS}bp, line join=round]",
        *(line for style in used for line in _definitions(style, names[style], shade)),
        *(line for mark in (paper, *marks) for line in _written(mark, names)),
        r"\end{tikzpicture}",
    ]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _letters(number: int) -> str:
    """A name in letters alone, which is all that every LaTeX takes in the name of a colour.

    >>> _letters(0), _letters(27)
    ('speccA', 'speccBB')
    """
    return "specc" + ascii_uppercase[number % 26] * (1 + number // 26)


def _definitions(style: str, name: str, shade: Shade) -> Iterator[str]:
    look = paint(style, shade)
    fill, opacity = opaque(look.fill)
    options = []
    if fill != "none":
        yield rf"\definecolor{{{name}}}{{HTML}}{{{fill[1:].upper()}}}"
        options += [f"fill={name}", *([f"fill opacity={opacity:.2f}"] if opacity < 1 else [])]
    if look.stroke != "none":
        yield rf"\definecolor{{{name}line}}{{HTML}}{{{look.stroke[1:].upper()}}}"
        options += [f"draw={name}line", f"line width={look.width * POINTS:.2f}bp"]
    if look.dash:
        on, off = (float(part) * POINTS for part in look.dash.split())
        options.append(f"dash pattern=on {on:g}bp off {off:g}bp")
    yield rf"\tikzset{{{name}/.style={{{', '.join(options)}}}}}% {style}"


def _written(mark: Mark, names: dict[str, str]) -> Iterator[str]:
    match mark:
        case Rect():
            left, top, right, bottom = mark.bounds
            rounded = f", rounded corners={mark.radius * POINTS:.2f}bp" if mark.radius else ""
            yield rf"\path[{names[mark.style]}{rounded}] {_pair((left, top))} rectangle {_pair((right, bottom))};"
        case Disc():
            yield rf"\path[{names[mark.style]}] {_pair((mark.x, mark.y))} circle[radius={mark.radius * POINTS:.2f}bp];"
        case Polygon():
            yield rf"\path[{names[mark.style]}] {_path(mark.points)} -- cycle;"
        case LineMark():
            points, head = mark.parted()
            yield rf"\path[{names[mark.style]}] {_path(points)};"
            if head:
                yield from _written(head, names)
        case TextMark():
            yield _text(mark, names)


def _text(mark: TextMark, names: dict[str, str]) -> str:
    size = mark.size * POINTS
    bold = r"\bfseries" if mark.bold else ""
    font = rf"\fontsize{{{size:.2f}bp}}{{{1.2 * size:.2f}bp}}\selectfont\sffamily{bold}"
    options = f"anchor={_ANCHORS[mark.anchor]}, inner sep=0pt, outer sep=0pt, text={names[mark.style]}, font={{{font}}}"
    return rf"\node[{options}] at {_pair((mark.x, mark.y))} {{{in_latex(mark.text)}}};"


def _path(points: Iterable[Point]) -> str:
    return " -- ".join(map(_pair, points))


def _pair(point: Point) -> str:
    return f"({point[0]:.1f},{point[1]:.1f})"
