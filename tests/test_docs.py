"""Examples in prose are true: those of the explanations, and those of the language reference."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from specc.diagnostics.codes import CODES, Code
from specc.layers.fields import role
from specc.layers.registry import LAYERS
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
    """The errors that a spec is reported with."""
    found = analyse(Source("example.cnn", text)).diagnostics
    return [diagnostic.code for diagnostic in found if diagnostic.is_error]


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


# The reference. A block ```cnn checks cleanly, one marked ```cnn error E301 gives that code and no other.

_FENCED = re.compile(r"^```cnn(?: error (E\d{3}))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PICTURE = (64, 16, 16)  # what arrives at an example that does not say it


def referenced() -> list[Example]:
    text = REFERENCE.read_text(encoding="utf-8")
    return [
        Example(f"line {text.count(chr(10), 0, match.start()) + 1}", match[2], match[1])
        for match in _FENCED.finditer(text)
    ]


@pytest.mark.parametrize("example", referenced(), ids=lambda example: example.name)
def test_an_example_of_the_reference_is_true(example: Example) -> None:
    shape = None if re.search(r"^input ", example.text, re.MULTILINE) else _PICTURE
    found = [d for d in analyse(Source("language.md", example.text), shape).diagnostics if d.is_error]
    assert [(d.code, d.message) for d in found if d.code != example.code] == []
    assert [d.code for d in found] == ([example.code] if example.code else [])


def test_every_block_of_the_reference_is_marked_as_it_should_be() -> None:
    openings = re.findall(r"^```(\S.*)$", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert all(re.fullmatch(r"cnn( error E\d{3})?|python", opening) for opening in openings)
    assert len(referenced()) >= 25


def rows_of_the_reference() -> dict[str, tuple[str, str]]:
    """For each layer the two columns of its row: arguments without a key and with one."""
    table = re.findall(r"^\| (`.*?) \| (.*?) ?\|(.*?)\|$", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        word: (bare.strip(), keyed.strip()) for words, bare, keyed in table for word in re.findall(r"`(\w+)`", words)
    }


@pytest.mark.parametrize("keyword", LAYERS)
def test_the_reference_lists_the_arguments_of_a_layer(keyword: str) -> None:
    inherited = {"init", "frozen", "weight"}  # told once, under "Weights"
    shown: tuple[list[str], list[str]] = ([], [])
    for name, info in LAYERS[keyword].model_fields.items():
        if name not in inherited:
            value = info.default
            text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            shown[not role(info).positional].append(name if info.is_required() else f"{name}={text}")
    bare, keyed = rows_of_the_reference()[keyword]
    assert bare.split() == shown[0]
    assert sorted(keyed.split()) == sorted(shown[1])


def test_links_inside_the_reference_lead_somewhere() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#(.*?)\)", text)) <= anchors
