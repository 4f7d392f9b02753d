"""The benchmarks that measure what is not at hand here run, small."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

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


def test_the_walk_reaches_the_first_step() -> None:
    said = ran("walk.py")
    assert re.findall(r"frames at the (\w+)", said) == ["forward", "backward", "step"]


def test_published_models_come_in_with_their_weights() -> None:
    said = ran("zoo.py", "--library", "torchvision", "--match", "squeezenet1_1|vgg11$")
    assert "torchvision: 2 of 2 imported" in said
    assert "weights with the import's names: 2 right\n" in said
    assert "WRONG" not in said
