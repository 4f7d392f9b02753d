"""A shaped model in, the classes of its program out, each one for all uses of a block that are built alike.

A chain becomes a class where it is a block's, where it holds branches (their joining is code), or where it draws
initial weights (so that they are drawn in the order of the spec). Any other chain stays an `nn.Sequential`.
"""

from __future__ import annotations

import builtins
import keyword
from collections import Counter
from collections.abc import Collection, Iterator
from heapq import heappop, heappush
from typing import Any, NamedTuple, TypeAlias

from specc.emit.python.layers import layer_node
from specc.emit.python.nodes import CallNode, ChainNode, FormNode, ItemNode, LayerNode, Node, UseColumn
from specc.emit.python.plan import ClassText
from specc.emit.python.prediction import NAMES
from specc.emit.python.render import class_text
from specc.emit.python.supplement import IMPORTED, SUPPLEMENT
from specc.emit.python.symbols import Symbols
from specc.emit.python.unify import Differs, unify_chains
from specc.ir.shaped import From, ShapedChain, ShapedForm, ShapedLayer, ShapedModel, SomeShaped
from specc.layers.base import Shape

TAKEN = frozenset((*SUPPLEMENT, *IMPORTED, *NAMES, *keyword.kwlist, *dir(builtins)))
"""Names that an exported file uses for other things than a block's class."""

UNROLLED = 4  # as many alike steps of a plain chain are written one by one
MOST_FAMILIES = 64  # of one word are compared with each other; where there are more, a class each is as good


Values: TypeAlias = tuple[tuple[str, Any], ...]
"""A block's parameters, by name."""


class _Use(NamedTuple):
    """A chain that becomes a class; uses of one word are tried together."""

    word: str
    chain: ShapedChain
    values: Values


def read_program(model: ShapedModel, name: str) -> list[ClassText]:
    """The classes of a network, each after those that it uses. Args: name, the network's own class, the last one."""
    return _ClassReader(name).read(model)


class _ClassReader:
    """The classes found so far, and which one each chain became."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.texts: list[ClassText] = []
        self.calls: dict[int, CallNode] = {}  # by id of the chain
        self.names = {name, *TAKEN}
        self.nodes: dict[int, LayerNode] = {}
        self.kept: list[object] = []  # ids stay theirs only while the objects live

    def read(self, model: ShapedModel) -> list[ClassText]:
        uses = list(_uses(model.chain, set()))
        for group in _in_order(uses):
            self._add_classes(group)
        node = unify_chains([self._chain(model.chain)])
        inputs = _columns([model.chain.input])
        self.texts.append(
            class_text(self.name, node, Symbols([], self.names, is_root=True), inputs, self.texts, word="")
        )
        return self.texts

    def _add_classes(self, group: list[_Use]) -> None:
        """Classes for the uses of one word: as few as their likeness allows."""
        families: list[tuple[list[_Use], list[ChainNode]]] = []
        by_key: dict[object, int] = {}
        for use in group:
            node = self._chain(use.chain)
            key = _structure(node, use)
            if key in by_key:
                uses, nodes = families[by_key[key]]
                uses.append(use)
                nodes.append(node)
            else:
                by_key[key] = len(families)
                families.append(([use], [node]))
        for uses, nodes in _merged(families):
            self._add_class(uses, nodes)

    def _add_class(self, uses: list[_Use], nodes: list[ChainNode]) -> None:
        key = len(self.texts)
        name = self._class_name(uses[0].word)
        first = "in_channels" if len(uses[0].chain.input) > 1 else "in_features"
        known = [(first, UseColumn(tuple(use.chain.input[0] for use in uses)))]
        known += [
            (parameter, UseColumn(tuple(dict(use.values)[parameter] for use in uses)))
            for parameter, _ in uses[0].values
        ]
        symbols = Symbols(known, self.names)
        inputs = _columns([use.chain.input for use in uses])
        text = class_text(name, unify_chains(nodes), symbols, inputs, self.texts, word=uses[0].word)
        self.texts.append(text)
        for place, use in enumerate(uses):
            args = tuple((name, symbols.columns[name].values[place]) for name in text.parameters)
            borrows = _borrowed(use.chain)
            self.calls[id(use.chain)] = CallNode(key, args, use.chain.frozen, use.chain.output, borrows)

    def _class_name(self, word: str) -> str:
        stem = class_name(word)
        name, number = stem, 2
        while name in self.names:
            name, number = f"{stem}{number}", number + 1
        self.names.add(name)
        return name

    # nodes

    def _chain(self, chain: ShapedChain) -> ChainNode:
        return ChainNode(tuple(self._items(chain)), chain.frozen, chain.output, chain.keeps, _borrowed(chain))

    def _items(self, chain: ShapedChain) -> Iterator[ItemNode]:
        """The steps, those that are one node under numbers that follow each other taken together."""
        steps = [(*_numbered(name), node) for name, node in chain.steps]
        place = 0
        while place < len(steps):
            prefix, number, node = steps[place]
            stop = place + 1
            while (
                number is not None
                and not isinstance(node, ShapedForm)  # how branches are joined is code, which no loop over modules runs
                and stop < len(steps)
                and steps[stop][2] is node
                and not (isinstance(node, ShapedLayer) and node.like)  # which a function does
                and steps[stop][:2] == (prefix, number + stop - place)
                and f"{prefix}{number + stop - place - 1}" not in chain.keeps
            ):
                stop += 1
            last = None if number is None else number + stop - place
            yield ItemNode(prefix, number, last, self._node(node))
            place = stop

    def _node(self, node: SomeShaped) -> Node:
        match node:
            case ShapedLayer():
                if id(node) not in self.nodes:
                    self.nodes[id(node)] = layer_node(node)
                    self.kept.append(node)
                return self.nodes[id(node)]
            case ShapedChain():
                return self.calls.get(id(node)) or self._chain(node)
            case ShapedForm():
                return self._form(node)

    def _form(self, node: ShapedForm) -> FormNode:
        branches = tuple((name, self._branch(branch)) for name, branch in node.branches)
        parts = node.parts if node.form == "split" and len(set(node.parts)) > 1 else ()
        origins = tuple((name, origin.name) for name, origin in node.origins.items())
        return FormNode(node.form, node.joined, branches, node.frozen, node.output, parts=parts, origins=origins)

    def _branch(self, branch: ShapedChain | None) -> ChainNode | CallNode | None:
        """A branch; None where it passes the input on as it is."""
        if branch is None or all(_is_identity(step) for _, step in branch.steps):
            return None
        return self.calls.get(id(branch)) or self._chain(branch)


def _borrowed(chain: ShapedChain) -> tuple[str, ...]:
    """The kept steps outside of a chain that something inside goes on from."""
    return tuple(dict.fromkeys(origin.name for origin in _origins(chain)))


def _origins(chain: ShapedChain) -> Iterator[From]:
    """What a chain goes on from outside of it, counted from the chain around."""
    for _, node in chain.steps:
        inner: list[From] = []
        if isinstance(node, ShapedLayer) and node.like is not None:
            inner = [node.like]
        elif isinstance(node, ShapedChain) and node.borrows:
            inner = list(_origins(node))
        elif isinstance(node, ShapedForm) and node.borrows:
            inner = list(node.origins.values())
            inner += [origin for _, branch in node.branches if branch is not None for origin in _origins(branch)]
        yield from (origin._replace(above=origin.above - 1) for origin in inner if origin.above)


def _is_identity(node: SomeShaped) -> bool:
    return isinstance(node, ShapedLayer) and node.layer.keyword == "id"


def _numbered(name: str) -> tuple[str, int | None]:
    """A name's stem and the number at its end.

    >>> _numbered("conv2"), _numbered("stem"), _numbered("s01")
    (('conv', 2), ('stem', None), ('s01', None))
    """
    stem = name.rstrip("0123456789")
    digits = name[len(stem) :]
    if not stem or not digits.isascii() or not digits or digits.startswith("0") or len(digits) > 9:
        return name, None
    return stem, int(digits)


def class_name(word: str) -> str:
    """A name as a class has it.

    >>> class_name("conv_bn"), class_name("resnet18"), class_name("3d-net")
    ('ConvBn', 'Resnet18', 'Net3dNet')
    """
    cleaned = "".join(char if char.isalnum() and char.isascii() else " " for char in word)
    name = "".join(part[0].upper() + part[1:] for part in cleaned.split()) or "Network"
    return f"Net{name}" if name[0].isdigit() else name


# which chains become classes


def _uses(
    chain: ShapedChain, seen: set[int], block: str = "", values: tuple[tuple[str, object], ...] = ()
) -> Iterator[_Use]:
    """Every chain below this one that becomes a class, each once, inner ones first.

    block, values: the word and the parameters of the block in which the chain is written.
    """
    for _, node in chain.steps:
        if isinstance(node, ShapedChain):
            is_block = node.word != "group"
            yield from _use(node, seen, node.word if is_block else f"{block}_group", is_block, values)
        elif isinstance(node, ShapedForm):
            for name, branch in node.branches:
                if branch is not None:
                    yield from _use(branch, seen, f"{block}_{name}", False, values)


def _use(chain: ShapedChain, seen: set[int], word: str, is_block: bool, values: Values) -> Iterator[_Use]:
    if id(chain) in seen:
        return
    seen.add(id(chain))
    own = chain.values if is_block else values
    yield from _uses(chain, seen, word, own)
    if is_block or _needs_class(chain):
        yield _Use(word, chain, own)


def _needs_class(chain: ShapedChain) -> bool:
    if _borrowed(chain):
        return True
    alike = 0
    before: SomeShaped | None = None
    for _, node in chain.steps:
        alike = alike + 1 if node is before else 1
        before = node
        if isinstance(node, ShapedForm) or alike > UNROLLED or _draws(node):
            return True
    return False


def _draws(node: SomeShaped) -> bool:
    return isinstance(node, ShapedLayer) and any(setting.is_random for setting in layer_node(node).settings)


def _in_order(uses: list[_Use]) -> Iterator[list[_Use]]:
    """The uses in groups of one word, each group after the classes that it is built of.

    A word is taken whole where that is possible; blocks that hold each other are taken from the inside.
    """
    order = _Order(uses)
    while order.waiting:
        yield [uses[place] for place in order.take()]


class _Order:
    """Which uses wait, for how many classes inside them each, and the words of which some or all could be written."""

    def __init__(self, uses: list[_Use]) -> None:
        places = {id(use.chain): place for place, use in enumerate(uses)}
        self.words = [use.word for use in uses]
        self.waiting: dict[str, list[int]] = {}  # by word, in the order of the uses
        self.missing = [0] * len(uses)
        self.above: list[list[int]] = [[] for _ in uses]  # the uses that a use is part of
        self.ready: Counter[str] = Counter()
        self.whole: list[tuple[int, str]] = []  # heaps of words, each behind its first use
        self.some: list[tuple[int, str]] = []
        for place, use in enumerate(uses):
            self.waiting.setdefault(use.word, []).append(place)
            inside = _classes_inside(use.chain, places)
            self.missing[place] = len(inside)
            for inner in inside:
                self.above[places[inner]].append(place)
        for place, count in enumerate(self.missing):
            if not count:
                self._note(place)

    def _note(self, place: int) -> None:
        """A use whose classes inside are all written."""
        word = self.words[place]
        self.ready[word] += 1
        heappush(self.some, (place, word))
        if self.ready[word] == len(self.waiting[word]):
            heappush(self.whole, (self.waiting[word][0], word))

    def take(self) -> list[int]:
        """The places of the uses that come next."""
        word = self._next()
        taken = [place for place in self.waiting[word] if not self.missing[place]]
        self.ready[word] = 0
        self.waiting[word] = [place for place in self.waiting[word] if self.missing[place]]
        if not self.waiting[word]:
            del self.waiting[word]
        for place in taken:
            for outer in self.above[place]:
                self.missing[outer] -= 1
                if not self.missing[outer]:
                    self._note(outer)
        return taken

    def _next(self) -> str:
        if self.whole:
            return heappop(self.whole)[1]
        word = heappop(self.some)[1]
        while not self.ready[word]:
            word = heappop(self.some)[1]
        return word


def _classes_inside(chain: ShapedChain, classes: Collection[int]) -> set[int]:
    """The chains below one that are classes, as far as the next class down."""
    found: set[int] = set()
    for _, node in chain.steps:
        branches = (
            node.branches if isinstance(node, ShapedForm) else ((("", node),) if isinstance(node, ShapedChain) else ())
        )
        for _, branch in branches:
            if branch is None:
                continue
            found |= {id(branch)} if id(branch) in classes else _classes_inside(branch, classes)
    return found


def _columns(shapes: list[Shape]) -> tuple[UseColumn, ...]:
    return tuple(UseColumn(sizes) for sizes in zip(*shapes, strict=True))


def _structure(node: ChainNode, use: _Use) -> object:
    """What uses that certainly fit into one class have in common."""
    return (_skeleton(node), tuple(name for name, _ in use.values), len(use.chain.input))


def _skeleton(node: Node | None) -> object:
    match node:
        case None:
            return None
        case LayerNode():
            return (node.module.name, node.settings, node.like, node.function if node.like else None)
        case CallNode():
            return (node.key, node.frozen, node.borrows)
        case FormNode():
            inside = tuple((name, _skeleton(branch)) for name, branch in node.branches)
            return (node.form, node.joined, node.parts, node.origins, inside, node.frozen)
        case ChainNode():
            return (
                tuple((item.prefix, item.number, item.stop, _skeleton(item.node)) for item in node.items),
                node.frozen,
                node.keeps,
                node.borrows,
            )


Family = tuple[list[_Use], list[ChainNode]]


def _merged(families: list[Family]) -> list[Family]:
    """Families that differ in little, such as a projection that only some have, in one.

    One chain of each family speaks for all, since they are built alike.
    """
    if len(families) > MOST_FAMILIES:
        return families
    found: list[tuple[Family, Family]] = []  # what was merged, and those that speak for it
    for uses, nodes in families:
        speaks = ([uses[0]], [nodes[0]])
        home = next((other for other in found if _fit(other[1], speaks)), None)
        if home is None:
            found.append(((list(uses), list(nodes)), speaks))
            continue
        for merged, more in zip(home, ((uses, nodes), speaks), strict=True):
            merged[0].extend(more[0])
            merged[1].extend(more[1])
    return [merged for merged, _ in found]


def _fit(one: Family, other: Family) -> bool:
    if {name for name, _ in one[0][0].values} != {name for name, _ in other[0][0].values}:
        return False
    if len(one[0][0].chain.input) != len(other[0][0].chain.input):
        return False
    try:
        unify_chains([*one[1], *other[1]])
    except Differs:
        return False
    return True
