"""The parts of `split`: equal ones, or those that are written, of which one may be what is left.

Part of `ir.infer`: it knows channels, and nothing of how a branch is walked.
"""

from __future__ import annotations

from collections.abc import Sequence

from specc.diagnostics.diagnostic import Problem
from specc.ir.model import FormStep
from specc.ir.names.scope import NotYet, Scope, shown
from specc.ir.names.values import evaluate, is_rest
from specc.ir.shapes import forms
from specc.ir.shapes.findings import Arriving, Findings
from specc.layers.base import ShapeError
from specc.layers.fields import LARGEST
from specc.syntax import tree


def entering(step: FormStep, arriving: Arriving, scope: Scope, findings: Findings) -> Sequence[Arriving]:
    """What arrives at each branch of a form: everything, or its part of the channels; unknown where that is wrong."""
    if step.form != "split":
        return [arriving] * len(step.branches)
    unknown = [Arriving(None)] * len(step.branches)
    sizes = [_size(part, scope, findings) for part in step.parts]
    if arriving.shape is None or 0 in sizes:
        return unknown
    try:
        shapes = forms.split_input(arriving.shape, len(step.branches), sizes)
    except ShapeError as error:
        findings.report_shape(error, step.head, arriving)
        return unknown
    return [Arriving(shape, step.head) for shape in shapes]


def _size(part: tree.Value, scope: Scope, findings: Findings) -> int | None:
    """How many channels a part has: None for the rest, 0 where that is wrong (reported) or unknown."""
    if is_rest(part):
        return None
    try:
        size = evaluate(part, scope)
    except NotYet:
        return 0
    except Problem as problem:
        findings.tell(problem.diagnostic)
        return 0
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= LARGEST:
        message = f"a part of `split` is a whole number of channels, at least 1, not {shown(size)}"
        findings.report("E204", message, part.span, help="such as `split 16 _ { a | b }`, where `_` is what is left")
        return 0
    return size
