"""Whole specs, drawn step by step: each step is run in torch as it is drawn, so that the chain goes on as intended.

A spec is meant to be right, wrong in a shape, or wrong in a value; what it is, the reference says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple, TypeAlias

import torch
from hypothesis import strategies as st

from generate.arguments import Dice, Place, disguised, draw_arguments, draw_wrong_value
from generate.plan import Argument, Block, Chain, Expression, Partial, Shape, Spec, Step, Value
from generate.reference import Scope, TooLarge, run_chain, sample
from generate.topics import TOPICS
from generate.words import ANY_SHAPE, CHOOSY, FORMS, LAYERS, ON_PICTURES, ON_VECTORS, SPATIAL, VECTOR

MOST_VALUES = 1500  # in one sample: what is larger only costs time
MOST_CHANNELS = 36
ATTEMPTS = 8
ENORMOUS = (10**9,)
INPUTS: dict[int, Sequence[Shape]] = {
    0: [(4,), (6,), (1,), (12,), (8,), (16,)],
    1: [(4, 8), (1, 12), (2, 5), (6, 7), (3, 1), (8, 4)],
    2: [(4, 6, 6), (3, 8, 8), (1, 5, 7), (2, 4, 4), (6, 3, 5), (4, 1, 1), (8, 2, 2)],
    3: [(2, 4, 4, 4), (4, 3, 3, 3), (1, 2, 5, 3), (3, 4, 4, 2), (4, 1, 1, 1)],
}
PLAIN = ("relu", "id", "tanh", "sigmoid", "bn", "dropout", "silu", "layerscale")
LABELS = ("stem", "stage", "head", "a1", "conv2", "relu1", "branch1")
WRONG_LABELS = ("append", "type", "forward", "training", "relu1", "modules")

ABOUT = (*LAYERS, *FORMS, "::", "block", "parts", "value", "from", "outputs")

HELD = (
    Partial("leakyrelu", (Argument("negative_slope", 0.2),)),
    Partial("softplus", (Argument("beta", 2, "key", "beta"),)),
    Partial("conv", (Argument("out", Expression("in")), Argument("kernel", 3, "short", "k"))),
)  # fmt: skip

Fits: TypeAlias = Callable[[Shape], bool]
Drawing: TypeAlias = Callable[[str, Shape], Step]


class Drawn(NamedTuple):
    """Steps, and the shape that leaves them."""

    chain: Chain
    output: Shape


def _anything(shape: Shape) -> bool:
    return True


@st.composite
def specs(
    draw: Callable[..., Any], about: str | None = None, intent: str | None = None, rank: int | None = None
) -> Spec:
    """Specs as `draw_spec` draws them."""
    return draw_spec(Dice(draw), about, intent, rank)


def draw_spec(dice: Dice, about: str | None = None, intent: str | None = None, rank: int | None = None) -> Spec:
    """A spec about one word of the language, any where none is given: right, or wrong at that word.

    intent: "right", "shape" or "value": what the spec is meant to be, as far as the word allows it. rank: spatial
    dimensions of its input.
    Of those about layers that take any shape half are wrong in a value; of the others seven in nine in a
    shape.
    """
    word = dice.one(ABOUT) if about is None else about
    meant = dice.one(["right", "value"] if word in ANY_SHAPE else ["right"] * 2 + ["shape"] * 7)
    intent = intent or meant
    params = _draw_params(dice)
    network = _Network(dice, Scope(dict(params), dict(params), {}), intent)
    for _ in range(max(dice.one([0, 0, 1, 2]), int(word == "block"))):
        network.draw_block()
    shape = dice.one(INPUTS[dice.one(_ranks(word, intent)) if rank is None else rank])
    chain = network.draw_network(shape, "block_1" if word == "block" else word)
    return Spec(shape, params, tuple(network.scope.blocks.values()), chain, dice.one(["\n", " -> ", " ; "]))


def _ranks(word: str, intent: str) -> Sequence[int]:
    """Spatial dimensions of the input: those that suit a word, or do not."""
    if word in TOPICS:
        return TOPICS[word].accepted if intent == "right" else TOPICS[word].refused
    if word in VECTOR:
        return [0] if intent == "right" else [2, 0, 1, 3]
    if word not in SPATIAL:
        return [2, 1, 0, 3]
    if intent == "right":
        return [2] if word in ("pixelshuffle", "pixelunshuffle") else [2, 1, 3]
    if word in ("gap", "gmp"):
        return [0]
    return [0, 0, 2, 1, 3] if word in ("instancenorm", "lrn") else [2, 2, 2, 1, 1, 3, 3, 0]


def _draw_params(dice: Dice) -> tuple[tuple[str, Value], ...]:
    found: dict[str, Value] = {}
    if dice.chance(3):
        found["width"] = dice.one([4, 2, 3, 8])
    if dice.chance(5):
        found["half"] = dice.one([found["width"] // 2, 2]) if "width" in found else 3
    if dice.chance(5):
        found["nonlinear"] = dice.one(["relu", "silu", "prelu", HELD[0]])
    return tuple(found.items())


class _Network:
    """The state of one drawing: the names in scope, and what kind of mistake is wanted."""

    def __init__(self, dice: Dice, scope: Scope, intent: str) -> None:
        self.dice, self.scope, self.intent = dice, scope, intent
        self.topics: dict[str, tuple[Drawing, Drawing]] = {
            "parts": (self.draw_right_parts, self.draw_wrong_parts),
            "outputs": (self.draw_right_outputs, self.draw_wrong_outputs),
            "from": (self.draw_right_origin, self.draw_wrong_origin),
            "value": (self.draw_right_value, self.draw_wrong_value),
            **{
                name: (partial(_about, self, topic.right), partial(_about, self, topic.wrong))
                for name, topic in TOPICS.items()
            },
        }

    def judge(self, chain: Chain, shape: Shape) -> Shape | None:
        """What leaves a chain; None where torch refuses it."""
        try:
            result = run_chain(chain, torch.ones(2, *shape), self.scope)
        except TooLarge:
            return ENORMOUS
        if result.refused_at is not None:
            return None
        return sample(result.output) if isinstance(result.output, torch.Tensor) else shape

    # chains

    def draw_network(self, shape: Shape, word: str) -> Chain:
        """The main chain: right steps, the one that the spec is about, and right steps again."""
        before, shape = self.draw_chain(shape, self.dice.one([0, 1, 2]), 2, lambda output: len(output) == len(shape))
        step = self.draw_about(word, shape)
        if self.dice.chance(4) and not (word == "outputs" and self.intent == "right"):
            step = self.wrapped(step, shape)
        output = self.judge((step,), shape) or shape
        if step.word == "outputs" and (self.intent == "right" or self.dice.chance(2)):
            return (*before, step)
        after, _ = self.draw_chain(output, self.dice.one([0, 1, 2]), 2)
        return (*before, step, *after)

    def draw_chain(self, shape: Shape, length: int, depth: int, fits: Fits = _anything) -> Drawn:
        """Steps that fit on each other."""
        steps = []
        for _ in range(length):
            step, shape = self.draw_right_step(shape, depth, fits)
            steps.append(step)
        return Drawn(tuple(steps), shape)

    def draw_about(self, word: str, shape: Shape) -> Step:
        right = self.intent == "right"
        if word == "::":
            return self.draw_checked(shape, right=right)
        draw: Drawing = self.draw_suitable if right else self.draw_misused if self.intent == "value" else self.draw_odd
        if word in self.topics:
            draw = self.topics[word][0 if right else 1]
        before = self.scope
        for _ in range(ATTEMPTS):
            step = draw(word, shape)
            if (self.judge((step,), shape) is not None) == right:
                return step
            self.scope = before  # without the blocks that were drawn for it
        return Step("id") if right else step._replace(check=(*shape, *shape))

    def wrapped(self, step: Step, shape: Shape) -> Step:
        """The step inside a group, a form or a block, if it is there what it was."""
        word = self.dice.one(["group", *FORMS, "block"])
        body = (*self.draw_chain(shape, self.dice.one([0, 1]), 1, lambda output: output == shape).chain, step)
        if word == "block":
            return self.called(body)
        alone = word in ("group", "residual", "gate")
        outer = Step(word, branches=(body,) if alone else (body, body))
        return outer if (self.judge((outer,), shape) is None) == (self.intent != "right") else step

    def draw_right_step(self, shape: Shape, depth: int, fits: Fits = _anything) -> tuple[Step, Shape]:
        for _ in range(3):
            step = self.draw_step(self.draw_word(shape, depth), shape, depth)
            output = self.judge((step,), shape)
            if output is None or not fits(output) or not _is_small(output):
                continue
            return self.decorated(step, shape, output, fits)
        return Step(self.dice.one(PLAIN)), shape

    def draw_word(self, shape: Shape, depth: int) -> str:
        usual = (*ON_VECTORS, *VECTOR, *VECTOR) if len(shape) == 1 else (*ON_PICTURES, "pixelshuffle")
        held = [name for name, value in self.scope.values.items() if isinstance(value, str)]
        containers = [*FORMS, "group", *self.scope.blocks] * 2 if depth else []
        return self.dice.one([*usual, *containers, *held * 3, *self.scope.blocks])

    def decorated(self, step: Step, shape: Shape, output: Shape, fits: Fits) -> tuple[Step, Shape]:
        """The step with a repeat, a label, a checked shape, now and then."""
        if self.dice.chance(5):
            repeated = step._replace(repeat=self.dice.one(self.repeats()))
            if self.dice.chance(3):
                repeated = self.counted(repeated)
            after = self.judge((repeated,), shape)
            if after is not None and fits(after) and _is_small(after):
                step, output = repeated, after
        if self.dice.chance(8):
            step = step._replace(label=self.dice.one(LABELS))
        if self.dice.chance(6):
            step = step._replace(check=tuple(None if self.dice.chance(4) else size for size in output))
        return step, output

    def counted(self, step: Step) -> Step:
        """The step, or one in its braces, with a number that `nth` says."""
        if step.branches:
            place = self.dice.below(len(step.branches))
            chain = step.branches[place]
            at = self.dice.below(len(chain))
            chain = (*chain[:at], self.counted(chain[at]), *chain[at + 1 :])
            return step._replace(branches=(*step.branches[:place], chain, *step.branches[place + 1 :]))
        places = [place for place, argument in enumerate(step.arguments) if type(argument.value) is int]
        if not places:
            return step
        place = self.dice.one(places)
        argument = step.arguments[place]
        number = Expression(self.dice.one(["nth", "(2**(nth-1))", "(in*nth)", "(3-nth)", "(2**-nth*4)"]))
        style = "key" if argument.style == "short" else argument.style
        said = argument._replace(value=number, style=style)
        return step._replace(arguments=(*step.arguments[:place], said, *step.arguments[place + 1 :]))

    def repeats(self) -> list[int | Expression]:
        names = [Expression(name) for name, value in self.scope.values.items() if value in (1, 2, 3)]
        return [2, 3, 1, 0, *names]

    # the step that a spec is about

    def draw_suitable(self, word: str, shape: Shape) -> Step:
        odd = word in LAYERS and self.dice.chance(2)
        step = self.draw_odd(word, shape) if odd else self.draw_step(word, shape, depth=2)
        output = self.judge((step,), shape)
        if output is None or not _is_small(output):
            return Step("linear", (Argument("out", 0),))
        return self.decorated(step, shape, output, _anything)[0]

    def draw_odd(self, word: str, shape: Shape) -> Step:
        if word in LAYERS:
            step = Step(word, draw_arguments(self.dice, word, Place(shape, self.scope, odd=True)))
        elif word in FORMS:
            step = self.draw_loose_form(word, shape)
        else:
            step = self.draw_step(word, shape, depth=1)
        step = self.counted(step) if self.dice.chance(6) else step
        return step._replace(repeat=self.dice.one([2, 3])) if self.dice.chance(4) else step

    def draw_misused(self, word: str, shape: Shape) -> Step:
        if self.dice.chance(12):
            return Step(word, label=self.dice.one(WRONG_LABELS))
        return Step(word, draw_wrong_value(self.dice, word, Place(shape, self.scope)))

    def draw_checked(self, shape: Shape, *, right: bool) -> Step:
        step, output = self.draw_right_step(shape, 1)
        place = self.dice.below(len(output))
        other = [(*output, 1), (*output[:place], output[place] + 1, *output[place + 1 :])]
        holding = [output, (*output[:place], None, *output[place + 1 :])]
        return step._replace(check=self.dice.one(holding if right else other))

    # steps

    def draw_step(self, word: str, shape: Shape, depth: int) -> Step:
        if word in self.scope.blocks:
            return self.draw_call(self.scope.blocks[word])
        if word in FORMS or word == "group":
            return self.draw_form(word, shape, max(depth - 1, 0))
        held = self.scope.values.get(word, word)
        if not isinstance(held, str) or held in self.scope.blocks:
            return Step(word)
        return Step(word, draw_arguments(self.dice, held, Place(shape, self.scope)))

    # forms

    def draw_form(self, word: str, shape: Shape, depth: int) -> Step:
        """A form whose branches are meant to go together."""
        frozen = self.dice.chance(10)
        if word == "group":
            chain = self.draw_chain(shape, self.dice.one([1, 2, 3]), depth).chain
            return Step(word, branches=(chain,), frozen=frozen)
        if word == "residual":
            return self.draw_residual(shape, depth)._replace(frozen=frozen)
        if word == "gate":
            return Step(word, branches=(self.draw_gate(shape, depth),), frozen=frozen)
        count = self.dice.one([2, 3, 1])
        if word == "split" and self.dice.chance(2):
            return self.draw_parts(shape, depth)._replace(frozen=frozen)
        if word == "split":
            count = self.dice.one([count for count in (2, 3, 4, 1) if shape[0] % count == 0])
            shape = (shape[0] // count, *shape[1:])
        first = self.draw_chain(shape, self.dice.one([1, 2]), depth)
        joins = word in ("concat", "split")
        others = [self.draw_alike(shape, first, depth, joins=joins) for _ in range(count - 1)]
        if word == "mul" and self.dice.chance(2):
            others = [(Step("gap"),) if len(first.output) == len(shape) > 1 else chain for chain in others]
        return Step(word, branches=(first.chain, *others), frozen=frozen)

    def draw_parts(self, shape: Shape, depth: int) -> Step:
        """A `split` that says how many channels each part has."""
        rest = shape[0]
        sizes: list[int] = []
        while rest > 1 and len(sizes) < 2 and not self.dice.chance(4):
            sizes.append(1 + self.dice.below(rest - 1))
            rest -= sizes[-1]
        sizes.append(rest)
        first = self.draw_chain((sizes[0], *shape[1:]), 1, depth)
        others = [self.draw_alike((size, *shape[1:]), first, depth, joins=True) for size in sizes[1:]]
        parts: list[Any] = [disguised(self.dice, size, Place(shape, self.scope)) for size in sizes]
        if self.dice.chance(2):
            parts[self.dice.below(len(parts))] = None
        return Step("split", branches=(first.chain, *others), parts=tuple(parts))

    def draw_right_parts(self, word: str, shape: Shape) -> Step:
        return self.draw_parts(shape, 2)

    def draw_wrong_parts(self, word: str, shape: Shape) -> Step:
        """Parts that leave nothing, do not come to what arrives, or are no numbers of channels."""
        count = self.dice.one([2, 3])
        sizes = (max(shape[0] // count, 1), shape[0], None, shape[0] + 1, 0, 1.5, -1, Expression("(in/3)"))
        parts = tuple(self.dice.one(sizes) for _ in range(count + self.dice.one([0, 0, 0, 1])))
        inner = (max(shape[0] // count, 1), *shape[1:])
        chains = [self.draw_chain(inner, 1, 0).chain for _ in range(count)]
        return Step("split", branches=tuple(chains), parts=parts)

    def draw_alike(self, shape: Shape, model: Drawn, depth: int, *, joins: bool) -> Chain:
        """A chain that gives what another gives; where branches are joined, in any number of channels."""
        wanted = model.output
        if wanted[1:] != shape[1:] or self.dice.chance(4):
            return (*model.chain, Step(self.dice.one(PLAIN)))
        chain = self.draw_chain(shape, self.dice.one([1, 2]), depth, lambda output: output[1:] == wanted[1:])
        return chain.chain if joins or chain.output == wanted else (*chain.chain, self.channels_to(wanted))

    def channels_to(self, wanted: Shape) -> Step:
        if len(wanted) == 1:
            return Step("linear", (Argument("out", wanted[0]),))
        return Step("conv", (Argument("out", wanted[0]), Argument("kernel", 1, "short", "k")))

    def draw_gate(self, shape: Shape, depth: int) -> Chain:
        if len(shape) > 1 and not self.dice.chance(3):
            return (Step("gap"), self.channels_to(shape), Step("sigmoid"))
        return (*self.draw_alike(shape, Drawn((), shape), depth, joins=False), Step("sigmoid"))

    def draw_residual(self, shape: Shape, depth: int) -> Step:
        shortcut = self.dice.one(["auto", "auto", "same", "none", "chain"])
        body = self.draw_chain(shape, self.dice.one([2, 1, 3]), depth)
        if shortcut in ("auto", "same", "chain") and self.dice.chance(2):
            body = self.extended(body, self.dice.one(_changers(body.output)))
        if shortcut in ("auto", "same"):
            return Step("residual", branches=(body.chain,), shortcut="auto" if shortcut == "auto" else "same")
        if shortcut == "chain":
            other = self.draw_alike(shape, body, depth, joins=False)
            return Step("residual", branches=(body.chain,), shortcut=other)
        if body.output != shape:
            return Step("residual", branches=(self.draw_alike(shape, Drawn((), shape), depth, joins=False),))
        return Step("residual", branches=(body.chain,))

    def extended(self, drawn: Drawn, step: Step) -> Drawn:
        output = self.judge((step,), drawn.output)
        return drawn if output is None else Drawn((*drawn.chain, step), output)

    def draw_loose_form(self, word: str, shape: Shape) -> Step:
        """A form whose branches know nothing of each other."""
        inner, count = shape, self.dice.one([2, 3])
        if word == "split":
            inner = (max(shape[0] // count, 1), *shape[1:])
        chains = [self.draw_chain(inner, self.dice.one([1, 2]), 0).chain for _ in range(count)]
        chains[0] = (*chains[0], self.dice.one(_changers(inner)))
        if word in ("gate", "residual"):
            shortcut = self.dice.one(["none", "auto", "chain"]) if word == "residual" else "none"
            other: Any = chains[1] if shortcut == "chain" else "auto" if shortcut == "auto" else None
            return Step(word, branches=(chains[0],), shortcut=other)
        return Step(word, branches=tuple(chains))

    # branches that go on from a label

    def draw_right_origin(self, word: str, shape: Shape) -> Step:
        """A group with a labelled step, others, and a form of which branches begin with what left the first."""
        label = self.dice.one(["e1", "stage", "relu", "k3"])
        first = self.draw_right_step(shape, 1)[0]._replace(label=label, repeat=self.dice.one([None, None, 1, 2]))
        left = self.judge((first,), shape)
        if left is None:
            return first
        middle = self.draw_chain(left, self.dice.one([0, 1, 2]), 1, lambda output: output == left).chain
        named = label if first.repeat is None or self.dice.chance(2) else f"{label}{first.repeat}"
        form = self.draw_form(self.dice.one([word for word in FORMS if word != "split"]), left, 1)
        form = self.taking_up(form, named)
        return Step("group", branches=((first, *middle, *self.surrounded(form)),))

    def taking_up(self, form: Step, label: str) -> Step:
        """A form with branches that go on from a label."""
        origin = Step("from", (Argument("label", label),))
        chains = [
            (origin, *(() if self.dice.chance(6) else chain)) if self.dice.chance(2) else chain
            for chain in form.branches
        ]
        place = self.dice.below(len(chains))
        chains[place] = chains[place] if chains[place][0] == origin else (origin, *chains[place])
        shortcut = form.shortcut
        if isinstance(shortcut, tuple) and self.dice.chance(2):
            shortcut = (origin, *shortcut)
        return form._replace(branches=tuple(chains), shortcut=shortcut)

    def surrounded(self, step: Step) -> Chain:
        """A step, sometimes in braces, which see what the chain around sees."""
        if self.dice.chance(3):
            return (Step("group", branches=((step,),), repeat=self.dice.one([None, 1, 2])),)
        return (step,)

    def draw_wrong_origin(self, word: str, shape: Shape) -> Step:
        """A label that cannot be seen, `from` where no branch begins, or what does not go together."""
        labelled = Step(self.dice.one(PLAIN), label="e1", repeat=self.dice.one([None, None, 0, 2]))
        name = self.dice.one(["e1", "e3", "e2", "e", "e11"])
        form = self.taking_up(self.draw_form(self.dice.one(["add", "concat", "residual"]), shape, 1), name)
        origin, changing = Step("from", (Argument("label", "e1"),)), self.dice.one(_changers(shape))
        loose = Step("add", branches=((origin,), (Step("id"),)))
        wrong: list[Chain] = [
            (form, labelled), (Step("group", branches=((labelled,),)), form), (form._replace(label="e1"),),
            (labelled, origin, Step("relu")), (labelled, Step("split", branches=((origin,),))),
            (labelled, Step("group", branches=((origin, Step("relu")),))), (labelled, form),
            (labelled, changing, loose), (labelled, self.called((form,))), (self.called((labelled,)), form),
        ]  # fmt: skip
        return Step("group", branches=(self.dice.one(wrong),))

    # outputs

    def draw_right_outputs(self, word: str, shape: Shape) -> Step:
        count = self.dice.one([2, 1, 3])
        chains = [self.draw_chain(shape, self.dice.one([1, 2]), 1).chain for _ in range(count)]
        chains = [(chain[0]._replace(label=None), *chain[1:]) for chain in chains]  # the name stands there
        return Step("outputs", branches=tuple(chains), names=("cls", "box", "p3")[:count], frozen=self.dice.chance(6))

    def draw_wrong_outputs(self, word: str, shape: Shape) -> Step:
        """Names given twice or that torch has, `outputs` in braces, repeated or noted, a branch that does not fit."""
        right = self.draw_right_outputs(word, shape)
        last, count = right.branches[-1], len(right.branches)
        return self.dice.one([
            right._replace(names=("cls",) * count if count > 1 else ("append",)),
            right._replace(names=("type", "box", "p3")[:count]), right._replace(repeat=2), right._replace(check=shape),
            Step("group", branches=((right,),)), Step("add", branches=((right,), (Step("id"),))), self.called((right,)),
            right._replace(branches=(*right.branches[:-1], (*last, Step("linear", (Argument("out", 0),))))),
        ])  # fmt: skip

    # values that become steps

    def draw_right_value(self, word: str, shape: Shape) -> Step:
        """A call of a block that is handed a layer with some of its arguments, and gives it the others."""
        layer = self.dice.one(tuple(LAYERS) if self.dice.chance(3) else ON_VECTORS if len(shape) == 1 else ON_PICTURES)
        return self.handed(layer, draw_arguments(self.dice, layer, Place(shape, self.scope)))

    def draw_wrong_value(self, word: str, shape: Shape) -> Step:
        """The same with an argument that does not fit, or one that is given twice."""
        layer = self.dice.one(CHOOSY)
        arguments = draw_arguments(self.dice, layer, Place(shape, self.scope, odd=True))
        if self.dice.chance(2):
            arguments = draw_wrong_value(self.dice, layer, Place(shape, self.scope))
        if arguments and self.dice.chance(4):
            again = self.dice.one(arguments)
            twice = (again._replace(style="key", key=again.key or again.field),)
            return self.handed(layer, arguments, len(arguments), twice)
        return self.handed(layer, arguments)

    def handed(
        self, layer: str, arguments: tuple[Argument, ...], cut: int | None = None, more: tuple[Argument, ...] = ()
    ) -> Step:
        """The call of a block; cut: how many arguments the value has, by itself or through a second value."""
        cut = self.dice.below(len(arguments) + 1) if cut is None else cut
        value: Any = Partial(layer, arguments[:cut]) if cut else layer
        body = (Step("f", (*arguments[cut:], *more), repeat=self.dice.one([None, None, 1, 2])),)
        if self.dice.chance(3):
            value = Partial(self.define((("f", None),), body).name, (Argument("f", value, "key", "f"),))
            body = (Step("f"),)
        by_default = self.dice.chance(3)
        block = self.define((("f", value if by_default else None),), body)
        return Step(block.name, () if by_default else (Argument("f", value),))

    # blocks

    def draw_block(self) -> None:
        """A block drawn for one shape; the numbers in its body become its parameters where they are equal."""
        shape = self.dice.one(INPUTS[self.dice.one([2, 1, 0, 3])])
        parameters = self.draw_parameters()
        values = {name: 4 if isinstance(default, Expression | None) else default for name, default in parameters}
        outside, self.scope = self.scope, self.scope._replace(values={**self.scope.shared, **values})
        body = self.draw_chain(shape, self.dice.one([2, 1, 3]), depth=1).chain
        self.scope = outside
        self.define(parameters, body)

    def define(self, parameters: tuple[tuple[str, Value], ...], body: Chain) -> Block:
        block = Block(f"block_{len(self.scope.blocks) + 1}", parameters, body)
        self.scope = self.scope._replace(blocks={**self.scope.blocks, block.name: block})
        return block

    def called(self, body: Chain) -> Step:
        """A block without parameters, and its call."""
        return Step(self.define((), body).name)

    def draw_parameters(self) -> tuple[tuple[str, Value], ...]:
        """Names with their defaults, each beginning with a letter of its own."""
        found: list[tuple[str, Value]] = []
        if self.dice.chance(2):
            found.append(("c", self.dice.one([None, Expression("in"), 4, Expression("max(in, 4)")])))
        if self.dice.chance(3):
            found.append(("kernel", self.dice.one([3, 1])))
        if self.dice.chance(3):
            found.append(("stride", self.dice.one([1, 2, Expression("nth")])))
        if self.dice.chance(2):
            found.append(("act", self.dice.one(["relu", "silu", "prelu", "id", *self.scope.blocks])))
        return tuple(found)

    def draw_call(self, block: Block) -> Step:
        arguments = [
            self.draw_parameter(name) for name, default in block.parameters if default is None or self.dice.chance(2)
        ]
        if arguments and arguments[0].field == block.parameters[0][0] and self.dice.chance(2):
            arguments[0] = arguments[0]._replace(style="position")
        return Step(block.name, tuple(arguments), frozen=self.dice.chance(10))

    def draw_parameter(self, name: str) -> Argument:
        usual: dict[str, list[Value]] = {
            "c": [4, 2, 8, Expression("in"), Expression("(in*2)")], "kernel": [3, 1, 2], "stride": [1, 2],
            "act": ["silu", "relu", "gelu", "softmax", "flatten", *HELD],
            "f": ["relu", "id", *HELD],
        }  # fmt: skip
        value = self.dice.one(usual[name])
        if isinstance(value, int) and self.dice.chance(2):
            return Argument(name, value, "short", name[0])
        return Argument(name, value, "key", name)


def _about(network: _Network, draw: Callable[[_Network, Shape], Step], word: str, shape: Shape) -> Step:
    return draw(network, shape)


def _is_small(shape: Shape) -> bool:
    return prod(shape) <= MOST_VALUES and shape[0] <= MOST_CHANNELS


def _changers(shape: Shape) -> list[Step]:
    """Steps that give another shape than the one that arrives."""
    if len(shape) == 1:
        more = Step("linear", (Argument("out", shape[0] + 1),))
        return [more, Step("unflatten", (Argument("shape", (shape[0], 1, 1)),))]
    wider = Step("conv", (Argument("out", shape[0] + 1), Argument("kernel", 1, "short", "k")))
    halved = wider._replace(arguments=(*wider.arguments, Argument("stride", 2, "short", "s")))
    pooled = Step("maxpool", (Argument("kernel", 2),))
    return [halved, Step("pad", (Argument("before", 1),)), Step("flatten"), pooled, wider]
