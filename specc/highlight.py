"""The `.cnn` language for Pygments: `pygmentize -l specc net.cnn`, Sphinx, MkDocs, LaTeX's minted.

A word is what its place makes it, as `ir.names.uses` finds it, in a text too that cannot be read to its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pygments.lexer import Lexer  # type: ignore[import-untyped]  # it ships no types
from pygments.token import (  # type: ignore[import-untyped]  # the same
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
)

from specc.ir.names.uses import find_uses
from specc.ir.names.words import PlacedWord, whole_text
from specc.source import Source, Span
from specc.syntax.lexer import Token
from specc.syntax.parse import parse, read_tokens

_KEYWORDS = {
    **dict.fromkeys(("shortcut", "from"), Keyword),
    **dict.fromkeys(("auto", "same", "in", "nth", "true", "false", "_"), Keyword.Constant),
}
_ROLES: dict[str, Any] = {
    "keyword": Keyword.Declaration, "form": Keyword.Reserved, "layer": Name.Function, "unknown": Name.Function,
    "block": Name.Function, "param": Name.Variable, "parameter": Name.Variable, "key": Name.Attribute, "option": Name,
    "setting": Name.Property, "function": Name.Builtin, "label": Name.Label, "number": Number,
    "operator": Operator, "string": String.Double,
}  # fmt: skip
_TOKENS: dict[str, Any] = {
    "COMMENT": Comment.Single, "UNKNOWN": Error, "_NL": Whitespace,
    **dict.fromkeys(("COMMA", "LPAR", "RPAR", "LSQB", "RSQB", "LBRACE", "RBRACE"), Punctuation),
    **dict.fromkeys(("WORD", "FUNCTION", "X", "IN", "NTH"), Name),
}  # fmt: skip


class SpeccLexer(Lexer):  # type: ignore[misc]  # the same
    """Specs of convolutional networks."""

    name = "specc"
    aliases: ClassVar[list[str]] = ["specc", "cnn"]
    filenames: ClassVar[list[str]] = ["*.cnn"]
    mimetypes: ClassVar[list[str]] = ["text/x-specc"]

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, Any, str]]:
        """Every piece of a text: where it begins, its kind, its characters."""
        tokens, end = read_tokens(text), 0
        uses = find_uses(parse(Source("", text), tokens).tree)
        for piece in whole_text(tokens.all, uses):
            span, kind = _kind(piece, text)
            if end < span.start:
                yield end, Whitespace, text[end : span.start]
            yield span.start, kind, text[span.start : span.end]
            end = span.end
        if end < len(text):
            yield end, Whitespace, text[end:]


def _kind(piece: PlacedWord | Token, text: str) -> tuple[Span, Any]:
    """Where a piece stands, and what it is to Pygments."""
    if isinstance(piece, Token):
        kind = Punctuation if piece.text == ";" else _TOKENS.get(piece.type, Error)
        return piece.span, kind
    word = text[piece.span.start : piece.span.end]
    if piece.role in ("keyword", "option") and word in _KEYWORDS:
        return piece.span, _KEYWORDS[word]
    if piece.role == "key" and word == "x":
        return piece.span, Operator.Word
    if piece.role == "block" and piece.defines:
        return piece.span, Name.Class
    if piece.role == "number" and ("x" in word or text[piece.span.start - 1 : piece.span.start].isalpha()):
        return piece.span, Number.Integer
    return piece.span, Punctuation if word == ":" else _ROLES[piece.role]
