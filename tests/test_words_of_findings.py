"""Nothing reads a sentence back: with `…` for each message, label, help and note, all fixes and their order stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from test_cases import CASES, cases_in
from test_fixes import WRONG
from test_fuzz import MUTATED, many

from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.fixes.candidates import candidates_for
from specc.fixes.edit import Edit, Kind
from specc.fixes.outline import SpecOutline
from specc.fixes.search import Asked, SearchTime, suggest
from specc.pipeline import analyse
from specc.source import Source

TEXTS = [case.text for path in sorted(CASES.rglob("*.cnn")) for case in cases_in(path)] + WRONG
MOST_ERRORS = 5  # of a text, whose fixes are looked for
LONG = 60.0  # seconds: what is found does not depend on how busy the machine is


class Change(NamedTuple):
    """A candidate without the words that tell it."""

    kind: Kind
    edits: tuple[Edit, ...]
    distance: int
    certain: bool


def without_words(patch: pytest.MonkeyPatch) -> None:
    made, labelled = Diagnostic.__new__, Label.__new__

    def finding(cls: type[Diagnostic], *given: Any, **named: Any) -> Diagnostic:
        found = made(cls, *given, **named)
        dots = ("…",) * len(found.notes)
        return found._replace(
            message="…", label="…" if found.label else "", help="…" if found.help else None, notes=dots
        )

    def label(cls: type[Label], span: Any, text: str) -> Label:
        return labelled(cls, span, "…")

    patch.setattr(Diagnostic, "__new__", finding)
    patch.setattr(Label, "__new__", label)


def changes(text: str) -> list[list[Change]]:
    """What may be tried for each of the first errors, in its order."""
    analysis = analyse(Source("net.cnn", text))
    errors = [found for found in analysis.diagnostics if found.is_error][:MOST_ERRORS]
    outline = SpecOutline(analysis)
    return [
        [Change(one.kind, one.edits, one.distance, one.certain) for one in candidates_for(error, outline)]
        for error in errors
    ]


def fixes(text: str) -> list[list[str]]:
    """The texts that the fixes of each of the first errors give, in their order."""
    analysis = analyse(Source("net.cnn", text))
    errors = [found for found in analysis.diagnostics if found.is_error][:MOST_ERRORS]
    return [[found.spec for found in suggest(analysis, error, Asked(), SearchTime(LONG))] for error in errors]


@pytest.fixture
def dots() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_the_words_are_gone(dots: pytest.MonkeyPatch) -> None:
    without_words(dots)
    (found,) = analyse(Source("net.cnn", "input 3x4x4\nconv 8 k3 -> maxpool 5\n")).diagnostics
    assert (found.message, found.label, found.help, [other.text for other in found.others]) == ("…", "…", "…", ["…"])


def test_no_fix_of_a_case_reads_a_sentence(dots: pytest.MonkeyPatch) -> None:
    told = [changes(text) for text in TEXTS]
    without_words(dots)
    assert sum(map(len, told)) > 400
    assert [changes(text) for text in TEXTS] == told


@pytest.mark.parametrize("text", WRONG)
def test_what_is_shown_stays_in_its_order(text: str, dots: pytest.MonkeyPatch) -> None:
    told = fixes(text)
    without_words(dots)
    assert fixes(text) == told


@many(150)
@given(MUTATED)
def test_no_fix_of_a_mutated_spec_reads_a_sentence(data: bytes) -> None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    told = changes(text)
    with pytest.MonkeyPatch.context() as patch:
        without_words(patch)
        assert changes(text) == told
