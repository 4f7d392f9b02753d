"""What can be turned at a layer: the arguments that say how it slides, and the edit that gives one another value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from lsprotocol import types
from pydantic import BaseModel, Field

from specc.fixes.arguments import drop_field, fields, set_field, value_of
from specc.fixes.outline import Site, SpecOutline
from specc.ir.names.signature import SHORT_KEYS
from specc.ir.shaped import ShapedChain, ShapedLayer, SomeShaped
from specc.layers.fields import LARGEST, accepts, role
from specc.lsp.documents import Snapshot
from specc.source import Span
from specc.syntax import tree

TURNED = ("out", "kernel", "stride", "padding", "dilation", "groups")
MOST_GROUPS = 4096
_LONG = {short: long for long, short in SHORT_KEYS.items()}


class SetAsked(BaseModel):
    """A field of the step at a place is to have a value. line, character: as the protocol counts them."""

    uri: str
    line: int = Field(ge=0)
    character: int = Field(ge=0)
    field: str = Field(max_length=200)
    value: int = Field(ge=0, le=LARGEST)


class _Written(NamedTuple):
    """The step at which a field is to be set, and what it is called there; reason: why it cannot be."""

    site: Site | None
    field: str
    reason: str = ""


def turned(snapshot: Snapshot, nodes: Sequence[SomeShaped]) -> list[dict[str, Any]]:
    """The arguments of a layer that have a number. Args: nodes, those that lead to it, itself last."""
    node = nodes[-1]
    if not isinstance(node, ShapedLayer):
        return []
    outline = SpecOutline(snapshot.checked.analysis)
    known = type(node.layer).model_fields
    return [_argument(snapshot, outline, nodes, node, name) for name in TURNED if name in known]


def _argument(
    snapshot: Snapshot, outline: SpecOutline, nodes: Sequence[SomeShaped], node: ShapedLayer, name: str
) -> dict[str, Any]:
    info = type(node.layer).model_fields[name]
    written = _written(outline, nodes, name)
    value = _value(node, name)
    least = accepts(info).least or 0
    choices = _divisors(node) if name == "groups" else []
    found = {
        "field": name, "short": role(info).short, "doc": role(info).doc, "value": value, "least": least,
        "most": max(_most(node, name), *value), "choices": choices, "reason": written.reason, "at": None,
    }  # fmt: skip
    if written.site is not None and written.site.step.word is not None:
        at = snapshot.positions.position(written.site.step.word.span.start)
        found.update(at=[at.line, at.character], field=written.field, name=name)
    return {"name": name, **found}


def _value(node: ShapedLayer, name: str) -> list[int]:
    """A number for all dimensions, or one for each."""
    value: Any = getattr(node.layer, name)
    if value is None:  # a pool's stride is its kernel
        value = _value(node, "kernel")
    elif isinstance(value, str):
        value = [window.padding for window in node.layer.windows(node.input)]
    numbers = [value] if isinstance(value, int) else [int(number) for number in value]
    return numbers[:1] if len(set(numbers)) == 1 else numbers


def _most(node: ShapedLayer, name: str) -> int:
    """The end of a slider; a text may say more."""
    shortest = min(node.input[1:], default=1)
    if name == "out":
        return max(16, 2 * _value(node, name)[0])
    return {"kernel": min(11, shortest + 2), "stride": min(8, shortest), "padding": 6, "dilation": 6}.get(name, 1)


def _divisors(node: ShapedLayer) -> list[int]:
    """The numbers of groups into which channels can be cut."""
    counts = (node.input[0], node.output[0])
    return [number for number in range(1, min(*counts, MOST_GROUPS) + 1) if not any(count % number for count in counts)]


def _written(outline: SpecOutline, nodes: Sequence[SomeShaped], name: str) -> _Written:
    """Where a field is to be set: at the layer, or where the block is called that hands its value on."""
    site = outline.at(nodes[-1].span)
    if site is None or site.step.word is None or site.step.span != nodes[-1].span:
        return _Written(None, name, "it is inferred")
    if isinstance(nodes[-1], ShapedLayer) and site.layer is not type(nodes[-1].layer):
        return _Written(None, name, f"`{site.word}` is handed over by the block's call")
    argument = fields(outline, site).get(name)
    if argument is None or argument.value is None or value_of(outline, site, name) is not None:
        return _Written(site, name)
    outer = next((at for at in range(len(nodes) - 2, -1, -1) if _calls(outline, nodes[at])), None)
    if outer is None or not isinstance(argument.value, tree.Word):
        return _Written(None, name, f"it is worked out: `{outline.source.slice(argument.span)}`")
    parameter = argument.value.text
    return _written(outline, nodes[: outer + 1], _LONG.get(parameter, parameter))


def _calls(outline: SpecOutline, node: SomeShaped) -> bool:
    return isinstance(node, ShapedChain) and node.word in outline.blocks


def set_value(snapshot: Snapshot, asked: SetAsked) -> list[types.TextEdit]:
    """The edit after which the text says so; none where no step stands there."""
    outline = SpecOutline(snapshot.checked.analysis)
    offset = snapshot.positions.offset(types.Position(asked.line, asked.character))
    site = outline.at(Span(offset, offset))
    if site is None or site.step.word is None:
        return []
    edit = _dropped(outline, site, asked) or set_field(outline, site, asked.field, asked.value)
    return [types.TextEdit(snapshot.range(edit.span), edit.text)]


def _dropped(outline: SpecOutline, site: Site, asked: SetAsked) -> Any:
    """What leaves an argument out that would say what goes without saying."""
    info = site.layer.model_fields.get(asked.field) if site.layer else None
    argument = fields(outline, site).get(asked.field)
    if info is None or info.default != asked.value or argument is None or not isinstance(argument.value, tree.Number):
        return None
    text = outline.source.slice(argument.span)
    return drop_field(outline, site, asked.field) if not text[0].isdigit() else None
