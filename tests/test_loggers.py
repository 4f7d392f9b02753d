"""`specc train --log`: other programs are told of a run, and none of them can end it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from callbacks import Heard, Stop
from click.testing import CliRunner, Result

from specc.cli.main import main
from specc.diagnostics.diagnostic import Problem
from specc.runner.callbacks.base import Ended, Started
from specc.runner.callbacks.logger import Logger, Logging
from specc.runner.callbacks.registry import LOGGERS, logging, logging_again, named, ready
from specc.runner.resume import resume
from specc.runner.run import Run, train

TINY = "input 1x8x8\nflatten -> linear 10\ntrain { epochs 2 ; batch 256 ; limit 300 ; lr 0.01 }\n"


def stopped_and_continued(folder: Path, name: str) -> Run:
    """A run of two epochs that was stopped in the second one."""
    train(TINY, folder, callback=logging(Stop(3), [name]))
    return resume(folder, callback=logging_again(Heard(), folder))


def specc(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


# Which loggers


def test_names() -> None:
    assert named("tensorboard, mlflow,tensorboard") == ("tensorboard", "mlflow")
    assert named("none") == ()
    with pytest.raises(ValueError, match="did you mean `wandb`"):
        named("wand")
    with pytest.raises(ValueError, match="there is no logger `none`"):
        named("none,wandb")


def test_a_name_with_a_slip_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.cnn").write_text(TINY)
    done = specc("train", "net.cnn", "--log", "tensorbord")
    assert (done.exit_code, "did you mean `tensorboard`?" in done.output) == (2, True)
    assert not Path("runs").exists()


@pytest.mark.parametrize("name", LOGGERS)
def test_a_missing_package_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, LOGGERS[name][0].partition(":")[0].rpartition(".")[2], None)
    with pytest.raises(Problem) as caught:
        ready(name)
    assert caught.value.diagnostic.code == "E644"
    assert f"`{LOGGERS[name][1]}`" in (caught.value.diagnostic.help or "")


# A logger that fails


class Failing(Logger):
    """Fails in one of its methods."""

    def __init__(self, where: str) -> None:
        super().__init__("failing")
        self.where, self.calls = where, list[str]()

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name == self.where:
            raise ConnectionError("the line\nis cut")

    def start(self, started: Started) -> None:
        self._call("start")

    def log(self, values: Any, epoch: int) -> None:
        self._call("log")

    def end(self, ended: Ended) -> None:
        self.ended = ended
        self._call("end")


@pytest.mark.parametrize(("where", "calls"), [("start", 1), ("log", 2), ("end", 4), ("never", 4)])
def test_a_logger_that_fails_is_told_of_once(where: str, calls: int, tmp_path: Path) -> None:
    logger, heard = Failing(where), Heard()
    done = train(TINY, tmp_path / "run", callback=Logging(heard, [logger]))
    assert len(done.metrics) == 2
    assert len(logger.calls) == calls
    warned = [line for line in heard.lines if "failing failed" in line]
    assert len(warned) == (where != "never")
    assert all("ConnectionError: the line is cut" in line for line in warned)


def test_a_run_that_fails_is_ended(tmp_path: Path) -> None:
    logger = Failing("never")
    with pytest.raises(Problem), Logging(Heard(), [logger]) as callback:
        train(
            TINY.replace("linear", "linear 10 -> linear"), tmp_path / "run", optimizer="sgd", lr=1e30, callback=callback
        )
    assert logger.calls == ["start", "end"]
    assert logger.ended == Ended(tmp_path / "run", "failed", ())


# TensorBoard


def test_tensorboard(tmp_path: Path) -> None:
    reader: Any = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    done = stopped_and_continued(tmp_path / "run", "tensorboard")
    events = reader.EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert set(events.Tags()["scalars"]) == {
        "loss/train", "loss/test", "accuracy/train", "accuracy/test", "top5/test", "seconds",
    }  # fmt: skip
    for tag, name in (("loss/train", "train_loss"), ("accuracy/test", "test_accuracy")):
        found = [(event.step, event.value) for event in events.Scalars(tag)]
        assert found == [(one.epoch, pytest.approx(getattr(one, name), rel=1e-6)) for one in done.metrics]


# MLflow


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    address = f"file://{tmp_path / 'mlruns'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    yield address


def test_mlflow(tmp_path: Path, store: str) -> None:
    mlflow: Any = pytest.importorskip("mlflow")
    done = stopped_and_continued(tmp_path / "run", "mlflow")
    client = mlflow.MlflowClient(store)
    experiment = client.get_experiment_by_name("specc")
    (found,) = client.search_runs([experiment.experiment_id])
    assert (found.info.run_name, found.info.status) == ("run", "FINISHED")
    assert (found.data.params["lr"], found.data.params["parameters"]) == ("0.01", "650")
    history = client.get_metric_history(found.info.run_id, "test_accuracy")
    assert [(one.step, one.value) for one in history] == [(one.epoch, one.test_accuracy) for one in done.metrics]
    assert {"report.html", "spec.cnn"} <= {one.path for one in client.list_artifacts(found.info.run_id)}


def test_a_store_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://somewhere")
    with pytest.raises(Problem) as caught:
        ready("mlflow")
    assert caught.value.diagnostic.code == "E645"


# Weights & Biases


def test_wandb_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_PROJECT", "lecture")
    done = train(TINY, tmp_path / "run", callback=logging(Heard(), ["wandb"]))
    assert len(done.metrics) == 2
    (kept,) = (tmp_path / "run" / "wandb").glob("offline-run-*")
    identity = json.loads((tmp_path / "run" / "loggers.json").read_text())["wandb"]
    (written,) = kept.glob(f"run-{identity}.wandb")
    content = written.read_bytes()
    assert all(word in content for word in (b"lecture", b"test_accuracy", b"train_loss"))
    assert (kept / "files" / "report.html").read_bytes() == (tmp_path / "run" / "report.html").read_bytes()


def test_wandb_without_a_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wandb: Any = pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setattr(type(wandb.api), "api_key", None)
    with pytest.raises(Problem) as caught:
        ready("wandb")
    assert caught.value.diagnostic.code == "E645"
    assert "WANDB_MODE=offline" in (caught.value.diagnostic.help or "")


# Visdom: its package is stood in for by one that keeps what it is told


class Board(ModuleType):
    """The package `visdom`: `Visdom` is a server's client that takes what the real one takes."""

    def __init__(self, answers: bool) -> None:
        super().__init__("visdom")
        self.answers, self.lines, self.saved = answers, list[dict[str, Any]](), list[list[str]]()
        self.address: tuple[str, int] | None = None

    def Visdom(self, *, server: str, port: int, raise_exceptions: bool, use_incoming_socket: bool) -> Board:  # noqa: N802 - its name
        self.address = (server, port)
        return self

    def check_connection(self, timeout_seconds: int = 0) -> bool:
        return self.answers

    def line(self, Y: list[float], X: list[int], **rest: Any) -> str:  # noqa: N803 - its names
        known = {(line["env"], line["win"]) for line in self.lines}
        assert rest["update"] is None or (rest["env"], rest["win"]) in known, "a window is added to before it is there"
        self.lines.append({"x": X[0], "y": Y[0], **rest})
        return str(rest["win"])

    def save(self, environments: list[str]) -> str:
        self.saved.append(environments)
        return ""


def test_visdom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(answers=True)
    monkeypatch.setitem(sys.modules, "visdom", board)
    monkeypatch.setenv("VISDOM_SERVER", "http://board:9000")
    done = train(TINY, tmp_path / "my_run", callback=logging(Heard(), ["visdom"]))
    assert board.address == ("http://board", 9000)
    assert {line["env"] for line in board.lines} == {"my-run"} == set(board.saved[0])
    told = [(line["x"], line["y"]) for line in board.lines if (line["win"], line["name"]) == ("accuracy", "test")]
    assert told == [(one.epoch, one.test_accuracy) for one in done.metrics]
    assert {line["name"] for line in board.lines if line["win"] == "loss"} == {"train", "test"}


def test_a_continued_run_is_told_from_its_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "visdom", board := Board(answers=True))
    train(TINY, tmp_path / "run", callback=logging(Stop(3), ["visdom"]))
    board.lines.clear()  # the server was started anew
    resume(tmp_path / "run", callback=logging_again(Heard(), tmp_path / "run"))
    for window in ("loss", "accuracy"):
        assert [line["x"] for line in board.lines if (line["win"], line["name"]) == (window, "train")] == [1, 2]


def test_a_server_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.cnn").write_text(TINY)
    monkeypatch.setitem(sys.modules, "visdom", Board(answers=False))
    done = specc("train", "net.cnn", "--log", "visdom", "--out", "run")
    assert (done.exit_code, "E645" in done.stderr, Path("run").exists()) == (1, True, False)


def test_a_run_goes_on_without_a_logger_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "visdom", Board(answers=True))
    train(TINY, tmp_path / "run", callback=logging(Stop(3), ["visdom"]))
    monkeypatch.setitem(sys.modules, "visdom", Board(answers=False))
    done = specc("train", "--resume", tmp_path / "run")
    assert done.exit_code == 0, done.stderr
    assert "warning: no Visdom server answers" in done.stdout
    assert "goes on without it" in done.stdout


def test_a_complete_run_tells_nobody_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "visdom", board := Board(answers=True))
    train(TINY, tmp_path / "run", callback=logging(Heard(), ["visdom"]))
    board.lines.clear()
    assert "nothing to do" in specc("train", "--resume", tmp_path / "run").stdout
    assert board.lines == []
