"""What each word of a text is for: what it defines, what it names, whose argument it is. `ir.names.uses` finds them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

from specc.ir.model import Block
from specc.source import Span
from specc.syntax import tree
from specc.syntax.lexer import Token

Role: TypeAlias = Literal[
    "keyword", "layer", "form", "block", "param", "parameter", "key", "option", "setting", "function", "label",
    "number", "string", "operator", "unknown",
]  # fmt: skip
_LEXICAL: dict[str, Role] = {
    **dict.fromkeys(("INPUT", "PARAM", "BLOCK", "TRAIN", "BUDGET", "SHORTCUT", "FROM", "AUTO", "SAME"), "keyword"),
    **dict.fromkeys(("NUMBER", "SIZE", "PATTERN", "MALFORMED"), "number"),
    **dict.fromkeys(("ARROW", "BAR", "COLON", "DOUBLE_COLON", "EQUAL", "LESS_EQUAL", "PLUS", "MINUS"), "operator"),
    **dict.fromkeys(("POWER", "STAR", "SLASH", "FLOOR", "PERCENT"), "operator"),
    "TEXT": "string",
}


class Use(NamedTuple):
    """A place that names a symbol. text: what stands there, which may be a letter for it, as `s` in `s2`."""

    span: Span
    text: str


class Symbol:
    """A `param`, a block, a block's parameter or a label. parameters: of a block, by name."""

    def __init__(self, kind: Literal["param", "block", "parameter", "label"], name: tree.Word, item: Span) -> None:
        self.kind, self.name, self.defined, self.item = kind, name.text, name.span, item
        self.uses: list[Use] = []
        self.parameters: dict[str, Symbol] = {}

    @property
    def places(self) -> list[Use]:
        """The definition and the uses, in the order of the text."""
        return sorted([Use(self.defined, self.name), *self.uses])


class PlacedWord(NamedTuple):
    """A piece of the text and what it is for; a word may be several, as `k` and `3` in `k3`.

    symbol: what it names or, where it defines, what it is. step: the word whose argument it is.
    """

    span: Span
    role: Role
    symbol: Symbol | None = None
    defines: bool = False
    step: str = ""


class Uses:
    """The words of one text."""

    def __init__(self, symbols: Sequence[Symbol], places: Iterable[PlacedWord], blocks: dict[str, Block]) -> None:
        self.symbols, self.blocks = symbols, blocks
        self.places = sorted(places, key=lambda place: place.span)

    @cached_property
    def _starts(self) -> list[int]:
        return [place.span.start for place in self.places]

    def at(self, offset: int) -> PlacedWord | None:
        """The word at an offset, or that which ends there."""
        index = bisect_right(self._starts, offset) - 1
        found = self.places[index] if index >= 0 else None
        return found if found is not None and offset <= found.span.end else None

    def named_at(self, offset: int) -> tuple[Symbol, Use] | None:
        """The symbol that is named at an offset, also right behind its name, and the place that names it."""
        for symbol in self.symbols:
            for use in symbol.places:
                if use.span.start <= offset <= use.span.end:
                    return symbol, use
        return None

    def called(self, name: str) -> Symbol | None:
        """The `param` or the block of a name."""
        found = (symbol for symbol in self.symbols if symbol.name == name and symbol.kind in ("param", "block"))
        return next(found, None)

    def names(self, kind: str) -> list[str]:
        """The names of all symbols of a kind, each once."""
        return list(dict.fromkeys(symbol.name for symbol in self.symbols if symbol.kind == kind))


def whole_text(tokens: Iterable[Token], uses: Uses) -> Iterator[PlacedWord | Token]:
    """Words, numbers, strings and signs in the order of the text; other tokens as they are."""
    words, end, previous = iter(uses.places), 0, ""
    place = next(words, None)
    for token in tokens:
        span = token.span
        if span.start < end:
            continue  # a part of `fashion-mnist`
        while place is not None and place.span.start < span.end:
            yield place
            end, place = max(end, place.span.end), next(words, None)
        if span.start >= end:
            role: Role | None = "number" if previous == "DOUBLE_COLON" else _LEXICAL.get(token.type)
            yield token if role is None else PlacedWord(span, role)
        previous = token.type
