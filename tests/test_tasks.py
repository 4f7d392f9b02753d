"""Tasks: what is measured, beside what other programs measure; folders of runs from before there were tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from callbacks import Stop
from click.testing import CliRunner
from safetensors.torch import load_file

from specc.cli.main import main
from specc.runner.checkpoint import KEY, checkpoint_bytes, read_checkpoint
from specc.runner.listing import listed
from specc.runner.resume import resume
from specc.runner.run import train
from specc.runner.run_folder import STATE
from specc.tasks.classify import TOP, Classify, Hits
from specc.tasks.confusion import Confusion
from specc.tasks.names import LEARNED, SETTINGS
from specc.tasks.registry import TASKS, collected, settings_of
from specc.tasks.task import Task

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = "input 1x8x8\nconv 4 k3 -> relu -> flatten -> linear 10\ntrain { epochs 2 ; batch 256 }\n"
AUTOENCODER = "input 1x8x8\nflatten -> linear 64 -> unflatten 1x8x8\ntrain { task reconstruct ; epochs 2 }\n"
CPU = torch.device("cpu")


def test_every_task_says_what_it_is() -> None:
    for keyword, cls in TASKS.items():
        assert cls.keyword == keyword
        assert LEARNED[keyword] and cls.__doc__
        assert cls.best.measure in ("loss", *(one.name for one in cls.measures))


def test_the_settings_of_tasks_are_known_without_their_classes() -> None:
    assert frozenset().union(*map(settings_of, TASKS.values())) == SETTINGS


def test_two_tasks_of_one_name_are_refused() -> None:
    class Other(Task):
        keyword = Classify.keyword

    with pytest.raises(TypeError, match="two tasks are called `classify`"):
        collected([Classify, Other])


@pytest.mark.parametrize("more", [{}, {"accumulate": 2}, {"precision": "bf16"}, {"label_smoothing": 0.1}])
def test_training_answers_are_those_of_the_weights(more: dict[str, Any], tmp_path: Path) -> None:
    """Where the weights stand still the training pictures are answered as `eval` answers them."""
    done = train(TINY, tmp_path / "run", epochs=1, lr=1e-30, **more)
    found = CliRunner().invoke(main, ["eval", str(done.folder), "--split", "train", "--json"])
    assert done.metrics[0].train_accuracy == pytest.approx(json.loads(found.stdout)["accuracy"], abs=1e-9)


def test_no_answer_to_a_blended_picture_is_counted(tmp_path: Path) -> None:
    (epoch,) = train(TINY, tmp_path / "run", epochs=1, mixup=0.2).metrics
    assert "train_accuracy" not in epoch.row() and epoch.test_accuracy is not None


def test_the_line_of_an_epoch_tells_both_accuracies(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(TINY)
    arguments = [str(tmp_path / "net.cnn"), "--out", str(tmp_path / "run"), "--epochs", "1"]
    done = CliRunner().invoke(main, ["train", *arguments])
    row = json.loads((tmp_path / "run" / "metrics.jsonl").read_text())
    for name in ("train", "test"):
        assert f"{name} accuracy {100 * row[f'{name}_accuracy']:.2f} %" in done.stdout


@pytest.mark.parametrize("classes", [2, TOP, TOP + 1, 20])
def test_the_likeliest_five_are_sklearns(classes: int) -> None:
    from sklearn.metrics import top_k_accuracy_score

    torch.manual_seed(classes)
    outputs, y = torch.randn(200, classes), torch.randint(0, classes, (200,))
    meter = Hits(CPU, classes)
    for part in range(0, 200, 64):
        meter.update(outputs[part : part + 64], outputs[part : part + 64], y[part : part + 64])
    found = meter.result(200)
    assert found["loss"] == pytest.approx(float(torch.nn.functional.cross_entropy(outputs, y)), rel=1e-5)
    assert ("top5" in found) == (classes > TOP)
    if classes > TOP:
        expected = top_k_accuracy_score(y, outputs, k=TOP, labels=range(classes))
        assert found["top5"] == pytest.approx(float(expected))


@pytest.mark.parametrize("seed", range(5))
def test_mean_f1_is_sklearns(seed: int) -> None:
    from sklearn.metrics import confusion_matrix, f1_score

    chance = torch.Generator().manual_seed(seed)
    true, said = torch.randint(0, 3 + seed, (2, 40), generator=chance).tolist()
    counts = confusion_matrix(true, said, labels=range(4 + seed)).tolist()  # one class is never there
    names = tuple(map(str, range(4 + seed)))
    found = Confusion(names, tuple(tuple(row) for row in counts)).mean_f1()
    expected = [f1_score(true, said, average=kind, zero_division=0) for kind in ("macro", "weighted")]
    assert found == pytest.approx(expected)


# Before there were tasks


def _as_it_was(run: Path, objective: str) -> None:
    """Write a folder as a run of before left it: `objective`, an epoch as a list, the losses alone."""
    recipe = json.loads((run / "recipe.json").read_text())
    recipe["objective"] = recipe.pop("task")
    recipe["options"] = {"objective": objective}
    (run / "recipe.json").write_text(json.dumps(recipe))
    tensors, checkpoint = load_file(run / STATE), read_checkpoint(run / STATE)
    tensors["losses"] = tensors["losses"][:, 0].contiguous()
    (run / STATE).write_bytes(checkpoint_bytes(checkpoint, tensors))
    content = (run / STATE).read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    facts = json.loads(header["__metadata__"][KEY])
    facts["format"] = 2
    facts["record"]["recipe"]["objective"] = facts["record"]["recipe"].pop("task")
    facts["record"]["options"] = {"objective": objective}
    facts["metrics"] = [
        [one["epoch"], one["train_loss"], one["test_loss"], one["test_accuracy"], one["seconds"], None, None]
        for one in facts["metrics"]
    ]
    header["__metadata__"][KEY] = json.dumps(facts)
    text = json.dumps(header).encode()
    (run / STATE).write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("train_accuracy", None), line.pop("test_top5", None)
    (run / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


@pytest.mark.parametrize(("spec", "task"), [(TINY, "classify"), (AUTOENCODER, "reconstruct")])
def test_a_run_of_before_goes_on(spec: str, task: str, tmp_path: Path) -> None:
    whole = train(spec, tmp_path / "whole", batch=256)
    train(spec, tmp_path / "run", batch=256, callback=Stop(8))
    _as_it_was(tmp_path / "run", task)
    found = listed(tmp_path / "run")
    assert (found.state, len(found.metrics)) == ("stopped", 1)
    assert found.record is not None and found.record.recipe.task == task
    resume(tmp_path / "run", callback=Stop(1))  # it is stopped in the same epoch once more
    done = resume(tmp_path / "run")
    assert [one.test_loss for one in done.metrics] == [one.test_loss for one in whole.metrics]
    assert [one.measures["test_accuracy"] for one in done.metrics] == [
        one.measures["test_accuracy"] for one in whole.metrics
    ]
    assert all("train_accuracy" not in one.row() for one in done.metrics)  # of half an epoch nobody knows
    own, other = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "run"))
    assert all(own[name].equal(tensor) for name, tensor in other.items())
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["task"] == task


def test_what_is_written_says_task(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(AUTOENCODER.replace("task", "objective"))
    done = CliRunner().invoke(main, ["train", str(tmp_path / "net.cnn"), "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.stderr
    recipe = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert recipe["task"] == "reconstruct" and "objective" not in recipe
    assert b"objective" not in (tmp_path / "run" / "best.safetensors").read_bytes().replace(b"{ objective", b"")
