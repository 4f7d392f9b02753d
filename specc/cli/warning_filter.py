"""`-W`: which warnings count, in the manner of `python -W`; of several options that fit, the last one wins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import click

from specc.diagnostics.diagnostic import Diagnostic

ACTIONS = ("default", "error", "ignore")


class WarningRule(NamedTuple):
    """What to do with warnings of these codes; with all warnings where there are none."""

    action: str
    codes: frozenset[str]


def read_rules(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[WarningRule, ...]:
    """`error`, `ignore:W505`, `error:W501,W502`. Raises: click.BadParameter."""
    return tuple(map(_rule, values))


def _rule(text: str) -> WarningRule:
    action, colon, listed = text.partition(":")
    if action not in ACTIONS:
        raise click.BadParameter(f"'{action}' is not one of {', '.join(ACTIONS)}")
    codes = frozenset(code.strip().upper() for code in listed.split(","))
    if colon:
        _require_warnings(codes)
    return WarningRule(action, codes if colon else frozenset())


def _require_warnings(codes: Iterable[str]) -> None:
    from specc.diagnostics.codes import CODES, severity_of

    for code in codes:
        if code not in CODES:
            raise click.BadParameter(f"there is no code '{code}'; `specc explain` lists them all")
        if severity_of(code) != "warning":
            raise click.BadParameter(f"{code} is an error, and only warnings (W…) can be chosen")


def action_for(diagnostic: Diagnostic, rules: Sequence[WarningRule]) -> str:
    """`default`, `error` or `ignore`; an error is always an error."""
    if diagnostic.is_error:
        return "error"
    fitting = [rule.action for rule in rules if not rule.codes or diagnostic.code in rule.codes]
    return fitting[-1] if fitting else "default"
