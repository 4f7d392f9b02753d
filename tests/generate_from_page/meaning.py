"""What a spec is, by the page: the modules in order, their names and shapes, and what leaves. Or why it is wrong.

Everything is worked out on a batch of two as the text is read: what torch refuses, it refuses here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

import torch
from torch import Tensor, nn

from generate_from_page import tree
from generate_from_page.binding import arguments, fields_of, filled, word_exists, words_exist
from generate_from_page.fields import FORMS, LAYERS, WEIGHTED
from generate_from_page.forms import joined, parts_of, projected
from generate_from_page.modules import macs, module
from generate_from_page.places import Context, Place, Row, Shape
from generate_from_page.tree import Branch, Spec, Step
from generate_from_page.values import (
    Layered,
    Macro,
    Option,
    Scope,
    TooLargeError,
    Value,
    WrongError,
    evaluate,
    real,
    whole,
)
from generate_from_page.weights import begun

Kept = dict[str, Tensor]
Left = Tensor | dict[str, Tensor]
Node = Callable[[Tensor, Kept], Left]
USUAL = 12  # what any number of a small network is below
MOST = 200_000  # values of a tensor
RESERVED = ("input", "param", "block", "train", "budget", "shortcut", "auto", "same", "in", "x", "from", "nth")


class Meaning:
    """A spec worked out. `run` computes it again, `modules` are those with weights or buffers by name."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.modules: list[tuple[str, nn.Module]] = []
        self.every: list[nn.Module] = []
        self.random = False  # draws numbers in a way of its own
        self.static: set[str] = set()  # parameters whose first values the spec says
        self.kept: Kept = {}
        self.shapes: dict[int, list[Shape]] = {}  # by id of a step
        self.budgets: list[tree.Budget] = []
        self.top = Context({}, Place())
        self.nodes: list[Node] = []
        self.input: Shape = ()
        self.output: Left = torch.zeros(0)

    def run(self, x: Tensor) -> Left:
        return chained(self.nodes)(x, {})

    def begin(self, shape: Shape) -> None:
        self.input = shape
        self.output = torch.randn(2, *shape)

    def statement(self, statement: tree.Statement, overrides: dict[str, int]) -> None:
        names = self.top.names
        match statement:
            case tree.Param(name, value):
                new(name, names)
                given = overrides.get(name)
                names[name] = evaluate(value, self.top.scope()) if given is None else Fraction(given)
            case tree.Block(name, parameters, body):
                new(name, {*names, *LAYERS, *FORMS})
                words_exist(body, {**names, **{parameter: None for parameter, _ in parameters}})
                names[name] = Layered(Macro(statement, dict(names)))
            case tree.Chain(steps):
                for step in steps:
                    self.top_step(step)
            case tree.Budget():
                self.budgets.append(statement)

    def top_step(self, step: Step) -> None:
        if not isinstance(self.output, Tensor):
            raise WrongError("nothing follows `outputs`")
        self.output, node = self.step(step, self.top, self.output)
        self.nodes.append(node)

    def finish(self) -> None:
        cost = self.costs()
        for budget in self.budgets:
            if cost[budget.what] > real(evaluate(tree.Number(budget.bound), Scope({}))):
                raise WrongError(f"over the budget of {budget.what}")

    def costs(self) -> dict[str, int]:
        """Parameters, multiply-accumulates and bytes for one sample."""
        params, multiplied = (sum(getattr(row, name) for row in self.rows) for name in ("params", "macs"))
        values = sum(elements(row.output) for row in self.rows) + elements(self.input)
        return {"params": params, "macs": multiplied, "memory": 4 * (2 * params + values)}

    # A step and its repeats

    def step(self, step: Step, at: Context, x: Tensor) -> tuple[Left, Node]:
        count = None if step.repeat is None else whole(evaluate(step.repeat, at.scope(x)), 0)
        if count == 0:
            word_exists(step, dict(at.names))
            at.labels.pop(step.label or "", None)  # of an `x0` step there is none
            self.note(step, x)  # it stands for `id`
            return x, lambda x, _: x
        nodes: list[Node] = []
        result: Left = x
        for number in range(1, (count or 1) + 1):
            assert isinstance(result, Tensor)
            label = step.label if count is None or step.label is None else f"{step.label}{number}"
            inside = at if count is None else replace(at, nth=number)
            result, node = self.once(step, inside, result, label)
            nodes.append(self.keep(label, at, result, node))
        if isinstance(result, Tensor):
            if step.label is not None and count is not None:
                at.labels[step.label] = at.labels[f"{step.label}{count}"]
            self.note(step, result)
        return result, chained(nodes)

    def keep(self, label: str | None, at: Context, y: Left, node: Node) -> Node:
        if label is None or not isinstance(y, Tensor):
            return node
        key = f"{at.place.prefix}{label}"
        self.kept[key] = y
        at.labels[label] = key

        def keeping(x: Tensor, kept: Kept) -> Left:
            result = node(x, kept)
            assert isinstance(result, Tensor)
            kept[key] = result
            return result

        return keeping

    def note(self, step: Step, y: Tensor) -> None:
        shape = tuple(y.shape[1:])
        self.shapes.setdefault(id(step), []).append(shape)
        if step.note is None:
            return
        if len(step.note) != len(shape) or any(n not in (None, m) for n, m in zip(step.note, shape, strict=True)):
            raise WrongError(f"{shape} is not {step.note}")

    def once(self, step: Step, at: Context, x: Tensor, label: str | None) -> tuple[Left, Node]:
        if at.depth > 60:
            raise WrongError("too deep")
        if (not step.word or step.word in FORMS) and not step.branches:
            raise WrongError("no branch")
        if not step.word:
            return self.chain(step.branches[0], at.inside(at.place.name("group", label), step.frozen), x)
        if step.word in FORMS:
            return self.form(step, at.inside(at.place.name(step.word, label), step.frozen), x)
        held = at.names.get(step.word, Layered(step.word) if step.word in LAYERS else None)
        if not isinstance(held, Layered):
            raise WrongError(f"there is no `{step.word}`")
        given = filled([*held.items, *arguments(step.arguments, held.target, at.scope(x))], fields_of(held.target))
        name = at.place.name(step.word, label)
        if isinstance(held.target, Macro):
            return self.call(held.target, given, at, x, name)
        return self.layer(step, held.target, given, at, x, name)

    def chain(self, branch: Branch, at: Context, x: Tensor) -> tuple[Tensor, Node]:
        if not branch.steps and branch.start is None:
            raise WrongError("an empty branch")
        nodes: list[Node] = []
        result: Left = x
        if branch.start is not None:
            key = label_of(branch.start, at)
            result = self.kept[key]
            nodes.append(lambda _, kept: kept[key])
        for step in branch.steps:
            if step.word == "outputs":
                raise WrongError("`outputs` inside braces")
            assert isinstance(result, Tensor)
            result, node = self.step(step, at, result)
            nodes.append(node)
        assert isinstance(result, Tensor)
        return result, chained(nodes)

    def call(self, macro: Macro, given: dict[str, Value], at: Context, x: Tensor, name: str) -> tuple[Tensor, Node]:
        frozen = given.pop("frozen", False) is True
        names = dict(macro.names)
        for key, value in macro.block.parameters:
            if key in given:
                names[key] = given[key]
            elif value is None:
                raise WrongError(f"`{key}` is required")
            else:
                names[key] = evaluate(value, replace(at, names=names).scope(x))
        inside = Context(names, Place(name + "."), None, {}, at.frozen or frozen, at.depth + 1)
        return self.chain(macro.block.body, inside, x)

    # Layers

    def layer(
        self, step: Step, word: str, given: dict[str, Value], at: Context, x: Tensor, name: str
    ) -> tuple[Tensor, Node]:
        for key, value in LAYERS[word].defaults.items():
            if key not in given:
                if value is None:
                    raise WrongError(f"`{key}` is required")
                given[key] = value
        if isinstance(like := given.pop("like", None), Option):
            return self.upsampled_like(step, given, label_of(like.word, at), x, name)
        made = self.made(word, given, x)
        if word in WEIGHTED:
            self.static |= {f"{name}.{key}" for key in begun(made, given, at.frozen)}
        y = applied(made, x)
        self.tell(name, step, x, y, sum(p.numel() for p in made.parameters()), macs(word, made, x, y))
        if made.state_dict():
            self.modules.append((name, made))
        return y, lambda x, _: made(x)

    def made(self, word: str, given: dict[str, Value], x: Tensor) -> nn.Module:
        try:
            if x.numel() > MOST or max(map(largest, given.values()), default=0) > USUAL:
                require_small(word, given, x)
            made = module(word, given, x)
        except (RuntimeError, ValueError, TypeError, AssertionError) as problem:
            raise WrongError(str(problem)) from problem
        self.every.append(made)
        self.random |= word == "droppath"
        return made

    def upsampled_like(
        self, step: Step, given: dict[str, Value], key: str, x: Tensor, name: str
    ) -> tuple[Tensor, Node]:
        target = self.kept[key]
        if {"scale", "size"} & set(given) or target.dim() != x.dim():
            raise WrongError("one of scale, size and like, of the same rank")
        made = self.made("upsample", given | {"size": tuple(map(Fraction, target.shape[2:]))}, x)
        y = applied(made, x)
        self.tell(name, step, x, y)
        return y, lambda x, _: made(x)

    def tell(self, name: str, step: Step, x: Tensor, y: Left, params: int = 0, cost: int = 0) -> None:
        self.rows.append(Row(name, step.word, step.line, tuple(x.shape[1:]), shape_of(y), params, cost))

    # Forms

    def form(self, step: Step, at: Context, x: Tensor) -> tuple[Left, Node]:
        if step.word == "outputs":
            return self.outputs(step, at, x)
        names = ["body"] if step.word == "residual" else [f"branch{n + 1}" for n in range(len(step.branches))]
        if len(names) != len(step.branches) or (step.word == "gate" and len(names) > 1):
            raise WrongError(f"`{step.word}` has one branch")
        cuts = self.cuts(step, at, x)
        made = [
            self.chain(branch, at.inside(at.place.prefix + name), part)
            for branch, name, part in zip(step.branches, names, cut(x, cuts, len(names)), strict=True)
        ]
        if step.word in ("residual", "gate"):
            made.append(self.beside(step, at, x, made[0][0]))
        y = joined(step.word, [result for result, _ in made])
        self.tell(at.place.prefix[:-1], step, x, y)
        nodes = [node for _, node in made]

        def run(x: Tensor, kept: Kept) -> Left:
            results = [node(part, kept) for node, part in zip(nodes, cut(x, cuts, len(nodes)), strict=True)]
            return joined(step.word, [result for result in results if isinstance(result, Tensor)])

        return y, run

    def outputs(self, step: Step, at: Context, x: Tensor) -> tuple[Left, Node]:
        made: dict[str, tuple[Tensor, Node]] = {}
        for branch in step.branches:
            assert branch.name is not None
            if branch.name in made or step.label is not None or step.repeat is not None:
                raise WrongError("an output's name")
            if branch.steps and branch.steps[0].label is not None and branch.start is None:
                raise WrongError("a label behind an output's name")
            at.place.name("", branch.name)
            made[branch.name] = self.chain(branch, at.inside(at.place.prefix + branch.name), x)
        y: Left = {name: result for name, (result, _) in made.items()}
        self.tell(at.place.prefix[:-1], step, x, y)

        def run(x: Tensor, kept: Kept) -> Left:
            results = {name: node(x, kept) for name, (_, node) in made.items()}
            return {name: result for name, result in results.items() if isinstance(result, Tensor)}

        return y, run

    def cuts(self, step: Step, at: Context, x: Tensor) -> list[int] | None:
        if step.word != "split":
            return None
        if any(branch.start is not None for branch in step.branches):
            raise WrongError("`from` in a split")
        said = [
            None if argument.value == tree.Name("_") else whole(evaluate(argument.value, at.scope(x)))
            for argument in step.arguments
        ]
        return parts_of(said, len(step.branches), x.shape[1])

    def beside(self, step: Step, at: Context, x: Tensor, y: Tensor) -> tuple[Tensor, Node]:
        """What a residual or a gate adds to, or multiplies, its branch."""
        if isinstance(step.shortcut, Branch):
            return self.chain(step.shortcut, at.inside(at.place.prefix + "shortcut"), x)
        if step.word == "gate" or step.shortcut is None or x.shape == y.shape:
            return x, lambda x, _: x
        if step.shortcut == "same":
            return torch.zeros(()), lambda _x, _: torch.zeros(())
        return self.chain(projected(step, x, y), replace(at.inside(at.place.prefix + "shortcut"), names={}), x)


def meaning(spec: Spec) -> Meaning:
    """Raises WrongError where the page, or torch, forbids it."""
    made = Meaning()
    known = {statement.name for statement in spec.statements if isinstance(statement, tree.Param)}
    if not set(spec.overrides) <= known:
        raise WrongError("no such param")
    inputs = [statement for statement in spec.statements if isinstance(statement, tree.Input)]
    if len(inputs) > 1 or (not inputs and spec.given is None):
        raise WrongError("no input, or several")
    made.begin(spec.given or inputs[0].shape)
    for statement in spec.statements:
        made.statement(statement, spec.overrides)
    made.finish()
    return made


def new(name: str, names: Iterable[str]) -> None:
    if name in names or name in RESERVED:
        raise WrongError(f"`{name}` is taken")


def label_of(name: str, at: Context) -> str:
    if name not in at.labels:
        raise WrongError(f"no label `{name}` here")
    return at.labels[name]


def require_small(word: str, given: dict[str, Value], x: Tensor) -> None:
    """Tries it without computing; what torch refuses it refuses again with the real one."""
    with torch.device("meta"):
        made = module(word, given, x)
        size = x.numel() + sum(p.numel() for p in made.parameters())
        with suppress(RuntimeError, ValueError):
            size += made(x.to("meta")).numel()
    if size > MOST:
        raise TooLargeError


def largest(value: Value) -> float:
    if isinstance(value, tuple):
        return max(map(largest, value), default=0)
    return abs(float(value)) if isinstance(value, Fraction) else 0


def applied(made: nn.Module, x: Tensor) -> Tensor:
    try:
        y: Tensor = made(x)
    except (RuntimeError, ValueError) as problem:
        raise WrongError(str(problem)) from problem
    if 0 in y.shape:
        raise WrongError("nothing leaves")
    return y


def chained(nodes: list[Node]) -> Node:
    def run(x: Tensor, kept: Kept) -> Left:
        result: Left = x
        for node in nodes:
            assert isinstance(result, Tensor)
            result = node(result, kept)
        return result

    return run


def cut(x: Tensor, cuts: list[int] | None, count: int) -> list[Tensor]:
    return list(torch.split(x, cuts, 1)) if cuts is not None else [x] * count


def shape_of(y: Left) -> Shape | dict[str, Shape]:
    return tuple(y.shape[1:]) if isinstance(y, Tensor) else {name: tuple(each.shape[1:]) for name, each in y.items()}


def elements(shape: Shape | dict[str, Shape]) -> int:
    return sum(map(elements, shape.values())) if isinstance(shape, dict) else torch.Size(shape).numel()
