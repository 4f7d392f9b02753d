"""No regular expression of specc's takes exponential time, whatever it is given."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from generate.answers import Hangs, at_most

import specc

ROOT = Path(specc.__file__).parent
CALLS = ("compile", "match", "fullmatch", "search", "sub", "split", "findall", "finditer")
SIGNS = "kxa03 .,`_-([=#\n*:/"
PIECES = [*SIGNS, *map("".join, product(SIGNS, repeat=2)), "k3x3", "1 x ", "a b ", "nn.", "a = "]
TIMES = 40  # 2 to the 40th ways are never gone through
SECONDS = 5  # of processor time, for all texts; each takes microseconds


def patterns() -> Iterator[tuple[str, str]]:
    """Where each pattern stands that is written as one text, and the pattern."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS:
                is_re = isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
                first = node.args[0] if node.args else None
                if is_re and isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", first.value


PATTERNS = dict(patterns())


def try_all(pattern: re.Pattern[str]) -> None:
    for piece in PIECES:
        for text in (piece * TIMES, f"{piece * TIMES}!", f"k{piece * TIMES}\x00", f"input {piece * TIMES}$"):
            pattern.fullmatch(text)
            pattern.search(text)


def test_there_are_patterns() -> None:
    assert len(PATTERNS) > 60


@pytest.mark.parametrize("place", PATTERNS)
def test_a_pattern_answers_soon(place: str) -> None:
    with at_most(SECONDS, of_processor=True):
        try_all(re.compile(PATTERNS[place]))


@pytest.mark.parametrize("pattern", [r"([a-z][0-9]+(?:x[0-9]+)?){2,}", r"(a+)+b", r"(?:\w|\s*,\s*|x)*="])
def test_a_pattern_that_does_not_is_found(pattern: str) -> None:
    with pytest.raises(Hangs), at_most(SECONDS / 10, of_processor=True):
        try_all(re.compile(pattern))
