"""E3: shapes that do not fit."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code

CODES = (
    Code("E301", "a window that does not fit", "x"),
    Code("E302", "a layer that does not take this rank", "x"),
    Code("E303", "channels that cannot be divided", "x"),
    Code("E304", "values that cannot be rearranged", "x"),
    Code("E305", "padding that torch refuses", "x"),
    Code("E306", "a checked shape that does not hold", "x"),
    Code("E307", "branches that do not go together", "x"),
    Code("E308", "weights that do not fit", "x"),
    Code("E309", "one value has no variance", "x"),
)
