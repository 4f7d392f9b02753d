"""Examples in prose are true: those of the explanations, and those of the language reference."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from specc.diagnostics.codes import CODES
from specc.diagnostics.codes.code import Code
from specc.pipeline import analyse
from specc.source import Source

REFERENCE = Path(__file__).parent.parent / "docs" / "language.md"
OF_THE_LANGUAGE = [code for code in CODES.values() if re.fullmatch(r"E[1-4]\d\d", code.code)]
NOT_A_TEXT = {"E106", "E107"}  # a file that no example can show


class Example(NamedTuple):
    """A spec that stands in prose, and the code that it must give; None for one without errors."""

    name: str
    text: str
    code: str | None


def found_in(text: str) -> list[str]:
    """The codes that a spec is reported with."""
    return [diagnostic.code for diagnostic in analyse(Source("example.cnn", text)).diagnostics]


# The explanations. An indented block behind a line `Wrong:` or `Right:` is a whole spec.

_MARKED = re.compile(r"^(Wrong|Right):\n\n((?:(?: {4}.*)?\n)+)", re.MULTILINE)


def explained() -> list[Example]:
    return [
        Example(f"{code.code}-{number}", textwrap.dedent(block).rstrip() + "\n", code.code if kind == "Wrong" else None)
        for code in OF_THE_LANGUAGE
        for number, (kind, block) in enumerate(_MARKED.findall(code.explanation))
    ]


@pytest.mark.parametrize("example", explained(), ids=lambda example: example.name)
def test_an_explained_example_gives_what_it_claims(example: Example) -> None:
    assert found_in(example.text) == ([example.code] if example.code else [])


def test_every_code_is_explained_with_a_wrong_and_a_right_spec() -> None:
    shown = {(example.name[:4], example.code is None) for example in explained()}
    lacking = {code.code for code in OF_THE_LANGUAGE if not {(code.code, True), (code.code, False)} <= shown}
    assert lacking == NOT_A_TEXT


@pytest.mark.parametrize("code", OF_THE_LANGUAGE, ids=lambda code: code.code)
def test_an_explanation_fits_a_terminal(code: Code) -> None:
    assert len(code.explanation) > 200
    assert max(map(len, code.explanation.splitlines())) < 100
