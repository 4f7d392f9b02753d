"""Tree and tokens in, pieces out: each node as a formatter writes it, with the comments and line ends around it.

In:      the tree of a text without syntax errors, and its tokens.
Out:     its pieces in the order written.
Leaves:  the lines to `syntax.layout`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from specc.source import Span
from specc.syntax import tree
from specc.syntax.lexer import Token
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
from specc.syntax.tokens import COMMENT, NEWLINE, Tokens

_PRODUCT = {"*", "/", "//", "%", "**"}
_CLOSE = {"*", "**"}


def pieces_of(spec: tree.Tree, tokens: Tokens) -> File:
    """The pieces of a text without syntax errors."""
    return _Writer(tokens).file(spec)


def gap_of(tokens: Iterable[Token], *, at_start: bool = False) -> Gap:
    """Comments and new lines of what stands between two pieces; at_start: nothing stands before it."""
    after, newlines = "", int(at_start)
    above: list[Comment] = []
    for piece in tokens:
        if piece.type == NEWLINE:
            newlines += piece.text != ";"
        elif piece.type != COMMENT:
            continue
        elif newlines or above:
            above.append(Comment(piece.text.rstrip(), newlines > 1))
            newlines = 0
        else:
            after = piece.text.rstrip()
    return Gap(after, tuple(above), bool(newlines or above or after), newlines > 1)


class _Writer:
    """Walks the nodes; `end` is the place up to which the text is used."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens, self.end = tokens, 0
        braces = [token for token in tokens.words if token.type in ("LBRACE", "RBRACE")]
        self.opening = [token.span.start for token in braces if token.type == "LBRACE"]
        self.closing = dict(_matched(braces))

    def gap(self, start: int, *, at_start: bool = False) -> Gap:
        """What stands between the last piece and the next one."""
        between = self.tokens.of(Span(self.end, start))
        self.end = start
        return gap_of(between, at_start=at_start)

    def passed(self, end: int) -> tuple[str, ...]:
        """The comments up to a place, inside a piece that ends there."""
        found = self.tokens.of(Span(self.end, end))
        self.end = end
        return tuple(token.text.rstrip() for token in found if token.type == COMMENT)

    def text(self, flat: str, end: int) -> TextPiece:
        """Words that end at a place."""
        return TextPiece(flat, self.passed(end))

    # items

    def file(self, spec: tree.Tree) -> File:
        entries: list[EntryPiece] = []
        for item in spec.items:
            if isinstance(item, tree.Chain):
                entries += self.chain(item, 0, at_start=not entries)
            else:
                gap = self.gap(item.span.start, at_start=not entries)
                entries.append(EntryPiece(0, (Link(gap, make_step(self.statement(item), "")),)))
        return File(tuple(entries), self.gap(len(self.tokens.text) + 1, at_start=not entries))

    def chain(self, chain: tree.Chain, bars: int, *, at_start: bool = False) -> Iterator[EntryPiece]:
        """The entries of a chain, a new one where no `->` joins a step to the one before it."""
        links: list[Link] = []
        for step in chain.items:
            joined = any(token.type == "ARROW" for token in self.tokens.of(Span(self.end, step.span.start)))
            if links and not joined:
                yield EntryPiece(bars, tuple(links))
                links, bars = [], 0
            links.append(Link(self.gap(step.span.start, at_start=at_start and not links), self.step(step)))
        if links:
            yield EntryPiece(bars, tuple(links))

    def statement(self, item: tree.Item) -> list[Piece]:
        match item:
            case tree.Param(name, value, span):
                return [self.text(f"param {name.text} = {self.value(value)}", span.end)]
            case tree.Budget(quantity, bound, span):
                return [self.text(f"budget {quantity.text} <= {self.value(bound)}", span.end)]
            case tree.Input(value, span):
                return [self.text("input", span.start + len("input")), self.argument("", value)]
            case tree.Train(settings, span):
                return [self.text("train", span.start + len("train")), self.settings(settings)]
            case tree.Block():
                return [self.header(item), self.body(item.branches)]
        raise AssertionError(item)  # chains are no statements

    def header(self, block: tree.Block) -> Piece:
        opening = f"block {block.name.text}"
        if block.head.end == block.name.span.end:
            return self.text(opening, block.head.end)
        self.end = block.name.span.end + 1
        items: list[tuple[Gap, TextPiece | ListPiece]] = []
        for one in block.parameters:
            default = "" if one.default is None else f"={self.value(one.default)}"
            gap = self.gap(one.span.start)
            items.append((gap, self.text(one.name.text + default, one.span.end)))
        return self.closed(f"{opening}(", items, block.head.end, ")", ",")

    def step(self, step: tree.Step) -> StepPiece:
        parts: list[Piece] = []
        if step.label is not None:
            parts.append(self.text(f"{step.label.text}:", step.label.span.end))
        if step.word is not None:
            parts.append(self.text(step.word.text, step.word.span.end))
        behind = self.behind_body(step)
        parts += [self.argument_of(one) for one in step.arguments if one.span.start < behind]
        if step.branches is not None:
            parts.append(self.body(step.branches))
        if step.shortcut is not None:
            parts += self.shortcut(step.shortcut)
        parts += [self.argument_of(one) for one in step.arguments if one.span.start >= behind]
        if step.check is None:
            return make_step(parts, "")
        _, *shape = self.words(step.check.span)
        self.end = step.check.span.end
        return make_step(parts, f":: {''.join(token.text for token in shape)}")

    def behind_body(self, step: tree.Step) -> int:
        """Where the body of a step begins; behind the step where it has none."""
        return self.opening[bisect_left(self.opening, self.end)] if step.branches is not None else step.span.end

    def shortcut(self, shortcut: tree.Shortcut) -> Iterator[Piece]:
        yield self.text("shortcut", shortcut.span.start + len("shortcut"))
        if shortcut.kind == "chain":
            yield self.body(shortcut.branches)
        else:
            yield self.text(shortcut.kind, shortcut.span.end)

    # brackets

    def body(self, branches: Sequence[tree.Chain]) -> Body:
        """The branches in the next braces."""
        closing = self.enter()
        entries: list[EntryPiece] = []
        bars = 0
        for number, branch in enumerate(branches):
            bars += number > 0
            if branch.items:
                entries += self.chain(branch, bars)
                bars = 0
        return self.left(entries, bars, closing)

    def settings(self, settings: Sequence[tree.Setting]) -> Body:
        closing = self.enter()
        entries = []
        for setting in settings:
            gap = self.gap(setting.span.start)
            parts = [self.text(setting.name.text, setting.name.span.end), *map(self.argument_of, setting.arguments)]
            entries.append(EntryPiece(0, (Link(gap, make_step(parts, "")),)))
        return self.left(entries, 0, closing)

    def enter(self) -> int:
        """Goes on behind the next `{`. Returns: where its `}` stands."""
        opening = self.opening[bisect_left(self.opening, self.end)]
        self.end = opening + 1
        return self.closing[opening]

    def left(self, entries: list[EntryPiece], bars: int, closing: int) -> Body:
        gap = self.gap(closing)
        self.end = closing + 1
        return make_body(entries, bars, gap)

    def argument_of(self, argument: tree.Argument) -> Piece:
        key = f"{argument.key.text}=" if isinstance(argument, tree.Keyword) else ""
        return self.argument(key, argument.value)

    def argument(self, key: str, value: tree.Value) -> TextPiece | ListPiece:
        """A value with what stands before it; a list may have lines of its own."""
        if not isinstance(value, tree.ListLiteral) or self.parentheses(value):
            return self.text(key + self.value(value), value.span.end)
        self.end = value.span.start + 1
        items = [(self.gap(item.span.start), self.argument("", item)) for item in value.items]
        return self.closed(f"{key}[", items, value.span.end, "]", "")

    def closed(
        self, opening: str, items: list[tuple[Gap, TextPiece | ListPiece]], end: int, closing: str, comma: str
    ) -> ListPiece:
        """A list that ends at a place; commas are left out or put in, whatever is written."""
        gap = self.gap(end - 1)
        self.end = end
        return make_listing(opening, items, gap, closing, comma)

    # values, on one line

    def value(self, value: tree.Value) -> str:
        around = self.parentheses(value)
        match value:
            case tree.Negation():
                flat = f"-{self.value(value.operand)}"
            case tree.Operation():
                flat = self.operation(value)
            case tree.ListLiteral(items, _, _):
                flat = f"[{' '.join(map(self.value, items))}]"
            case tree.Call():
                flat = f"{value.function.text}({', '.join(map(self.handed, value.arguments))})"
            case _:
                words = self.words(value.span)
                flat = "".join(token.text for token in words[around : len(words) - around])
        return "(" * around + flat + ")" * around

    def handed(self, argument: tree.Argument) -> str:
        key = f"{argument.key.text}=" if isinstance(argument, tree.Keyword) else ""
        return key + self.value(argument.value)

    def operation(self, value: tree.Operation) -> str:
        """Operands and operators without parentheses around.

        A power and a product of nothing but `*` and powers are written close, `4*c + 2**n`; every other operator has
        spaces.
        """
        operands, operators = self.terms(value, outermost=True)
        text = operands[0]
        for index, operator in enumerate(operators):
            space = "" if _is_close(operators, index) else " "
            text += f"{space}{operator}{space}{operands[index + 1]}"
        return text

    def terms(self, value: tree.Value, *, outermost: bool = False) -> tuple[list[str], list[str]]:
        if not isinstance(value, tree.Operation) or (self.parentheses(value) and not outermost):
            return [self.value(value)], []
        left, right = self.terms(value.left), self.terms(value.right)
        return left[0] + right[0], [*left[1], value.operator.text, *right[1]]

    def parentheses(self, value: tree.Value) -> int:
        """How many pairs of parentheses stand around a value."""
        if not self.tokens.text.startswith("(", value.span.start):
            return 0
        kinds = [token.type for token in self.words(value.span)]
        most = next((index for index, kind in enumerate(kinds) if kind != "LPAR"), 0)
        depth = least = most
        for kind in kinds[most:]:
            depth += (kind == "LPAR") - (kind == "RPAR")
            if kind != "RPAR":
                least = min(least, depth)
        return least

    def words(self, span: Span) -> list[Token]:
        """The tokens of a piece of the text, without comments and new lines."""
        return [token for token in self.tokens.of(span) if token.type not in (COMMENT, NEWLINE)]


def _matched(braces: Iterable[Token]) -> Iterator[tuple[int, int]]:
    """Where each `{` and its `}` stand."""
    waiting: list[int] = []
    for brace in braces:
        if brace.type == "LBRACE":
            waiting.append(brace.span.start)
        else:
            yield waiting.pop(), brace.span.start


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
