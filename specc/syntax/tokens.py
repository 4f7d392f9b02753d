"""A text as tokens: all of them with its comments, as the lexer finds them, and as the parser takes them.

In:      the lexer's tokens, every new line and every comment among them.
Out:     `Tokens`, in which every piece of a text has its place; `TokenStream`, the same without comments, with one
         `_NL` between two items and none elsewhere, and `fashion-mnist` inside `train { }` as one word.
Leaves:  everything that needs a grammar to the parser. After an error the parser calls one of the `skip_` methods,
         which go back to the text's own new lines, so that an unclosed bracket swallows one line and not the file.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice, takewhile
from typing import NamedTuple

from specc.source import Span
from specc.syntax.lexer import Token, lex

COMMENT = "COMMENT"
NEWLINE = "_NL"
END = "$END"
FACTOR = r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?x"
RESERVED = ("input", "param", "block", "train", "budget", "shortcut", "auto", "same", "in", "x", "from", "nth")
STATEMENTS = {"INPUT", "PARAM", "BLOCK", "TRAIN", "BUDGET"}
_CLOSING = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
_BRACKETS = {*_CLOSING, *_CLOSING.values()}
_SPACE_AFTER = {"ARROW", "BAR", "LBRACE"}
_SPACE_BEFORE = {"ARROW", "BAR", "RBRACE", END}
_HEADER = {"WORD", "FUNCTION", "LPAR", "RPAR", "COMMA", "EQUAL", "NUMBER", "SIZE"}
_NEVER_IN_PARENTHESES = {"LBRACE", "RBRACE", "ARROW", "BAR", "DOUBLE_COLON", END}


class Tokens:
    """A text, read once: its tokens in order, new lines and comments among them; white space is what lies between.

    A node of the tree begins with a token and ends with one: `of` gives all that it is made of.
    """

    def __init__(self, text: str) -> None:
        self.text, self.all = text, lex(text)

    @cached_property
    def _starts(self) -> list[int]:
        return [token.span.start for token in self.all]

    @cached_property
    def words(self) -> list[Token]:
        """The tokens without the comments."""
        return [token for token in self.all if token.type != COMMENT]

    @cached_property
    def comments(self) -> tuple[Span, ...]:
        """Where comments stand; a `#` in a string begins none."""
        return tuple(token.span for token in self.all if token.type == COMMENT)

    def of(self, span: Span) -> list[Token]:
        """The tokens of a piece of the text."""
        return self.all[self._at(span.start) : self._at(span.end)]

    def before(self, offset: int, *passed: str) -> Token | None:
        """The last token that begins before a place. Args: passed, kinds of tokens that are passed over."""
        return next((token for token in self.back_from(offset) if token.type not in passed), None)

    def after(self, offset: int, *passed: str) -> Token | None:
        """The first token from a place on. Args: as above."""
        following = islice(self.all, self._at(offset), None)
        return next((token for token in following if token.type not in passed), None)

    def back_from(self, offset: int) -> Iterator[Token]:
        """The tokens before a place, the nearest first."""
        return (self.all[index] for index in range(self._at(offset) - 1, -1, -1))

    def _at(self, offset: int) -> int:
        return bisect_left(self._starts, offset)


class Opening(NamedTuple):
    """A bracket that is still open: its token and where it stands among the raw tokens."""

    token: Token
    at: int


class TokenStream:
    """The tokens of one text, one at a time, with new lines folded."""

    def __init__(self, tokens: Sequence[Token], length: int) -> None:
        self._tokens = [*tokens, Token(END, "", Span(length, length))]
        self._index = 0
        self._previous = ""
        self._train_depth = 0
        self._statement = 0  # where the statement at hand begins
        self.open: list[Opening] = []

    def next(self) -> Token:
        """The next token that means something; `$END` at the end, as often as asked."""
        token = self._tokens[self._index]
        if token.type == NEWLINE:
            token = self._fold(token)
        if token.type not in (NEWLINE, END):
            if not self.open and self._previous in ("", NEWLINE):
                self._statement = self._index
            token = self._hyphenated(token) if self._train_depth else token
            if token.type in _BRACKETS:
                self._track(token)
            self._index += 1
        self._previous = token.type
        return token

    @property
    def position(self) -> int:
        """Where the next token begins in the text."""
        return self._tokens[self._index].span.start

    def is_next(self, kind: str) -> bool:
        """Whether the next token is of this kind."""
        return self._tokens[self._index].type == kind

    def word_above_braces(self) -> Token | None:
        """Where `{ … }` ends before the token at hand and its `{` begins a line: the word at the end of the line before
        it; else None."""
        kinds = [token.type for token in self._tokens]
        at = _last_but_newlines(kinds, self._index - 2)
        depth = 0
        for opening in range(at, -1, -1):
            depth += (kinds[opening] == "RBRACE") - (kinds[opening] == "LBRACE")
            if depth <= 0:
                break
        else:
            return None
        word = _last_but_newlines(kinds, opening - 1)
        return self._tokens[word] if at > opening > word + 1 and kinds[word] == "WORD" else None

    def line_before(self) -> set[str]:
        """The words before the token at hand on its line."""
        before = takewhile(lambda token: token.type != NEWLINE, reversed(self._tokens[: self._index - 1]))
        return {token.text for token in before}

    def defined_names(self) -> set[str]:
        """The names that the statement at hand defines: that of a `param`, that of a `block` and its parameters."""
        first, rest = self._tokens[self._statement], self._tokens[self._statement + 1 :]
        if first.type not in ("BLOCK", "PARAM"):
            return set()
        header = takewhile(lambda token: token.type in _HEADER, rest if first.type == "BLOCK" else rest[:1])
        return {token.text for token in header if token.type in ("WORD", "FUNCTION")}

    def _fold(self, newline: Token) -> Token:
        """The new line, where it parts two items; else the token after it."""
        while self._tokens[self._index].type == NEWLINE:
            self._index += 1
        following = self._tokens[self._index]
        inside = bool(self.open) and self.open[-1].token.type != "LBRACE"
        is_space = (
            inside
            or self._previous in _SPACE_AFTER
            or following.type in _SPACE_BEFORE
            or (self._previous == "RBRACE" and following.type == "SHORTCUT")
        )
        return following if is_space else newline

    def _hyphenated(self, token: Token) -> Token:
        """`fashion-mnist` and `cifar-10` as one word, where nothing separates the parts; a factor, `0.1x`, is one."""
        end = self._index
        if token.type == "MALFORMED" and re.fullmatch(FACTOR, token.text):
            return token._replace(type="HYPHENATED")
        while token.type == "WORD" and self._is_hyphen_between(end):
            end += 2
        if end == self._index:
            return token
        parts = self._tokens[self._index : end + 1]
        self._index = end
        return Token("HYPHENATED", "".join(part.text for part in parts), parts[0].span.to(parts[-1].span))

    def _is_hyphen_between(self, index: int) -> bool:
        if index + 2 >= len(self._tokens):
            return False
        left, hyphen, right = self._tokens[index : index + 3]
        return (
            hyphen.type == "MINUS"
            and right.type in ("WORD", "NUMBER", "MALFORMED")
            and left.span.end == hyphen.span.start
            and hyphen.span.end == right.span.start
        )

    def _track(self, token: Token) -> None:
        if token.type in _CLOSING:
            self.open.append(Opening(token, self._index))
            if token.type == "LBRACE" and self._previous == "TRAIN":
                self._train_depth = len(self.open)
        elif self.open and token.type == _CLOSING[self.open[-1].token.type]:
            self.open.pop()
            if len(self.open) < self._train_depth:
                self._train_depth = 0

    def unclosed_before(self, token: Token) -> Opening | None:
        """The open bracket that explains why `token` cannot stand: one that nothing closes, or None."""
        for opening in self.open:
            if opening.token is not token and self._match(opening) is None:
                return opening
        return None

    def _match(self, opening: Opening) -> int | None:
        """The index of the token that closes a bracket; parentheses never hold a statement or an arrow."""
        wanted: list[str] = []
        for index in range(opening.at, len(self._tokens)):
            kind = self._tokens[index].type
            while wanted and wanted[-1] != "RBRACE" and self._ends_parentheses(index):
                wanted.pop()  # a parenthesis that is open here is not closed any more
                if not wanted:
                    return None
            if kind in _CLOSING:
                wanted.append(_CLOSING[kind])
            elif wanted and kind == wanted[-1]:
                wanted.pop()
                if not wanted:
                    return index
        return None

    def _ends_parentheses(self, index: int) -> bool:
        """Whether a token never stands in parentheses; a statement's word does not at the start of a line."""
        kind = self._tokens[index].type
        return kind in _NEVER_IN_PARENTHESES or (kind in STATEMENTS and self._tokens[index - 1].type == NEWLINE)

    def skip_item(self, token: Token) -> list[Token]:
        """After an error at `token`: on to the end of its item, before a new line, `->`, `|` or a `}`.

        Returns: the tokens passed over, so that names which they may define are not called unknown.
        """
        start = self._index
        while self.open and self.open[-1].token.type != "LBRACE":
            closed_at = self._match(self.open.pop())
            self._index = max(self._index, (closed_at or 0) + 1)
        if token.type == "LBRACE" and self.open and self.open[-1].token is token:
            self._index = max(self._index, (self._match(self.open.pop()) or 0) + 1)
        if token.type not in (NEWLINE, "ARROW"):
            self._skip_to_item_end()
        self._previous = ""
        return self._tokens[start : self._index]

    @cached_property
    def _braces(self) -> dict[int, int]:
        """Where each `{` that is closed has its `}`."""
        found, waiting = {}, list[int]()
        for index, token in enumerate(self._tokens):
            if token.type == "LBRACE":
                waiting.append(index)
            elif token.type == "RBRACE" and waiting:
                found[waiting.pop()] = index
        return found

    def _skip_to_item_end(self) -> None:
        while (kind := self._tokens[self._index].type) != END:
            if kind in (NEWLINE, "ARROW", "RBRACE") or (kind == "BAR" and self.open):
                return
            self._index = self._braces.get(self._index, self._index) + 1

    def skip_unclosed(self, opening: Opening) -> list[Token]:
        """After a bracket that nothing closes: to the end of its line, or to the next statement for a `{`."""
        del self.open[self.open.index(opening) :]
        self._train_depth = 0
        self._index = opening.at + 1
        if opening.token.type == "LBRACE":
            self._skip_to_statement()
        else:
            self._skip_to_item_end()
        self._previous = ""
        return self._tokens[opening.at : self._index]

    def _skip_to_statement(self) -> None:
        """On to the new line before the next statement that begins a line, or to the end."""
        while self._tokens[self._index].type != END:
            if self._tokens[self._index].type == NEWLINE and self._tokens[self._index + 1].type in STATEMENTS:
                return
            self._index += 1

    def next_after_error(self) -> Token:
        """Like `next`, but a `->` counts as a new line: what stood before it was reported and left out."""
        token = self.next()
        return as_newline(token) if token.type == "ARROW" else token


def _last_but_newlines(kinds: Sequence[str], at: int) -> int:
    while at >= 0 and kinds[at] == NEWLINE:
        at -= 1
    return at


def as_newline(token: Token) -> Token:
    """A new line in a token's place."""
    return Token(NEWLINE, "", token.span)
