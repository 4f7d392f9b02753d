"""Text in, located tree and syntax errors out.

In:         a `Source`.
Out:        a `Parsed`: the tree, every syntax error of the text, the words that the unreadable parts hold; for an
            editor a `Standing`: how far the parser has come at a place, and what it would take there.
Guarantees: brackets nest at most `MAX_NESTING` deep; an item that could not be read is an error node of the tree,
            and everything after its line is read as if it had been right.
Leaves:     the meaning of every word to `ir.resolve`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.source import Source, Span
from specc.syntax.grow import TooDeep
from specc.syntax.lalr import Parser, Unexpected
from specc.syntax.lexer import Token
from specc.syntax.tokens import END, NEWLINE, Opening, Tokens, TokenStream, as_newline
from specc.syntax.tree import Tree, Unread

MAX_NESTING = 64
MAX_ERRORS = 500
MAX_CHARACTERS = 4_000_000


class Parsed(NamedTuple):
    """A text's tree, its syntax errors, and the words of the parts that could not be read."""

    tree: Tree
    diagnostics: tuple[Diagnostic, ...]
    lost_words: frozenset[str]


class Standing(NamedTuple):
    """How far the parser has come at a place of a text.

    parts:   what is read and not yet put together, from the start of the text: nodes and tokens.
    accepts: the kinds of token that may stand there.
    """

    parts: tuple[Any, ...]
    accepts: frozenset[str]


def read_tokens(text: str) -> Tokens:
    """The tokens of a text, its comments among them."""
    return Tokens(text if len(text) <= MAX_CHARACTERS else "")


def parse(source: Source, tokens: Tokens | None = None) -> Parsed:
    """Reads a text; never raises for what is in it. Args: tokens, where they are read already."""
    if len(source.text) > MAX_CHARACTERS:
        size = f"the text has {len(source.text):,} characters; at most {MAX_CHARACTERS:,} are read"
        return Parsed(Tree(()), (Diagnostic("E401", size, source),), frozenset())
    tokens = tokens or read_tokens(source.text)
    return _Reading(source, tokens.words).run(tokens.comments)


def standing_at(tokens: Tokens, offset: int) -> Standing:
    """Where the parser stands behind the tokens before a place.

    Where it cannot read these, it is where it stood at the error.
    """
    cursor = Token("WORD", "", Span(offset, offset))
    at = next((index for index, token in enumerate(tokens.words) if token.span.start >= offset), len(tokens.words))
    reading = _Reading(Source("", tokens.text), [*tokens.words[:at], cursor, *tokens.words[at:]])
    return reading.until(cursor)


class _Reading:
    """The state of one parse: where the parser stands and what has gone wrong so far."""

    def __init__(self, source: Source, words: Sequence[Token]) -> None:
        self.source = source
        self.stream = TokenStream(words, len(source.text))
        self.parser = Parser()
        self.diagnostics: list[Diagnostic] = []
        self.unread: list[Unread] = []
        self.lost: set[str] = set()
        self.refused: list[str] = []  # kinds of brackets that could not open, whose partners are not told

    def run(self, comments: tuple[Span, ...]) -> Parsed:
        token = self.stream.next()
        while True:
            try:
                result = self._take(token)
            except Unexpected:
                if not self.diagnostics and (whole := self._in_another_language()) is not None:
                    return whole
                token = self._recover(token)
                if len(self.diagnostics) >= MAX_ERRORS:  # a file of another kind; nobody reads on
                    return self._result(Tree(()))
                continue
            except TooDeep as error:
                self._report("E401", f"this is nested more than {MAX_NESTING} deep", error.span)
                return self._result(Tree(()))
            if token.type == END:
                return self._result(result._replace(unread=tuple(self.unread), comments=comments))
            token = self.stream.next()

    def until(self, cursor: Token) -> Standing:
        """Reads up to the token that stands for the one to come."""
        token = self.stream.next()
        while token.span.start < cursor.span.start:
            try:
                self._take(token)
            except TooDeep:
                break
            except Unexpected:
                standing = self._standing()
                token = self._recover(token)
                passed = token is not cursor and token.span.start >= cursor.span.start
                if passed or len(self.diagnostics) >= MAX_ERRORS:
                    return standing
                continue
            token = self.stream.next()
        standing = self._standing()
        if token is cursor and "WORD" in standing.accepts:
            self._take(token)  # puts together what can be
            return self._standing()._replace(accepts=standing.accepts)
        return standing

    def _take(self, token: Token) -> Any:
        if len(self.stream.open) > MAX_NESTING:
            raise TooDeep(token.span)
        return self.parser.feed(token)

    def _standing(self) -> Standing:
        return Standing(tuple(_parts(self.parser.values)), frozenset(self.parser.accepts()))

    def _in_another_language(self) -> Parsed | None:
        """The one error of a file that is no spec at all; None where it looks like one."""
        from specc.syntax.languages import language_of

        found = language_of(self.source)
        return None if found is None else Parsed(Tree(()), (found,), frozenset())

    def _result(self, tree: Tree) -> Parsed:
        return Parsed(tree, tuple(self.diagnostics), frozenset(self.lost))

    def _report(self, code: str, message: str, span: Span, **more: Any) -> None:
        self.diagnostics.append(Diagnostic(code, message, self.source, span, **more))

    def _recover(self, token: Token) -> Token:
        """Reports the error at `token`, leaves its item out, and returns the token to go on with."""
        self.lost |= self.stream.defined_names()
        if token.type == "EQUAL":  # `width = 64`: a name, though it lacks its `param`
            self.lost |= self.stream.line_before()
        opening = self.stream.unclosed_before(token)
        if opening is not None:
            self._report_unclosed(opening, token)
            self._leave_out(self.stream.skip_unclosed(opening), to_top=opening.token.type == "LBRACE")
            return self.stream.next_after_error()
        accepted, in_body = self.parser.accepts(), bool(self.stream.open)
        if not self._is_partner(token):
            self._explain(token, accepted, in_body=in_body)
        if token.type == "RBRACE" and not in_body and NEWLINE in accepted:
            return as_newline(token)  # the item before it is whole
        if token.type == NEWLINE and accepted == {"LBRACE"} and self.stream.is_next("LBRACE"):
            return self.stream.next()  # the brace stands on the next line: told, and read all the same
        skipped = self.stream.skip_item(token)
        self._leave_out(skipped if token.type == "ARROW" else [token, *skipped], to_top=token.type == END)
        if token.type == "ARROW":
            return as_newline(token)
        resume = token.type in (NEWLINE, END, "RBRACE", "BAR") and token.type in self.parser.accepts()
        return token if resume else self.stream.next_after_error()

    def _explain(self, token: Token, accepted: set[str], *, in_body: bool) -> None:
        """Reports a token that cannot stand where it stands."""
        from specc.syntax.unexpected import explain_unexpected, without_branches

        low = self.stream.word_above_braces() if token.type == "SHORTCUT" else None
        if low is not None and low.text == "residual":
            message, help = without_branches("residual", "conv 64 k3 p1 -> relu")
            self._report("E216", message, low.span, help=help)
        else:
            self.diagnostics.append(explain_unexpected(self.source, token, accepted, in_body=in_body))

    def _is_partner(self, token: Token) -> bool:
        """Whether a bracket closes one that was refused, and told, before."""
        partner = {"RPAR": "LPAR", "RSQB": "LSQB"}.get(token.type)
        if partner in self.refused:
            self.refused.remove(partner)
            return True
        if token.type in ("LPAR", "LSQB"):
            self.refused.append(token.type)
        return False

    def _report_unclosed(self, opening: Opening, token: Token) -> None:
        _, bracket, span = opening.token
        closing = {"(": ")", "[": "]", "{": "}"}[bracket]
        others = (Label(token.span, "it is still open here"),) if token.type != END else ()
        self._report(
            "E102", f"this `{bracket}` is never closed", span, help=f"add the missing `{closing}`", others=others
        )

    def _leave_out(self, skipped: list[Token], *, to_top: bool) -> None:
        """Makes an error node of the item at hand: what was read of it, and the tokens that were passed over."""
        self.lost.update(token.text for token in skipped if token.type in ("WORD", "FUNCTION"))
        forgotten = _parts(self.parser.back_to(("item",) if to_top else ("chain", "setting")))
        read = [part for part in forgotten if part.span.end <= self.stream.position]
        end = read[-1].span.end if read else 0
        parts = read + [token for token in skipped if token.span.start >= end and token.type != END]
        if parts:
            self.unread.append(Unread(tuple(parts), parts[0].span.to(parts[-1].span)))


def _parts(values: Iterable[Any]) -> Iterator[Any]:
    """The nodes and tokens of the parser's stack, which holds what is repeated together."""
    for value in values:
        if type(value) in (tuple, list):
            yield from _parts(value)
        elif value is not None and not isinstance(value, Span):
            yield value
