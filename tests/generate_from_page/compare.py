"""One trial: a spec's meaning by the page against specc's checker and against the module that specc compiles."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import torch
from torch import nn

import specc
from generate_from_page import tree
from generate_from_page.change import changed, claimed
from generate_from_page.make import Maker
from generate_from_page.meaning import Meaning, meaning, shape_of
from generate_from_page.tree import Branch, Spec, Step
from generate_from_page.values import TooLargeError, WrongError
from generate_from_page.write import written


@dataclass
class Outcome:
    """What came of a trial: whether the spec is right by the page, its words and rank, and what was not agreed upon."""

    text: str
    right: bool
    why: str
    words: frozenset[str]
    rank: int
    disagreement: str | None = None
    spec: Spec | None = None


def trial(seed: int) -> Outcome:
    """A spec from this number, made, worked out and compared; of a disagreement the smallest text that shows it."""
    chance = Random(seed)
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an even kernel with `same`; no error, as the page says
        spec = made(chance)
        outcome = compared(spec, chance)
        if outcome.disagreement:
            smallest = shrunk(spec, outcome.disagreement)
            outcome.text = written(smallest)
            outcome.disagreement = compared(smallest, None).disagreement
            outcome.spec = smallest
    return outcome


def made(chance: Random) -> Spec:
    way = chance.random()
    spec = Maker(chance, careless=0.15 if way < 0.3 else 0.0).spec()
    claimed(spec, chance)
    for _ in range(chance.choice((1, 1, 2)) if way > 0.55 else 0):
        changed(spec, chance)
    return spec


def compared(spec: Spec, layout: Random | None) -> Outcome:
    text = written(spec, layout)
    words = frozenset(step.word or "group" for step in every_step(spec))
    shapes = [spec.given] if spec.given else [s.shape for s in spec.statements if isinstance(s, tree.Input)]
    rank = len(shapes[0] or ()) - 1 if shapes else 0
    try:
        own: Meaning | None = meaning(spec)
        why = ""
    except WrongError as problem:
        own, why = None, str(problem)
    except TooLargeError:
        return Outcome(text, False, "too large", frozenset(), rank)
    try:
        disagreement = difference(text, spec, own, why)
    except Exception as problem:  # whatever it is, it is no answer
        disagreement = f"{type(problem).__name__}: {problem}"
    return Outcome(text, own is not None, why, words, rank, disagreement)


def difference(text: str, spec: Spec, own: Meaning | None, why: str) -> str | None:
    """What specc says otherwise, or None."""
    given: dict[str, Any] = {"input": spec.given, **spec.overrides}
    try:
        report = specc.check(text, **given)
    except ValueError as problem:  # a param that the spec does not have
        return None if own is None and "no such param" in why else f"raised: {problem}"
    if own is None:
        return f"passed, though {why}" if report.ok else None
    if not report.ok:
        first = next(each for each in report.diagnostics if each.code[0] == "E")
        unbuilt = {step.line for step in every_step(spec) if id(step) not in own.shapes}
        return None if first.line in unbuilt else f"refused: {first.code} {first.message}"
    output = shape_of(own.output)
    if report.output != output:
        return f"checked: {report.output} leaves, not {output}"
    theirs = [(r.name, r.kind, r.line, r.input, r.output, r.params, r.macs) for r in report.layers]
    ours = [(r.name, r.kind, r.line, r.input, r.output, r.params, r.macs) for r in own.rows]
    if theirs != ours:
        pairs = [(a, b) for a, b in zip(theirs, ours, strict=False) if a != b]
        return f"rows: {pairs[0] if pairs else (len(theirs), len(ours))}"
    return run_otherwise(specc.compile(text, **given), own)


def run_otherwise(model: nn.Module, own: Meaning) -> str | None:
    """The compiled module against the plan: names, first values, what is trained, and what comes out of it."""
    state = model.state_dict()
    planned = {f"{name}.{key}": value for name, part in own.modules for key, value in part.state_dict().items()}
    shapes = {name: tuple(value.shape) for name, value in planned.items()}
    if list(state) != list(planned) or {name: tuple(value.shape) for name, value in state.items()} != shapes:
        return f"state: {list(state)} for {list(planned)}"
    trained = {f"{name}.{key}": p.requires_grad for name, part in own.modules for key, p in part.named_parameters()}
    if {name: p.requires_grad for name, p in model.named_parameters()} != trained:
        return "other parameters are frozen"
    for name in own.static:
        if not torch.equal(state[name], planned[name]):
            return f"`{name}` begins otherwise"
    model.load_state_dict(planned)
    return computed_otherwise(model, own)


def computed_otherwise(model: nn.Module, own: Meaning) -> str | None:
    random = own.random  # how many numbers `droppath` draws is nobody's business
    x = torch.randn(2, *own.input)
    for training in (True, False):
        model.train(training)
        for part in own.every:
            part.train(training)
        results = []
        for function in (model, own.run):
            torch.manual_seed(1)
            with torch.no_grad():
                results.append(function(x))
        theirs, ours = results
        if shape_of(theirs) != shape_of(ours):
            return f"ran: {shape_of(theirs)} leaves, not {shape_of(ours)}"
        if not (random and training) and not same_values(theirs, ours):
            return f"other values leave, {'training' if training else 'evaluating'}"
        if random and training:
            model.load_state_dict({f"{name}.{key}": v for name, part in own.modules for key, v in
                                   part.state_dict().items()})  # fmt: skip
    return None


def same_values(theirs: Any, ours: Any) -> bool:
    if isinstance(ours, dict):
        return all(same_values(theirs[name], value) for name, value in ours.items())
    return bool(torch.allclose(theirs, ours, rtol=1e-3, atol=1e-4, equal_nan=True))


# The smallest spec with the same disagreement


def shrunk(spec: Spec, disagreement: str) -> Spec:
    """The spec with as many lines and arguments left out as go without the disagreement becoming another."""
    kind = kind_of(disagreement)
    while (smaller := next((less for less in smaller_specs(spec) if still(less, kind)), None)) is not None:
        spec = smaller
    return spec


def still(spec: Spec, kind: str) -> bool:
    found = compared(spec, None).disagreement
    return found is not None and kind_of(found) == kind


def kind_of(disagreement: str) -> str:
    """Its first words, up to where numbers and names begin."""
    return re.split("[:,]", disagreement, maxsplit=1)[0]


def smaller_specs(spec: Spec) -> Iterator[Spec]:
    for place in range(len(spec.statements)):
        yield without(spec, place)
    for number in range(sum(len(owner) for owner in lists(spec))):
        less = copy.deepcopy(spec)
        remove(lists(less), number)
        yield less
    for number, step in enumerate(every_step(spec)):
        for name in ("label", "repeat", "note", "shortcut", "frozen"):
            if getattr(step, name):
                less = copy.deepcopy(spec)
                setattr(list(every_step(less))[number], name, False if name == "frozen" else None)
                yield less


def without(spec: Spec, place: int) -> Spec:
    less = copy.deepcopy(spec)
    del less.statements[place]
    return less


def lists(spec: Spec) -> list[list[Any]]:
    """Every list from which something can be left out."""
    chains = [statement.steps for statement in spec.statements if isinstance(statement, tree.Chain)]
    chains += [statement.body.steps for statement in spec.statements if isinstance(statement, tree.Block)]
    parameters = [statement.parameters for statement in spec.statements if isinstance(statement, tree.Block)]
    steps = list(every_step(spec))
    inner = [branch.steps for step in steps for branch in branches(step)]
    return [
        *chains,
        *parameters,
        *inner,
        *(s.arguments for s in steps),
        *(s.branches for s in steps if len(s.branches) > 1),
    ]


def remove(owners: list[list[Any]], number: int) -> None:
    for owner in owners:
        if number < len(owner):
            del owner[number]
            return
        number -= len(owner)


def every_step(spec: Spec) -> Iterator[Step]:
    for statement in spec.statements:
        if isinstance(statement, tree.Chain):
            yield from steps_in(statement.steps)
        elif isinstance(statement, tree.Block):
            yield from steps_in(statement.body.steps)


def steps_in(steps: list[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        for branch in branches(step):
            yield from steps_in(branch.steps)


def branches(step: Step) -> list[Branch]:
    return [*step.branches, *([step.shortcut] if isinstance(step.shortcut, Branch) else [])]
