"""The checker and the compiled module against a second reading of the language page, by `generate_from_page`.

Some hundred specs here; `benchmarks/trust.py` runs very many of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from generate_from_page import meaning, modules
from generate_from_page.compare import Outcome, trial
from generate_from_page.fields import FORMS, LAYERS

from specc.fixes import search

TRIALS = 250
TRUST = Path(__file__).resolve().parent.parent / "benchmarks" / "trust.py"


@pytest.fixture(scope="module")
def outcomes() -> Iterator[list[Outcome]]:
    """Suggestions have no say in a verdict, so little time is spent on them."""
    advise, threads = search.advise, torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(search, "advise", lambda analysis, asked: advise(analysis, asked, search.SearchTime(0.003)))
        yield [trial(seed) for seed in range(TRIALS)]
    torch.set_num_threads(threads)


def test_specs_are_what_the_page_says(outcomes: list[Outcome]) -> None:
    assert [(each.disagreement, each.text) for each in outcomes if each.disagreement] == []


def test_specs_are_of_every_kind(outcomes: list[Outcome]) -> None:
    """Right and wrong at every rank, and each word in both."""
    assert all(Counter((each.rank, each.right) for each in outcomes)[rank, right] > 3
               for rank in range(4) for right in (True, False))  # fmt: skip
    for right in (True, False):
        words = {word for each in outcomes if each.right is right for word in each.words}
        assert len({*LAYERS, *FORMS, "group"} - words) < (4 if right else 20)


def test_a_wrong_rule_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the reading says something else than specc does, the smallest spec that shows it is told."""
    monkeypatch.setattr(modules, "PLAIN", modules.PLAIN | {"relu": modules.PLAIN["tanh"]})
    found = next(each for each in map(trial, range(1000)) if each.disagreement)
    assert found.disagreement is not None
    assert found.disagreement.startswith("other values leave")
    assert "relu" in found.text
    assert len(found.text.splitlines()) <= 4


def test_a_wrong_verdict_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meaning.Meaning, "finish", lambda self: None)  # so no budget is too small
    found = next(each for each in map(trial, range(1000)) if each.disagreement)
    assert (found.disagreement or "").startswith("refused: E4")
    assert "budget" in found.text


def started(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, TRUST, folder, *options], capture_output=True, text=True, check=False)


def test_a_run_goes_on_behind_what_is_noted(tmp_path: Path) -> None:
    log = tmp_path / "hostile.jsonl"
    log.write_text(json.dumps([0, 50, {"relu|2|right": 3}, []]) + "\n[1, 5", encoding="utf-8")
    ended = started(tmp_path, "--kind", "hostile", "--trials", "100")
    lines = log.read_text(encoding="utf-8").splitlines()
    assert [line[0:2] for line in lines] == ["[0", "[1", "[1"]
    number, trials, _, findings = json.loads(lines[2])
    assert (number, trials) == (1, 50)
    assert not [what for what, _ in findings if not what.endswith(" s")], (
        "but for seconds, which others can take from it"
    )
    assert ended.returncode == bool(findings), ended.stderr
    assert f"hostile: 100 trials in 2 batches, {len(findings)} findings" in ended.stdout
    assert "hostile: 100 trials" in started(tmp_path, "--table").stdout
