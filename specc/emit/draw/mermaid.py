"""A graph in Mermaid's words, for Markdown pages that draw it themselves.

Source: the syntax of flowcharts, mermaid.js.org.
"""

from __future__ import annotations

from collections.abc import Iterator

from specc.emit.draw.graph import Cluster, DrawnNode, Graph, Part
from specc.emit.draw.theme import Theme, paint, shade_of, style_of

_SHAPES = {"end": ('(["', '"])'), "join": ('(("', '"))')}


def to_mermaid(graph: Graph, theme: Theme) -> str:
    """The text of a flowchart. Colours are those of the light theme, unless the dark one is asked for."""
    lines = ["flowchart TD", *_parts(graph.parts, "  ")]
    lines += [f'  {edge.start} -->|"{_escaped(edge.label)}"| {edge.end}' for edge in graph.edges]
    used = sorted({style_of(node.style) for node in _nodes(graph.parts)})
    lines += [f"  classDef {name} {_colours(name, theme)}" for name in used]
    return "\n".join(lines) + "\n"


def _parts(parts: tuple[Part, ...], indent: str) -> Iterator[str]:
    for part in parts:
        if isinstance(part, DrawnNode):
            yield indent + _node(part)
        else:
            yield f'{indent}subgraph {part.name}["{_escaped(part.title) or " "}"]'
            yield from _parts(part.parts, indent + "  ")
            yield f"{indent}end"


def _node(node: DrawnNode) -> str:
    opening, closing = _SHAPES.get(node.style, ('["', '"]'))
    text = "<br/>".join(map(_escaped, node.lines))
    return f"{node.name}{opening}{text}{closing}:::{style_of(node.style)}"


def _nodes(parts: tuple[Part, ...]) -> Iterator[DrawnNode]:
    for part in parts:
        if isinstance(part, Cluster):
            yield from _nodes(part.parts)
        else:
            yield part


def _colours(name: str, theme: Theme) -> str:
    shade = shade_of(theme)
    colours = paint(name, shade)
    return f"fill:{colours.fill},stroke:{colours.stroke},color:{paint('text', shade).fill}"


def _escaped(text: str) -> str:
    """Mermaid writes a character by its number, `#35;`: those that end a text, begin a tag, or mean Markdown."""
    return "".join(char if char.isalnum() or char in " ×·,.()-+/…" else f"#{ord(char)};" for char in text)
