"""Every code that specc reports, with its title and its explanation: a code is added in its family's file.

The lints stand elsewhere, each with the rule that it explains: `specc.ir.lint` adds them when it is imported.
"""

from __future__ import annotations

from collections.abc import Iterable

from specc.diagnostics.codes import (
    arguments,
    data,
    exchange,
    limits,
    names,
    processes,
    results,
    runs,
    search,
    shapes,
    syntax,
)
from specc.diagnostics.codes.code import Code

CODES: dict[str, Code] = {}


def add(codes: Iterable[Code]) -> None:
    """Makes codes known. Raises: ValueError where one is known already."""
    for code in codes:
        if code.code in CODES:
            raise ValueError(f"the diagnostic code {code.code} is defined twice")
        CODES[code.code] = code


for family in (syntax, names, arguments, shapes, limits, data, runs, processes, results, exchange, search):
    add(family.CODES)
