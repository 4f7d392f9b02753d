"""A graph in DOT, the language of Graphviz.

Source: graphviz.org, "DOT Language".
"""

from __future__ import annotations

from collections.abc import Iterator

from specc.emit.draw.graph import DrawnNode, Graph, Part
from specc.emit.draw.theme import Shade, Theme, paint, shade_of, style_of

_SHAPES = {"end": "box", "join": "ellipse"}


def to_dot(graph: Graph, theme: Theme) -> str:
    """The text of a digraph. Colours are those of the light theme, unless the dark one is asked for."""
    shade = shade_of(theme)
    text, line = paint("text", shade).fill, paint("line", shade).stroke
    lines = [
        "digraph network {",
        f'  graph [rankdir=TB, bgcolor="{paint("paper", shade).fill}", fontname="Helvetica", fontcolor="{text}"]',
        f'  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11, fontcolor="{text}"]',
        f'  edge [fontname="Helvetica", fontsize=9, color="{line}", fontcolor="{text}"]',
        *_parts(graph.parts, "  ", shade),
        *(f"  {edge.start} -> {edge.end} [label={_quoted(edge.label)}]" for edge in graph.edges),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _parts(parts: tuple[Part, ...], indent: str, shade: Shade) -> Iterator[str]:
    line = paint("frame", shade).stroke
    for part in parts:
        if isinstance(part, DrawnNode):
            colours = paint(style_of(part.style), shade)
            shape = f", shape={_SHAPES[part.style]}" if part.style in _SHAPES else ""
            label = _quoted("\n".join(part.lines))
            yield f'{indent}{part.name} [label={label}, fillcolor="{colours.fill}", color="{colours.stroke}"{shape}]'
        else:
            yield f"{indent}subgraph cluster_{part.name} {{"
            yield f'{indent}  label={_quoted(part.title)}; labeljust=l; style=rounded; color="{line}"'
            yield from _parts(part.parts, indent + "  ", shade)
            yield f"{indent}}}"


def _quoted(text: str) -> str:
    """A string: in it a backslash and a quote are marked, and a new line is `\\n`."""
    marked = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{marked}"'
