"""What the page has grown by, against torch: each word and form accepted and refused at every rank, and counted.

`benchmarks/agreement.py --words 100` counts to a hundred.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from generate.counted import CELLS, COUNTED, Cell, count

from specc.fixes.search import SearchTime, advise

TIMES = 3
PAGE = Path(__file__).parent.parent / "docs" / "language.md"


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    """One thread; no warnings of torch's; a search for suggestions, which have no say, that is soon at its end."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setattr("specc.fixes.search.advise", lambda analysis, asked: advise(analysis, asked, SearchTime(0.003)))
        yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_they_agree_and_the_word_is_drawn(cell: Cell) -> None:
    found = count(cell, TIMES)
    assert not found.disagreements, "\n".join(f"{said}\n{text}" for text, said in found.disagreements.items())
    assert len(found.texts) == TIMES


def test_what_is_counted_stands_on_the_page() -> None:
    page = re.sub(r"\s+", " ", PAGE.read_text(encoding="utf-8"))
    words = {re.sub(r"[` {}]+", " ", title).split()[0] for title, _ in COUNTED.values()}
    assert [word for word in words - {"layer"} if word not in page] == []
    assert {(cell.about, cell.rank) for cell in CELLS if not cell.right} == {
        (about, rank) for about in COUNTED for rank in range(4)
    }
