"""Where an answer says something else than its lesson.

In:         the trees of both texts.
Out:        a finding for each statement, and for the first step of each chain, that is not as the lesson has it.
Guarantees: how it is written does not count: `k3` is `kernel=3`, a new line is `->`. A hole may hold any value, and in
            the place of a step any steps. An answer may define more, and state more shapes; it has no other steps.
Leaves:     whether the answer is right to the checker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from specc.diagnostics.diagnostic import Diagnostic
from specc.ir.model import Block, BlockParameter, Chain
from specc.ir.names.bind import bind, take_repeat
from specc.ir.names.holes import is_hole
from specc.ir.names.scope import Scope
from specc.ir.names.uses import signature_of
from specc.source import Source, Span
from specc.syntax import tree

DEPARTS = "E761"
_HELP = "only the holes are yours to fill: write it as the lesson has it"
_Item = TypeVar("_Item", bound=tree.Item)


class ReadText(NamedTuple):
    """A text that was read."""

    source: Source
    tree: tree.Tree


class _Departure(Exception):
    """Something that is not as the lesson has it. span: where the answer says otherwise."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.message, self.span = message, span


def departures(lesson: ReadText, answer: ReadText) -> tuple[Diagnostic, ...]:
    """What an answer has changed of its lesson."""
    return tuple(_Comparison(_Side(lesson), _Side(answer)).run())


class _Side:
    """One of the two texts, with the names that it defines."""

    def __init__(self, written: ReadText) -> None:
        self.source, self.tree = written
        self.blocks = {block.name.text: _block(block) for block in self.items(tree.Block)}
        self.scope = Scope({param.name.text: None for param in self.items(tree.Param)}, self.blocks)

    def items(self, kind: type[_Item]) -> list[_Item]:
        return [item for item in self.tree.items if isinstance(item, kind)]

    def steps(self) -> tuple[tree.Step, ...]:
        return tuple(step for chain in self.items(tree.Chain) for step in chain.items)

    def inside(self, block: tree.Block | None) -> Scope:
        names = () if block is None else (parameter.name.text for parameter in block.parameters)
        return self.scope._replace(open=frozenset(names))

    def said(self, span: Span) -> str:
        return f"`{' '.join(self.source.slice(span).split())}`"

    def bound(self, step: tree.Step, scope: Scope) -> tuple[dict[str, Any], list[str]]:
        """What a step is given, by field; and what is left of its arguments where it has no fields."""
        rest, repeat, _ = take_repeat(step.arguments, scope)
        found: dict[str, Any] = {} if repeat is None else {"x": repeat}
        signature = signature_of(step.word.text, self.blocks) if step.word is not None else None
        if signature is None:
            return found | {str(number): argument for number, argument in enumerate(rest)}, []
        bound = bind(rest, signature, scope, step.head)
        given = {one.name: one.constant if one.value is None else one.value for one in (*bound.arguments, *bound.asked)}
        return found | given, [misfit.message for misfit in bound.misfits if misfit.code != "E760"]


def _block(block: tree.Block) -> Block:
    parameters = tuple(BlockParameter(one.name.text, one.default, one.span) for one in block.parameters)
    return Block(block.span, block.name.text, parameters, Chain(block.span, ()))


class _Comparison:
    def __init__(self, lesson: _Side, answer: _Side) -> None:
        self.lesson, self.answer = lesson, answer
        self.around: tuple[tree.Block | None, tree.Block | None] = (None, None)

    def run(self) -> Iterator[Diagnostic]:
        for statement in self.lesson.tree.items:
            if not isinstance(statement, tree.Chain | tree.Block) and not self._is_kept(statement):
                message = f"{self.lesson.said(statement.span)} stands in the lesson, and not here"
                yield Diagnostic(DEPARTS, message, self.answer.source, None, help=_HELP)
        for block in self.lesson.items(tree.Block):
            yield from self._found(self._block, block)
        yield from self._found(self._chain, self.lesson.steps(), self.answer.steps())

    def _found(self, compare: Any, *arguments: Any) -> Iterator[Diagnostic]:
        try:
            compare(*arguments)
        except _Departure as departure:
            yield Diagnostic(DEPARTS, departure.message, self.answer.source, departure.span, help=_HELP)

    # statements

    def _is_kept(self, statement: Any) -> bool:
        others: Iterable[Any] = self.answer.items(type(statement))
        return any(_fits(statement, other) for other in others)

    def _block(self, block: tree.Block) -> None:
        own = next((one for one in self.answer.items(tree.Block) if one.name.text == block.name.text), None)
        if own is None:
            raise _Departure(f"the lesson's block `{block.name.text}` is not here", Span(0, 0))
        if not _fits(block.parameters, own.parameters):
            raise _Departure(f"the lesson says {self.lesson.said(block.head)} here", own.head)
        self.around = block, own
        self._branches(block.branches, own.branches, own.head)
        self.around = None, None

    # steps

    def _chain(self, lesson: Sequence[tree.Step], answer: Sequence[tree.Step]) -> None:
        """Steps in their order. Raises: _Departure at the first that is another."""
        parts = _parted(lesson)
        if len(parts) == 1 and len(lesson) < len(answer):
            self._alike(lesson, answer)
            raise _Departure("the lesson has no step here", answer[len(lesson)].head)
        place = len(parts[0])
        self._alike(parts[0], answer)
        for number, part in enumerate(parts[1:], start=2):
            last = number == len(parts)
            starts = [len(answer) - len(part)] if last else range(place + 1, len(answer) - len(part) + 1)
            found = next((at for at in starts if at > place and (last or self._is_alike(part, answer, at))), None)
            if found is None:
                end = answer[-1].head if answer else Span(0, 0)
                raise _Departure("steps of the lesson, or of what it asks, are not here", end)
            self._alike(part, answer, found)
            place = found + len(part)

    def _is_alike(self, lesson: Sequence[tree.Step], answer: Sequence[tree.Step], start: int) -> bool:
        try:
            self._alike(lesson, answer, start)
        except _Departure:
            return False
        return True

    def _alike(self, lesson: Sequence[tree.Step], answer: Sequence[tree.Step], start: int = 0) -> None:
        """Compares as many steps as the lesson has, from one of the answer's on."""
        for number, step in enumerate(lesson, start=start):
            if number == len(answer):
                end = answer[-1].span if answer else Span(0, 0)
                raise _Departure(f"the lesson goes on with {self.lesson.said(step.head)} here", end)
            self._step(step, answer[number])

    def _step(self, step: tree.Step, own: tree.Step) -> None:
        same_word = is_hole(step.word) or _fits(step.word, own.word)
        if not same_word or not _fits(step.label, own.label) or not self._same_arguments(step, own):
            place = step.label.span.to(step.head) if step.label is not None else step.head
            raise _Departure(f"the lesson says {self.lesson.said(place)} here", own.head)
        if step.check is not None and (own.check is None or step.check.dims != own.check.dims):
            place = own.head if own.check is None else own.check.span
            raise _Departure(f"the lesson says {self.lesson.said(step.check.span)} here", place)
        self._branches(step.branches or (), own.branches or (), own.head)
        before, after = step.shortcut, own.shortcut
        if (before.kind if before else None) != (after.kind if after else None):
            raise _Departure(f"the lesson has {'another' if before else 'no'} shortcut here", own.span)
        if before is not None and after is not None:
            self._branches(before.branches, after.branches, after.span)

    def _same_arguments(self, step: tree.Step, own: tree.Step) -> bool:
        wanted, _ = self.lesson.bound(step, self.lesson.inside(self.around[0]))
        given, misfits = self.answer.bound(own, self.answer.inside(self.around[1]))
        return not misfits and wanted.keys() == given.keys() and all(_fits(wanted[key], given[key]) for key in wanted)

    def _branches(self, lesson: Sequence[tree.Chain], answer: Sequence[tree.Chain], place: Span) -> None:
        if len(lesson) != len(answer):
            raise _Departure("the lesson has another number of branches here", place)
        for branch, own in zip(lesson, answer, strict=True):
            self._chain(branch.items, own.items)


def _parted(steps: Sequence[tree.Step]) -> list[Sequence[tree.Step]]:
    """The steps between holes that stand for steps."""
    parts, start = list[Sequence[tree.Step]](), 0
    for number, step in enumerate(steps):
        if is_hole(step.word) and step.branches is None:
            parts.append(steps[start:number])
            start = number + 1
    return [*parts, steps[start:]]


def _fits(wanted: Any, given: Any) -> bool:
    """Whether a piece of syntax is what the lesson has, wherever it stands; a hole takes any value."""
    if is_hole(wanted):
        return given is not None
    if isinstance(wanted, tree.Word) and wanted.text in ("true", "false") and isinstance(given, bool):
        return given == (wanted.text == "true")
    if isinstance(given, tree.Word) and isinstance(wanted, bool):
        return _fits(given, wanted)
    if not isinstance(wanted, tuple):
        return bool(type(wanted) is type(given) and wanted == given)
    if type(wanted) is not type(given) or len(wanted) != len(given):
        return False
    pairs = zip(wanted, given, strict=True)
    return all(isinstance(one, Span) or _fits(one, other) for one, other in pairs)
