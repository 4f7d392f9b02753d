"""What inference finds wrong: each mistake told once, with the calls that lead to it; and when to stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.spelling import counted
from specc.ir.shaped import Costs
from specc.layers.base import Shape, ShapeError, written
from specc.source import Source, Span

MAX_LAYERS = 100_000
MAX_NODES = 3 * MAX_LAYERS
MAX_APART = 20_000  # repeats that are not alike, beyond what is written out
MAX_CALL_DEPTH = 64
MAX_NOTES = 8
MAX_VALUES = 2**34  # 64 GiB in float32: parameters, and outputs for one sample


class Arriving(NamedTuple):
    """What arrives at a step: a shape, None where an error hides it, and the place that made it."""

    shape: Shape | None
    made_by: Span | None = None
    is_input: bool = False


class LimitReached(Exception):
    """Nothing more can be said of this network; the reason is reported."""


class Findings:
    """The diagnostics of one walk, and the chain of blocks and repeats in which it stands."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.diagnostics: list[Diagnostic] = []
        self._told: set[tuple[str, Span]] = set()
        self._origins: list[str] = []

    @contextmanager
    def inside(self, origin: str) -> Iterator[None]:
        """Within it, every report ends with this note; an empty one adds none."""
        if not origin:
            yield
            return
        self._origins.append(origin)
        try:
            yield
        finally:
            self._origins.pop()

    def report(self, code: str, message: str, span: Span, **more: Any) -> None:
        """Tells a mistake at a place."""
        self.tell(Diagnostic(code, message, None, span, **more))

    def tell(self, found: Diagnostic) -> None:
        """Tells a mistake, unless it was told of the same place: a block that is called twice is wrong once."""
        assert found.span is not None  # noqa: S101 - what has no place concerns no step
        if (found.code, found.span) not in self._told:
            self._told.add((found.code, found.span))
            notes = _shortened(tuple(reversed(self._origins)))
            self.diagnostics.append(found._replace(source=self.source, notes=notes))

    def report_shape(self, error: ShapeError, span: Span, arriving: Arriving, branches: tuple[Shape, ...] = ()) -> None:
        """Tells what a shape rule refused, with the step that made the shape that arrived."""
        others: tuple[Label, ...] = ()
        made_by = arriving.made_by
        if arriving.shape is not None and made_by is not None and made_by not in (span, Span(0, 0)):
            verb = "the input is" if arriving.is_input else "gives"
            others = (Label(made_by, f"{verb} {written(arriving.shape)}"),)
        shapes = () if arriving.shape is None else (arriving.shape, *branches)
        found = Diagnostic(error.code, error.what, None, span, error.label, others, error.help)
        self.tell(found._replace(shapes=shapes, proposals=error.proposals))

    def limit(self, span: Span, costs: Costs, steps_walked: int = 0) -> None:
        """Raises: LimitReached where a network outgrows every machine."""
        if costs.parameters > MAX_VALUES or costs.elements > MAX_VALUES:
            what = "parameters" if costs.parameters > MAX_VALUES else "values in its outputs for one sample"
            count = costs.parameters if costs.parameters > MAX_VALUES else costs.elements
            message = f"this network has {count:,} {what}; at most {MAX_VALUES:,} are handled"
            self.report("E403", message, span, help="make the layers before it narrower, or the picture smaller")
            raise LimitReached
        if costs.layers > MAX_LAYERS:
            message = f"this network has more than {MAX_LAYERS:,} layers"
            self.report("E402", message, span, help="repeat fewer times")
            raise LimitReached
        most = MAX_APART + len(self.source.text) // 2
        if steps_walked > most:
            message = f"more than {most:,} steps of this network differ from one another"
            self.report("E402", message, span, help="repeat fewer times: each of these steps has a shape of its own")
            raise LimitReached
        if costs.nodes > MAX_NODES:
            message = f"this network has more than {MAX_NODES:,} layers, blocks, groups and branches"
            self.report("E402", message, span, help="repeat fewer times, or leave out empty blocks")
            raise LimitReached


def _shortened(notes: tuple[str, ...]) -> tuple[str, ...]:
    """The innermost calls and the outermost one, where there are many."""
    if len(notes) <= MAX_NOTES:
        return notes
    left_out = len(notes) - MAX_NOTES + 1
    return (*notes[: MAX_NOTES - 2], f"… {counted(left_out, 'more call')} …", notes[-1])
