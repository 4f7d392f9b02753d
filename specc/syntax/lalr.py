"""Tokens in, a node of the tree out: the LALR(1) parser, which follows the tables that Lark made of the grammar."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, TypeAlias

from specc.syntax.grow import GrowTree
from specc.syntax.lexer import Token
from specc.syntax.tables import LAST, RULES, STATES

Reduce: TypeAlias = Callable[[list[Any]], Any]


class Unexpected(Exception):
    """A token that cannot stand where it stands."""


class Parser:
    """Where one parse stands: the states that it came through, and what it has read in each but the first."""

    def __init__(self) -> None:
        self.states = [0]
        self.values: list[Any] = []

    def feed(self, token: Token) -> Any:
        """Reads one more token. Returns: at the end the whole text's node. Raises: Unexpected."""
        states, values, kind = self.states, self.values, token.type
        while True:
            action = STATES[states[-1]].get(kind)
            if action is None:
                raise Unexpected
            if action >= 0:
                states.append(action)
                values.append(token)
                return None
            symbol, size, reduce = _REDUCTIONS[~action]
            if size == 1:
                values[-1] = reduce(values[-1:])
                state = states[-1] = STATES[states[-2]][symbol]
            else:
                value = reduce(values[-size:] if size else [])
                if size:
                    del states[-size:], values[-size:]
                state = STATES[states[-1]][symbol]
                states.append(state)
                values.append(value)
            if state == LAST:
                return values[-1]

    def accepts(self) -> set[str]:
        """The kinds of token that it could go on with."""
        return {kind for kind in STATES[self.states[-1]] if kind.isupper() and self._would_take(kind)}

    def _would_take(self, kind: str) -> bool:
        states = self.states.copy()
        while states[-1] != LAST:
            action = STATES[states[-1]].get(kind)
            if action is None or action >= 0:
                return action is not None
            symbol, size, _ = _REDUCTIONS[~action]
            del states[len(states) - size :]
            states.append(STATES[states[-1]][symbol])
        return True

    def back_to(self, kinds: tuple[str, ...]) -> list[Any]:
        """Goes back to where one of these symbols could begin, and believes that it was there.

        Returns: what is forgotten. This is yacc's `error` token done by hand.
        """
        closed, read = 0, list[Any]()  # closed: bodies that end behind the state looked at, which began before them
        while (symbol := next((name for name in kinds if name in STATES[self.states[-1]]), None)) is None or closed > 0:
            self.states.pop()
            read.append(self.values.pop())
            kind = getattr(read[-1], "type", "")
            closed = max(closed + (kind == "RBRACE") - (kind == "LBRACE"), 0)
        self.states.append(STATES[self.states[-1]][symbol])
        self.values.append(None)
        return read[::-1]


def _reduction(name: str, taken: tuple[int | None, ...] | None) -> Reduce:
    """What becomes of a rule's parts, as `precompile.Tables` tells."""
    if name == "pass":
        return itemgetter(0)
    if not name:
        return _gathering(taken or ())
    grow: Callable[..., Any] = getattr(_GROW, name)
    if taken is None:
        return lambda parts: grow(*parts)
    gather = _gathering(taken)
    return lambda parts: grow(*gather(parts))


def _gathering(taken: tuple[int | None, ...]) -> Reduce:
    """What takes some of a rule's parts; a list that comes first grows, since only this one rule has it."""
    grows = taken[0] == -1
    others = taken[grows:]

    def gather(parts: list[Any]) -> list[Any]:
        found: list[Any] = parts[0] if grows else []
        for place in others:
            if place is None:
                found.append(None)
            elif place >= 0:
                found.append(parts[place])
            else:
                found += parts[~place]
        return found

    return gather


_GROW = GrowTree()
_REDUCTIONS = [(symbol, size, _reduction(name, taken)) for symbol, size, name, taken in RULES]
