"""Damaged run folders: every command answers, soon and briefly, and says by name what cannot be used.

`benchmarks/fuzz_runs.py` tries many more of them, in worker processes.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result
from generate.answers import answer
from generate.hostile import PICTURE, prepared, tried
from safetensors import safe_open
from safetensors.torch import load_file, save

from specc.diagnostics.diagnostic import Problem
from specc.exchange.export import network_of
from specc.pipeline import analyse
from specc.recipe.recipe import Recipe
from specc.runner.checkpoint import KEY, checkpoint_bytes, read_checkpoint
from specc.runner.metrics import IN_ORDER
from specc.runner.run_folder import FILES, STATE
from specc.source import Source

pytestmark = pytest.mark.usefixtures("one_thread")

SEEDS = range(40)
MOST_SECONDS = 30.0  # of processor time for a command: what ends at all ends far below it on any machine


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with prepared(tmp_path_factory.mktemp("runs")) as run:
        yield run


@pytest.fixture
def run(sound: Path, tmp_path: Path) -> Path:
    shutil.copy(sound.parent / PICTURE, tmp_path)
    return Path(shutil.copytree(sound, tmp_path / "run"))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_damaged_folder_is_answered(seed: int, sound: Path) -> None:
    assert not list(tried(sound, seed))


def specc(*arguments: object) -> Result:
    started = time.process_time()
    done = answer([str(argument) for argument in arguments])
    assert time.process_time() - started < MOST_SECONDS
    return done


# Numbers


def _in_facts(path: Path, **values: Any) -> None:
    """Write a state's facts anew, in its header."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    facts = json.loads(header["__metadata__"][KEY])
    header["__metadata__"][KEY] = json.dumps({**facts, **values})
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])


@pytest.mark.parametrize("epoch", [200_000_000, 2**53, 2**63, 10**400])
def test_no_work_follows_from_the_number_of_epochs(epoch: int, run: Path) -> None:
    _in_facts(run / STATE, epoch=epoch)
    done = specc("train", "--resume", run)
    assert (done.exit_code, "E621" in done.stderr) == (1, True), done.output


@pytest.mark.parametrize(
    ("name", "value"),
    [("seconds", 1e300), ("seconds", -1), ("test_accuracy", 1e9), ("epoch", 2**60), ("test_loss", 1e999)],
)
def test_metrics_out_of_range_are_no_metrics(name: str, value: float, run: Path) -> None:
    line = json.loads((run / "metrics.jsonl").read_text().splitlines()[0])
    (run / "metrics.jsonl").write_text(f"{json.dumps({**line, name: value})}\n" * 2)
    assert "damaged" in specc("runs", run).stdout
    told_before = [({**line, name: value}).get(key) for key in IN_ORDER]
    for told in (told_before, {**line, name: value}):
        _in_facts(run / STATE, metrics=[told])
        assert "E621" in specc("train", "--resume", run).stderr


# What is no file


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", FILES)
def test_a_pipe_is_refused_by_name(name: str, run: Path) -> None:
    (run / name).unlink()
    os.mkfifo(run / name)
    done = specc("train", "--resume", run)
    assert done.exit_code == 1
    assert "E621" in done.stderr and name in done.stderr and "it is a named pipe, not a file" in done.stderr
    if name.startswith(("best", "last")):
        kind = name.partition(".")[0]
        for arguments in (("eval", run), ("predict", run, run.parent / PICTURE), ("export", run, "--to", "python")):
            done = specc(*arguments, "--weights", kind)
            assert "E641" in done.stderr and "it is a named pipe" in done.stderr, done.output
    assert specc("runs", run).exit_code == 0


def test_the_best_weights_are_not_passed_over(run: Path) -> None:
    """What stands in their place is refused; the last ones are taken where there are none."""
    best = run / "best.safetensors"
    best.unlink()
    assert "last.safetensors" in specc("eval", run).stdout
    best.symlink_to(best.name)
    done = specc("eval", run)
    assert "E641" in done.stderr and "best.safetensors" in done.stderr


def test_nothing_is_written_to_where_a_link_leads(run: Path, tmp_path: Path) -> None:
    """A run's folder may come from anybody: what its links point to is not the run's."""
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    for name in ("last.safetensors", "environment.json", "report.html", "metrics.csv", "loggers.json"):
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(mine)
    done = specc("train", "--resume", run)
    assert "report.html shows them" in done.stdout, done.output
    assert mine.read_text() == "mine"
    assert not (run / "last.safetensors").is_symlink()


# Numbers of another kind


def _rewritten(path: Path, dtype: torch.dtype | None) -> None:
    """Weights of another type; None: none of them a number."""
    with safe_open(path, framework="pt") as file:
        texts = file.metadata()
    tensors = {
        name: tensor if not tensor.is_floating_point() else tensor * float("nan") if dtype is None else tensor.to(dtype)
        for name, tensor in load_file(path).items()
    }
    path.write_bytes(save(tensors, metadata=texts))


KINDS = [torch.int8, torch.float64, torch.float16, torch.bool, None]


@pytest.mark.parametrize("dtype", KINDS, ids=str)
def test_weights_of_another_kind_are_refused(dtype: torch.dtype | None, run: Path) -> None:
    _rewritten(run / "best.safetensors", dtype)
    words = "not finite" if dtype is None else f"{str(dtype).removeprefix('torch.')}, and should be"
    for arguments in (("eval", run), ("predict", run, run.parent / PICTURE)):
        done = specc(*arguments)
        assert done.exit_code == 1 and "E641" in done.stderr and words in done.stderr, done.output
    model = analyse(Source("net.cnn", (run / "spec.cnn").read_text())).model
    assert model is not None
    with pytest.raises(Problem, match=words) as caught:
        network_of(model, run / "best.safetensors")
    assert caught.value.diagnostic.code == "E664"


@pytest.mark.parametrize("dtype", KINDS, ids=str)
def test_the_report_is_not_made_with_such_weights(dtype: torch.dtype | None, run: Path) -> None:
    """They would be those of the best epoch when the run ends."""
    _rewritten(run / "best.safetensors", dtype)
    done = specc("train", "--resume", run)
    assert "best.safetensors cannot be used: its `" in done.output, done.output


def test_states_without_numbers_are_refused(run: Path) -> None:
    path = run / STATE
    facts, tensors = read_checkpoint(path), load_file(path)
    tensors["model/linear1.weight"].fill_(float("nan"))
    path.write_bytes(checkpoint_bytes(facts, tensors))
    done = specc("train", "--resume", run)
    assert done.exit_code == 1 and "E621" in done.stderr and "`model/linear1.weight`" in done.stderr, done.output


def test_no_picture_is_scaled_to_a_size_that_no_memory_holds(run: Path) -> None:
    """A network whose input is large has no more weights than another."""
    texts = {
        "spec": "input 1x60000x60000\ngap -> flatten -> linear 2\n",
        "overrides": json.dumps({"input": None, "set": {}}),
        "recipe": json.dumps(Recipe().resolved().model_dump()),
        "data": json.dumps({"name": "x", "classes": ["a", "b"], "sample": [1, 60_000, 60_000]}),
    }
    weights = {"linear1.weight": torch.zeros(2, 1), "linear1.bias": torch.zeros(2)}
    (run / "best.safetensors").write_bytes(save(weights, metadata=texts))
    done = specc("predict", run, run.parent / PICTURE, "--fit")
    assert (done.exit_code, "E641" in done.stderr) == (1, True), done.output
