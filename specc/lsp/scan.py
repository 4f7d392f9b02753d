"""Tokens of a text, each with what it is for: also of a text that is half written, where no tree can be had.

In:      any text.
Out:     a `Scan`: each token's role, what is defined where; and `Scan.before`, the state at a place, for completion.
Leaves:  whether any of it makes sense to the compiler.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

from lark.lexer import Token

from specc.ir.model import FORM_WORDS
from specc.ir.names.scope import FUNCTIONS, STANDING
from specc.ir.names.signature import SHORT_KEYS, layer_signature
from specc.layers.registry import find_layer
from specc.layers.weighted import INITIALIZERS
from specc.lsp.headers import CLOSING, OPENING, find_headers, names_after
from specc.source import Span
from specc.syntax.grow import span_of
from specc.syntax.parse import load_parser
from specc.syntax.tokens import NEWLINE, STATEMENTS

Role: TypeAlias = Literal[
    "keyword", "layer", "form", "block", "param", "parameter", "key", "option", "setting", "function", "label",
    "number", "string", "operator", "unknown",
]  # fmt: skip
Bracket: TypeAlias = Literal["train", "block", "body", "header", "parenthesis", "call", "list", "partial"]

_PARENTHESES = ("header", "parenthesis", "call", "list", "partial")
_SPACE_AFTER = ("ARROW", "BAR", "LBRACE")
_NAMES = ("WORD", "FUNCTION", "X", "IN", "NTH", "SAME", "AUTO")
_NUMBERS = ("NUMBER", "SIZE", "PATTERN", "MALFORMED")
_SHORTHAND = re.compile(r"([A-Za-z_]+?)([0-9]+(?:x[0-9]+)*)")
CALLS = {*FUNCTIONS, *INITIALIZERS}
_REPEAT = re.compile(r"x[0-9]+")


class Item:
    """The step, setting or statement at hand, as far as it is written."""

    def __init__(self, kind: str) -> None:
        self.kind = kind  # step, setting, or a statement's word
        self.label: str | None = None
        self.word: str | None = None
        self.arguments: list[str] = []  # words and values without brackets' insides; a key with `=` behind it
        self.key: str | None = None  # the key whose value is due
        self.checking = False  # behind `::`
        self.has_body = False
        self.shortcut = False  # right behind that word

    @property
    def empty(self) -> bool:
        return self.kind in ("step", "setting") and self.word is None and not self.has_body


class OpenBracket(NamedTuple):
    """An open bracket: what it is, the item around it, and the function that is called."""

    bracket: Bracket
    item: Item
    function: str = ""


class CursorState(NamedTuple):
    """Where a place stands: the open brackets, the item at hand, the parameters of the block around."""

    frames: tuple[OpenBracket, ...]
    item: Item
    own: tuple[str, ...]

    @property
    def inside(self) -> Bracket | None:
        return self.frames[-1].bracket if self.frames else None


class PlacedToken(NamedTuple):
    """A piece of the text and what it is for; a token may be several, as `k` and `3` in `k3`."""

    span: Span
    role: Role
    defines: bool = False


class Scan:
    """The tokens of a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(load_parser().lex(text))
        self.params = [str(name) for name in names_after(self.tokens, "PARAM")]
        self.headers = {header.name: header for header in find_headers(text, self.tokens)}

    @cached_property
    def labels(self) -> list[str]:
        """The words before a colon."""
        pairs = zip(self.tokens, self.tokens[1:], strict=False)
        return list(dict.fromkeys(str(word) for word, colon in pairs if colon.type == "COLON" and word.type == "WORD"))

    @cached_property
    def outputs(self) -> list[str]:
        """The names of a network's outputs."""
        found, depth = [], 0
        at = next((place for place, word in enumerate(self.tokens) if word == "outputs"), len(self.tokens))
        for before, word, after in zip(self.tokens[at:], self.tokens[at + 1 :], self.tokens[at + 2 :], strict=False):
            depth += {"{": 1, "}": -1}.get(before, 0)
            if depth == 1 and before in ("{", "|") and word.type == "WORD" and after.type == "COLON":
                found.append(str(word))
        return found

    def placed(self) -> Iterator[PlacedToken]:
        """Every token but new lines and brackets, in the order of the text."""
        walk = _Walk(self)
        for token in self.tokens:
            yield from walk.feed(token)

    def comments(self) -> Iterator[Span]:
        """Where comments stand; a `#` in a string begins none."""
        end = 0
        for start, stop in [*map(span_of, self.tokens), (len(self.text), len(self.text))]:
            gap = self.text[end:start]
            if "#" in gap:
                for comment in re.finditer(r"#[^\r\n]*", gap):
                    yield Span(end + comment.start(), end + comment.end())
            end = stop

    def before(self, offset: int) -> CursorState:
        """The state behind the tokens that end at an offset or before it."""
        walk = _Walk(self)
        for token in self.tokens:
            if span_of(token).end > offset or span_of(token).start >= offset:
                break
            for _ in walk.feed(token):
                pass
        walk.settle()
        return walk.state()


def scan(text: str) -> Scan:
    return Scan(text)


class _Walk:
    """From token to token: the open brackets and the item at hand."""

    def __init__(self, scanned: Scan) -> None:
        self.scan = scanned
        self.frames: list[OpenBracket] = []
        self.item = Item("step")
        self.own: tuple[str, ...] = ()
        self.previous = NEWLINE
        self.broke = False
        self.index = -1
        self.joined = 0  # where a value of several tokens ends

    def state(self) -> CursorState:
        return CursorState(tuple(self.frames), self.item, self.own)

    def feed(self, token: Token) -> Iterator[PlacedToken]:
        """What one token is for."""
        self.index += 1
        if span_of(token).start < self.joined:
            return
        if token.type == NEWLINE:
            self.broke = True
            return
        self._begin(token)
        if token.type in OPENING:
            self._open(token)
        elif token.type in CLOSING:
            self._close(token)
        elif token.type in ("ARROW", "BAR"):
            self._leave_parentheses()
            self._next_item()
            yield PlacedToken(span_of(token), "operator")
        else:
            yield from self._placed(token)
        self.previous = token.type

    def settle(self) -> None:
        """Counts a new line at the end: whatever comes now begins an item."""
        if self.broke:
            self._begin(Token("WORD", ""))

    # where items begin

    def _begin(self, token: Token) -> None:
        broke, self.broke = self.broke, False
        if broke and token.type in STATEMENTS and self.frames:
            self.frames.clear()  # a bracket that was never closed: statements stand at the top
            self.own = ()
            self._next_item()
        inside = self.frames[-1].bracket if self.frames else None
        if not broke or inside in _PARENTHESES or self.previous in _SPACE_AFTER:
            return
        if token.type in ("ARROW", "BAR", "RBRACE") or (self.previous == "RBRACE" and token.type == "SHORTCUT"):
            return
        self._next_item()

    def _next_item(self) -> None:
        if not any(frame.bracket == "block" for frame in self.frames):
            self.own = ()
        self.item = Item("setting" if self.frames and self.frames[-1].bracket == "train" else "step")

    def _leave_parentheses(self) -> None:
        while self.frames and self.frames[-1].bracket in _PARENTHESES:
            self.item = self.frames.pop().item

    # brackets

    def _open(self, token: Token) -> None:
        function = str(self.scan.tokens[self.index - 1]) if self.previous == "FUNCTION" else ""
        if token.type == "LBRACE":
            self._leave_parentheses()
            kinds: dict[str, Bracket] = {"train": "train", "block": "block"}
            self.frames.append(OpenBracket(kinds.get(self.item.kind, "body"), self.item))
            self.item.has_body, self.item.shortcut = True, False
            self._next_item()
        elif token.type == "LSQB":
            self.frames.append(OpenBracket("list", self.item))
        elif self.item.kind == "block" and not self.frames and self.item.key is None:
            self.frames.append(OpenBracket("header", self.item))
        elif function and self._name_role(function) is not None and function not in CALLS:
            self.frames.append(OpenBracket("partial", self.item, function))
            self.item = Item("step")  # what a step may say
            self.item.word = function
        else:
            self.frames.append(OpenBracket("call" if function else "parenthesis", self.item, function))

    def _close(self, token: Token) -> None:
        if token.type == "RBRACE":
            self._leave_parentheses()
        is_brace = bool(self.frames) and self.frames[-1].bracket in ("train", "block", "body")
        if self.frames and is_brace == (token.type == "RBRACE"):
            frame = self.frames.pop()
            self.item = frame.item
            if not is_brace and frame.bracket != "header":
                self._take("()")

    def _take(self, text: str) -> None:
        """One more argument, or the value of a key."""
        if self.item.key is None:
            self.item.arguments.append(text)
        self.item.key = None

    # words

    def _joined(self, span: Span) -> Span:
        """`fashion-mnist`, a value of `train { }`, is one piece where nothing stands between its parts."""
        end, rest = span.end, self.scan.tokens[self.index + 1 :]
        for hyphen, part in zip(rest[::2], rest[1::2], strict=False):
            if hyphen.type != "MINUS" or span_of(hyphen) != (end, end + 1) or span_of(part).start != end + 1:
                break
            end = self.joined = span_of(part).end
        return Span(span.start, end)

    def _placed(self, token: Token) -> Iterator[PlacedToken]:
        span, kind = span_of(token), token.type
        if kind in STATEMENTS and self.item.empty:
            self.item = Item(str(token))
            yield PlacedToken(span, "keyword")
        elif kind == "FROM":
            self.item.word = str(token)
            yield PlacedToken(span, "keyword")
        elif kind in ("SHORTCUT", *STATEMENTS):
            self.item.shortcut = kind == "SHORTCUT"
            yield PlacedToken(span, "keyword")
        elif kind in _NUMBERS or self.item.checking:
            self._number()
            yield PlacedToken(span, "number")
        elif kind == "TEXT":
            self._take(str(token))
            yield PlacedToken(span, "string")
        elif kind in _NAMES:
            if self.item.kind == "setting" and self.item.word is not None:
                span = self._joined(span)
            yield from self._word(token, span)
        elif kind != "COMMA":
            yield from self._sign(token, span)

    def _number(self) -> None:
        inside = self.frames[-1].bracket if self.frames else None
        if inside not in ("parenthesis", "call", "list", "header") and not self.item.checking:
            self._take("0")
        self.item.checking = False

    def _sign(self, token: Token, span: Span) -> Iterator[PlacedToken]:
        if token.type == "DOUBLE_COLON":
            self.item.checking = True
        if token.type != "UNKNOWN":
            yield PlacedToken(span, "operator")

    def _word(self, token: Token, span: Span) -> Iterator[PlacedToken]:
        text, kind, following = str(token), token.type, self._following()
        inside = self.frames[-1].bracket if self.frames else None
        if inside == "header":
            yield self._in_header(text, span, is_call=kind == "FUNCTION")
        elif inside in ("parenthesis", "call", "list"):
            yield PlacedToken(span, self._value_role(text, is_call=kind == "FUNCTION"))
        elif self.item.kind in ("param", "block", "budget", "input") and self.item.word is None:
            yield self._defined(text, span)
        elif self.item.empty and self.item.kind == "step" and following == "COLON":
            self.item.label = text
            yield PlacedToken(span, "label", defines=True)
        elif self.item.word == "from":
            self.item.arguments.append(text)
            yield PlacedToken(span, "label")
        elif self.item.empty:
            self.item.word = text
            yield PlacedToken(span, "setting" if self.item.kind == "setting" else self._step_role(text))
        else:
            yield from self._argument(text, span, "CALL" if kind == "FUNCTION" else following)

    def _following(self) -> str:
        after = self.index + 1
        return self.scan.tokens[after].type if after < len(self.scan.tokens) else ""

    def _in_header(self, text: str, span: Span, *, is_call: bool) -> PlacedToken:
        if self.previous in ("LPAR", "COMMA"):
            self.own = (*self.own, text)
            return PlacedToken(span, "parameter", defines=True)
        return PlacedToken(span, self._value_role(text, is_call=is_call))

    def _defined(self, text: str, span: Span) -> PlacedToken:
        """The name behind a statement's word."""
        kind = self.item.kind
        if kind == "input":
            return PlacedToken(span, self._value_role(text))
        self.item.word = text
        roles: dict[str, Role] = {"param": "param", "block": "block", "budget": "setting"}
        return PlacedToken(span, roles[kind], defines=kind != "budget")

    def _step_role(self, text: str) -> Role:
        if text in FORM_WORDS:
            return "form"
        return self._name_role(text) or "unknown"

    def _name_role(self, text: str) -> Role | None:
        """What a name in scope, a block or a layer is."""
        if text in self.own:
            return "parameter"
        if text in self.scan.params:
            return "param"
        if text in self.scan.headers:
            return "block"
        return "layer" if find_layer(text) is not None else None

    def _value_role(self, text: str, *, is_call: bool = False) -> Role:
        if text in STANDING:
            return "keyword"
        if is_call and text in CALLS:
            return "function"
        if is_call:
            return self._name_role(text) or "function"
        return self._name_role(text) or "option"

    def _argument(self, text: str, span: Span, following: str) -> Iterator[PlacedToken]:
        if self.item.shortcut:
            self.item.shortcut = False
            yield PlacedToken(span, "keyword")
            return
        if following == "EQUAL":
            self.item.arguments.append(f"{text}=")
            self.item.key = text
            yield PlacedToken(span, "key")
            return
        named = self._name_role(text)
        is_value = self.item.key is not None or named in ("param", "parameter") or self.item.kind != "step"
        bare = self.item.key is None and self.item.kind == "step"
        if following != "CALL":  # its parentheses are taken in its place
            self._take(text)
        if bare and text in self.flags(self.item.word):
            yield PlacedToken(span, "option")
        elif is_value or following == "CALL":
            yield PlacedToken(span, self._value_role(text, is_call=following == "CALL"))
        else:
            yield from self._shorthand(text, span, named)

    def _shorthand(self, text: str, span: Span, named: Role | None) -> Iterator[PlacedToken]:
        """`k3`, `x2`, or a word that stands alone."""
        match = _SHORTHAND.fullmatch(text) if named is None or self.item.word not in self.scan.headers else None
        if match and (_REPEAT.fullmatch(text) or match[1] in self.keys(self.item.word)):
            middle = span.start + len(match[1])
            yield PlacedToken(Span(span.start, middle), "key")
            yield PlacedToken(Span(middle, span.end), "number")
        else:
            yield PlacedToken(span, named or ("keyword" if text in STANDING else "option"))

    def flags(self, word: str | None) -> Collection[str]:
        """The flags and options that a step of this word takes."""
        if word in self.scan.headers:
            return self.scan.headers[word].flags()
        layer = find_layer(word) if word else None
        return layer_signature(layer).flags if layer else ()

    def keys(self, word: str | None) -> dict[str, str]:
        """The keys that a step of this word takes."""
        if word in self.scan.headers:
            return self.scan.headers[word].keys()
        layer = find_layer(word) if word else None
        return layer_signature(layer).keys if layer else dict(SHORT_KEYS) | {short: short for short in "kspdg"}
