"""Gallery specs with a few tokens changed, and raw bytes: whatever arrives, `check` answers with findings, and soon.

`benchmarks/fuzz.py` runs many more of them, in worker processes, and watches the memory too.
"""

from __future__ import annotations

import time

import pytest
from generate.checked import check
from generate.mutations import PIECES, Change, Mutation, mutated
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specc.gallery import entries

MOST_SECONDS = 20.0  # of processor time for one input: what ends at all ends far below it on any machine
SEARCHING = 0.01  # seconds for suggestions: that they end with their budget is tested elsewhere

TEXTS = sorted({entry.text for entry in entries()}, key=len)
PLACE = st.integers(0, 9999)
MUTATION = st.builds(
    Mutation, st.sampled_from(Change), PLACE, PLACE, st.sampled_from(PIECES) | st.text(max_size=3), st.integers(1, 11)
)
MUTATED = st.builds(mutated, st.sampled_from(TEXTS), st.lists(MUTATION, min_size=1, max_size=5))
RAW = st.binary(max_size=200) | st.text(max_size=200).map(str.encode)


def answers(data: bytes) -> None:
    started = time.process_time()
    check(data, SEARCHING)
    assert time.process_time() - started < MOST_SECONDS


def many(count: int) -> settings:
    return settings(
        max_examples=count, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )


@many(600)
@given(MUTATED)
def test_a_mutated_spec_is_answered(data: bytes) -> None:
    answers(data)


@many(400)
@given(RAW)
def test_raw_bytes_are_answered(data: bytes) -> None:
    answers(data)


@pytest.mark.parametrize("text", TEXTS)
def test_a_cut_off_spec_is_answered(text: str) -> None:
    """As an editor sees it while it is written: cut at some places."""
    for part in range(1, 5):
        answers(text[: len(text) * part // 5].encode())
