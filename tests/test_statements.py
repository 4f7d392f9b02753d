"""Every statement of the language page has a right case and a wrong one: `tests/cases/*/page.cnn`.

A case is headed by the words that its statement begins with, a row of a table by its first cell. What is said of
commands, or of nothing that a spec could contradict, stands here with the test that shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_cases import cases_in

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "language.md"

# The beginning of a statement, and where what it says is tested.
ELSEWHERE = {
    "Every example on this page is checked": "test_docs.py::test_an_example_of_the_reference_is_true",
    "In the table, arguments that may stand": "test_docs.py::test_the_reference_lists_the_arguments_of_a_layer",
    "`--input` on the command line": "test_language.py::test_input_is_overridden_or_supplied",
    "A spec without one takes the shape": "test_open_specs.py::test_a_chain_alone_trains_on_a_data_set",
    "`--set width=32` gives it": "test_language.py::test_set_overrides_a_param_and_what_depends_on_it",
    "A run keeps the spec with input": "test_open_specs.py::test_a_stopped_run_goes_on_by_its_own_numbers",
    "An option on the command line wins": "test_recipe.py::test_option_wins",
    "`specc fmt --shapes` writes": "test_format.py::test_golden_with_shapes",
    "The checker goes on behind it where": "test_lessons.py::test_a_lesson_is_drawn_up_to_the_shape_that_nobody_states",
    "What leaves the layer has directions": "test_whiten.py::test_what_leaves_has_directions_of_one_size",
    "The patches are those of 5,000": "test_whiten.py::test_the_seed_says_which_pictures",
    "Until a run begins, and in a program": "test_whiten.py::test_without_pictures_the_weight_is_torchs",
    "Most often it is kept as it is": "test_whiten.py::test_what_is_frozen_keeps_its_bits",
    "`specc layers` lists them": "test_cli.py::test_layers_and_explain_print_pages",
}
CLAIMS_NOTHING = (
    "A spec is a plain text file", "It does not say how many channels", "Those without an `input` line", "[",
    "The names of modules, the canonical form", "| a word that is |", "| layer |", "| form |", "A U-Net by its labels",
    "Most specs need none of this",
)  # fmt: skip


def statements() -> Iterator[str]:
    """The sentences of the page and the rows of its tables, without what stands in blocks of code."""
    text = re.sub(r"```.*?```", "\n\n", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    for part in re.split(r"\n\s*\n|\n(?=- )|\n(?=\|)|\n(?=#)", text):
        line = " ".join(part.split()).removeprefix("- ")
        if line.startswith("| "):
            yield line
        elif line and not line.startswith(("#", "|-")):
            yield from re.split(r"(?<=[.!?])\s+(?=[A-Z`*“])", line)


def titles(folder: str) -> set[str]:
    cases = cases_in(TESTS / "cases" / folder / "page.cnn")
    return {case.name.partition("page: ")[2] for case in cases}


STATEMENTS = list(statements())
RIGHT, WRONG = titles("right"), titles("wrong") | titles("lints")


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda text: text[:50])
def test_a_statement_has_a_right_and_a_wrong_case(statement: str) -> None:
    if statement.startswith((*ELSEWHERE, *CLAIMS_NOTHING)):
        return
    assert [title for title in RIGHT if statement.startswith(title)], "tests/cases/right/page.cnn shows it"
    assert [title for title in WRONG if statement.startswith(title)], "tests/cases/wrong/page.cnn contradicts it"


@pytest.mark.parametrize("title", sorted({*RIGHT, *WRONG, *ELSEWHERE, *CLAIMS_NOTHING}))
def test_a_title_is_the_beginning_of_a_statement(title: str) -> None:
    found = [statement for statement in STATEMENTS if statement.startswith(title)]
    assert len(found) == 1 or title == "["


@pytest.mark.parametrize("place", ELSEWHERE.values())
def test_what_is_shown_elsewhere_is_there(place: str) -> None:
    file, _, name = place.partition("::")
    assert f"def {name}(" in (TESTS / file).read_text(encoding="utf-8")
