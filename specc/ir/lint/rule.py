"""What a lint is: a code, a title, an explanation and a rule that looks for places, all in one function's decorator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from specc.diagnostics.codes import add
from specc.diagnostics.codes.code import Code
from specc.diagnostics.diagnostic import Label
from specc.ir.lint.network import Network
from specc.source import Span


class Finding(NamedTuple):
    """A doubtful place: where, what, and what to do about it; `specc.ir.lint` makes it a diagnostic."""

    span: Span
    message: str
    help: str | None = None
    label: str = ""
    others: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()


Rule: TypeAlias = Callable[[Network], Iterator[Finding]]

RULES: dict[str, Rule] = {}


def lint(code: str, title: str, explanation: str) -> Callable[[Rule], Rule]:
    """Adds a rule under its code. The explanation is Markdown, with a `Wrong:` and a `Right:` spec that are tested."""

    def register(rule: Rule) -> Rule:
        add([Code(code, title, explanation)])
        RULES[code] = rule
        return rule

    return register
