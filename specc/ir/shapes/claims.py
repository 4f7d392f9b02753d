"""What a spec says of its own shapes and size, held against what was found: `:: shape` and `budget`."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from specc.diagnostics.diagnostic import Label
from specc.ir.model import Budget, Origin, SomeStep
from specc.ir.names.resolve import MAX_RANK
from specc.ir.names.scope import shown
from specc.ir.shaped import ShapedChain, memory_of
from specc.ir.shapes.findings import Arriving, Findings
from specc.layers.base import written


def check_shape(step: SomeStep | Origin, leaving: Arriving, findings: Findings) -> Arriving:
    """Compares `:: shape` with what leaves a step. Returns: that, or where it is unknown what is written."""
    if step.check is None or step.check.dims is None:
        return leaving
    dims = step.check.dims
    if leaving.shape is None:
        known = tuple(size for size in dims if size is not None)
        possible = len(known) == len(dims) <= MAX_RANK + 1 and 0 not in known
        return Arriving(known, step.check.span) if possible else leaving
    agrees = len(dims) == len(leaving.shape) and all(
        wanted in (None, size) for wanted, size in zip(dims, leaving.shape, strict=True)
    )
    if not agrees:
        wanted = "×".join("_" if size is None else str(size) for size in dims)
        actual = written(leaving.shape)
        findings.report(
            "E306",
            f"the shape here is {actual}, not {wanted}",
            step.check.span,
            others=(Label(step.head, f"gives {actual}"),),
            shapes=(leaving.shape,),
            help=f"if that is what you mean, write `:: {actual.replace('×', 'x')}`",
        )
    return leaving


def check_budgets(budgets: Iterable[Budget], chain: ShapedChain, findings: Findings) -> None:
    """Compares each `budget` with what the whole network costs."""
    spent = {"params": chain.costs.parameters, "macs": chain.costs.macs, "memory": memory_of(chain)}
    for budget in budgets:
        if spent[budget.quantity] > budget.bound:
            unit = " bytes" if budget.quantity == "memory" else ""
            over = spent[budget.quantity] - budget.bound
            findings.report(
                "E404",
                f"the network has {spent[budget.quantity]:,} {budget.quantity}{unit}, "
                f"{_told(over)} over its budget of {_told(budget.bound)}",
                budget.span,
                help="`specc summary` shows where they are",
            )


def _told(number: int | Fraction) -> str:
    return f"{number:,}" if isinstance(number, int) else shown(number)
