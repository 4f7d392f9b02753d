"""Values for a spec's `param`s from outside: `--set width=32`, `specc.compile(path, width=32)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specc.diagnostics.spelling import nearest
from specc.ir.values import NotYet, PlainValue, Scope, ValueProblem, evaluate
from specc.source import Source
from specc.syntax import tree
from specc.syntax.parse import parse


class UnknownParameter(ValueError):
    """A setting that names no `param` of the spec, or a value that cannot be read: the caller's mistake."""


def read_overrides(settings: Mapping[str, Any], spec: tree.Tree) -> dict[str, PlainValue]:
    """The values of the settings, by name. Raises: UnknownParameter."""
    known = [item.name.text for item in spec.items if isinstance(item, tree.Param)]
    for name in settings:
        if name not in known:
            guess = nearest(name, known)
            hint = f"; did you mean `{guess}`?" if guess else _listed(known)
            raise UnknownParameter(f"the spec has no param `{name}`{hint}")
    return {name: _read(name, value) for name, value in settings.items()}


def _listed(known: list[str]) -> str:
    return "; it has " + ", ".join(f"`{name}`" for name in known) if known else "; it has none"


def _read(name: str, value: Any) -> PlainValue:
    if isinstance(value, list | tuple):
        return tuple(_read(name, item) for item in value)
    if isinstance(value, bool | int | float):
        return value
    parsed = parse(Source(name, f"param value = {value}"))
    item = parsed.tree.items[0] if parsed.tree.items else None
    if parsed.diagnostics or len(parsed.tree.items) != 1 or not isinstance(item, tree.Param):
        raise UnknownParameter(f"`{value}` is not a value for `{name}`; write a number, a size such as 3x3 or a word")
    try:
        return evaluate(item.value, Scope({}))
    except (ValueProblem, NotYet) as error:
        raise UnknownParameter(f"`{value}` is not a value for `{name}`: {error}") from error
