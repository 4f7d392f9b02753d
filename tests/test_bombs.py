"""Texts that grow where they are read: every stage answers soon, and briefly.

`benchmarks/fuzz.py` puts the same through every command, ten times as long, with mutations.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from commands import specc
from generate.bombs import bombs
from generate.checked import check

MOST_SECONDS = 30.0  # of processor time: what ends at all ends far below it on any machine
MOST_BYTES = 300_000  # of output
LENGTH = 2500  # where only many things are slow
DOUBLING = (
    "block",
    "group",
    "empty",
    "doubled",
    "branches",
    "params",
    "deep",
    "repeated",
    "growing",
    "handed",
    "thrice",
)

SHORT = bombs(LENGTH)
LONG = {name: text for name, text in bombs().items() if any(word in name for word in DOUBLING)}
SEARCHING = 0.02  # seconds for suggestions, which end with their budget


@pytest.mark.parametrize("name", SHORT)
def test_a_bomb_is_answered(name: str) -> None:
    started = time.process_time()
    check(SHORT[name].encode("utf-8", errors="surrogatepass"), SEARCHING)
    assert time.process_time() - started < MOST_SECONDS


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("command", ["summary -", "diff - gallery:lenet5", "fmt - --diff", "fmt - --shapes"])
def test_a_command_answers_a_bomb(name: str, command: str, tmp_path: Path) -> None:
    started = time.process_time()
    done = specc(*command.split(), cwd=tmp_path, stdin=LONG[name])
    assert time.process_time() - started < MOST_SECONDS
    assert len(done.stdout.encode()) + len(done.stderr.encode()) < MOST_BYTES


def test_a_table_counts_the_lines_that_it_leaves_out(tmp_path: Path) -> None:
    done = specc("summary", "-", cwd=tmp_path, stdin=LONG["doubled, not alike 15"])
    lines = done.stdout.splitlines()
    assert "left out" in lines[-2] or "left out" in lines[-1]
    assert len(lines) < 2000
