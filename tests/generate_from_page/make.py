"""Random specs: right ones by trying each step on what arrives, wrong ones by keeping one that failed, or by a change.

A spec is small: at most some 15 steps on a picture of a few pixels, so that a trial takes milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Literal

import torch
from torch import Tensor

from generate_from_page import tree
from generate_from_page.fields import LAYERS
from generate_from_page.meaning import Meaning
from generate_from_page.places import Context, Place
from generate_from_page.proposals import Author
from generate_from_page.tree import Argument, Branch, Expression, Name, Number, Spec, Step, Valued
from generate_from_page.values import Layered, Macro, TooLargeError, WrongError

WORDS = tuple(LAYERS)
ACTIVATIONS = ("relu", "silu", "gelu", "leakyrelu", "tanh", "hardswish", "id", "sigmoid")
LABELS = ("a", "b", "stem", "e1", "e2", "conv9", "left", "k3", "top")
TRIES = 6


@dataclass
class Maker:
    """One spec in the making. `careless` is how often a step that fails is kept, which makes the spec wrong."""

    chance: Random
    careless: float = 0.0

    def __post_init__(self) -> None:
        self.scratch = Meaning()
        self.broken = False
        self.statements: list[tree.Statement] = []
        self.names = 0

    def odds(self, share: float) -> bool:
        return self.chance.random() < share

    def spec(self) -> Spec:
        rank = self.chance.choice((0, 1, 1, 2, 2, 2, 2, 3))
        shape = (self.chance.randint(1, 8), *(self.chance.randint(2, 5 if rank == 3 else 9) for _ in range(rank)))
        if rank == 0:
            shape = (self.chance.choice((4, 6, 8, 12)),)
        spec = Spec(self.statements)
        self.scratch.begin(shape)
        x = self.scratch.output
        assert isinstance(x, Tensor)
        for _ in range(self.chance.randint(1, 4)):
            for _ in range(self.chance.randint(0, 2)):
                self.definition(x)
            steps, x = self.chain(self.scratch.top, x, self.chance.randint(1, 4), 0)
            if steps:
                self.statements.append(tree.Chain(steps))
        if self.odds(0.1) and not self.broken:
            self.statements.append(tree.Chain([self.outputs(self.scratch.top, x)]))
        self.head(spec, shape)
        return spec

    def head(self, spec: Spec, shape: tuple[int, ...]) -> None:
        """The input stands first, or last, or is handed over."""
        if self.odds(0.1):
            spec.given = shape
        if spec.given is None or self.odds(0.5):
            stated = shape if spec.given is None else tuple(n + 1 for n in shape)
            place = 0 if self.odds(0.85) else len(self.statements)
            self.statements.insert(place, tree.Input(stated))
        if self.odds(0.05):
            self.statements.append(tree.Train(["epochs 3", "batch 16", "optimizer sgd lr=0.1 momentum=0.9"]))

    # Definitions

    def name(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{'abcdefghijklmnopqrstuvwxyz'[self.names % 26]}{self.names // 26 or ''}"

    def definition(self, x: Tensor) -> None:
        if self.odds(0.5):
            self.param(x)
        else:
            self.block(x)

    def param(self, x: Tensor) -> None:
        author = Author(self.chance, replace(self.scratch.top, nth=None), x)
        name = self.name("w") if self.odds(0.9) else self.chance.choice(("k3", "s2", "p1"))
        if name in self.scratch.top.names:
            return
        value = self.chance.choice(
            (lambda: author.number(self.chance.randint(1, 6), 0.5), lambda: author.size(1, 3), self.layer_value)
        )()
        statement = tree.Param(name, value)
        try:
            self.scratch.statement(statement, {})
        except WrongError:
            return  # `in`, mostly, which nothing arrives at
        self.statements.append(statement)

    def layer_value(self) -> Expression:
        blocks = [name for name, held in self.scratch.top.names.items() if isinstance(held, Layered)]
        if blocks and self.odds(0.25):
            return self.block_value(self.chance.choice(blocks))
        word = self.chance.choice(ACTIVATIONS)
        if word == "leakyrelu" and self.odds(0.7):
            return Valued(word, (Argument(Number("0.2")),))
        if self.odds(0.2):
            given = (Argument(Number(str(self.chance.randint(1, 6)))), Argument(Number("1"), "k", short=self.odds(0.5)))
            return Valued("conv", given[: self.chance.randint(1, 2)])
        return Name(word)

    def block_value(self, name: str) -> Expression:
        held = self.scratch.top.names[name]
        assert isinstance(held, Layered)
        if isinstance(held.target, str) or not held.target.block.parameters or self.odds(0.5):
            return Name(name)
        key = self.chance.choice(held.target.block.parameters)[0]
        numbers: list[Expression] = [Number(str(self.chance.randint(1, 4))), Name("in"), Name("tanh")]
        return Valued(name, (Argument(self.chance.choice(numbers), key),))

    def block(self, x: Tensor) -> None:
        name = self.name("block_")
        count = int(x.shape[1])
        ways: list[tuple[str, Expression | None]] = [
            ("c", Number(str(self.chance.randint(1, 6)))), ("width", Name("in")), ("act", self.layer_value()),
            ("kernel", Number(str(self.chance.choice((1, 3))))), ("stride", Number("1")), ("deep", Name("true")),
            ("half", tree.Operation("-", Name("in"), Number("0"))), ("mode", Name("zeros")),
        ]  # fmt: skip
        parameters = self.chance.sample(ways, self.chance.randint(0, 4))
        parameters = [(key, None if n < 2 and self.odds(0.5) else value) for n, (key, value) in enumerate(parameters)]
        parameters.sort(key=lambda pair: pair[1] is not None)
        names = dict(self.scratch.top.names)
        examples = dict(ways)
        for key, _ in parameters:
            value = examples[key]
            assert value is not None
            try:
                names[key] = self.evaluated(value, count)
            except WrongError:
                return
        at = Context(names, Place(), depth=1)
        steps, _ = self.chain(at, x, self.chance.randint(1, 4), 1)
        if not steps:
            return
        statement = tree.Block(name, parameters, Branch(steps))
        try:
            self.scratch.statement(statement, {})
        except WrongError:
            return
        self.statements.append(statement)

    def evaluated(self, value: Expression, count: int):  # type: ignore[no-untyped-def]  # a value of any kind
        from generate_from_page.values import evaluate

        return evaluate(value, self.scratch.top.scope(torch.zeros(1, count)))

    # Chains

    def chain(self, at: Context, x: Tensor, length: int, depth: int) -> tuple[list[Step], Tensor]:
        steps: list[Step] = []
        for _ in range(length):
            if self.broken:
                break
            step, x = self.next(at, x, depth)
            steps += [step] if step else []
        return steps, x

    def next(self, at: Context, x: Tensor, depth: int) -> tuple[Step | None, Tensor]:
        """A step that fits, and what leaves it; or one that does not, where this spec is to be wrong."""
        for _ in range(TRIES):
            step = self.proposal(at, x, depth)
            if step is None:
                continue
            y = self.tried(step, at, x)
            if y is not None:
                return step, y
            if self.odds(self.careless):
                self.broken = True
                return step, x
        return None, x

    def tried(self, step: Step, at: Context, x: Tensor) -> Tensor | None:
        copy = replace(at, place=Place(at.place.prefix, dict(at.place.counts), set(at.place.taken)),
                       labels=dict(at.labels))  # fmt: skip
        try:
            y, _ = self.scratch.step(step, copy, x)
        except (WrongError, TooLargeError):
            return None
        if not isinstance(y, Tensor) or y[0].numel() > 3000 or y.shape[1] > 40:
            return None
        at.place, at.labels = copy.place, copy.labels
        return y

    def proposal(self, at: Context, x: Tensor, depth: int) -> Step | None:
        author = Author(self.chance, at, x)
        kind = self.chance.random()
        if kind < 0.14 and depth < 3:
            step = self.form(at, x, depth)
        elif kind < 0.2 and depth < 3:
            step = self.group(at, x, depth)
        elif kind < 0.4 and (step_ := self.named(at, author)):
            step = step_
        else:
            word = self.chance.choice(WORDS)
            step = Step(word, author.arguments(word))
            if word in ("conv", "linear") and self.odds(0.08):
                step = self.literal(author, word)
        return self.tailed(step, at, author) if step else None

    def tailed(self, step: Step, at: Context, author: Author) -> Step:
        if self.odds(0.12):
            step.repeat = Number(str(self.chance.choice((0, 1, 2, 2, 3)))) if self.odds(0.7) else author.number(2)
            if self.odds(0.3):
                self.by_number(step)
        if self.odds(0.25):
            step.label = self.chance.choice(LABELS)
        return step

    def by_number(self, step: Step) -> None:
        """Makes an argument another one in each repeat."""
        for place, argument in enumerate(step.arguments):
            if isinstance(argument.value, Number) and argument.value.text.isdigit() and self.odds(0.5):
                before = tree.Operation("-", Name("nth"), Number("1"))
                grown = tree.Operation("+", argument.value, before)
                doubled = tree.Operation("*", argument.value, tree.Operation("**", Number("2"), before))
                step.arguments[place] = Argument(self.chance.choice((grown, doubled)), argument.key)

    def named(self, at: Context, author: Author) -> Step | None:
        """A block's call, or a step by the name of a value that is a layer."""
        words = [name for name, held in at.names.items() if isinstance(held, Layered)]
        if not words:
            return None
        word = self.chance.choice(words)
        held = at.names[word]
        assert isinstance(held, Layered)
        if isinstance(held.target, str):
            return Step(word, author.arguments(held.target) if held.target == "conv" and self.odds(0.2) else [])
        return Step(word, self.call_arguments(held.target, author))

    def call_arguments(self, macro: Macro, author: Author) -> list[Argument]:
        found = []
        for key, value in macro.block.parameters:
            if value is not None and self.odds(0.5):
                continue
            given: Expression
            if key == "act":
                given = self.layer_value()
            elif key == "mode":
                found.append(Argument(Name(self.chance.choice(("zeros", "reflect", "replicate", "circular"))), key))
                continue
            elif key == "deep":
                found.append(Argument(Name(self.chance.choice(("deep", "nodeep")))))
                continue
            else:
                most = {"stride": 2, "kernel": 3}.get(key, 6)
                given = author.number(self.chance.randint(1, most))
            if value is None and self.odds(0.7) and len(found) == macro.block.parameters.index((key, value)):
                found.append(Argument(given))
            elif isinstance(given, Number) and self.odds(0.5) and key != "act":
                found.append(Argument(given, key[0], short=True))
            else:
                found.append(Argument(given, key))
        if self.odds(0.05):
            found.append(Argument(Name("frozen")))
        return found

    def literal(self, author: Author, word: str) -> Step:
        out, kernel = self.chance.randint(1, 2), self.chance.randint(1, 2)
        shape = (out, author.count) + ((kernel,) * author.rank if word == "conv" else ())
        if self.odds(0.1):
            shape = (*shape[:-1], shape[-1] + 1)
        while shape[0] == 1 and len(shape) > 1 and self.odds(0.5):
            shape = shape[1:]
        given = [Argument(Number(str(out)))] + ([Argument(Number(str(kernel)), "k", short=True)] * (word == "conv"))
        given.append(Argument(self.numbers(shape), "weight"))
        if self.odds(0.5):
            given.append(Argument(self.numbers((out,)), "bias") if self.odds(0.7) else Argument(Name("nobias")))
        return Step(word, given)

    def numbers(self, shape: tuple[int, ...]) -> Expression:
        if not shape:
            return Number(self.chance.choice(("0", "1", "0.5", "-1", "0.25")))
        return tree.Listed(tuple(self.numbers(shape[1:]) for _ in range(shape[0])))

    # Braces

    def inner(self, at: Context, word: str) -> Context:
        return Context(at.names, Place(f"{at.place.prefix}?{word}{self.chance.random()}."), at.nth, dict(at.labels),
                       depth=at.depth + 1)  # fmt: skip

    def group(self, at: Context, x: Tensor, depth: int) -> Step | None:
        repeat = Number(str(self.chance.randint(1, 3))) if self.odds(0.4) else None
        inside = self.inner(at, "group")
        steps, _ = self.chain(replace(inside, nth=1) if repeat else inside, x, self.chance.randint(1, 3), depth + 1)
        return Step("", branches=[Branch(steps)], frozen=self.odds(0.05), repeat=repeat) if steps else None

    def form(self, at: Context, x: Tensor, depth: int) -> Step | None:
        word = self.chance.choice(("concat", "add", "mul", "residual", "residual", "gate", "split"))
        step = Step(word, frozen=self.odds(0.05))
        if word == "split":
            return self.split(step, at, x, depth)
        shortcut: Literal["auto", "same"] | None = self.chance.choice(("auto", "same", None))
        if word == "residual" and shortcut:
            step.shortcut = shortcut
            step.branches = [self.branch(at, x, depth, None)]
            return step
        target = tuple(x.shape[1:]) if word in ("residual", "gate") else None
        if target is None:
            first = self.branch(at, x, depth, None)
            y = self.tried(Step("", branches=[first]), self.inner(at, word), x)
            if y is None:
                return None
            target = tuple(y.shape[1:])
            step.branches.append(first)
        free = word == "concat"
        for _ in range(1 if word in ("residual", "gate") else self.chance.randint(0, 2)):
            step.branches.append(self.branch(at, x, depth, target, free))
        if word == "residual" and self.odds(0.4):
            step.shortcut = self.branch(at, x, depth, target)
        return step

    def branch(self, at: Context, x: Tensor, depth: int, target: tuple[int, ...] | None, free: bool = False) -> Branch:
        """A chain that ends at the target, where there is one; its channels are `free` in `concat`."""
        inside = self.inner(at, "branch")
        branch = Branch([])
        if at.labels and self.odds(0.4):
            branch.start = self.chance.choice(list(at.labels))
            x = self.scratch.kept[at.labels[branch.start]]
        branch.steps, y = self.chain(inside, x, self.chance.randint(0 if branch.start else 1, 2), depth + 1)
        if target is not None and not self.broken:
            branch.steps += self.towards(y, target, free)
        if not branch.steps and not (branch.start and self.odds(0.8)):
            branch.steps.append(Step("id"))
        return branch

    def towards(self, y: Tensor, target: tuple[int, ...], free: bool) -> list[Step]:
        """Steps that give the target's shape, or nothing where the author forgets them."""
        found = []
        if len(target) != y.dim() - 1 or self.odds(0.03):
            return []
        if tuple(y.shape[2:]) != target[1:]:
            found.append(Step("adaptiveavgpool", [Argument(sized(target[1:]))]))
        if y.shape[1] != target[0] and not free:
            out = Argument(Number(str(target[0])))
            word = "conv" if len(target) > 1 else "linear"
            found.append(Step(word, [out] + [Argument(Number("1"), "k", short=True)] * (word == "conv")))
        return found

    def split(self, step: Step, at: Context, x: Tensor, depth: int) -> Step | None:
        count = int(x.shape[1])
        pieces = self.chance.randint(1, 3)
        if count < pieces:
            return None
        cuts = sorted(self.chance.sample(range(1, count), pieces - 1))
        parts = [b - a for a, b in zip([0, *cuts], [*cuts, count], strict=True)]
        if count % pieces == 0 and self.odds(0.5):
            parts = [count // pieces] * pieces
        else:
            said: list[Expression] = [Number(str(part)) for part in parts]
            if self.odds(0.5):
                said[self.chance.randrange(pieces)] = Name("_")
            step.arguments = list(map(Argument, said))
        for part in torch.split(x, parts, 1):
            inside = replace(self.inner(at, "split"))
            steps, y = self.chain(inside, part, self.chance.randint(1, 2), depth + 1)
            steps += [] if self.broken else self.towards(y, tuple(x.shape[1:]), free=True)
            step.branches.append(Branch(steps or [Step("id")]))
        return step

    def outputs(self, at: Context, x: Tensor) -> Step:
        step = Step("outputs")
        for name in self.chance.sample(("cls", "box", "aux", "p3"), self.chance.randint(1, 3)):
            branch = self.branch(at, x, 1, None)
            branch.name = name
            if branch.steps and self.odds(0.9):
                branch.steps[0].label = None  # its name heads the branch, and a step has one label
            step.branches.append(branch)
        return step


def sized(sizes: tuple[int, ...]) -> Expression:
    return tree.Sized(sizes) if len(sizes) > 1 else Number(str(sizes[0]))
