"""A step's arguments by field, and the edits that set, add or leave out one."""

from __future__ import annotations

from typing import Any

from specc.fixes.edit import Edit
from specc.fixes.outline import Site, SpecOutline
from specc.ir.model import Argument
from specc.ir.names.bind import bind, take_repeat
from specc.ir.names.scope import shown
from specc.ir.names.signature import SHORT_KEYS, SHORTHAND, block_signature, layer_signature
from specc.layers.fields import role
from specc.source import Span
from specc.syntax import tree
from specc.syntax.tokens import COMMENT, NEWLINE

_SIZES = ("out", "kernel", "stride", "padding")
_LONG = {short: long for long, short in SHORT_KEYS.items()}


def fields(outline: SpecOutline, site: Site) -> dict[str, Argument]:
    """What is written for each field of a layer, each parameter of a block; empty for a step that is neither.

    A block's parameter `p` counts as the field `padding`, and so on.
    """
    block = outline.called(site)
    if site.layer is None and block is None:
        return {}
    signature = block_signature(block) if block is not None else layer_signature(site.layer)
    scope = outline.scope(site)
    rest, _, _ = take_repeat(site.step.arguments, scope)
    bound = bind(rest, signature, scope, site.step.head)
    return {long_key(argument.name) if block else argument.name: argument for argument in bound.arguments}


def long_key(name: str) -> str:
    """The field as which a block's parameter counts."""
    return _LONG.get(name, name)


def value_of(outline: SpecOutline, site: Site, name: str) -> Any:
    """A field's value: what is written, else the default; None where it is known only when a block is called."""
    argument = fields(outline, site).get(name)
    if argument is None:
        return _default_of(outline, site, name)
    return argument.constant if argument.value is None else outline.value(argument.value, site)


def _default_of(outline: SpecOutline, site: Site, name: str) -> Any:
    block = outline.called(site)
    if block is not None:
        own = next((parameter for parameter in block.parameters if long_key(parameter.name) == name), None)
        return outline.value(own.default, site) if own is not None and own.default is not None else None
    info = site.layer.model_fields.get(name) if site.layer else None
    return None if info is None or info.is_required() else info.default


def has_field(site: Site, name: str) -> bool:
    """Whether a step is a layer with that field."""
    return site.layer is not None and name in site.layer.model_fields


def set_field(outline: SpecOutline, site: Site, name: str, value: Any) -> Edit:
    """Gives a field of a step a value; one that a `param` holds is changed where the `param` is defined."""
    argument = fields(outline, site).get(name)
    if argument is None:
        return Edit(_end_of_arguments(outline, site), f" {_keyed(site, name, value)}")
    held = _held_by_param(outline, site, argument)
    if held is not None:
        return Edit(held.value.span, shown(value))
    return Edit(argument.span, _rewritten(outline.source.slice(argument.span), argument, site, value))


def drop_field(outline: SpecOutline, site: Site, name: str) -> Edit | None:
    """Leaves an argument out."""
    argument = fields(outline, site).get(name)
    return without(outline, argument.span) if argument is not None else None


def without(outline: SpecOutline, span: Span) -> Edit:
    """Leaves a piece of a line out, with the spaces before it."""
    before = outline.tokens.before(span.start)
    return Edit(Span(before.span.end if before is not None else 0, span.end), "")


def without_line(outline: SpecOutline, span: Span) -> Edit:
    """Leaves out a statement, with its line where nothing else stands there."""
    before, after = outline.tokens.before(span.start), outline.tokens.after(span.end, COMMENT)
    if not all(sign is None or (sign.type == NEWLINE and sign.text != ";") for sign in (before, after)):
        return Edit(span, "")
    start = before.span.end if before is not None else 0
    return Edit(Span(start, after.span.end if after is not None else len(outline.source.text)), "")


def repeat_of(outline: SpecOutline, site: Site) -> tree.Value | None:
    """How often a step is built, as it is written: `x3`, `x=n`."""
    return take_repeat(site.step.arguments, outline.scope(site))[1]


def behind_arguments(outline: SpecOutline, site: Site) -> int:
    """Where a step's arguments end, but for its repeat."""
    assert site.step.word is not None  # noqa: S101 - asked for steps with a word
    rest, _, _ = take_repeat(site.step.arguments, outline.scope(site))
    return rest[-1].span.end if rest else site.step.word.span.end


def _end_of_arguments(outline: SpecOutline, site: Site) -> Span:
    """Behind the last of the numbers that say what the layer is, or behind the word: before flags and the repeat."""
    assert site.step.word is not None  # noqa: S101 - a layer has a word
    written = fields(outline, site)
    end = max((written[name].span.end for name in _SIZES if name in written), default=site.step.word.span.end)
    bare = [item for item in site.step.arguments if isinstance(item, tree.Positional) and _is_bare(outline, item)]
    end = max([end, *(item.span.end for item in bare)])
    return Span(end, end)


def _is_bare(outline: SpecOutline, item: tree.Positional) -> bool:
    """Whether an argument fills a field by its place: nothing may be put before it."""
    return isinstance(item.value, tree.Number) and outline.source.text[item.span.start].isdigit()


def _held_by_param(outline: SpecOutline, site: Site, argument: Argument) -> tree.Param | None:
    value = argument.value
    if not isinstance(value, tree.Word) or value.text in outline.scope(site).open:
        return None
    return outline.params.get(value.text)


def _rewritten(text: str, argument: Argument, site: Site, value: Any) -> str:
    """An argument with another value, written in the manner of the old one."""
    if isinstance(value, bool):
        return argument.name if value else f"no{argument.name}"
    if "=" in text and argument.value is not None and not text.startswith("("):
        return f"{text.partition('=')[0]}={shown(value)}"
    shorthand = SHORTHAND.fullmatch(text)
    if shorthand and argument.value is not None and not isinstance(argument.value, tree.Word):
        return f"{shorthand[1]}{shown(value)}" if _is_size(value) else f"{shorthand[1]}={shown(value)}"
    if argument.value is None:  # a flag or an option word such as `same`
        return _keyed(site, argument.name, value)
    return shown(value)


def _keyed(site: Site, name: str, value: Any) -> str:
    # A field that the layer does not have makes an edit that the checker refuses: the search passes it over.
    info = site.layer.model_fields.get(name) if site.layer else None
    short = role(info).short if info else SHORT_KEYS.get(name, "")
    return f"{short}{shown(value)}" if short and _is_size(value) else f"{name}={shown(value)}"


def _is_size(value: Any) -> bool:
    sizes = value if isinstance(value, tuple) else (value,)
    return all(isinstance(size, int) and not isinstance(size, bool) and size >= 0 for size in sizes)
