"""Reports as they are shown: what `render` and `formats` write, compared with files that a person has read.

The files are `tests/cases/golden/*.txt`; `golden.py` tells how they are written anew.
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import pytest
from golden import agrees

from specc.diagnostics.codes import CODES
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.diagnostics.formats import as_json, concise
from specc.diagnostics.render import ASCII_FRAME, render, render_all
from specc.pipeline import analyse
from specc.reading import decode, read_source
from specc.source import Source, Span


def found_in(data: bytes | str) -> tuple[Diagnostic, ...]:
    try:
        source = decode("net.cnn", data if isinstance(data, bytes) else data.encode())
    except Problem as problem:
        return (problem.diagnostic,)
    found = analyse(source).diagnostics
    errors = tuple(diagnostic for diagnostic in found if diagnostic.is_error)
    return errors or found


ORIGINS = """\
input 3x32x32
block half(c) {
  conv c k3 p1 -> maxpool 2
}
block stage(c, n=2) {
  { half c x=n } x2
}
stage 8 x2
residual { stage 16 3 } shortcut auto
"""

REPORTS: dict[str, bytes | str] = {
    "label-on-the-line-above": "input 3x8x8\nmaxpool 9\n",
    "label-on-the-same-line": "input 1x28x28\nconv 16 k5 -> relu -> linear 10\n",
    "label-behind-a-gap": "input 3x8x8\n\n# three lines\n# of comment\n\nmaxpool 9   :: 3x1x1\n",
    "label-from-a-block": "input 3x8x8\nblock b(c) { conv c k3 }\nb 8\nlinear 10\n",
    "several-lines-under-one-mark": "input 8\nadd {\n  relu\n| \n}\n",
    "line-numbers-of-two-lengths": "input 3x8x8" + "\n" * 98 + "maxpool 9\n",
    "several-errors": "input 3x8x8\nConv2d 64 k3\nconv 64\nmaxpool 9, 2\n",
    "tabs": "input 3x8x8\n\tconv 8\tk3\tstrid=2\t# a key\n\tmaxpool\t9\n",
    "wide-characters": 'input 8\nlinear 3\ntrain { data "写真 🎉" ; epochs 0 ; data "ｗｉｄｅ" }\n',
    "wide-characters-in-comments": "# 畳み込み 🎉\ninput 3x8x8 # 入力\nmaxpool 9 # 池化 🙈\n",
    "combining-characters": 'input 8\ntrain { data "cafe\u0301" ; epochs 0 }\n',
    "control-characters": 'input 8\ntrain { data "\x1b[31m\u202e" ; epochs 0 }\n',
    "byte-order-mark": "\ufeffmaxpol 2\ninput 3x8x8\n",
    "carriage-returns": b"input 3x8x8\r\nmaxpol 2\r\nmaxpool 9, 3\r\n",
    "origins-of-blocks-and-repeats": ORIGINS,
    "end-of-the-file": "input 3x8x8\nconv 8 k3 ->",
    "empty-file": "",
    "no-input": "conv 8 k3\n",
    "E106": b"input 3x8x8\nconv \xff8 k3\n",
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report(name: str) -> None:
    agrees(name, render_all(found_in(REPORTS[name])))


@pytest.mark.parametrize("name", ["several-errors", "label-behind-a-gap"])
def test_a_report_in_plain_characters(name: str) -> None:
    agrees(f"{name}-ascii", "\n\n".join(render(found, frame=ASCII_FRAME) for found in found_in(REPORTS[name])))


def test_a_report_in_colour() -> None:
    shown = render(found_in(REPORTS["label-on-the-line-above"])[0], lambda text, part: f"<{part} {text}>")
    agrees("colour", shown)


def test_a_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lenet.cnn").write_text("input 8", encoding="utf-8")
    with pytest.raises(Problem) as caught:
        read_source("lennet.cnn")
    agrees("E107", render(caught.value.diagnostic))


@pytest.mark.parametrize("name", ["several-errors", "no-input", "wide-characters", "tabs", "byte-order-mark"])
def test_json(name: str) -> None:
    agrees(f"{name}-json", as_json(found_in(REPORTS[name])))


@pytest.mark.parametrize("name", ["several-errors", "no-input", "origins-of-blocks-and-repeats"])
def test_one_line_each(name: str) -> None:
    agrees(f"{name}-concise", "\n".join(map(concise, found_in(REPORTS[name]))))


def test_nothing_to_report_is_an_empty_list() -> None:
    assert json.loads(as_json(())) == []
    assert render_all(()) == ""


# A report of every code: its explanation's first wrong example.

_WRONG = re.compile(r"^Wrong:\n\n((?:(?: {4}.*)?\n)+)", re.MULTILINE)
EXPLAINED = {
    code.code: match[1]
    for code in CODES.values()
    if re.match(r"E[1-4]", code.code) and (match := _WRONG.search(code.explanation))
}


@pytest.mark.parametrize("code", EXPLAINED)
def test_the_report_of_a_code(code: str) -> None:
    agrees(code, render_all(found_in(textwrap.dedent(EXPLAINED[code]).rstrip() + "\n")))


# Marks stand under what they mean, whatever stands before it on the line.


@pytest.mark.parametrize(
    ("before", "columns"),
    [("ab ", 3), ("\t", 4), ("ab\t", 4), ("写真", 4), ("🎉", 2), ("e\u0301", 1), ("\x1b", 1), ("ｗ", 2), ("", 0)],
)
def test_a_mark_stands_under_its_place(before: str, columns: int) -> None:
    source = Source("net.cnn", before + "xyz")
    found = Diagnostic("E101", "here", source, Span(len(before), len(before) + 3))
    mark = next(line for line in render(found).splitlines() if "^" in line)
    assert mark == "  │ " + " " * columns + "^^^"


def test_a_mark_of_nothing_has_a_width() -> None:
    source = Source("net.cnn", "abc")
    assert "   ^" in render(Diagnostic("E101", "here", source, Span(3, 3)))


def test_no_line_ends_in_white_space() -> None:
    for data in REPORTS.values():
        lines = render_all(found_in(data)).splitlines()
        assert [line for line in lines if line != line.rstrip()] == []
