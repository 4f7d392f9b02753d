"""A text in, its tokens out: every piece but white space, comments and new lines among them."""

from __future__ import annotations

import re
from typing import NamedTuple

from specc.source import Span
from specc.syntax.tables import BLANK, PATTERN, SIGNS, WORDS

_ANY = re.compile(PATTERN)
_KINDS = ("", *_ANY.groupindex)  # by the number of a group
_OWN = {**SIGNS, **WORDS}  # texts with a kind of their own


class Token(NamedTuple):
    """A piece of a text. type: its terminal in the grammar, such as `WORD` or `ARROW`."""

    type: str
    text: str
    span: Span


def lex(text: str) -> list[Token]:
    """The tokens of a text, in order; no text has none, since the grammar has a terminal for any other character."""
    tokens: list[Token] = []
    own, kinds, new = _OWN.get, _KINDS, tuple.__new__  # a long text is read in half of the time
    for match in _ANY.finditer(text):
        group = match.lastindex or 0
        piece = match[group]
        tokens.append(new(Token, (own(piece) or kinds[group], piece, new(Span, match.span(group)))))
    return tokens[1:] if tokens and tokens[0].type == BLANK else tokens  # that behind a token is matched with it
