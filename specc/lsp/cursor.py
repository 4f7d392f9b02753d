"""What is being written at a place: from what the parser has read before it, so also in a text that is half written.

In:      the tokens of a text and a place.
Out:     a `CursorState`: the brackets around the place, the item at hand with its arguments, as far as it is written.
Leaves:  what may be offered there to `lsp.completion`, what is due to `lsp.signatures`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from specc.ir.names.bind import bind, take_repeat
from specc.ir.names.scope import Scope
from specc.ir.names.signature import Signature
from specc.ir.names.uses import CALLS, signature_of
from specc.ir.names.words import Uses
from specc.source import Span
from specc.syntax import tree
from specc.syntax.lexer import Token
from specc.syntax.parse import standing_at
from specc.syntax.tokens import NEWLINE, STATEMENTS, Tokens

Bracket: TypeAlias = Literal["train", "block", "body", "header", "parenthesis", "call", "list", "partial"]

_OPENING, _CLOSING = ("LPAR", "LSQB", "LBRACE"), ("RPAR", "RSQB", "RBRACE")
_BRACES: tuple[Bracket, ...] = ("train", "block", "body")


class Item(NamedTuple):
    """The step, setting or statement at hand, as far as it is written.

    kind: step, setting, or a statement's word. key: that whose value is due. checking: behind `::`; shortcut: right
    behind that word.
    """

    kind: str
    label: str | None = None
    word: str | None = None
    arguments: tuple[tree.Argument, ...] = ()
    key: str | None = None
    checking: bool = False
    has_body: bool = False
    shortcut: bool = False

    @property
    def empty(self) -> bool:
        return self.kind in ("step", "setting") and self.word is None and not self.has_body


class CursorState(NamedTuple):
    """Where a place stands: the innermost open bracket, the item at hand, the parameters of the block around."""

    inside: Bracket | None
    item: Item
    own: tuple[str, ...]


def given(state: CursorState, uses: Uses) -> tuple[Signature | None, tuple[str, ...]]:
    """What the step at hand may be given, and the fields that have their values."""
    signature = signature_of(state.item.word or "", uses.blocks)
    if signature is None:
        return None, ()
    scope = Scope(dict.fromkeys(uses.names("param")), uses.blocks, frozenset(state.own))
    arguments, _, _ = take_repeat(state.item.arguments, scope)
    bound = bind(arguments, signature, scope, Span(0, 0), partly=True)
    return signature, tuple(argument.name for argument in bound.arguments)


def word_before(tokens: Tokens, offset: int, *, hyphens: bool = False) -> int:
    """Where the word begins that ends at a place or holds it; the place itself where none does.

    Args: hyphens, whether it may have these, as `fashion-mnist`.
    """
    start = offset
    for token in tokens.back_from(offset):
        span = token.span
        in_word = token.text.isidentifier() or (hyphens and token.type in ("MINUS", "NUMBER", "MALFORMED"))
        if not in_word or span.end < start or (start < offset and not hyphens):
            break
        start = span.start
    return start


class _Level(NamedTuple):
    """An open bracket, and what stands in it since the last item ended; the file itself has none."""

    bracket: Bracket | None
    parts: list[Any]


def cursor_state(tokens: Tokens, offset: int, names_step: Callable[[str], bool]) -> CursorState:
    """The state behind the tokens before a place. Args: names_step, whether a word can be called with arguments."""
    parts = standing_at(tokens, offset).parts
    if parts and isinstance(parts[-1], Token) and not parts[-1].text:
        parts = parts[:-1]  # what is to come
    levels = [_Level(None, [])]
    for part in parts:
        kind = part.type if isinstance(part, Token) else ""
        level = levels[-1]
        if kind in _OPENING:
            levels.append(_Level(_bracket(kind, levels, names_step), []))
        elif kind in _CLOSING:
            levels = levels[:-1] or levels
        elif kind in (NEWLINE, "ARROW", "BAR"):
            level.parts.clear()
        else:
            level.parts.append(part)
    own = tuple(part.name.text for part in parts if isinstance(part, tree.BlockParameter))
    return CursorState(levels[-1].bracket, _item(levels), own)


def _bracket(kind: str, levels: Sequence[_Level], names_step: Callable[[str], bool]) -> Bracket:
    """What a bracket that opens is."""
    parts = levels[-1].parts
    first = parts[0].type if parts and isinstance(parts[0], Token) else ""
    if kind == "LSQB":
        return "list"
    if kind == "LBRACE":
        kinds: dict[str, Bracket] = {"TRAIN": "train", "BLOCK": "block"}
        return kinds.get(first, "body")
    if first == "BLOCK":
        return "header"
    called = parts[-1].text if parts and isinstance(parts[-1], Token) and parts[-1].type == "FUNCTION" else ""
    if not called:
        return "parenthesis"
    return "partial" if called not in CALLS and names_step(called) else "call"


def _item(levels: Sequence[_Level]) -> Item:
    """The item at hand: what is called in the innermost parentheses, else what these stand in."""
    innermost = levels[-1]
    if innermost.bracket == "partial":
        return _read("step", [levels[-2].parts[-1]._replace(type="WORD"), *innermost.parts])
    at = max(index for index, level in enumerate(levels) if level.bracket in (None, "partial", *_BRACES))
    item = _read("setting" if levels[at].bracket == "train" else "step", levels[at].parts)
    if innermost.bracket != "header":
        return item
    return item._replace(key=_read("step", [Token("WORD", "block", Span(0, 0)), *innermost.parts]).key)


def _read(kind: str, parts: Iterable[Any]) -> Item:
    """An item out of what was read of it."""
    item = Item(kind)
    for part in parts:
        item = _and_token(item, part) if isinstance(part, Token) else _and_node(item, part)
    return item


def _and_token(item: Item, token: Token) -> Item:
    text = token.text
    item = item._replace(shortcut=token.type == "SHORTCUT", checking=token.type == "DOUBLE_COLON")
    if token.type in STATEMENTS and item.empty:
        return item._replace(kind=text.lower())
    if token.type == "COLON":
        return item._replace(label=item.word, word=None)
    if token.type == "EQUAL" and item.arguments:
        return item._replace(key=_bare(item.arguments[-1]), arguments=item.arguments[:-1])
    if token.type in ("WORD", "FUNCTION", "FROM") and item.word is None and not item.has_body:
        return item._replace(word=text)
    if token.type in ("WORD", "X", "IN", "NTH", "SAME", "AUTO"):
        span = token.span
        return item._replace(arguments=(*item.arguments, tree.Positional(tree.Word(text, span), span)))
    return item


def _bare(argument: tree.Argument) -> str:
    return argument.value.text if isinstance(argument.value, tree.Word) else ""


def _and_node(item: Item, node: Any) -> Item:
    item = item._replace(shortcut=False, checking=False)
    if isinstance(node, tree.Positional | tree.Keyword):
        return item._replace(arguments=(*item.arguments, node))
    if isinstance(node, tree.Word):
        return item._replace(label=node.text)
    if isinstance(node, tree.Chain):
        return item._replace(has_body=True)
    if isinstance(node, tree.Number | tree.SizeLiteral | tree.Negation | tree.Operation | tree.ListLiteral | tree.Call):
        return item._replace(arguments=(*item.arguments, tree.Positional(node, node.span)))
    return item
