"""Python among a spec's tokens: calls where steps should be, and what stands around them.

In:      the tokens of a text that is pasted from elsewhere, or in part.
Out:     each `ForeignCall` that stands where a step may, with its arguments parted; the pieces that only hold calls
         together.
Leaves:  what a word of another framework means to `fixes.translate`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from specc.source import Span
from specc.syntax.lexer import Token
from specc.syntax.tokens import COMMENT, NEWLINE, Tokens

_CLOSING = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
_BEGIN = (NEWLINE, "ARROW", "LBRACE", "BAR", "COMMA")  # what a step may stand behind
_END = ("", NEWLINE, "ARROW", "RBRACE", "BAR", "RPAR", "RSQB")  # and before
_OPERATORS = ("PLUS", "MINUS", "STAR", "SLASH", "FLOOR", "POWER")


class Written(NamedTuple):
    """A layer with its arguments as they were written, parted: values without a key, and keys with values."""

    word: str
    positional: tuple[str, ...]
    keyed: tuple[tuple[str, str], ...]


class ForeignCall(NamedTuple):
    """A call in the place of a step.

    span: with the name that it is assigned to and a comma behind it. goes_on: whether another one follows on its line.
    """

    written: Written
    span: Span
    goes_on: bool


class Foreign:
    """A text's tokens, looked at as Python: without comments, a string in single quotes as one of them."""

    def __init__(self, tokens: Tokens) -> None:
        self.text = tokens.text
        self.signs = list(_quoted([token for token in tokens.all if token.type != COMMENT], tokens.text))

    @cached_property
    def partners(self) -> dict[int, int]:
        """Where each bracket is closed, among the signs."""
        found: dict[int, int] = {}
        waiting: list[int] = []
        for at, sign in enumerate(self.signs):
            if sign.type in _CLOSING:
                waiting.append(at)
            elif waiting and sign.type == _CLOSING[self.signs[waiting[-1]].type]:
                found[waiting.pop()] = at
        return found

    def start(self, at: int) -> int:
        """Where a sign begins in the text."""
        return self.signs[at].span.start

    def end(self, at: int) -> int:
        """Where a sign ends."""
        return self.signs[at].span.end

    def place(self, first: int, behind: int) -> Span:
        """Where some signs stand, from the first one to the one before `behind`."""
        return Span(self.start(first), self.end(behind - 1))

    def slice(self, signs: Sequence[Token]) -> str:
        """What is written from the first to the last of some signs."""
        return self.text[signs[0].span.start : signs[-1].span.end]

    def commas(self, opening: int) -> Iterator[int]:
        """The commas of a bracket, not those of brackets inside it."""
        at = opening + 1
        while at < self.partners[opening]:
            if self.of(at) == "COMMA":
                yield at
            at = self.partners.get(at, at) + 1

    def parts_in(self, opening: int) -> list[list[Token]]:
        """What stands between a bracket's commas."""
        ends = [opening, *self.commas(opening), self.partners[opening]]
        parts = [
            [sign for sign in self.signs[start + 1 : end] if sign.type != NEWLINE] for start, end in pairwise(ends)
        ]
        return [part for part in parts if part]

    def by_gaps(self, signs: Sequence[Token]) -> list[list[Token]]:
        """Arguments that spaces separate."""
        parts: list[list[Token]] = []
        for sign in signs:
            if parts and "EQUAL" in (sign.type, parts[-1][-1].type):
                parts[-1].append(sign)
            else:
                parts.append([sign])
        return parts

    def written(self, word: str, parts: Sequence[Sequence[Token]]) -> Written:
        """A layer with its arguments."""
        bare, keyed = [], []
        for part in parts:
            if len(part) > 2 and part[1].type == "EQUAL":
                keyed.append((part[0].text, self.value(part[2:])))
            else:
                bare.append(self.value(part))
        return Written(word, tuple(bare), tuple(keyed))

    def value(self, signs: Sequence[Token]) -> str:
        """`(3, 5)` as `3x5`, `'same'` as `same`, a calculation in parentheses."""
        plain = self.slice(signs).strip("'\"")
        if signs[0].type in ("LPAR", "LSQB"):
            sizes = [sign.text for sign in signs[1:-1] if sign.type != "COMMA"]
            return "x".join(sizes) if sizes and all(size.isdecimal() for size in sizes) else plain
        is_worked_out = len(signs) > 2 and signs[1].type in _OPERATORS
        return f"({plain})" if is_worked_out else plain

    def of(self, at: int) -> str:
        """The kind of a sign; empty before the first one and behind the last."""
        return self.signs[at].type if 0 <= at < len(self.signs) else ""

    def name_at(self, at: int) -> int:
        """The last word of a dotted name that begins at a place; before it where there is none."""
        while self.of(at + 1) == "UNKNOWN" and self.signs[at + 1].text == "." and self.signs[at].text.isidentifier():
            at += 2
        return at if self.of(at) and self.signs[at].text.isidentifier() else at - 1

    def words(self) -> Iterator[Token]:
        """The steps of one word."""
        for at, sign in enumerate(self.signs):
            if sign.type == "WORD" and self.of(at - 1) in ("", *_BEGIN) and self.of(at + 1) in _END:
                yield sign

    def read(self) -> Iterator[ForeignCall | Span]:
        """The calls in the order of the text; as places, the brackets and names that only hold calls together."""
        at, may_begin = 0, True
        while at < len(self.signs):
            found, after = self._item(at) if may_begin else (None, at)
            if found is not None:
                yield found
            at = max(after, at + 1)
            may_begin = self.of(at - 1) in _BEGIN or found is not None

    def _item(self, at: int) -> tuple[ForeignCall | Span | None, int]:
        """A call, or what stands around calls, that begins at a place; and where to go on."""
        name = self.name_at(at)
        if self.of(name + 1) == "EQUAL":
            name = self.name_at(name + 2)
        word, opening = self.signs[name].text if self.of(name) else "", name + 1
        if self.of(opening) == "LPAR" and (word == "Sequential" or (word == "add" and name > at)):
            behind = opening + 1 + (self.of(opening + 1) == "LSQB")
            return self.place(at, behind), behind
        if self.of(at) in ("RPAR", "RSQB"):
            behind = at
            while self.of(behind) in ("RPAR", "RSQB", "COMMA"):
                behind += 1
            return self.place(at, behind), behind
        if self.of(name) != "FUNCTION" or opening not in self.partners:
            return None, at
        return self._call(at, opening)

    def _call(self, at: int, opening: int) -> tuple[ForeignCall | None, int]:
        behind = self.partners[opening] + 1
        while behind in self.partners and self.of(behind) == "LPAR":  # of the layer: `Dense(10)(x)`
            behind = self.partners[behind] + 1
        is_parted = self.of(behind) == "COMMA"
        behind += is_parted
        goes_on = is_parted and self.of(behind) not in _END
        if not is_parted and self.of(behind) not in _END:
            return None, at
        written = self.written(self.signs[opening - 1].text, self.parts_in(opening))
        span = self.place(at, behind)
        return ForeignCall(written, Span(span.start, self.start(behind)) if goes_on else span, goes_on), behind


def _quoted(signs: Sequence[Token], text: str) -> Iterator[Token]:
    """The tokens with each string in single quotes as one."""
    at = 0
    while at < len(signs):
        end = at
        if signs[at].text == "'":
            behind = range(at + 1, len(signs))
            end = next((other for other in behind if signs[other].text == "'" or signs[other].type == NEWLINE), at)
        if end > at and signs[end].text == "'":
            span = Span(signs[at].span.start, signs[end].span.end)
            yield Token("TEXT", text[span.start : span.end], span)
        else:
            yield from signs[at : end + 1]
        at = end + 1
