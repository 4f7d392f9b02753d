"""E4: limits and budgets."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code

CODES = (
    Code("E401", "nested too deep", "x"),
    Code("E402", "too many", "x"),
    Code("E403", "larger than any machine", "x"),
    Code("E404", "over budget", "x"),
)
