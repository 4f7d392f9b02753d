"""Model in, shaped model out: walks the network once, from the input to the output.

In:         a resolved `Model`.
Out:        a `ShapedModel`, or None where something is wrong; every shape error, each told once.
Guarantees: what comes out can be built and run; nothing larger than the limits below is ever counted out.
            A shape that is unknown because of an error silences only what depends on it.
Leaves:     the rules themselves to the layers and `ir.forms`, names to `ir.naming`, `:: shape` and budgets to
            `ir.claims`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from math import prod
from typing import Any, NamedTuple, TypeAlias

from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.diagnostics.spelling import nearest
from specc.ir.model import (
    Argument,
    Block,
    BlockParameter,
    BlockStep,
    BrokenStep,
    Chain,
    FormStep,
    GroupStep,
    LayerStep,
    Model,
    ParameterStep,
    SomeStep,
)
from specc.ir.names.bind import bind, take_frozen
from specc.ir.names.holes import OPEN_HOLE
from specc.ir.names.partial import held_by
from specc.ir.names.scope import NoRepeat, NotYet, Scope, as_torch, shown
from specc.ir.names.values import evaluate
from specc.ir.shaped import Costs, From, ShapedChain, ShapedForm, ShapedLayer, ShapedModel, SomeShaped
from specc.ir.shapes.claims import check_budgets, check_shape
from specc.ir.shapes.cutting import entering
from specc.ir.shapes.findings import MAX_CALL_DEPTH, Arriving, Findings, LimitReached
from specc.ir.shapes.instances import Instances
from specc.ir.shapes.joining import Branch, join
from specc.ir.shapes.keeping import KeptLabels
from specc.ir.shapes.naming import ModuleNames
from specc.ir.shapes.repeats import Counting, name_of, name_outputs, repeat_count
from specc.layers.base import Layer, Shape, ShapeError
from specc.layers.registry import LAYERS
from specc.layers.reshape import Upsample
from specc.source import Span
from specc.syntax import tree


class Visit(NamedTuple):
    """One time that the walk came past a step: what arrived, what left, None where it is unknown, and a node for each
    repeat."""

    arriving: Shape | None
    leaving: Shape | None
    nodes: tuple[SomeShaped, ...]


Visits: TypeAlias = dict[Span, list[Visit]]
"""By a step's span, its visits in the order of execution: several inside blocks and groups; a block that is called
twice alike is walked once."""


def infer(model: Model, visits: Visits | None = None) -> tuple[ShapedModel | None, tuple[Diagnostic, ...]]:
    """Every shape of a model, or what is wrong with them; `visits` is filled with those of every step."""
    return _Inference(model, visits).run()


class _Inference:
    """The state of one walk: what was found wrong, which calls lead to where it stands, what is known already."""

    def __init__(self, model: Model, visits: Visits | None) -> None:
        self.model, self.source, self.visits = model, model.source, visits
        self.findings = Findings(model.source)
        self.instances = Instances(self.findings)
        self.doubts = list(model.doubts)
        self.counting = Counting(model)
        self.labels = KeptLabels(self.findings)
        self.call_depth = 0
        self.steps_walked = 0
        self.known_calls: dict[tuple[Any, ...], tuple[ShapedChain | None, Shape | None]] = {}

    def run(self) -> tuple[ShapedModel | None, tuple[Diagnostic, ...]]:
        model = self.model
        arriving = Arriving(model.input, model.input_span, is_input=True)
        chain = None
        try:
            if model.input is not None:
                self.findings.limit(model.input_span or Span(0, 0), Costs(elements=prod(model.input)))
            chain, _ = self.chain(model.chain, arriving, Scope(model.parameters, model.blocks), "network")
        except LimitReached:
            pass
        if chain is not None:
            check_budgets(model.budgets, chain, self.findings)
        if chain is None or self.findings.diagnostics:
            return None, tuple(self.findings.diagnostics)
        parameters = {name: as_torch(value) for name, value in model.parameters.items()}
        shaped = ShapedModel(
            source=self.source,
            chain=chain,
            trained=model.trained,
            parameters=parameters,
            resolved=model,
            doubts=tuple(self.doubts),
        )
        return shaped, ()

    # chains and repeats

    def chain(
        self,
        chain: Chain,
        arriving: Arriving,
        scope: Scope,
        word: str,
        span: Span | None = None,
        *,
        frozen: bool = False,
        values: dict[str, Any] | None = None,
    ) -> tuple[ShapedChain | None, Arriving]:
        """The steps of a chain in order, each named. Returns: None for the chain where one of them is wrong."""
        first, names = arriving, ModuleNames()
        steps: list[tuple[str, SomeShaped]] = []
        costs, whole = Costs(nodes=1), True
        with self.labels.chain() as kept:
            for step in chain.steps:
                before, built = arriving, len(steps)
                left: list[tuple[str, Arriving]] = []
                for name, node, leaving in self._repeated(step, arriving, scope, names):
                    arriving, whole = leaving, whole and node is not None
                    left.append((name, leaving))
                    if node is not None:
                        steps.append((name, node))
                        costs = costs.plus(node.costs)
                        self.findings.limit(step.head, costs)
                if self.visits is not None:
                    self._visit(self.visits, step, before, arriving, steps[built:])
                if step.check is not None:
                    arriving = check_shape(step, arriving, self.findings)
                if step.label is not None:
                    kept.note(step, step.label.text, [*left[:-1], *((name, arriving) for name, _ in left[-1:])])
        if not whole or first.shape is None or arriving.shape is None:
            return None, arriving
        shaped = ShapedChain(
            word=word,
            span=span or chain.span,
            input=first.shape,
            output=arriving.shape,
            costs=costs,
            steps=tuple(steps),
            frozen=frozen,
            values=tuple((values or {}).items()),
            keeps=tuple(name for name, _ in steps if name in kept.used),
            borrows=kept.borrows,
        )
        return shaped, arriving

    def _visit(
        self, visits: Visits, step: SomeStep, before: Arriving, after: Arriving, built: list[tuple[str, SomeShaped]]
    ) -> None:
        visit = Visit(before.shape, after.shape or None, tuple(node for _, node in built))
        visits.setdefault(step.span, []).append(visit)

    def _repeated(
        self, step: SomeStep, arriving: Arriving, scope: Scope, names: ModuleNames
    ) -> Iterator[tuple[str, SomeShaped | None, Arriving]]:
        """A step as often as it is repeated: its name, its node, what leaves it."""
        count = 1 if step.repeat is None else repeat_count(step.repeat, _at(scope, arriving), self.findings)
        if count is None:
            yield "", None, Arriving(None)
            return
        node: SomeShaped | None = None
        for number in range(1, count + 1):
            name = name_of(step, number, names, self.findings)
            if node is None or node.input != arriving.shape or self.counting.counts(step):
                place = f"repeat {number} of {count}" if count > 1 else ""
                before, arrived = len(self.findings.diagnostics), arriving.shape
                node, arriving = self._once(step, arriving, _counted(scope, step, number), place)
                told = len(self.findings.diagnostics) > before
                if node is None and (told or arriving.shape == arrived):  # another repeat would find the same again
                    yield name, None, arriving
                    return
            else:  # the same step on the same shape, whatever its number: the same node, under another name
                arriving = Arriving(node.output, step.head)
            yield name, node, arriving

    # one step

    def _once(self, step: SomeStep, arriving: Arriving, scope: Scope, place: str) -> tuple[SomeShaped | None, Arriving]:
        """A step built once. Returns: its node, None where it is wrong, and what leaves it."""
        self.steps_walked += 1
        self.findings.limit(step.head, Costs(), self.steps_walked)
        match step:
            case LayerStep():
                return self._layer(step, step.layer, step.arguments, arriving, scope, place)
            case BrokenStep():
                return None, Arriving(None)
            case BlockStep():
                return self._call(step, step.block, step.arguments, arriving, scope, place, step.frozen)
            case ParameterStep():
                return self._held(step, arriving, scope, place)
            case GroupStep():
                with self.findings.inside(f"in {place} of this group" if place else ""):
                    return self.chain(step.body, arriving, scope, "group", step.span, frozen=step.frozen)
            case FormStep():
                with self.findings.inside(f"in {place} of this `{step.form}`" if place else ""):
                    return self._form(step, arriving, scope)

    def _layer(
        self, step: SomeStep, cls: type[Layer], arguments: tuple[Argument, ...],
        arriving: Arriving, scope: Scope, place: str,
    ) -> tuple[ShapedLayer | None, Arriving]:  # fmt: skip
        with self.findings.inside(f"in {place} of this step") if place else nullcontext():
            layer = self.instances.layer(cls, arguments, _at(scope, arriving))
            if layer is None:
                return None, Arriving(None)
            like, layer = self._sized(layer, arguments)
            if layer is None:
                return None, Arriving(None)
            if arriving.shape is None:
                return None, Arriving(layer.output_anyway(), step.head)
            try:
                node = self.instances.shaped(layer, step.word, step.span, arriving.shape, like)
            except ShapeError as error:
                wrong = next((argument.span for argument in arguments if argument.name == error.field), step.head)
                self.findings.report_shape(error, wrong, arriving)
                return None, Arriving(layer.output_anyway(), step.head)
            self.findings.limit(step.head, node.costs)
            return node, Arriving(node.output, step.head)

    def _sized(self, layer: Layer, arguments: tuple[Argument, ...]) -> tuple[From | None, Layer | None]:
        """A layer that is as large as a labelled step, with that size here; None for it where that is unknown."""
        if not isinstance(layer, Upsample) or layer.like is None:
            return None, layer
        label = next(argument for argument in arguments if argument.name == "like")
        origin, left = self.labels.find(tree.Word(layer.like, label.span))
        if origin is None or left.shape is None:
            return None, None
        if len(left.shape) == 1:
            message = f"`{layer.like}` is a vector ({left.shape[0]}), which has no height and width"
            self.findings.report("E302", message, label.span, help="name a step that gives a picture")
            return None, None
        return origin, layer.model_copy(update={"size": left.shape[1:]})

    def _held(
        self, step: ParameterStep, arriving: Arriving, scope: Scope, place: str
    ) -> tuple[SomeShaped | None, Arriving]:
        """A step whose word is a parameter: the layer or the block that it holds, in its place."""
        value = scope.values.get(step.word)
        if value is None:
            return None, Arriving(None)
        held = held_by(value, scope) or held_by(step.word, scope)
        if held is None:
            self.findings.report(
                "E201",
                f"`{step.word}` holds {shown(value)} here, but a step is a layer or a block",
                step.head,
                help=_layer_help(value),
            )
            return None, Arriving(None)
        raw, frozen = step.raw, held.frozen
        if isinstance(held.target, Block):
            raw, is_frozen = take_frozen(step.raw, held.signature.keys)
            frozen = frozen or is_frozen
        bound = bind(raw, held.signature, scope, step.head, held.given(step.head))
        self.doubts += bound.doubts
        for misfit in bound.misfits:
            if misfit.code != OPEN_HOLE:  # that is told where the block is read
                self.findings.tell(misfit)
        if bound.misfits:
            return None, Arriving(None)
        if isinstance(held.target, Block):
            return self._call(step, held.target, bound.arguments, arriving, scope, place, frozen)
        return self._layer(step, held.target, bound.arguments, arriving, scope, place)

    # blocks

    def _call(
        self, step: SomeStep, block: Block, arguments: tuple[Argument, ...],
        arriving: Arriving, scope: Scope, place: str, frozen: bool = False,
    ) -> tuple[ShapedChain | None, Arriving]:  # fmt: skip
        values = self._call_values(block, arguments, _at(scope, arriving), step.head)
        if values is None:
            return None, Arriving(None)
        key = (block.name, step.word, frozen, arriving.shape, *((type(value), value) for value in values.values()))
        known = self.known_calls.get(key)
        if known is not None:  # a wrong one, too: its mistakes are told
            return known[0], Arriving(known[1], step.head)
        if self.call_depth >= MAX_CALL_DEPTH:
            self.findings.report(
                "E401",
                f"blocks call each other more than {MAX_CALL_DEPTH} deep here",
                step.head,
                help="a block that is passed to itself never ends",
            )
            raise LimitReached
        inner = Scope({**self.model.parameters, **values}, self.model.blocks)
        text = ", ".join(shown(value) for value in values.values())
        parts = [f"in block `{block.name}({text})`", place, f"called at line {self.source.place(step.head.start).line}"]
        self.call_depth += 1
        with self.findings.inside(", ".join(part for part in parts if part)), self.labels.block():
            chain, leaving = self.chain(block.body, arriving, inner, step.word, step.span, frozen=frozen, values=values)
        self.call_depth -= 1
        self.known_calls[key] = chain, leaving.shape
        return chain, Arriving(leaving.shape, step.head)

    def _call_values(
        self, block: Block, arguments: tuple[Argument, ...], scope: Scope, call: Span
    ) -> dict[str, Any] | None:
        """A block's parameters with their values, in its own order: what the call gives, then the defaults."""
        given = self.instances.values(arguments, scope)
        if given is None:
            return None
        values: dict[str, Any] = {}
        for parameter in block.parameters:
            if parameter.name in given:
                values[parameter.name] = given[parameter.name]
                continue
            assert parameter.default is not None  # noqa: S101 - `bind` requires the others
            seen = scope._replace(values={**self.model.parameters, **values})
            default = self._default(parameter, parameter.default, seen, call)
            if default is None:
                return None
            values[parameter.name] = default
        return values

    def _default(self, parameter: BlockParameter, value: tree.Value, scope: Scope, call: Span) -> Any:
        """A default's value where the block is called; None where it has none (reported, or hidden by an error)."""
        try:
            return evaluate(value, scope)
        except NotYet:
            return None
        except NoRepeat:
            message = f"`{parameter.name}` is worked out from `nth` where it is not given, and nothing is repeated here"
            help = f"give it, as in `{parameter.name}=1`, or repeat the step"
            self.findings.report("E210", message, call, help=help)
        except Problem as problem:
            self.findings.tell(problem.diagnostic)
        return None

    # forms

    def _form(self, step: FormStep, arriving: Arriving, scope: Scope) -> tuple[ShapedForm | None, Arriving]:
        parts = entering(step, arriving, _at(scope, arriving), self.findings)
        chains = list(zip(step.branch_names, step.branches, parts, strict=True))
        if step.shortcut_chain is not None:
            chains.append(("shortcut", step.shortcut_chain, arriving))
        branches: list[Branch] = []
        unknown = arriving.shape is None
        for name, chain, enters in chains:
            origin, begins = self._origin(chain, enters)
            shaped, leaving = self.chain(chain, begins, scope, name)
            unknown = unknown or leaving.shape is None
            branches.append(Branch(name, shaped, leaving.shape or (), origin))
        named = name_outputs(step.names, self.findings)
        if arriving.shape is None or unknown or not named:
            return None, Arriving(None)
        known = [branch.output for branch in branches]
        try:
            node = join(step, arriving.shape, branches)
        except ShapeError as error:
            self.findings.report_shape(error, step.shortcut_span or step.head, arriving, tuple(known))
            return None, Arriving(None)
        self.findings.limit(step.head, node.costs)
        whole = all(branch.chain is not None for branch in branches)
        return node if whole else None, Arriving(node.output, step.head)

    def _origin(self, chain: Chain, arriving: Arriving) -> tuple[From | None, Arriving]:
        """What a branch begins with: what arrives, or what left the step that it names."""
        if chain.origin is None:
            return None, arriving
        origin, left = self.labels.find(chain.origin.label)
        return origin, check_shape(chain.origin, Arriving(left.shape, chain.origin.head), self.findings)


def _counted(scope: Scope, step: SomeStep, number: int) -> Scope:
    """A scope in which `nth` is the number of a repeat, where the step has one."""
    return scope if step.repeat is None else scope._replace(repeated=True, nth=number)


def _at(scope: Scope, arriving: Arriving) -> Scope:
    """A scope in which `in` is the number of channels that arrive."""
    return scope.at(arriving.shape[0] if arriving.shape else None)


def _layer_help(value: Any) -> str | None:
    guess = nearest(value, LAYERS) if isinstance(value, str) else None
    return f"did you mean `{guess}`?" if guess else "give it a layer's name, such as `act=relu`"
