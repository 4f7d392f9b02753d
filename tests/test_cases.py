"""Specs as data: `tests/cases/**.cnn` hold what must be reported beside the line where it must be.

    maxpool 5        #! E301 does not fit its 4×4 input
    Conv2d 64 k3     #! E201 no layer or block => it is called `conv`

`#!` is followed by the code, a piece of the message, and behind `=>` a piece of the help. A second `#!` on the line
stands for a second error there. What concerns the whole file is expected on the first line of the case.
Nothing else may be reported: one mistake is one error. A line `#=== title` begins a new case in the same file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from specc.diagnostics.codes import CODES
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.pipeline import analyse
from specc.reading import Unreadable, decode, read_source
from specc.source import Source

CASES = Path(__file__).parent / "cases"
_EXPECTED = re.compile(r"#! ([EW]\d{3})(?: (?!=>)(.*?))?(?: => (.*?))?\s*(?=#!|$)")


class Case(NamedTuple):
    """A spec between two titles; `first` is its first line in the file, counted from 1."""

    name: str
    text: str
    first: int

    def expected(self) -> list[tuple[int, str, str, str]]:
        """Line, code, piece of the message, piece of the help."""
        return [
            (number, match[1], match[2] or "", match[3] or "")
            for number, line in enumerate(self.text.split("\n"), start=self.first)
            for match in _EXPECTED.finditer(line)
        ]

    def found(self) -> list[Diagnostic]:
        """What is reported; warnings only where the case is about warnings."""
        wants_warnings = any(code.startswith("W") for _, code, _, _ in self.expected())
        found = analyse(Source(self.name, self.text)).diagnostics
        return [diagnostic for diagnostic in found if diagnostic.is_error or wants_warnings]

    def line(self, diagnostic: Diagnostic) -> int:
        """Where a diagnostic stands in the file."""
        if diagnostic.source is None or diagnostic.span is None:
            return self.first
        return diagnostic.source.place(diagnostic.span.start).line + self.first - 1


def cases_in(path: Path) -> Iterator[Case]:
    """The cases of one file; the line with a title belongs to none."""
    name = str(path.relative_to(CASES).with_suffix(""))
    title, lines, first = "", [], 1
    for number, line in enumerate([*path.read_text(encoding="utf-8").split("\n"), "#==="], start=1):
        if not line.startswith("#==="):
            lines.append(line)
            continue
        if any(text.strip() for text in lines) or title:
            yield Case(f"{name}: {title}" if title else name, "\n".join(lines), first)
        title, lines, first = line[4:].strip(), [], number + 1


def collected(*folders: str) -> list[Case]:
    paths = [path for folder in folders for path in sorted((CASES / folder).glob("*.cnn"))]
    return [case for path in paths for case in cases_in(path)]


WRONG = collected("wrong", "mistakes")
RIGHT = collected("right")


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.name)
def test_exactly_the_marked_errors_are_reported(case: Case) -> None:
    expected = case.expected()
    found = sorted(case.found(), key=case.line)
    assert expected, "a wrong case marks at least one error"
    assert [(case.line(d), d.code) for d in found] == [(line, code) for line, code, _, _ in expected], [
        f"line {case.line(d)}: {d.code} {d.message}" for d in found
    ]
    for diagnostic, (_, _, message, help) in zip(found, expected, strict=True):
        assert message in diagnostic.message
        assert help in (diagnostic.help or "")


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_nothing_is_reported(case: Case) -> None:
    assert [f"{d.code} line {case.line(d)}: {d.message}" for d in case.found()] == []
    assert not case.expected()


def test_every_code_has_a_case() -> None:
    shown = {code for case in WRONG for _, code, _, _ in case.expected()}
    bytes_or_files = {"E106", "E107"}  # tested below: no text can hold them
    assert {code for code in CODES if re.fullmatch(r"E[1-4]\d\d", code)} - shown == bytes_or_files


def test_every_first_mistake_has_advice() -> None:
    silent = [case.name for case in collected("mistakes") if any(not found.help for found in case.found())]
    assert silent == []


@pytest.mark.parametrize(
    ("data", "place", "reason"),
    [
        (b"input 3x32x32\nconv \xff 3", (2, 6), "0xff"),
        (b"\x89PNG\r\n\x1a\n", (1, 1), "0x89"),
        ("input 784\n# über".encode("latin-1"), (2, 3), "0xfc"),
        ("input 784".encode("utf-16"), (1, 1), "0xff"),
        (b"input 784\x00", (1, 10), "zero byte"),
        (b"\xef\xbb\xbfinput 784\n\xff", (2, 1), "0xff"),
    ],
)
def test_a_file_that_is_not_text(data: bytes, place: tuple[int, int], reason: str) -> None:
    with pytest.raises(Problem, match="not a text file") as caught:
        decode("net.cnn", data)
    found = caught.value.diagnostic
    assert found.code == "E106"
    assert reason in found.message
    assert found.source is not None
    assert found.span is not None
    assert found.source.place(found.span.start) == place


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "lenet.cnn").write_text("input 784", encoding="utf-8")
    for path, message, help in [
        (tmp_path / "lennet.cnn", "there is no file", "did you mean"),
        (tmp_path / "nets" / "lenet.cnn", "there is no file", "there is no folder"),
        (tmp_path, "is a folder", "lenet.cnn"),
        (tmp_path / ("a" * 300), "cannot be read", ""),
    ]:
        with pytest.raises(Unreadable) as caught:
            read_source(str(path))
        assert caught.value.diagnostic.code == "E107"
        assert message in caught.value.diagnostic.message
        assert help in (caught.value.diagnostic.help or "")
