"""E1: text that cannot be read."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code

CODES = (
    Code("E101", "something stands where it cannot", "x"),
    Code("E102", "a bracket that is never closed", "x"),
    Code("E103", "a character or number that has no meaning", "x"),
    Code("E104", "a shape that cannot be read", "x"),
    Code("E105", "an empty spec", "x"),
    Code("E106", "a file that is not text", "x"),
    Code("E107", "a file that cannot be read", "x"),
)
