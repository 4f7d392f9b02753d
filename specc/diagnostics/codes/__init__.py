"""Every code that specc reports, with its title and its explanation: a code is added in its family's file."""

from __future__ import annotations

from specc.diagnostics.codes import limits, names, runs, shapes, syntax
from specc.diagnostics.codes.code import Code

FAMILIES = (syntax.CODES, names.CODES, shapes.CODES, limits.CODES, runs.CODES)


def _by_name() -> dict[str, Code]:
    codes = [code for family in FAMILIES for code in family]
    table = {code.code: code for code in codes}
    if len(table) != len(codes):
        raise ValueError("a diagnostic code is defined twice")
    return table


CODES = _by_name()
