"""What a text defines, read off its tokens: `param`s, and blocks with their parameters. For texts that do not parse."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from lark.lexer import Token

from specc.ir.names.signature import SHORT_KEYS
from specc.source import Span
from specc.syntax.grow import span_of
from specc.syntax.tokens import NEWLINE

OPENING = ("LPAR", "LSQB", "LBRACE")
CLOSING = ("RPAR", "RSQB", "RBRACE")


class Header(NamedTuple):
    """`block name(a, b=1)`: parameters are names, each with its default as written, or None."""

    name: str
    parameters: tuple[tuple[str, str | None], ...]
    span: Span

    def keys(self) -> dict[str, str]:
        """Every key that a call may use, with the parameter that it is for; as `ir.signature` has it."""
        names = [name for name, _ in self.parameters]
        keys = {name: name for name in names}
        for letter in {name[0] for name in names} - set(names):
            beginning = [name for name in names if name.startswith(letter)]
            if len(beginning) == 1:
                keys[letter] = beginning[0]
        return keys | {long: keys[short] for long, short in SHORT_KEYS.items() if short in names and long not in keys}

    def flags(self) -> dict[str, str]:
        """The words that switch a parameter, with that parameter; as `ir.signature` has them."""
        switches = [name for name, default in self.parameters if default in ("true", "false")]
        return {word: name for name in switches for word in (name, f"no{name}")}


def names_after(tokens: list[Token], kind: str) -> Iterator[Token]:
    """The names behind a statement's word."""
    for word, name in pairwise(tokens):
        if word.type == kind and name.type in ("WORD", "FUNCTION"):
            yield name


def find_headers(text: str, tokens: list[Token]) -> Iterator[Header]:
    """The blocks that a text defines."""
    for index, token in enumerate(tokens[:-1]):
        name = tokens[index + 1]
        if token.type == "BLOCK" and name.type in ("WORD", "FUNCTION"):
            parts = _parameters(tokens, index + 2)
            found = tuple((str(part[0]), _default(text, part)) for part in parts if part and part[0].type == "WORD")
            yield Header(str(name), found, span_of(name))


def _parameters(tokens: list[Token], at: int) -> list[list[Token]]:
    """The tokens of each parameter between the parentheses that open here."""
    if at >= len(tokens) or tokens[at].type != "LPAR":
        return []
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens[at:]:
        depth += (token.type in OPENING) - (token.type in CLOSING)
        if depth == 0 or token.type == "LBRACE":
            break
        if token.type == "COMMA" and depth == 1:
            parts.append([])
        elif token.type != NEWLINE and (depth > 1 or token.type != "LPAR"):
            parts[-1].append(token)
    return parts


def _default(text: str, part: list[Token]) -> str | None:
    if len(part) < 3 or part[1].type != "EQUAL":
        return None
    return text[span_of(part[2]).start : span_of(part[-1]).end]
