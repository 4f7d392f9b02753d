"""What a spec can be about besides a layer or a form: a way of writing, a field, a label. Each right and wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from generate.arguments import Dice, Place, draw_arguments, draw_wrong_value
from generate.plan import Argument, Chain, Expression, Shape, Step

if TYPE_CHECKING:
    from generate.specs import _Network

Draw = Callable[["_Network", Shape], Step]


class Topic(NamedTuple):
    """words: at which a spec about it can be refused. accepted, refused: spatial dimensions at which it can be that."""

    right: Draw
    wrong: Draw
    words: tuple[str, ...]
    accepted: Sequence[int] = (0, 1, 2, 3)
    refused: Sequence[int] = (0, 1, 2, 3)


# numbers of a repeat, and powers


_GROWING = ("(in+nth)", "max(in, nth)")


def _numbered(network: _Network, shape: Shape, numbers: Sequence[str]) -> Step:
    """A layer with a whole number that is worked out. A repeat multiplies channels where as many are put to them."""
    number = Expression(network.dice.one(numbers))
    wide = "conv" if len(shape) > 1 else "linear"
    more = (Argument("kernel", 1, "short", "k"),) if wide == "conv" else ()
    steps = [
        Step(wide, (Argument("out", number), *more)), Step("channelpad", (Argument("before", number),)),
        Step("slice", (Argument("start", 0), Argument("end", number))), Step("scale", (Argument("value", number),)),
    ]  # fmt: skip
    return network.dice.one([step for step in steps if step.word != "channelpad" or number.text not in _GROWING])


def _right_nth(network: _Network, shape: Shape) -> Step:
    dice = network.dice
    step = _numbered(network, shape, ["nth", "(2*nth)", "(in+nth)", "max(in, nth)", "(4-nth)", "min(in, 2*nth)"])
    if dice.chance(2):
        return step._replace(repeat=dice.one([1, 2, 3]))
    chain: Chain = (Step("dropout", (Argument("p", Expression("(0.2*nth/4)")),)), step)
    if dice.chance(3):  # the number of the group's repeat says how often
        chain = (step._replace(repeat=Expression("nth")),)
    return Step("group", branches=(chain,), repeat=dice.one([2, 1, 3]))


def _wrong_nth(network: _Network, shape: Shape) -> Step:
    """Outside of every repeat, in a block's body, or a number that the field does not take."""
    step = _numbered(network, shape, ["nth", "(2*nth)", "(in+nth)"])
    none = _numbered(network, shape, ["(1-nth)", "(nth/2)", "(-nth)", "(in*nth+1/2)"])
    dice = network.dice
    return dice.one([
        step, step._replace(repeat=Expression("nth")), network.called((step,))._replace(repeat=2),
        none._replace(repeat=dice.one([2, 1])), Step("group", branches=((step,),)),
    ])  # fmt: skip


def _right_power(network: _Network, shape: Shape) -> Step:
    return _numbered(network, shape, ["(2**2)", "(in**1)", "(2**3**0)", "(8**-1*8)", "(in**0)", "(1+2**1)"])


def _wrong_power(network: _Network, shape: Shape) -> Step:
    return _numbered(network, shape, ["(2**-1)", "(0**-1)", "(-1**1)", "(2**-2)", "((1-in)**3-1)"])


# fields


def _with(word: str, field: str, *, odd: bool) -> Draw:
    """A layer that says a field."""

    def draw(network: _Network, shape: Shape) -> Step:
        dice, step = network.dice, Step(word)
        for _ in range(12):
            place = Place(shape, network.scope, odd=odd)
            wrong = odd and dice.chance(4)
            step = Step(word, (draw_wrong_value if wrong else draw_arguments)(dice, word, place))
            if any(argument.field == field for argument in step.arguments):
                return step
        return step

    return draw


def _nobias(network: _Network, shape: Shape) -> Step:
    bias = network.dice.one([Argument("bias", False, "flag", "bias"), Argument("bias", False, "key", "bias")])
    eps = network.dice.one([(), (Argument("eps", 0.001, "key", "eps"),)])
    return Step("layernorm", (*eps, bias, *network.dice.one([(), (Argument("init", "ones", "key", "init"),)])))


def _wrong_nobias(network: _Network, shape: Shape) -> Step:
    """With what a bias has, a number that is no `eps`, a positional argument, or an unknown one."""
    right = _nobias(network, shape)
    more = network.dice.one([
        Argument("bias", 3, "key", "bias"), Argument("momentum", 0.1, "key", "momentum"), Argument("surplus", 3),
        Argument("eps", -1, "key", "eps"), Argument("affine", 2, "key", "affine"),
    ])  # fmt: skip
    kept = tuple(argument for argument in right.arguments if argument.field != more.field)
    return right._replace(arguments=(more, *kept) if more.style == "position" else (*kept, more))


# the size of a labelled step


def _labelled(dice: Dice) -> tuple[Step, Step]:
    """A labelled step, and one that takes its size."""
    first = Step(dice.one(["relu", "tanh", "id"]), label="e1", repeat=dice.one([None, None, 1, 2]))
    like = Argument("like", "e1", "key", "like")
    modes = [(), (Argument("mode", "linear", "key", "mode"),),
             (Argument("mode", "linear", "key", "mode"), Argument("corners", True, "flag", "corners"))]  # fmt: skip
    return first, Step("upsample", (like, *dice.one(modes)))


def _right_like(network: _Network, shape: Shape) -> Step:
    dice = network.dice
    first, resized = _labelled(dice)
    between = dice.one([(), (Step("pad", (Argument("before", 1),)),), (Step("upsample", (Argument("scale", 2),)),)])
    last: Step = resized if dice.chance(2) else Step("group", branches=((resized,),))
    return Step("group", branches=((first, *between, last),))


def _wrong_like(network: _Network, shape: Shape) -> Step:
    """A label that cannot be seen, a factor as well, or a size of another rank."""
    dice = network.dice
    first, resized = _labelled(dice)
    if len(shape) == 1:
        return Step("group", branches=((first, resized),))
    other = resized._replace(arguments=(Argument("like", "e9", "key", "like"), *resized.arguments[1:]))
    twice = resized._replace(arguments=(Argument("scale", 2), *resized.arguments))
    flat = (first._replace(word="flatten", repeat=None), Step("unflatten", (Argument("shape", shape),)), resized)
    chains: list[Chain] = [
        (first, other), (first, twice), (resized, first), flat, (first, network.called((resized,))),
        (Step("group", branches=((first,),)), resized), (first._replace(repeat=0), resized),
    ]  # fmt: skip
    return Step("group", branches=(dice.one(chains),))


TOPICS: dict[str, Topic] = {
    "nth": Topic(_right_nth, _wrong_nth, ("conv", "linear", "channelpad", "slice", "scale")),
    "power": Topic(_right_power, _wrong_power, ("conv", "linear", "channelpad", "slice", "scale")),
    "like": Topic(_right_like, _wrong_like, ("upsample",), accepted=(1, 2, 3)),
    "after": Topic(_with("pad", "after", odd=False), _with("pad", "after", odd=True), ("pad",), accepted=(1, 2, 3)),
    "size": Topic(
        _with("upsample", "size", odd=False), _with("upsample", "size", odd=True), ("upsample",), accepted=(1, 2, 3)
    ),
    "corners": Topic(
        _with("upsample", "corners", odd=False),
        _with("upsample", "corners", odd=True),
        ("upsample",),
        accepted=(1, 2, 3),
    ),
    "nobias": Topic(_nobias, _wrong_nobias, ("layernorm",)),
}
