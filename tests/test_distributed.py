"""Several processes train one network: the same losses as one, one that writes, one that tells what went wrong."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from made import SIDE, drawn
from PIL import Image
from ranks import Answer, Ranks
from safetensors.torch import load_file

from specc.cli.main import main
from specc.data.batches import Shard
from specc.diagnostics.diagnostic import Problem
from specc.recipe.augmentations import known
from specc.recipe.recipe import Recipe
from specc.runner.callbacks.base import Callback
from specc.runner.checkpoint import read_checkpoint
from specc.runner.distributed.launch import status_of
from specc.runner.distributed.world import Rank, place_of
from specc.runner.metrics import Metrics
from specc.runner.resume import resume
from specc.runner.run import train
from specc.runner.run_folder import STATE

PLAIN = "input 1x8x8\nconv 4 k3 -> relu -> flatten -> linear 10\ntrain { epochs 2 ; batch 65 ; precision fp32 }\n"
NORMED = PLAIN.replace("-> relu", "nobias -> bn -> relu -> dropout 0.3").replace("epochs 2", "epochs 3")
BACK = (
    "input 1x8x8\nflatten -> linear 16 -> relu -> linear 64 -> unflatten 1x8x8\ntrain { epochs 2 ; precision fp32 }\n"
)
HEADS = (
    "input 1x8x8\nearly: { conv 4 k3 -> relu } -> conv 4 k3 -> relu\n"
    "outputs { main: flatten -> linear 10 | aux: from early -> flatten -> linear 10 | idle: flatten -> linear 3 }\n"
    "train { epochs 2 ; batch 65 ; precision fp32 }\n"
)

# Everything that counts pictures; digits has 1,438 to train on.
RECIPES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "last batch is smaller": (PLAIN, 2, {"optimizer": "sgd", "lr": 0.05, "momentum": 0.9}),
    "heads, one of them idle": (HEADS, 2, {"batch": 479, "heads": "main=1 aux=0.3", "optimizer": "adamw"}),
    "last batch of one": (PLAIN, 2, {"batch": 479}),
    "three processes": (PLAIN, 3, {"optimizer": "rmsprop", "lr": 1e-3, "normalize": True, "schedule": "cosine"}),
    "accumulated": (PLAIN, 2, {"accumulate": 4, "clip": 0.1, "average": 0.9, "label_smoothing": 0.1}),
    "validated": (PLAIN, 2, {"validation": 0.3, "optimizer": "adamw", "batch": 64, "drop_last": True, "patience": 1}),
    "autoencoder": (BACK, 2, {"task": "reconstruct"}),
}


@pytest.fixture(scope="module")
def ranks() -> Iterator[Ranks]:
    found = Ranks(3)
    yield found
    found.close()


class Stop(Callback):
    """Sends this process a signal after so many steps, or at the end of an epoch."""

    def __init__(self, after: int, epoch: int = 0) -> None:
        self.left, self.epoch = after, epoch

    def epoch_ends(self, metrics: Metrics, epochs: int) -> None:
        if metrics.epoch == self.epoch:
            signal.raise_signal(signal.SIGINT)

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


def trained(stop_after: int = -1, stop_in: int = 0, **arguments: Any) -> dict[str, Any]:
    """Run in each process. Returns: what it knows of the run at the end."""
    run = train(callback=Stop(stop_after, stop_in), **arguments)
    return {"stopped": run.stopped, "metrics": [replace(metrics, seconds=0) for metrics in run.metrics]}


def resumed(stop_after: int = -1, **arguments: Any) -> Any:
    return resume(callback=Stop(stop_after), **arguments).stopped


def broken_in_one(rank: int, **arguments: Any) -> Any:
    """A process that cannot load its data."""
    if rank == 1:
        import specc.data.load

        def fails(*arguments: object, **named: object) -> object:
            raise Problem.of("E611", "no memory here")

        whole, specc.data.load.load_dataset = specc.data.load.load_dataset, fails  # type: ignore[assignment] # broken
        try:
            return train(**arguments)
        finally:
            specc.data.load.load_dataset = whole
    return train(**arguments)


def values(answers: list[Answer]) -> list[Any]:
    assert all(answer.kind == "value" for answer in answers), answers
    return [answer.value for answer in answers]


def same_weights(first: Path, second: Path) -> bool:
    for name in ("last.safetensors", "best.safetensors", STATE):
        one, other = load_file(first / name), load_file(second / name)
        if one.keys() != other.keys() or not all(one[key].equal(other[key]) for key in one):
            return False
    return True


# The same pictures, the same losses


@pytest.mark.parametrize("name", RECIPES)
def test_losses_are_those_of_one_process(name: str, ranks: Ranks, tmp_path: Path) -> None:
    spec, count, recipe = RECIPES[name]
    alone = train(spec, tmp_path / "alone", **recipe)
    found = values(ranks.call(trained, [{"spec": spec, "out": tmp_path / "run", **recipe}] * count))
    assert all(one == found[0] for one in found)
    for mine, theirs in zip(alone.metrics, found[0]["metrics"], strict=True):
        assert mine.row().keys() == theirs.row().keys()
        for key, value in replace(mine, seconds=0).row().items():
            other = theirs.row()[key]
            assert other == value if value is None else other == pytest.approx(value, rel=1e-5, abs=1e-6), key
    one, other = (load_file(tmp_path / run / "last.safetensors") for run in ("alone", "run"))
    for key, tensor in one.items():
        torch.testing.assert_close(other[key], tensor, rtol=1e-4, atol=1e-5)


OF_TASKS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "segment": ("discs", "conv 4 k3 p1 -> relu -> conv 2 k1", {"dice": 0.5}),
    "regress": ("centres", "conv 4 k3 -> relu -> maxpool 4 -> flatten -> linear 2", {"error": "huber"}),
    "multilabel": ("shapes", "conv 4 k3 -> relu -> maxpool 4 -> flatten -> linear 2", {}),
}


@pytest.mark.parametrize("task", OF_TASKS)
def test_measures_of_each_task_are_those_of_one_process(task: str, ranks: Ranks, tmp_path: Path) -> None:
    data, chain, more = OF_TASKS[task]
    (x, y), (other_x, other_y) = drawn(data, 61, 0), drawn(data, 45, 1)  # the last batches are uneven
    if task == "multilabel":
        y, other_y = y.astype(np.uint8), other_y.astype(np.uint8)
    file = tmp_path / "made.npz"
    np.savez(file, x_train=x, y_train=y, x_test=other_x, y_test=other_y)
    spec = f"input 1x{SIDE}x{SIDE}\n{chain}\ntrain {{ epochs 2 ; batch 12 ; precision fp32 ; lr 0.01 }}\n"
    asked: dict[str, Any] = {"spec": spec, "data": str(file), "task": task, **more}
    alone = train(out=tmp_path / "alone", **asked)
    found = values(ranks.call(trained, [{"out": tmp_path / "run", **asked}] * 2))
    assert found[0] == found[1]
    for mine, theirs in zip(alone.metrics, found[0]["metrics"], strict=True):
        row, other = replace(mine, seconds=0).row(), theirs.row()
        assert row.keys() == other.keys()
        for key, value in row.items():
            assert other[key] == pytest.approx(value, rel=1e-4, abs=2e-3), key


def test_shards_are_a_batch() -> None:
    for size in range(12):
        for count in range(1, 6):
            parts = [list(range(size))[Shard(number, count).of(size)] for number in range(count)]
            assert [one for part in parts for one in part] == list(range(size))
            assert max(map(len, parts)) - min(map(len, parts)) <= 1
            assert len(parts[0]) == max(map(len, parts))


def test_processes_draw_apart(ranks: Ranks, tmp_path: Path) -> None:
    """Augmentation and dropout are each process's own, and none of it is lost."""
    values(ranks.call(trained, [{"spec": NORMED, "out": tmp_path / "run", "flip": True}] * 2))
    tensors = load_file(tmp_path / "run" / STATE)
    assert not tensors["random/torch"].equal(tensors["random/1/torch"])
    record = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert (record["processes"], record["machines"]) == (2, 1)


# Stops


@pytest.mark.parametrize("count", [2, 3])
def test_stopped_in_one_process_and_resumed(count: int, ranks: Ranks, tmp_path: Path) -> None:
    recipe: dict[str, Any] = {"flip": True, "crop": 1, "mixup": 0.3, "average": 0.9, "checkpoint_steps": 5}
    whole = [{"spec": NORMED, "out": tmp_path / "whole", **recipe}] * count
    values(ranks.call(trained, whole))
    parts = [{"spec": NORMED, "out": tmp_path / "run", **recipe, "stop_after": 30 if rank == 1 else -1}
             for rank in range(count)]  # fmt: skip
    assert [one["stopped"] for one in values(ranks.call(trained, parts))] == [signal.SIGINT] * count
    facts = read_checkpoint(tmp_path / "run" / STATE)
    assert (facts.epoch, facts.step) == (1, 7)
    again = [{"run": tmp_path / "run", "stop_after": 20 if rank == 0 else -1} for rank in range(count)]
    assert values(ranks.call(resumed, again)) == [signal.SIGINT] * count
    assert values(ranks.call(resumed, [{"run": tmp_path / "run"}] * count)) == [None] * count
    assert same_weights(tmp_path / "whole", tmp_path / "run")
    found = specc("--resume", str(tmp_path / "run"), "--nproc", "5")
    assert "complete: 3 epochs; nothing to do" in found.output


AUGMENTED: dict[str, dict[str, Any]] = {
    "warps": {"rotate": 20.0, "translate": 0.1, "zoom": 0.2, "shear": 10.0},
    "moves": {"flip": True, "flip_vertical": True, "crop": 2, "crop_padding": "reflect", "resized_crop": 0.4},
    "policies": {"randaugment": 9, "trivialaugment": True},
    "colours": {"color_jitter": 0.3, "hue": 0.1, "blur": 1.0},
    "fills": {"cutout": 3, "erase": 0.5},
    "mixes": {"mixup": 0.3, "cutmix": 1.0},
}


def test_every_augmentation_is_one_of_them() -> None:
    options = {"crop_padding"}
    assert {name for group in AUGMENTED.values() for name in group} - options == set(known(Recipe))


@pytest.fixture(scope="module")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures in colour of three classes, as an `.npz` and as files."""
    folder = tmp_path_factory.mktemp("coloured")
    chance = np.random.default_rng(0)
    y = np.arange(60) % 3
    x = (chance.integers(0, 120, (60, 8, 8, 3)) + 60 * y[:, None, None, None]).astype(np.uint8)
    np.savez(folder / "made.npz", x_train=x[:45], y_train=y[:45], x_test=x[45:], y_test=y[45:])
    for number, (pixels, label) in enumerate(zip(x, y, strict=True)):
        path = folder / "pictures" / ("train" if number < 45 else "test") / str(label) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return folder


@pytest.mark.parametrize("source", ["made.npz", "pictures"])
@pytest.mark.parametrize("group", AUGMENTED)
def test_augmented_in_two_processes_and_resumed(
    group: str, source: str, coloured: Path, ranks: Ranks, tmp_path: Path
) -> None:
    """Arrays in memory, and files that stay on the disk; each process has draws of its own, which go on."""
    spec = "input 3x8x8\nconv 4 k3 -> bn -> relu -> flatten -> dropout 0.2 -> linear 3\n"
    asked: dict[str, Any] = {"spec": spec, "data": str(coloured / source), "epochs": 2, "batch": 10, "in_memory": "off",
        "workers": 0, "checkpoint_steps": 2, "precision": "fp32", **AUGMENTED[group]}  # fmt: skip
    values(ranks.call(trained, [{"out": tmp_path / "whole", **asked}] * 2))
    values(ranks.call(trained, [{"out": tmp_path / "run", **asked, "stop_after": 3}] * 2))
    values(ranks.call(resumed, [{"run": tmp_path / "run"}] * 2))
    assert same_weights(tmp_path / "whole", tmp_path / "run")


def test_other_many_processes_are_refused(ranks: Ranks, tmp_path: Path) -> None:
    values(ranks.call(trained, [{"spec": PLAIN, "out": tmp_path / "run", "stop_after": 3}] * 2))
    for arguments in (["--nproc", "1"], ["--nproc", "3"]):
        done = specc("--resume", str(tmp_path / "run"), *arguments)
        assert (done.exit_code, "began with 2 processes" in done.stderr) == (2, True), done.output
    alone = resume(tmp_path / "run", adopt=True)
    assert len(alone.metrics) == 2
    assert "processes" not in json.loads((tmp_path / "run" / "recipe.json").read_text())


# Failures


def failures(answers: list[Answer]) -> list[str]:
    return sorted(f"{answer.kind} {answer.value.split(' ')[0]}" for answer in answers)


def test_a_failure_of_all_is_told_once(ranks: Ranks, tmp_path: Path) -> None:
    answers = ranks.call(trained, [{"spec": PLAIN, "out": tmp_path / "run", "optimizer": "sgd", "lr": 1e30}] * 3)
    assert failures(answers) == ["FailedElsewhere E615", "FailedElsewhere E615", "FailedHere E615"]
    stored = load_file(tmp_path / "run" / "last.safetensors")
    assert all(tensor.isfinite().all() for tensor in stored.values())


def test_a_failure_of_one_ends_all(ranks: Ranks, tmp_path: Path) -> None:
    answers = ranks.call(broken_in_one, [{"rank": rank, "spec": PLAIN, "out": tmp_path / "run"} for rank in range(2)])
    assert failures(answers) == ["FailedElsewhere E626", "FailedHere E611"]
    assert not (tmp_path / "run").exists()


def test_different_specs_are_refused(ranks: Ranks, tmp_path: Path) -> None:
    specs = (PLAIN, PLAIN.replace("conv 4", "conv 5"))
    answers = ranks.call(trained, [{"spec": spec, "out": tmp_path / "run"} for spec in specs])
    assert failures(answers) == ["FailedElsewhere E628", "FailedHere E628"]


def test_each_machine_is_told_once(ranks: Ranks, tmp_path: Path) -> None:
    specs = (PLAIN, PLAIN.replace("conv 4", "conv 5"))
    answers = ranks.call(trained, [{"spec": spec, "out": tmp_path / "run"} for spec in specs], machines=2)
    assert failures(answers) == ["FailedHere E628", "FailedHere E628"]
    told = f"process 1 on {socket.gethostname()} and process 0 differ in spec"
    assert all(told in answer.value for answer in answers)
    broken = [{"rank": rank, "spec": PLAIN, "out": tmp_path / "run"} for rank in range(2)]
    assert failures(ranks.call(broken_in_one, broken, machines=2)) == ["FailedHere E611", "FailedHere E626"]


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({}, Rank()),
        ({"RANK": "1", "WORLD_SIZE": "2"}, Rank()),  # of another launcher, which says no address
        ({"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"}, Rank(5, 8, 1, 4)),
        ({"RANK": "2", "WORLD_SIZE": "2"}, None),
        ({"RANK": "x", "WORLD_SIZE": "2"}, None),
        ({"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "3", "LOCAL_WORLD_SIZE": "2"}, None),
    ],
)
def test_places(environment: dict[str, str], place: Rank | None) -> None:
    given = {"MASTER_ADDR": "a", "MASTER_PORT": "1", **environment} if environment and place != Rank() else environment
    if place is None:
        with pytest.raises(Problem, match="contradict"):
            place_of(given)
    else:
        assert place_of(given) == place


def specc(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["train", *arguments])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nproc", "0"], "not in the range"),
        (["--nproc", "1000"], "E627"),
        (["--nproc", "1000", "--batch", "2000"], "E625"),
        (["--nproc", "2", "--device", "cuda:0"], "E625"),
        (["--nproc", "2", "--data", "mnst"], "E601"),
        (["--nproc", "2", "--out", "."], "E613"),
        (["--nproc", "2", "--lr", "no"], "--lr"),
    ],
)
def test_mistakes_start_no_process(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.cnn").write_text(PLAIN)
    done = specc("net.cnn", *arguments)
    assert (done.exit_code, words in done.stderr) == (2, True), done.output
    assert not (tmp_path / "runs").exists()


def test_under_torchrun_no_other_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": 0, "WORLD_SIZE": 2, "MASTER_ADDR": "localhost", "MASTER_PORT": 1}.items():
        monkeypatch.setenv(name, str(value))
    assert "leave out --nproc" in specc("net.cnn", "--nproc", "2").stderr
    assert "several processes" in specc("-").stderr


# The real command


def started(folder: Path, *options: str) -> subprocess.Popen[str]:
    """A long run of two processes in its second epoch."""
    (folder / "net.cnn").write_text(NORMED)
    command = [sys.executable, "-m", "specc", "train", "net.cnn", "--nproc", "2", "--out", "run", *options]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 100
    while process.poll() is None and time.monotonic() < deadline:
        path = folder / "run" / STATE
        if path.exists() and read_checkpoint(path).epoch:
            return process
        time.sleep(0.02)
    raise AssertionError(process.communicate())


def children_of(process: subprocess.Popen[str]) -> list[int]:
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not found.exists():
        pytest.skip("this system does not tell a process's children")
    return [int(number) for number in found.read_text().split()]


def test_a_worker_that_dies_is_named(tmp_path: Path) -> None:
    process = started(tmp_path, "--epochs", "100000", "--checkpoint-steps", "10")
    os.kill(children_of(process)[1], signal.SIGKILL)
    _, err = process.communicate(timeout=100)
    assert process.returncode == 1, err
    assert "E626" in err and "process 1 of 2 was ended by SIGKILL" in err and "--resume run" in err
    assert "Traceback" not in err and len(err.splitlines()) <= 3
    assert read_checkpoint(tmp_path / "run" / STATE).epoch >= 1


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_who_was_killed_is_named_before_those_that_it_took_along(order: tuple[int, ...], tmp_path: Path) -> None:
    """Whichever of them is noticed first."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

    ends = {0: 1, 1: -signal.SIGKILL}
    failures = {rank: ProcessFailure(rank, 100 + rank, ends[rank], str(tmp_path / "none")) for rank in order}
    with pytest.raises(Problem) as caught:
        status_of(ChildFailedError("specc", failures), 2, None)
    assert caught.value.diagnostic.message.startswith("process 1 of 2 was ended by SIGKILL")


WITNESS = """\
import atexit, os, sys, types

if "RANK" in os.environ:
    told = open(f"told{os.environ['RANK']}", "a", buffering=1)
    atexit.register(told.write, "at the exit\\n")

    class Witness(types.ModuleType):
        def __del__(self, write=told.write):
            write("taken down\\n")

    sys.modules["witness"] = Witness("witness")
"""


def test_processes_end_without_taking_the_interpreter_down(tmp_path: Path) -> None:
    """Threads of gloo are still there, and would abort one that they find half gone."""
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(WITNESS)
    (tmp_path / "net.cnn").write_text(PLAIN)
    path = os.pathsep.join([str(tmp_path / "hook"), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "specc", "train", "net.cnn", "--nproc", "2", "--limit", "100", "--out", "run"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    *_, last, after, _, _, play = done.stdout.splitlines()
    assert last == "weights and metrics are in run; report.html shows them"
    assert (after, play) == ("next: specc eval run", "      specc play run")
    assert [(tmp_path / f"told{rank}").read_text() for rank in (0, 1)] == ["at the exit\n"] * 2


def test_a_signal_stops_all_processes(tmp_path: Path, ranks: Ranks) -> None:
    process = started(tmp_path, "--epochs", "300", "--checkpoint-steps", "10")
    workers = children_of(process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=100)
    assert (process.returncode, err) == (128 + signal.SIGTERM, "")
    assert out.count("stopped by SIGTERM") == 1
    assert not [number for number in workers if Path(f"/proc/{number}").exists()]
    facts = read_checkpoint(tmp_path / "run" / STATE)
    # The same stop again, asked for by the processes themselves; between two epochs no step is the last.
    place = {"stop_after": 23 * facts.epoch + facts.step} if facts.step else {"stop_in": facts.epoch}
    values(ranks.call(trained, [{"spec": NORMED, "out": tmp_path / "again", "epochs": 300, **place}] * 2))
    assert same_weights(tmp_path / "again", tmp_path / "run")
