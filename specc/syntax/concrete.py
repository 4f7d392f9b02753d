"""Text in, pieces out: what the located tree leaves out and a formatter needs, comments and line ends.

In:      a text that `parse` reads without errors.
Out:     its pieces in the order written.
Leaves:  the lines to `syntax.layout`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from specc.syntax.parse import load_parser
from specc.syntax.pieces import (
    Body,
    Comment,
    EntryPiece,
    File,
    Gap,
    Link,
    ListPiece,
    Piece,
    StepPiece,
    TextPiece,
    make_body,
    make_listing,
    make_step,
)
from specc.syntax.tokens import END, NEWLINE, TokenStream

_BREAK = re.compile(r"#[^\n]*|\n")
_PRODUCT = {"*", "/", "//", "%", "**"}
_CLOSE = {"*", "**"}
_OPERATORS = _PRODUCT | {"+", "-"}


def read_concrete(text: str) -> File:
    """The pieces of a text that `parse` reads without errors."""
    return _Reader(text).file()


def read_gap(text: str, *, at_start: bool = False) -> Gap:
    """Comments and new lines of what stands between two pieces; at_start: nothing stands before it.

    >>> read_gap(" # a\\n\\n# b\\n")
    Gap(after='# a', above=(Comment(text='# b', blank=True),), breaks=True, blank=False)
    """
    after, newlines = "", int(at_start)
    above: list[Comment] = []
    for match in _BREAK.finditer(text):
        if match[0] == "\n":
            newlines += 1
        elif newlines or above:
            above.append(Comment(match[0].rstrip(), newlines > 1))
            newlines = 0
        else:
            after = match[0].rstrip()
    return Gap(after, tuple(above), bool(newlines or above or after), newlines > 1)


class _Reader:
    """Walks the tokens of a right text; `end` is the place up to which it is used."""

    def __init__(self, text: str) -> None:
        self.text, self.end = text, 0
        self.stream = TokenStream(list(load_parser().lex(text)), len(text))
        self.token = self.stream.next()
        self.inside: list[str] = []  # comments passed inside parentheses, until the piece that holds them is made

    # tokens

    def take(self) -> str:
        """The next token's text; a comment before it that nobody asked for is kept in `inside`."""
        self.inside += [match[0].rstrip() for match in _BREAK.finditer(self.between()) if match[0] != "\n"]
        token, self.end = self.token, self.token.end_pos or 0
        self.token = self.stream.next()
        return str(token)

    def between(self) -> str:
        """The text before the next token that is not used yet."""
        start, self.end = self.end, max(self.token.start_pos or 0, self.end)
        return self.text[start : self.end]

    def at(self, *kinds: str) -> bool:
        return self.token.type in kinds

    def comments(self) -> tuple[str, ...]:
        found, self.inside = tuple(self.inside), []
        return found

    # items

    def file(self) -> File:
        entries: list[EntryPiece] = []
        between = ""
        while True:
            between += self.skip_newlines()
            gap = read_gap(between, at_start=not entries)
            if self.at(END):
                return File(tuple(entries), gap)
            entries.append(self.entry(0, gap))
            between = ""

    def skip_newlines(self) -> str:
        """The text up to the next piece; new lines among the tokens only say that one item ends."""
        while self.at(NEWLINE):
            self.token = self.stream.next()
        return self.between()

    def entry(self, bars: int, gap: Gap) -> EntryPiece:
        links = [Link(gap, self.statement())]
        while self.at("ARROW"):
            between = self.between()
            self.take()
            links.append(Link(read_gap(between + self.between()), self.statement()))
        return EntryPiece(bars, tuple(links))

    def statement(self) -> StepPiece:
        if self.at("PARAM", "BUDGET"):
            words = [self.take() for _ in range(3)]
            return make_step([self.as_text(lambda: " ".join([*words, self.expression()]))], "")
        return self.step([self.block_header()] if self.at("BLOCK") else [])

    def block_header(self) -> Piece:
        header = self.as_text(lambda: f"{self.take()} {self.take()}")
        return self.listing("LPAR", "RPAR", header.flat, comma=",") if self.at("LPAR") else header

    def step(self, parts: list[Piece]) -> StepPiece:
        """A step, a setting, `input`, or what follows a block's header: words and brackets to the end of the item."""
        check = ""
        while not self.at(NEWLINE, "ARROW", "BAR", "RBRACE", END):
            if self.at("LBRACE"):
                parts.append(self.body())
            elif self.at("DOUBLE_COLON"):
                check = f"{self.take()} {self.take()}"
            else:
                parts.append(self.argument())
        return make_step(parts, check)

    def argument(self) -> Piece:
        """`key=value`, `label:`, a word or a value."""
        if self.at("LSQB"):
            return self.listing("LSQB", "RSQB")
        text = self.as_text(self.operand)
        if self.at("COLON"):
            return text._replace(flat=text.flat + self.take())
        if not self.at("EQUAL"):
            return text
        key = text.flat + self.take()
        if self.at("LSQB"):
            return self.listing("LSQB", "RSQB", key)
        return self.as_text(lambda: key + self.operand())

    def as_text(self, read: Callable[[], str]) -> TextPiece:
        flat = read()
        return TextPiece(flat, self.comments())

    def body(self) -> Body:
        self.take()
        entries: list[EntryPiece] = []
        between, bars = "", 0
        while True:
            between += self.skip_newlines()
            if self.at("RBRACE"):
                self.take()
                return make_body(entries, bars, read_gap(between))
            if self.at("BAR"):
                self.take()
                bars += 1
                continue
            entries.append(self.entry(bars, read_gap(between)))
            between, bars = "", 0

    def listing(self, opening: str, closing: str, before: str = "", *, comma: str = "") -> ListPiece:
        """A list's values or a block's parameters; commas are left out or put in, whatever is written."""
        left = before + self.take()
        items: list[tuple[Gap, TextPiece | ListPiece]] = []
        between = ""
        while True:
            between += self.between()
            if self.at(closing):
                return make_listing(left, items, read_gap(between), self.take(), comma)
            if self.at("COMMA"):
                self.take()
                continue
            gap = read_gap(between)
            items.append((gap, self.parameter() if comma else self.value(opening, closing)))
            between = ""

    def value(self, opening: str, closing: str) -> TextPiece | ListPiece:
        return self.listing(opening, closing) if self.at(opening) else self.as_text(self.operand)

    def parameter(self) -> TextPiece:
        return self.as_text(lambda: self.take() + (self.take() + self.expression() if self.at("EQUAL") else ""))

    # expressions

    def expression(self) -> str:
        """Operands and operators, up to what ends the expression.

        A power and a product of nothing but `*` and powers are written close, `4*c + 2**n`; every other operator has
        spaces.
        """
        operands, operators = [self.operand()], []
        while str(self.token) in _OPERATORS:
            operators.append(self.take())
            operands.append(self.operand())
        text = operands[0]
        for index, operator in enumerate(operators):
            space = "" if _is_close(operators, index) else " "
            text += f"{space}{operator}{space}{operands[index + 1]}"
        return text

    def operand(self) -> str:
        if self.at("MINUS"):
            return self.take() + self.operand()
        if self.at("FUNCTION"):
            return self.take() + self.parenthesised("LPAR", "RPAR", ", ")
        if self.at("LPAR"):
            return self.parenthesised("LPAR", "RPAR", ", ")
        if self.at("LSQB"):
            return self.parenthesised("LSQB", "RSQB", " ")
        return self.take()

    def handed(self) -> str:
        """An expression, or `key=expression` in a call."""
        text = self.expression()
        return text + self.take() + self.expression() if self.at("EQUAL") else text

    def parenthesised(self, opening: str, closing: str, joint: str) -> str:
        """Values between brackets, on one line."""
        left, values = self.take(), []
        while not self.at(closing):
            if self.at("COMMA"):
                self.take()
            else:
                values.append(self.operand() if opening == "LSQB" else self.handed())
        return left + joint.join(values) + self.take()


def _is_close(operators: Sequence[str], index: int) -> bool:
    """Whether an operator is a power, or a `*` in a product of nothing but these."""
    if operators[index] == "**":
        return True
    first = last = index
    while first > 0 and operators[first - 1] in _PRODUCT:
        first -= 1
    while last + 1 < len(operators) and operators[last + 1] in _PRODUCT:
        last += 1
    return set(operators[first : last + 1]) <= _CLOSE
