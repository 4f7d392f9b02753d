"""The benchmarks that measure what is not at hand here run, small."""

from __future__ import annotations

import importlib
import random
import re
import subprocess
import sys
from itertools import combinations, product
from pathlib import Path

import pytest

from specc.recipe.augmentations import known
from specc.recipe.recipe import Recipe

ROOT = Path(__file__).parent.parent


def ran(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / script, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_table_of_a_card_without_one() -> None:
    said = ran("gpu.py", "--tiny")
    assert "WRONG" not in said
    assert len(re.findall(r"  right$", said, re.MULTILINE)) == 6
    assert len(re.findall(r"samples/s", said)) >= 7
    assert re.search(r"specc\.train by the loop by hand +[0-9.]+ times as long$", said, re.MULTILINE)
    assert re.search(r"specc train and specc eval, from the command +[0-9.]+ s$", said, re.MULTILINE)


def test_the_walk_reaches_the_first_step() -> None:
    said = ran("walk.py")
    assert re.findall(r"frames at the (\w+)", said) == ["forward", "backward", "step"]


@pytest.mark.skipif(sys.platform != "linux", reason="it looks for processes in /proc")
def test_killed_runs_end_with_the_same_bytes() -> None:
    said = ran("kills.py", "--kills", "3", "--cases", "1")
    assert "3 kills (" in said
    assert re.search(r"^([1-3]) of \1 runs ended with the same bytes$", said, re.MULTILINE)


def test_the_kills_cover_every_pair_of_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    kills = importlib.import_module("kills")
    cases = kills.pairwise_cases(kills.SETTINGS, random.Random(0))
    assert len(cases) <= 50  # five optimizers with five groups of augmentations are 25
    for (one, first), (other, second) in combinations(kills.SETTINGS.items(), 2):
        together = {(case[one], case[other]) for case in cases}
        left = set(product(first, second)) - together
        assert "task" in (one, other) or not left
        assert not [
            source for task, source in left if (one, other) == ("task", "source") and task in kills.DATA[source]
        ]
    for name in known(Recipe):
        words = [*kills.SPEC.split(), *sum([*kills.CHANGED.values(), *kills.MIXED.values()], ())]
        assert name in words or f"--{name.replace('_', '-')}" in words, name


def test_published_models_come_in_with_their_weights() -> None:
    said = ran("zoo.py", "--library", "torchvision", "--match", "squeezenet1_1|vgg11$")
    assert "torchvision: 2 of 2 imported" in said
    assert "weights with the import's names: 2 right\n" in said
    assert "WRONG" not in said
