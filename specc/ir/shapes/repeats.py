"""How often a step is built, what each of them is called, and which are built otherwise at each repeat.

Part of `ir.infer`: what does not see `nth` is walked once for all repeats with one shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specc.diagnostics.diagnostic import Label, Problem
from specc.ir.model import Argument, Block, BlockStep, FormStep, GroupStep, LayerStep, Model, ParameterStep, SomeStep
from specc.ir.names.scope import NotYet, Scope, shown
from specc.ir.names.values import evaluate, mentions
from specc.ir.shapes.findings import MAX_LAYERS, Findings, LimitReached
from specc.ir.shapes.naming import ModuleNames
from specc.source import Span
from specc.syntax import tree


def repeat_count(repeat: tree.Value, scope: Scope, findings: Findings) -> int | None:
    """How often a step is built; None where that is unknown or wrong, which is reported. Raises: LimitReached."""
    try:
        count = evaluate(repeat, scope)
    except NotYet:
        return None
    except Problem as problem:
        findings.tell(problem.diagnostic)
        return None
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        findings.report(
            "E215",
            f"a step is repeated a whole number of times, not {shown(count)}",
            repeat.span,
            help="use `//` for a division that must give a whole number",
        )
        return None
    if count > MAX_LAYERS:
        message = f"{count:,} repeats are more than the {MAX_LAYERS:,} layers that a network may have"
        findings.report("E402", message, repeat.span, help="repeat fewer times")
        raise LimitReached
    return count


def name_of(step: SomeStep, number: int, names: ModuleNames, findings: Findings) -> str:
    """The name of the module that a step's repeat of this number becomes; one that cannot be given is reported."""
    running = names.count(step.word)
    if step.label is None:
        name, span = f"{step.word}{running}", step.head
    else:
        name, span = step.label.text + (str(number) if step.repeat is not None else ""), step.label.span
    objection = names.objection(name, place=span)
    if objection is not None:
        findings.report("E209", objection, span, help="choose another label", others=_first(name, names, span))
    return name


def _first(name: str, names: ModuleNames, span: Span) -> tuple[Label, ...]:
    """Where a name was given before, if that is another place."""
    place = names.taken.get(name)
    return () if place is None or place == span else (Label(place, f"`{name}` is this one"),)


def name_outputs(names: Sequence[tree.Word], findings: Findings) -> bool:
    """Whether modules can have the names of the outputs; one that cannot be given is reported."""
    taken, fits = ModuleNames(), True
    for name in names:
        objection = taken.objection(name.text, "output", name.span)
        if objection is not None:
            first = _first(name.text, taken, name.span)
            findings.report("E209", objection, name.span, help="choose another name", others=first)
        fits = fits and objection is None
    return fits


class Counting:
    """Answers for the steps of one model, each looked through once."""

    def __init__(self, model: Model) -> None:
        self._known: dict[int, bool] = {}  # by the identity of the step, which the model keeps
        self._by_default = any(map(_counts_by_default, model.blocks.values()))

    def counts(self, step: SomeStep) -> bool:
        """Whether what is built depends on the number of the step's own repeat, or may."""
        known = self._known.get(id(step))
        if known is None:
            known = self._known[id(step)] = self._sees(step) or any(map(self._sees_outside, _inside(step)))
        return known

    def _sees_outside(self, step: SomeStep) -> bool:
        """Whether a step sees the number of the repeat around it: with a repeat of its own, in `x=` alone."""
        if step.repeat is not None:
            return mentions(step.repeat, "nth")
        return self.counts(step)

    def _sees(self, step: SomeStep) -> bool:
        match step:
            case LayerStep():
                return _mention(step.arguments)
            case BlockStep():
                return _mention(step.arguments) or _counts_by_default(step.block)
            case ParameterStep():  # it may hold any block
                return self._by_default or any(mentions(argument.value, "nth") for argument in step.raw)
            case FormStep():
                return any(mentions(part, "nth") for part in step.parts)
        return False


def _mention(arguments: tuple[Argument, ...]) -> bool:
    return any(argument.value is not None and mentions(argument.value, "nth") for argument in arguments)


def _counts_by_default(block: Block) -> bool:
    return any(parameter.default is not None and mentions(parameter.default, "nth") for parameter in block.parameters)


def _inside(step: SomeStep) -> Iterator[SomeStep]:
    """The steps in the braces of a step."""
    if isinstance(step, GroupStep):
        yield from step.body.steps
    elif isinstance(step, FormStep):
        for chain in (*step.branches, *((step.shortcut_chain,) if step.shortcut_chain else ())):
            yield from chain.steps
