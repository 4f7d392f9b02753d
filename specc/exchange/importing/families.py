"""Which uses of a class are built alike, so that one block says them all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from specc.exchange.importing.expressions import Share
from specc.exchange.importing.forms import Chain, Form, FoundCall, FromLabel, Node, Repeated, leaves
from specc.exchange.importing.graph import Leaf
from specc.layers.registry import of_family

_ACTIVATIONS = frozenset(of_family("activation")) | {"id"}
_IDLE = (("", "step"),)  # the owner of an `id` in the place of a step
SAVED = 6  # as many steps have to be saved for a block of calls alone


class ClassUse(NamedTuple):
    """A class's use: the layers in it, the part of the chain that they are, and that part without its last label."""

    ids: frozenset[int]
    part: Chain
    chain: Chain
    label: str = ""


def labels_of(chain: Chain) -> Iterator[str]:
    """The labels of steps."""
    for node in chain:
        if isinstance(node, Form):
            for branch in node.branches:
                yield from labels_of(branch)
        if not isinstance(node, FromLabel) and node.label:
            yield node.label


def families(uses: list[ClassUse]) -> list[list[ClassUse]]:
    """Uses that are built alike, where there are at least two and it pays to name them."""
    found: dict[object, list[ClassUse]] = {}
    for use in _with_same(_with_steps(_with_idle(uses))):
        found.setdefault(key_of(use.chain), []).append(use)
    return [family for family in found.values() if len(family) > 1 and _is_worth_it(family)]


def _is_worth_it(family: list[ClassUse]) -> bool:
    """Whether a name for steps is shorter than they are: not for a single call, nor for a few pairs of calls."""
    chain = family[0].chain
    if all(isinstance(node, FoundCall | Repeated) for node in chain):
        return len(chain) > 1 and (len(family) - 1) * len(chain) >= SAVED
    return len(leaves(chain)) > 1


def _with_idle(uses: list[ClassUse]) -> list[ClassUse]:
    """Uses without the activation that others end with, with one that does nothing in its place."""
    keys = {key_of(use.chain) for use in uses}
    found = []
    for use in uses:
        shape = use.chain[-1].output
        longer = (*use.chain, Leaf("id", (), shape, shape))
        found.append(use._replace(chain=longer) if len(use.chain) > 1 and key_of(longer) in keys else use)
    return found


def _with_steps(uses: list[ClassUse]) -> list[ClassUse]:
    """Uses without a step that others have, such as an attention, with one that does nothing in its place."""
    longer = {key_of(_without_steps(body)): body for use in uses if any(map(is_step, body := _body(use.chain)))}
    return [_like(use, longer.get(key_of(_undropped(_body(use.chain))))) for use in uses]


def _like(use: ClassUse, model: Chain | None) -> ClassUse:
    """A use with the steps of another body in its own; as it is without one."""
    if model is None:  # as for all that have such a step
        return use
    body, residual = _body(use.chain), use.chain[0]
    filled = _filled(body, model)
    if body is not use.chain and isinstance(residual, Form):
        filled = (residual._replace(branches=(filled,)),)
    return use._replace(chain=filled)


def _body(chain: Chain) -> Chain:
    """What a residual has in it, or else the chain."""
    body = _lone_body(chain)
    return chain if body is None else body


def is_step(node: Node) -> bool:
    """Whether something may be handed over by its word: a form in a block that has no arguments and keeps the shape."""
    if isinstance(node, Leaf):
        return node.owners == _IDLE
    return isinstance(node, FoundCall) and not node.args and [type(one) for one in node.inside] == [Form]


def _without_steps(chain: Chain) -> Chain:
    return _undropped(tuple(node for node in chain if not is_step(node)))


def _filled(chain: Chain, model: Chain) -> Chain:
    """A chain with `id` where the other has a step more."""
    found: list[Node] = []
    rest = list(chain)
    for node in model:
        if is_step(node):
            shape = found[-1].output if found else chain[0].input
            found.append(Leaf("id", (), shape, shape, owners=_IDLE))
        elif rest:
            found.append(rest.pop(0))
    return (*found, *rest)


def _with_same(uses: list[ClassUse]) -> list[ClassUse]:
    """Residuals beside uses that are the body alone: `shortcut same` says both, where the shapes tell them apart.

    Where a body ends with stochastic depth, one that stands alone has none, and so never drops.
    """
    bodies = {key_of(_undropped(body)): body for use in uses if (body := _lone_body(use.chain)) is not None}
    alone = {key_of(use.chain) for use in uses}
    found = []
    for use in uses:
        body, key = _lone_body(use.chain), key_of(use.chain)
        x, output = use.chain[0].input, use.chain[-1].output
        if body is not None and key_of(_undropped(body)) in alone:
            form = use.chain[0]
            assert isinstance(form, Form)  # noqa: S101 - `_lone_body` looked
            found.append(use._replace(chain=(form._replace(shortcut="same"),)))
        elif key in bodies and x != output:
            chain = (*use.chain, *map(_never, bodies[key][len(use.chain) :]))
            found.append(use._replace(chain=(Form("residual", (chain,), x, output, "same"),)))
        else:
            found.append(use)
    return found


def _undropped(body: Chain) -> Chain:
    """A body without the stochastic depth at its end."""
    return body[:-1] if len(body) > 1 and isinstance(body[-1], Leaf) and body[-1].word == "droppath" else body


def _never(drop: Any) -> Leaf:
    """Stochastic depth that never drops."""
    (chance,) = (token.value for token in drop.tokens)
    none = chance._replace(part=0) if isinstance(chance, Share) else 0.0
    leaf: Leaf = drop._replace(tokens=tuple(token._replace(value=none) for token in drop.tokens))
    return leaf


def _lone_body(chain: Chain) -> Chain | None:
    if len(chain) == 1 and isinstance(chain[0], Form) and chain[0].form == "residual" and len(chain[0].branches) == 1:
        return chain[0].branches[0] if chain[0].shortcut == "identity" else None
    return None


def key_of(chain: Chain) -> object:
    """How a chain is built, whatever the numbers and the labels in it."""
    numbers = {label: number for number, label in enumerate(labels_of(chain))}
    return tuple(_node_key(node, numbers) for node in chain)


def _node_key(node: Node, numbers: dict[str, int]) -> object:
    if isinstance(node, FromLabel):
        return ("from", numbers.get(node.label, node.label))
    label = numbers.get(node.label)
    if is_step(node):
        return ("step", label)
    match node:
        case Leaf() if is_plain_activation(node):
            return ("activation", label)
        case Leaf():
            tokens = tuple((token.name, token.style, token.value is None) for token in node.tokens)
            return (node.word, label, tokens)
        case FoundCall():
            return ("call", label, node.block)
        case Repeated():
            grows = tuple(isinstance(value, Share) and value.with_nth for _, value in node.call.args)
            return ("repeated", label, node.call.block, grows)
        case Form():
            shortcut = "auto" if node.shortcut == "identity" else node.shortcut
            branches = tuple(tuple(_node_key(one, numbers) for one in branch) for branch in written_branches(node))
            return (node.form, label, node.parts, node.names, shortcut, branches)


def written_branches(form: Form) -> tuple[Chain, ...]:
    """The branches that are written out: the projection of `auto` is not."""
    return form.branches[:1] if form.shortcut == "auto" else form.branches


def is_plain_activation(leaf: Leaf) -> bool:
    """Whether a step is an activation without weights and arguments, which a block may be given by its word."""
    usual = all(token.value == token.default for token in leaf.tokens)
    return leaf.word in _ACTIVATIONS and usual and not leaf.weights
