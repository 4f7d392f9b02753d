"""Holes: what a lesson leaves for somebody to fill in, `conv _ k_ -> _ -> maxpool 2 x_`.

In:         words and values of the syntax tree, and the scope in which they are written.
Out:        a finding for each hole, which says what is asked there.
Guarantees: a name goes first: where `_` or `k_` is defined, it is no hole.
Leaves:     `split 16 _ 32`, where `_` is what the other parts leave, to `ir.names.forms`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from specc.diagnostics.diagnostic import Diagnostic
from specc.layers.fields import accepts, role
from specc.layers.registry import find_layer
from specc.source import Span
from specc.syntax import tree

HOLE = "_"
OPEN_HOLE = "E760"
HOLE_OF_KEY = r"([A-Za-z][A-Za-z_]*?)((?:[0-9]+x)*_(?:x(?:[0-9]+|_))*)"  # `k_`, `k3x_`


def is_hole(value: tree.Value | None) -> bool:
    """Whether a value is a hole, where nothing has that name."""
    return isinstance(value, tree.Word) and value.text == HOLE


def key_of(word: str) -> str | None:
    """The key of a shorthand whose size is asked; None for any other word.

    >>> key_of("k_"), key_of("k3x_"), key_of("k3"), key_of("_")
    ('k', 'k', None, None)
    """
    parts = re.fullmatch(HOLE_OF_KEY, word)
    return parts[1] if parts else None


def holes_in(value: tree.Value) -> Iterator[tree.Word]:
    """The holes in a calculation or a list; those of a call are the call's."""
    match value:
        case tree.Word(text, _):
            if text == HOLE:
                yield value
        case tree.Negation():
            yield from holes_in(value.operand)
        case tree.Operation():
            yield from holes_in(value.left)
            yield from holes_in(value.right)
        case tree.ListLiteral(items, _, _):
            for item in items:
                yield from holes_in(item)


def open_argument(word: str, field: str, span: Span) -> Diagnostic:
    """The hole in an argument of a step. Args: word, the step's; field, the argument's."""
    layer = find_layer(word)
    label, help = "", f"`{word}` is a block of this spec: its lines say what `{field}` does"
    if layer is not None:
        info = layer.model_fields[field]
        label, help = (
            f"{field}: {role(info).doc}",
            f"it takes {_kind(accepts(info).text)}; `specc layers {word}` says more",
        )
    return _open(f"`{field}` of `{word}` is asked here", span, help, label)


def _kind(takes: str) -> str:
    """What a field takes, without the examples, which have numbers.

    >>> _kind("a whole number, 0 or more, a size such as 1x2, `same` or `valid`")
    'a whole number, 0 or more, a size, `same` or `valid`'
    """
    return re.sub(r" such as (\[.*?]|[^ ,]+)", "", takes)


def open_value(span: Span) -> Diagnostic:
    """The hole in a calculation, or in a statement."""
    return _open("a value is asked here", span, "write a value in the place of `_`")


def open_repeat(span: Span) -> Diagnostic:
    """The hole `x_`."""
    return _open("it is asked how often this step is repeated", span, "write a whole number in the place of `_`")


def open_step(span: Span, *, branches: bool = False) -> Diagnostic:
    """The hole in the place of a step. Args: branches, whether these stand behind it."""
    what = "a form, which joins these branches," if branches else "a step"
    lists = "`specc explain E216` lists the forms" if branches else "`specc layers` lists every layer"
    return _open(f"{what} is asked here", span, f"write it in the place of `_`; {lists}")


def open_label(span: Span) -> Diagnostic:
    """The hole in `from _` and `like=_`."""
    return _open("the label of a step is asked here", span, "write a label that stands above, in the place of `_`")


def _open(what: str, span: Span, help: str, label: str = "") -> Diagnostic:
    return Diagnostic(OPEN_HOLE, f"a hole is open: {what}", None, span, label, help=help)
