"""What each word of a text is for, what it defines, and every place that uses a definition.

In:      the located tree, its error nodes too.
Out:     `Uses`: symbols with their uses, and a `PlacedWord` for each word, in the order of the text. `param`s and
         blocks have one name space for the whole file; a block's parameters hide them inside it.
Leaves:  whether a use is right to `ir.resolve`; a name that is used above its definition counts too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from specc.ir.model import FORM_WORDS, Block, BlockParameter, Chain
from specc.ir.names.holes import HOLE, HOLE_OF_KEY
from specc.ir.names.labels import numbered
from specc.ir.names.scope import FUNCTIONS, STANDING
from specc.ir.names.signature import SHORT_KEYS, SHORTHAND, Signature, block_signature, layer_signature
from specc.ir.names.words import PlacedWord, Role, Symbol, Use, Uses
from specc.layers.registry import LAYERS, find_layer
from specc.layers.weighted import INITIALIZERS
from specc.source import Span
from specc.syntax import tree
from specc.syntax.lexer import Token

CALLS = {*FUNCTIONS, *INITIALIZERS}
_ANY_STEP = Signature("", (), SHORT_KEYS | {short: short for short in SHORT_KEYS.values()}, {}, (), any_word=True)
Scope: TypeAlias = dict[str, Symbol]


def find_uses(spec: tree.Tree) -> Uses:
    """The symbols and the words of a spec."""
    return _Finder(spec).run()


def signature_of(word: str, blocks: Mapping[str, Block]) -> Signature | None:
    """What a step with this word may be given; None for a word that is neither a block nor a layer."""
    if word in blocks:
        return block_signature(blocks[word])
    layer = find_layer(word) if word else None
    return layer_signature(layer) if layer is not None else None


class _Finder:
    def __init__(self, spec: tree.Tree) -> None:
        self.spec = spec
        self.symbols: list[Symbol] = []
        self.places: list[PlacedWord] = []
        self.globals: Scope = {}
        self.blocks: dict[str, Block] = {}
        self.signatures: dict[str, Signature] = {}
        self.labels: list[Scope] = [{}]  # those of the chains around, the innermost last

    def run(self) -> Uses:
        items = sorted((*self.spec.items, *self.spec.unread), key=lambda item: item.span)
        own = [self._define(item) for item in items]
        for item, symbol in zip(items, own, strict=True):
            self._item(item, symbol)
        return Uses(self.symbols, self.places, self.blocks)

    def _define(self, item: tree.Item | tree.Unread) -> Symbol | None:
        """The symbol of a statement that defines one."""
        header = _header(item)
        if header is None:
            return None
        kind, name, parameters = header
        symbol = self._defined(kind, name, item.span)
        self.globals.setdefault(symbol.name, symbol)
        for parameter in parameters:
            symbol.parameters[parameter.name.text] = self._defined("parameter", parameter.name, parameter.span)
        if kind == "block":
            own = tuple(BlockParameter(one.name.text, one.default, one.span) for one in parameters)
            self.blocks.setdefault(symbol.name, Block(item.span, symbol.name, own, Chain(item.span, ())))
        return symbol

    def _defined(self, kind: Literal["param", "block", "parameter", "label"], name: tree.Word, item: Span) -> Symbol:
        symbol = Symbol(kind, name, item)
        self.symbols.append(symbol)
        self.places.append(PlacedWord(name.span, kind, symbol, defines=True))
        return symbol

    def _place(self, span: Span, role: Role, step: str = "") -> None:
        self.places.append(PlacedWord(span, role, None, step=step))

    def _use(self, symbol: Symbol, span: Span, text: str, role: Role | None = None, step: str = "") -> None:
        symbol.uses.append(Use(span, text))
        self.places.append(PlacedWord(span, role or symbol.kind, symbol, step=step))

    # statements

    def _item(self, item: tree.Item | tree.Unread, own: Symbol | None) -> None:
        scope = self.globals | own.parameters if own is not None else self.globals
        match item:
            case tree.Chain():
                self._chain(item, scope)
            case tree.Input(value, _) | tree.Param(_, value, _):
                self._value(value, scope)
            case tree.Budget(quantity, bound, _):
                self._place(quantity.span, "setting")
                self._value(bound, scope)
            case tree.Train(settings, _):
                for setting in settings:
                    self._setting(setting)
            case tree.Block():
                self._block(item, scope)
            case tree.Unread(parts, _):
                self._unread(parts, scope)

    def _block(self, block: tree.Block, scope: Scope) -> None:
        for parameter in block.parameters:
            if parameter.default is not None:
                self._value(parameter.default, scope)
        outside, self.labels = self.labels, [{}]
        for branch in block.branches:
            self._chain(branch, scope)
        self.labels = outside

    def _setting(self, setting: tree.Setting) -> None:
        self._place(setting.name.span, "setting")
        for argument in setting.arguments:
            if isinstance(argument, tree.Keyword):
                self._place(argument.key.span, "key")
            self._value(argument.value, self.globals)

    # steps

    def _chain(self, chain: tree.Chain, scope: Scope) -> None:
        for step in chain.items:
            label = self._defined("label", step.label, step.span) if step.label is not None else None
            self._step(step, scope)
            if label is not None:
                self.labels[-1][label.name] = label

    def _step(self, step: tree.Step, scope: Scope) -> None:
        word = step.word
        if word is not None and word.text == "from":
            for argument in step.arguments:
                self._take_up(argument.value)
            return
        if word is not None:
            self._step_word(word, scope)
        for argument in step.arguments:
            self._argument(argument, word.text if word is not None else "", scope)
        for branch in (*(step.branches or ()), *(step.shortcut.branches if step.shortcut else ())):
            self.labels.append({})  # a branch's or a group's own, which nobody sees from outside
            self._chain(branch, scope)
            self.labels.pop()

    def _step_word(self, word: tree.Word, scope: Scope) -> None:
        if word.text in scope:
            self._use(scope[word.text], word.span, word.text)
        elif word.text in FORM_WORDS:
            self._place(word.span, "form")
        else:
            self._place(word.span, "layer" if find_layer(word.text) is not None else "unknown")

    def _take_up(self, value: tree.Value) -> None:
        """`from label`, or the label of a repeated step with a number behind it."""
        if not isinstance(value, tree.Word):
            return
        for labels in reversed(self.labels):
            for stem in (value.text, *(stem for stem, _ in numbered(value.text))):
                if stem in labels:
                    self._use(labels[stem], Span(value.span.start, value.span.start + len(stem)), stem)
                    return
        self._place(value.span, "label")

    # arguments

    def _signature(self, step: str) -> Signature:
        if step not in self.signatures:
            self.signatures[step] = signature_of(step, self.blocks) or _ANY_STEP
        return self.signatures[step]

    def _argument(self, argument: tree.Argument, step: str, scope: Scope) -> None:
        """An argument of the step, or of the call, with this word."""
        signature, value = self._signature(step), argument.value
        if isinstance(argument, tree.Keyword):
            self._key(argument.key.span, argument.key.text, step, signature)
            if signature.keys.get(argument.key.text) in signature.labels:
                self._take_up(value)
            elif isinstance(value, tree.Word) and value.text not in scope:
                self._bare(value, "option", step)
            else:
                self._value(value, scope)
        elif not isinstance(value, tree.Word):
            self._value(value, scope)
        elif value.text in signature.flags:
            self._flag(value, step, signature)
        elif value.text in scope or (signature.any_word and value.text in LAYERS):
            self._value(value, scope)
        elif not self._shorthand(value, step, signature):
            self._bare(value, "option", step)

    def _key(self, span: Span, text: str, step: str, signature: Signature) -> None:
        """A key, or the letter that stands for it: of a block, it names a parameter."""
        field = signature.keys.get(text, "")
        parameter = self._parameters(step).get(field)
        if parameter is None:
            self._place(span, "key", step)
        else:
            self._use(parameter, span, text, "key", step)

    def _parameters(self, step: str) -> Scope:
        return self.globals[step].parameters if step in self.blocks else {}

    def _flag(self, word: tree.Word, step: str, signature: Signature) -> None:
        """A flag or an option word; of a block, it names a parameter, as `noact` does."""
        field = signature.flags[word.text][0]
        parameter = self._parameters(step).get(field)
        self._place(word.span, "option", step)
        if parameter is not None:
            parameter.uses.append(Use(Span(word.span.end - len(field), word.span.end), field))

    def _shorthand(self, word: tree.Word, step: str, signature: Signature) -> bool:
        """`k3`, `x2`: a key and a number, or `k_` with a hole for it."""
        parts = SHORTHAND.fullmatch(word.text) or re.fullmatch(HOLE_OF_KEY, word.text)
        repeats = parts is not None and parts[1] == "x" and (parts[2].isdecimal() or parts[2] == HOLE)
        if parts is None or not (repeats or parts[1] in signature.keys):
            return False
        middle = word.span.start + len(parts[1])
        self._key(Span(word.span.start, middle), parts[1], step, signature)
        self._place(Span(middle, word.span.end), "number")
        return True

    def _bare(self, word: tree.Word, otherwise: Role, step: str = "") -> None:
        """A word that is no name in scope."""
        if word.text in STANDING or word.text == HOLE:
            self._place(word.span, "keyword", step)
        else:
            self._place(word.span, "layer" if find_layer(word.text) is not None else otherwise, step)

    # values

    def _value(self, value: tree.Value, scope: Scope) -> None:
        match value:
            case tree.Word():
                if value.text in scope:
                    self._use(scope[value.text], value.span, value.text)
                else:
                    self._bare(value, "option")
            case tree.Negation():
                self._value(value.operand, scope)
            case tree.Operation():
                self._value(value.left, scope)
                self._value(value.right, scope)
            case tree.ListLiteral(items, _, _):
                for item in items:
                    self._value(item, scope)
            case tree.Call():
                self._call(value, scope)

    def _call(self, call: tree.Call, scope: Scope) -> None:
        word, holds = call.function, call.function.text not in CALLS
        if holds and (word.text in scope or find_layer(word.text) is not None):
            self._value(word, scope)
        else:
            self._place(word.span, "function")
        for argument in call.arguments:
            self._argument(argument, word.text if holds else "", scope)

    # error nodes

    def _unread(self, parts: Sequence[Any], scope: Scope) -> None:
        """What was read before the error, node by node; the words behind it by what stands beside them."""
        step, kinds = "", [part.type if isinstance(part, Token) else "" for part in parts]
        for index, part in enumerate(parts):
            if not isinstance(part, Token):
                if isinstance(part, tree.Word) and not step:
                    self._defined("label", part, part.span)
                else:
                    self._node(part, step, scope)
                continue
            before, after = kinds[index - 1] if index else "", (kinds[index + 1 : index + 2] or [""])[0]
            if part.type in ("ARROW", "BAR", "LBRACE", "_NL"):
                step = ""
            elif part.type in ("WORD", "FUNCTION") and before not in ("BLOCK", "PARAM"):
                word = tree.Word(part.text, part.span)
                if before == "FROM":
                    self._take_up(word)
                elif before == "BUDGET":
                    self._place(word.span, "setting")
                elif not step and after == "COLON":
                    self._defined("label", word, word.span)
                elif not step:
                    step = word.text
                    self._step_word(word, scope)
                elif after == "EQUAL":
                    self._key(word.span, word.text, step, self._signature(step))
                else:
                    self._argument(tree.Positional(word, word.span), step, scope)

    def _node(self, node: Any, step: str, scope: Scope) -> None:
        match node:
            case tree.Step():
                self._chain(tree.Chain((node,), node.span), scope)
            case tree.Positional() | tree.Keyword():
                self._argument(node, step, scope)
            case tree.Setting():
                self._setting(node)
            case tree.BlockParameter():
                if node.default is not None:
                    self._value(node.default, scope)
            case tree.Shortcut():
                for branch in node.branches:
                    self._chain(branch, scope)
            case tree.Chain() | tree.Input() | tree.Param() | tree.Block() | tree.Budget() | tree.Train():
                self._item(node, None)
            case _:
                self._value(node, scope)


def _header(
    item: tree.Item | tree.Unread,
) -> tuple[Literal["param", "block"], tree.Word, tuple[tree.BlockParameter, ...]] | None:
    """What a statement defines: its kind, its name, the parameters of a block."""
    match item:
        case tree.Param(name, _, _):
            return "param", name, ()
        case tree.Block(name, parameters, _, _, _):
            return "block", name, parameters
        case tree.Unread(parts, _):
            for first, second in pairwise(part for part in parts if isinstance(part, Token)):
                if first.type in ("PARAM", "BLOCK") and second.type in ("WORD", "FUNCTION"):
                    own = tuple(part for part in parts if isinstance(part, tree.BlockParameter))
                    return ("param" if first.type == "PARAM" else "block"), tree.Word(second.text, second.span), own
    return None
