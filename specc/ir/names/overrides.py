"""Values for a spec's `param`s from outside: `--set width=32`, `specc.compile(path, width=32)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import nearest
from specc.ir.names.scope import NotYet, PlainValue, Scope
from specc.ir.names.values import checked, evaluate
from specc.source import Source, Span
from specc.syntax import tree
from specc.syntax.parse import parse

_LONGEST = 60  # characters of a value that a message repeats


class UnknownParameter(ValueError):
    """A setting that names no `param` of the spec, or a value that cannot be read: the caller's mistake."""


Override: TypeAlias = Callable[[Scope], PlainValue]
"""A setting's value where its `param` stands, whose blocks it may name. Raises: UnknownParameter."""

Overrides: TypeAlias = Mapping[str, Override]


def read_overrides(settings: Mapping[str, Any], spec: tree.Tree) -> Overrides:
    """The settings by name. Raises: UnknownParameter."""
    known = [item.name.text for item in spec.items if isinstance(item, tree.Param)]
    for name in settings:
        if name not in known:
            guess = nearest(name, known)
            hint = f"; did you mean `{guess}`?" if guess else _listed(known)
            raise UnknownParameter(f"the spec has no param `{name}`{hint}")
    return {name: _override(name, value) for name, value in settings.items()}


def _override(name: str, value: Any) -> Override:
    if isinstance(value, str):
        return _read_text(name, value)
    found = _read(name, value)
    return lambda scope: found


def _listed(known: list[str]) -> str:
    return "; it has " + ", ".join(f"`{name}`" for name in known) if known else "; it defines none"


def _read(name: str, value: Any) -> PlainValue:
    if isinstance(value, list | tuple):
        return tuple(_read(name, item) for item in value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Fraction):
        return _number(name, value)
    return _read_text(name, str(value))(Scope({}))


def _read_text(name: str, text: str) -> Override:
    """What a text says. Raises: UnknownParameter for one that is no value, as far as it names nothing of the spec."""
    told = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    parsed = parse(Source(name, f"param value = {text}"))
    item = parsed.tree.items[0] if parsed.tree.items else None
    if parsed.diagnostics or len(parsed.tree.items) != 1 or not isinstance(item, tree.Param):
        raise UnknownParameter(f"`{told}` is not a value for `{name}`; write a number, a size such as 3x3 or a word")
    written = item.value

    def value_in(scope: Scope) -> PlainValue:
        try:
            return evaluate(written, Scope({}, scope.blocks))
        except (Problem, NotYet) as error:
            raise UnknownParameter(f"`{told}` is not a value for `{name}`: {error}") from error

    if not isinstance(written, tree.Call):
        found = value_in(Scope({}))
        return lambda scope: found
    return value_in


def _number(name: str, value: float | Fraction) -> PlainValue:
    """A number from Python, exactly as Python shows it: 0.1 is a tenth."""
    try:
        return checked(Fraction(repr(float(value))) if isinstance(value, float) else value, Span(0, 0))
    except Problem as error:
        raise UnknownParameter(f"the value for `{name}` cannot be used: {error}") from error
    except ValueError:
        raise UnknownParameter(f"the value for `{name}` is {value}, but a spec holds only finite numbers") from None
