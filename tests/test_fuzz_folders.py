"""Folders of pictures as nobody would make them: whatever is there, every command answers, soon and briefly.

`benchmarks/fuzz.py --kind pictures` tries many more of them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from generate.picture_folders import a_run, tried

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_run(tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize("batch", range(3))
def test_any_folder_is_answered(batch: int, run: Path, tmp_path: Path) -> None:
    found = [finding for seed in range(8 * batch, 8 * batch + 8) for finding in tried(run, tmp_path, seed)]
    assert not found
