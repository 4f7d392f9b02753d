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
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import lark
from lark import Lark
from lark.exceptions import UnexpectedToken
from lark.lexer import Token

from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.source import Source, Span
from specc.syntax import tables
from specc.syntax.grow import GrowTree, TooDeep
from specc.syntax.tokens import END, NEWLINE, KeepTerminals, Opening, Tokens, TokenStream, as_newline, span_of
from specc.syntax.tree import Tree, Unread
from specc.syntax.unexpected import explain_unexpected, without_branches

if TYPE_CHECKING:
    from lark.parsers.lalr_interactive_parser import InteractiveParser

MAX_NESTING = 64
MAX_ERRORS = 500
MAX_CHARACTERS = 4_000_000


class Parsed(NamedTuple):
    """A text's tree, its syntax errors, and the words of the parts that could not be read."""

    tree: Tree
    diagnostics: tuple[Diagnostic, ...]
    lost_words: frozenset[str]


@cache
def load_parser() -> Lark:
    """The parser, one for the process; every text is read with its one lexer, which keeps nothing of it."""
    parser = _new_parser()
    # `Lark.lex` makes a lexer for each text where it finds none; this is the one that the parser has already made.
    parser.lexer = parser.parser.lexer
    return parser


def _new_parser() -> Lark:
    """A parser from the tables; from the grammar itself where another Lark than theirs is installed."""
    if lark.__version__ == tables.LARK_VERSION:
        parser = Lark.__new__(Lark)
        stored = {"data": tables.DATA, "memo": tables.MEMO}
        parser._load(stored, transformer=GrowTree(), postlex=KeepTerminals())  # as Lark's stand-alone parsers do
        return parser
    from specc.syntax.precompile import build_parser

    return build_parser(GrowTree())


class Standing(NamedTuple):
    """How far the parser has come at a place of a text.

    parts:   what is read and not yet put together, from the start of the text: nodes and tokens.
    accepts: the kinds of token that may stand there.
    """

    parts: tuple[Any, ...]
    accepts: frozenset[str]


def read_tokens(text: str) -> Tokens:
    """The tokens of a text, its comments among them."""
    return Tokens(text, load_parser().lex(text) if len(text) <= MAX_CHARACTERS else ())


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
    cursor = Token("WORD", "", start_pos=offset, end_pos=offset)
    at = next((index for index, token in enumerate(tokens.words) if span_of(token).start >= offset), len(tokens.words))
    reading = _Reading(Source("", tokens.text), [*tokens.words[:at], cursor, *tokens.words[at:]])
    return reading.until(cursor)


class _Reading:
    """The state of one parse: where the parser stands and what has gone wrong so far."""

    def __init__(self, source: Source, words: Sequence[Token]) -> None:
        self.source = source
        self.stream = TokenStream(words, len(source.text))
        self.parser: InteractiveParser = load_parser().parse_interactive("")
        self.diagnostics: list[Diagnostic] = []
        self.unread: list[Unread] = []
        self.lost: set[str] = set()
        self.refused: list[str] = []  # kinds of brackets that could not open, whose partners are not told

    def run(self, comments: tuple[Span, ...]) -> Parsed:
        token = self.stream.next()
        while True:
            try:
                result = self._take(token)
            except UnexpectedToken:
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
        while span_of(token).start < span_of(cursor).start:
            try:
                self._take(token)
            except TooDeep:
                break
            except UnexpectedToken:
                standing = self._standing()
                token = self._recover(token)
                passed = token is not cursor and span_of(token).start >= span_of(cursor).start
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
            raise TooDeep(span_of(token))
        return self.parser.parser_state.feed_token(token, token.type == END)

    def _standing(self) -> Standing:
        return Standing(tuple(_parts(self.parser.parser_state.value_stack)), frozenset(self._accepted()))

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
        accepted, in_body = self._accepted(), bool(self.stream.open)
        if not self._is_partner(token):
            low = self.stream.word_above_braces() if token.type == "SHORTCUT" else None
            if low is not None and low == "residual":
                message, help = without_branches("residual", "conv 64 k3 p1 -> relu")
                self._report("E216", message, span_of(low), help=help)
            else:
                self.diagnostics.append(explain_unexpected(self.source, token, accepted, in_body=in_body))
        if token.type == "RBRACE" and not in_body and NEWLINE in accepted:
            return as_newline(token)  # the item before it is whole
        if token.type == NEWLINE and accepted == {"LBRACE"} and self.stream.is_next("LBRACE"):
            return self.stream.next()  # the brace stands on the next line: told, and read all the same
        skipped = self.stream.skip_item(token)
        self._leave_out(skipped if token.type == "ARROW" else [token, *skipped], to_top=token.type == END)
        if token.type == "ARROW":
            return as_newline(token)
        resume = token.type in (NEWLINE, END, "RBRACE", "BAR") and token.type in self._accepted()
        return token if resume else self.stream.next_after_error()

    def _is_partner(self, token: Token) -> bool:
        """Whether a bracket closes one that was refused, and told, before."""
        partner = {"RPAR": "LPAR", "RSQB": "LSQB"}.get(token.type)
        if partner in self.refused:
            self.refused.remove(partner)
            return True
        if token.type in ("LPAR", "LSQB"):
            self.refused.append(token.type)
        return False

    def _accepted(self) -> set[str]:
        """The kinds of token that the parser could go on with."""
        accepted: set[str] = self.parser.accepts()  # type: ignore[no-untyped-call]  # Lark leaves it untyped
        return accepted

    def _report_unclosed(self, opening: Opening, token: Token) -> None:
        bracket, span = str(opening.token), span_of(opening.token)
        closing = {"(": ")", "[": "]", "{": "}"}[bracket]
        others = (Label(span_of(token), "it is still open here"),) if token.type != END else ()
        self._report(
            "E102", f"this `{bracket}` is never closed", span, help=f"add the missing `{closing}`", others=others
        )

    def _leave_out(self, skipped: list[Token], *, to_top: bool) -> None:
        """Makes an error node of the item at hand: what was read of it, and the tokens that were passed over."""
        self.lost.update(str(token) for token in skipped if token.type in ("WORD", "FUNCTION"))
        read = [part for part in _parts(self._forget_item(to_top=to_top)) if _place(part).end <= self.stream.position]
        end = _place(read[-1]).end if read else 0
        parts = read + [token for token in skipped if span_of(token).start >= end and token.type != END]
        if parts:
            self.unread.append(Unread(tuple(parts), _place(parts[0]).to(_place(parts[-1]))))

    def _forget_item(self, *, to_top: bool) -> list[Any]:
        """Takes the parser back to where the item began, and lets it believe that an item was there.

        Args:    to_top, out of every body, to the item of the file itself.
        Returns: what was read of the item, as it stood on the stack.

        This is yacc's `error` token done by hand: states are popped until one can go on after an item.
        """
        kinds = ("item",) if to_top else ("chain", "setting")
        state = self.parser.parser_state
        table = state.parse_conf.states
        closed = 0  # bodies that end behind the state looked at: the item did not begin inside them
        read: list[Any] = []
        while True:
            actions = table[state.state_stack[-1]]
            symbol = next((name for name in kinds if name in actions), None)
            if symbol is not None and closed <= 0:
                break
            state.state_stack.pop()
            read.append(state.value_stack.pop())
            kind = getattr(read[-1], "type", "")
            closed += (kind == "RBRACE") - (kind == "LBRACE")
            closed = max(closed, 0)
        state.state_stack.append(actions[symbol][1])
        state.value_stack.append(None)
        return read[::-1]


def _parts(values: Iterable[Any]) -> Iterator[Any]:
    """The nodes and tokens of the parser's stack, which holds what is repeated together."""
    for value in values:
        if isinstance(value, lark.Tree):
            yield from _parts(value.children)
        elif type(value) is tuple:
            yield from _parts(value)
        elif value is not None and not isinstance(value, Span):
            yield value


def _place(part: Any) -> Span:
    """Where a node or a token stands."""
    return span_of(part) if isinstance(part, Token) else part.span
