"""Changes of a right spec that may make it wrong, and claims about it: notes and budgets, true or not.

Whether it is wrong afterwards nobody says here: `meaning` works it out again.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from generate_from_page import tree
from generate_from_page.fields import FORMS, LAYERS
from generate_from_page.meaning import Meaning, meaning
from generate_from_page.tree import Argument, Branch, Name, Number, Spec, Step
from generate_from_page.values import WrongError

MISSPELT = {"conv": "Conv2d", "relu": "ReLU", "linear": "fc", "maxpool": "MaxPool2d", "bn": "batchnorm", "gelu": "gleu"}


def claimed(spec: Spec, chance: Random) -> None:
    """Notes, with `_` for some numbers, and budgets; one in ten is false."""
    if chance.random() < 0.4:
        return
    try:
        made = meaning(spec)
    except WrongError:
        return
    for step in walk(spec):
        shapes = made.shapes.get(id(step))
        if shapes and chance.random() < 0.15:
            step.note = note(shapes, chance)
    if chance.random() < 0.2:
        spec.statements.append(budget(made, chance))


def note(shapes: list[tuple[int, ...]], chance: Random) -> list[int | None]:
    shape: list[int | None] = [n if chance.random() < 0.8 else None for n in shapes[0]]
    if len(shapes) > 1 and any(len(other) == len(shape) for other in shapes) and chance.random() < 0.8:
        shape = [n if all(each[place : place + 1] == (n,) for each in shapes) else None
                 for place, n in enumerate(shape)]  # fmt: skip
    if chance.random() < 0.05:
        place = chance.randrange(len(shape))
        shape[place] = (shape[place] or 3) + 1
    if chance.random() < 0.02:
        shape.append(1)
    return shape


def budget(made: Meaning, chance: Random) -> tree.Budget:
    what = chance.choice(("params", "macs", "memory"))
    least = made.costs()[what]
    over = chance.random() < 0.2
    bound = max(0, least + (-1 if over else chance.choice((0, 0, 1, 1000))))
    thousands = bound % 1000 == 0 and bound > 0
    return tree.Budget(what, f"{bound // 1000}K" if thousands else str(bound))


def changed(spec: Spec, chance: Random) -> None:
    """One change, of those that are possible."""
    steps = list(walk(spec))
    if not steps:
        return
    step = chance.choice(steps)
    chance.choice(CHANGES)(spec, step, chance)


def misspell(spec: Spec, step: Step, chance: Random) -> None:
    if step.word and step.word not in FORMS:
        step.word = MISSPELT.get(step.word, step.word[:-1] + "q")


def add_argument(spec: Spec, step: Step, chance: Random) -> None:
    if step.word and step.word not in FORMS:
        step.arguments.append(chance.choice((
            Argument(Number("2")), Argument(Number("2"), "kernel"), Argument(Name("same")), Argument(Name("nobias")),
            Argument(Number("1"), "q"), Argument(Number("3"), "k", short=True), Argument(Number("0.5")),
            Argument(Number("2"), "out"), Argument(Name("unheard")), Argument(Name("relu")),
        )))  # fmt: skip


def drop_argument(spec: Spec, step: Step, chance: Random) -> None:
    if step.arguments:
        del step.arguments[chance.randrange(len(step.arguments))]


def double_argument(spec: Spec, step: Step, chance: Random) -> None:
    if step.arguments:
        step.arguments.append(chance.choice(step.arguments))


def other_number(spec: Spec, step: Step, chance: Random) -> None:
    places = [n for n, argument in enumerate(step.arguments) if isinstance(argument.value, Number)]
    if places:
        place = chance.choice(places)
        old = step.arguments[place]
        short = old.short
        texts = ("0", "1", "2", "3", "5", "9", "64") if short else ("0", "1", "7", "2.5", "64", "2K", "1e-3")
        step.arguments[place] = Argument(Number(chance.choice(texts)), old.key, short)


def another_rank(spec: Spec, step: Step, chance: Random) -> None:
    for statement in spec.statements:
        if isinstance(statement, tree.Input):
            shape = statement.shape
            statement.shape = (*shape, 4) if len(shape) < 4 and chance.random() < 0.5 else shape[:-1] or shape


def another_size(spec: Spec, step: Step, chance: Random) -> None:
    for statement in spec.statements:
        if isinstance(statement, tree.Input):
            place = chance.randrange(len(statement.shape))
            statement.shape = (*statement.shape[:place], chance.randint(1, 9), *statement.shape[place + 1 :])


def swap_steps(spec: Spec, step: Step, chance: Random) -> None:
    owners = [statement.steps for statement in spec.statements if isinstance(statement, tree.Chain)]
    owner = chance.choice(owners)
    a, b = (chance.randrange(len(owner)) for _ in range(2))
    owner[a], owner[b] = owner[b], owner[a]


def swap_statements(spec: Spec, step: Step, chance: Random) -> None:
    a, b = (chance.randrange(len(spec.statements)) for _ in range(2))
    spec.statements[a], spec.statements[b] = spec.statements[b], spec.statements[a]


def drop_statement(spec: Spec, step: Step, chance: Random) -> None:
    del spec.statements[chance.randrange(len(spec.statements))]


def drop_branch(spec: Spec, step: Step, chance: Random) -> None:
    if len(step.branches) > 1:
        del step.branches[chance.randrange(len(step.branches))]


def empty_branch(spec: Spec, step: Step, chance: Random) -> None:
    if step.branches:
        chance.choice(step.branches).steps.clear()


def start_elsewhere(spec: Spec, step: Step, chance: Random) -> None:
    if step.word in FORMS and step.branches:
        labels = [each.label for each in walk(spec) if each.label] + ["nowhere"]
        chance.choice(step.branches).start = chance.choice(labels)


def relabel(spec: Spec, step: Step, chance: Random) -> None:
    labels = [each.label for each in walk(spec) if each.label]
    step.label = chance.choice([*labels, "relu1", "conv2", "append", "type", "z"])


def repeat(spec: Spec, step: Step, chance: Random) -> None:
    step.repeat = Number(chance.choice(("0", "1", "2", "4")))


def new_shortcut(spec: Spec, step: Step, chance: Random) -> None:
    if step.word == "residual":
        step.shortcut = chance.choice(("auto", "same", None, Branch([Step("id")])))


def another_word(spec: Spec, step: Step, chance: Random) -> None:
    if step.word in LAYERS:
        step.word = chance.choice(list(LAYERS))


def number_of_repeat(spec: Spec, step: Step, chance: Random) -> None:
    places = [n for n, each in enumerate(step.arguments) if isinstance(each.value, Number) and not each.short]
    if places:
        place = chance.choice(places)
        step.arguments[place] = Argument(Name(chance.choice(("nth", "in", "wb", "c"))), step.arguments[place].key)


def override(spec: Spec, step: Step, chance: Random) -> None:
    params = [statement.name for statement in spec.statements if isinstance(statement, tree.Param)]
    name = chance.choice([*params, "unheard"] if chance.random() < 0.3 else params or ["unheard"])
    spec.overrides[name] = chance.randint(1, 6)


CHANGES: tuple[Callable[[Spec, Step, Random], None], ...] = (
    misspell, add_argument, add_argument, drop_argument, double_argument, other_number, other_number, other_number,
    another_rank, another_size, another_size, swap_steps, swap_statements, drop_statement, drop_branch, empty_branch,
    start_elsewhere, relabel, repeat, new_shortcut, another_word, number_of_repeat, override,
)  # fmt: skip


def walk(spec: Spec) -> list[Step]:
    """Every step, in braces too."""
    found: list[Step] = []

    def into(steps: list[Step]) -> None:
        for step in steps:
            found.append(step)
            for branch in step.branches:
                into(branch.steps)
            if isinstance(step.shortcut, Branch):
                into(step.shortcut.steps)

    for statement in spec.statements:
        if isinstance(statement, tree.Chain):
            into(statement.steps)
        elif isinstance(statement, tree.Block):
            into(statement.body.steps)
    return found
