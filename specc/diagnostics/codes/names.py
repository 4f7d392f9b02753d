"""E2: names and arguments."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code

CODES = (
    Code("E201", "no such layer, block or form", "x"),
    Code("E202", "no such argument", "x"),
    Code("E203", "a missing argument", "x"),
    Code("E204", "a value that its argument does not take", "x"),
    Code("E205", "one argument too many", "x"),
    Code("E206", "an argument given twice", "x"),
    Code("E207", "an unknown name", "x"),
    Code("E208", "something defined twice", "x"),
    Code("E209", "a module name that is taken", "x"),
    Code("E210", "an expression without a value", "x"),
    Code("E211", "a block that may not be defined so", "x"),
    Code("E214", "no input", "x"),
    Code("E215", "a repeat that cannot be", "x"),
    Code("E216", "branches that cannot be", "x"),
    Code("E217", "a budget that cannot be", "x"),
    Code("E220", "no such training setting", "x"),
    Code("E221", "a value that a training setting does not take", "x"),
    Code("E222", "a training setting given twice", "x"),
)
