"""What a spec defines, and every place that uses it: for go to, references and rename.

In:      the located tree.
Out:     a `Names`: symbols with their uses, in the order of the text. `param`s and blocks have one name space for the
         whole file; a block's parameters hide them inside it.
Leaves:  whether a use is right to the compiler; a name that is used above its definition counts too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from specc.ir.names.labels import numbered
from specc.ir.names.signature import SHORT_KEYS
from specc.layers.registry import find_layer
from specc.source import Span
from specc.syntax import tree

_SHORTHAND = re.compile(r"([A-Za-z_]+?)([0-9]+(?:x[0-9]+)*)")
_NO_NAMES: tuple[()] = ()


class Use(NamedTuple):
    """A place that names a symbol. text: what stands there, which may be a letter for it, as `s` in `s2`."""

    span: Span
    text: str


class Symbol:
    """A `param`, a block, a block's parameter or a label."""

    def __init__(self, kind: Literal["param", "block", "parameter", "label"], name: tree.Word, item: Span) -> None:
        self.kind, self.name, self.defined, self.item = kind, name.text, name.span, item
        self.uses: list[Use] = []
        self.keys: dict[str, Symbol] = {}  # of a block: what a call may write before `=` or a size
        self.flags: dict[str, Symbol] = {}  # of a block: the parameters that are true or false

    @property
    def places(self) -> list[Use]:
        """The definition and the uses, in the order of the text."""
        return sorted([Use(self.defined, self.name), *self.uses])


class Names:
    """The symbols of one text."""

    def __init__(self, symbols: Sequence[Symbol]) -> None:
        self.symbols = symbols

    def at(self, offset: int) -> Symbol | None:
        """The symbol that is named at an offset, also right behind its name."""
        found = self.place_at(offset)
        return found[0] if found else None

    def place_at(self, offset: int) -> tuple[Symbol, Use] | None:
        """The symbol at an offset and the place that names it."""
        for symbol in self.symbols:
            for use in symbol.places:
                if use.span.start <= offset <= use.span.end:
                    return symbol, use
        return None

    def called(self, name: str) -> Symbol | None:
        """The `param` or the block of a name."""
        found = (symbol for symbol in self.symbols if symbol.name == name and symbol.kind in ("param", "block"))
        return next(found, None)


Scope = dict[str, Symbol]


def find_names(spec: tree.Tree) -> Names:
    """The symbols of a spec."""
    return _Finder(spec).run()


class _Finder:
    def __init__(self, spec: tree.Tree) -> None:
        self.spec = spec
        self.symbols: list[Symbol] = []
        self.globals: Scope = {}
        self.labels: list[Scope] = [{}]  # those of the chains around, the innermost last

    def run(self) -> Names:
        own = {item.span: self._define(item) for item in self.spec.items}
        for item in self.spec.items:
            self._item(item, own[item.span])
        return Names(self.symbols)

    def _define(self, item: tree.Item) -> Symbol | None:
        """The symbol of a statement that defines one."""
        if not isinstance(item, tree.Param | tree.Block):
            return None
        symbol = self._add(Symbol("param" if isinstance(item, tree.Param) else "block", item.name, item.span))
        self.globals.setdefault(symbol.name, symbol)
        if isinstance(item, tree.Block):
            for parameter in item.parameters:
                self._parameter(symbol, parameter)
            self._abbreviate(symbol)
        return symbol

    def _add(self, symbol: Symbol) -> Symbol:
        self.symbols.append(symbol)
        return symbol

    def _parameter(self, block: Symbol, parameter: tree.BlockParameter) -> None:
        name = parameter.name.text
        block.keys[name] = self._add(Symbol("parameter", parameter.name, parameter.span))
        if getattr(parameter.default, "text", None) in ("true", "false"):
            block.flags[name] = block.flags[f"no{name}"] = block.keys[name]

    def _abbreviate(self, block: Symbol) -> None:
        """A letter stands for the one parameter that begins with it, as in `ir.signature`."""
        names = list(block.keys)
        for letter in {name[0] for name in names} - set(names):
            beginning = [name for name in names if name.startswith(letter)]
            if len(beginning) == 1:
                block.keys[letter] = block.keys[beginning[0]]
        for long, short in SHORT_KEYS.items():
            if short in names:
                block.keys.setdefault(long, block.keys[short])

    # statements

    def _item(self, item: tree.Item, own: Symbol | None) -> None:
        match item:
            case tree.Chain():
                self._chain(item, self.globals)
            case tree.Param() | tree.Input():
                self._value(item.value, self.globals)
            case tree.Budget():
                self._value(item.bound, self.globals)
            case tree.Train():
                for setting in item.settings:
                    for argument in setting.arguments:
                        self._value(argument.value, self.globals)
            case tree.Block() if own is not None:
                self._block(item, own)

    def _block(self, block: tree.Block, own: Symbol) -> None:
        inner = {**self.globals, **{symbol.name: symbol for symbol in own.keys.values()}}
        for parameter in block.parameters:
            if parameter.default is not None:
                self._value(parameter.default, inner)
        around, self.labels = self.labels, []
        for branch in block.branches:
            self._inner(branch, inner)
        self.labels = around

    # chains

    def _chain(self, chain: tree.Chain, scope: Scope) -> None:
        for step in chain.items:
            self._step(step, scope)

    def _inner(self, chain: tree.Chain, scope: Scope) -> None:
        """A chain in braces, whose labels nobody sees from outside."""
        self.labels.append({})
        self._chain(chain, scope)
        self.labels.pop()

    def _step(self, step: tree.Step, scope: Scope) -> None:
        label = self._add(Symbol("label", step.label, step.span)) if step.label is not None else None
        self._parts(step, scope)
        if label is not None:
            self.labels[-1][label.name] = label

    def _take_up(self, word: tree.Word) -> None:
        """`from label`, or the label of a repeated step with a number behind it."""
        for labels in reversed(self.labels):
            for stem in (word.text, *(stem for stem, _ in numbered(word.text))):
                if stem in labels:
                    labels[stem].uses.append(Use(Span(word.span.start, word.span.start + len(stem)), stem))
                    return

    def _parts(self, step: tree.Step, scope: Scope) -> None:
        if step.word is not None and step.word.text == "from":
            for argument in step.arguments:
                if isinstance(argument.value, tree.Word):
                    self._take_up(argument.value)
            return
        called = scope.get(step.word.text) if step.word else None
        if step.word is not None and called is not None:
            called.uses.append(Use(step.word.span, step.word.text))
        for argument in step.arguments:
            self._argument(argument, called, scope)
        for branch in (*(step.branches or _NO_NAMES), *(step.shortcut.branches if step.shortcut else _NO_NAMES)):
            self._inner(branch, scope)

    def _argument(self, argument: tree.Argument, called: Symbol | None, scope: Scope) -> None:
        if isinstance(argument, tree.Keyword):
            if called is None and argument.key.text == "like" and isinstance(argument.value, tree.Word):
                self._take_up(argument.value)
                return
            if called is not None and argument.key.text in called.keys:
                called.keys[argument.key.text].uses.append(Use(argument.key.span, argument.key.text))
            self._value(argument.value, scope)
        elif isinstance(argument.value, tree.Word) and argument.value.text not in scope:
            self._word(argument.value, called)
        else:
            self._value(argument.value, scope)

    def _word(self, word: tree.Word, called: Symbol | None) -> None:
        """A bare word that no name in scope is: a flag or a shorthand of the block that is called."""
        if called is None or find_layer(word.text) is not None:
            return
        flag, shorthand = called.flags.get(word.text), _SHORTHAND.fullmatch(word.text)
        if flag is not None:
            start = word.span.end - len(flag.name)
            flag.uses.append(Use(Span(start, word.span.end), flag.name))
        elif shorthand and shorthand[1] in called.keys:
            span = Span(word.span.start, word.span.start + len(shorthand[1]))
            called.keys[shorthand[1]].uses.append(Use(span, shorthand[1]))

    def _value(self, value: tree.Value, scope: Scope) -> None:
        match value:
            case tree.Word():
                if value.text in scope:
                    scope[value.text].uses.append(Use(value.span, value.text))
            case tree.Negation():
                self._value(value.operand, scope)
            case tree.Operation():
                self._value(value.left, scope)
                self._value(value.right, scope)
            case tree.ListLiteral(items, _, _):
                for item in items:
                    self._value(item, scope)
            case tree.Call():
                self._value(value.function, scope)
                for argument in value.arguments:
                    self._argument(argument, scope.get(value.function.text), scope)
