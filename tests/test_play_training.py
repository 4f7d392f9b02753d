"""The run that the page of `specc play` trains: begun, watched, stopped, gone on with, and what is told of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specc.evaluate.trained import load_trained
from specc.play.child import NoAnswer
from specc.play.machine import GoOnAsked, Machine, TrainAsked
from specc.play.opening import Opened
from specc.play.runs import TrainedHere
from specc.runner.run import train
from specc.source import Source

NET = "input 1x8x8\nconv 4 k3 -> bn -> relu -> flatten -> dropout 0.2 -> linear 10\ntrain { epochs 3 ; batch 16 }\n"
URI = "spec:///net.cnn"
WANTED = {"name": "net.cnn", "data": "digits"}
LIMIT = 120  # seconds that anything of this may take on a busy machine


async def until(run: TrainedHere, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Waits for a state of a run."""
    there = asyncio.Event()
    end = run.hear(lambda state: there.set() if holds(state) else None)
    if not holds(run.state):
        await asyncio.wait_for(there.wait(), LIMIT)
    end()
    return run.state


def over(state: dict[str, Any]) -> bool:
    return state["state"] in ("done", "stopped", "failed")


def test_a_run_that_was_stopped_and_gone_on_with_is_that_which_never_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    text = NET.replace("epochs 3 ; batch 16", "epochs 8 ; batch 4")

    async def story() -> dict[str, Any]:
        run = TrainedHere()
        states = []
        run.hear(lambda state: states.append(state["state"]))
        await run.begin(text, WANTED)
        with pytest.raises(NoAnswer, match="a run is at work already"):
            await run.begin(text, WANTED)
        await until(run, lambda state: bool(state["step"]) or len(state["rows"]) > 0)
        assert run.weights is not None
        shown = load_trained(run.weights)
        assert (shown.shaped.output, len(shown.data.classes)) == ((10,), 10), "they are whole while it goes on"
        run.stop()
        stopped = dict(await until(run, over))
        assert stopped["state"] == "stopped" and len(stopped["rows"]) < 8
        await run.go_on(None)
        await until(run, over)
        assert [state for at, state in enumerate(states) if states[at - 1 : at] != [state]] == [
            "starting", "running", "stopping", "stopped", "starting", "running", "done",
        ]  # fmt: skip
        await run.close()
        return run.state

    state = asyncio.run(story())
    assert (state["folder"], len(state["rows"]), state["step"]) == (str(tmp_path / "runs" / "net-digits-1"), 8, None)
    straight = train(text, tmp_path / "straight", data="digits")
    for name in ("best.safetensors", "last.safetensors"):
        assert (tmp_path / "straight" / name).read_bytes()[-10_000:] == Path(state["folder"], name).read_bytes()[
            -10_000:
        ]
    assert [row["test_loss"] for row in state["rows"]] == [one.test_loss for one in straight.metrics]


def trained(**wanted: Any) -> list[dict[str, Any]]:
    """What the process tells of a run; its input stays open."""
    command = [sys.executable, "-m", "specc.play.training"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps({"live": "now.safetensors", **WANTED, **wanted}) + "\n")
        process.stdin.flush()
        return [json.loads(line) for line in process.stdout]


@pytest.mark.parametrize(
    ("wanted", "code", "told"),
    [
        ({"text": NET.replace("linear 10", "linear 3")}, "E606", "10 classes"),
        ({"text": NET.replace("k3", "k9")}, "E301", "kernel 9 does not fit"),
        (
            {"text": NET.replace("epochs 3", 'from_weights "torchvision:resnet18"')},
            "E635",
            "the page downloads nothing",
        ),
        ({"text": "input 12\nlinear 10\n"}, "E605", "1x8x8"),
        ({"resume": "nowhere"}, "E620", "nowhere"),
        ({"text": NET.replace("epochs 3", "epochs 3 ; optimizer sgd ; lr 100000000")}, "E615", "became"),
    ],
)
def test_what_ends_a_run_is_a_diagnostic(
    wanted: dict[str, Any], code: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    last = trained(**wanted)[-1]
    assert last["event"] == "failed"
    (one,) = last["diagnostics"]
    assert (one["code"], told in one["message"], bool(one["help"])) == (code, True, True), one


def test_pictures_are_made_to_fit_unless_the_text_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = NET.replace("1x8x8", "3x12x10").replace("epochs 3", "epochs 1 ; limit 100")
    events = trained(text=text, epochs=2)
    assert {"event": "note", "text": "the pictures are made 3x12x10"} in events
    assert (events[-1]["event"], events[-1]["state"], events[-1]["epochs_done"]) == ("end", "done", 2)
    recipe = json.loads((tmp_path / "runs" / "net-digits-1" / "recipe.json").read_text())
    assert (recipe["resize"], recipe["channels"], recipe["epochs"]) == ([12, 10], 3, 2)


def test_the_processes_end_with_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def story() -> dict[str, Any]:
        machine = Machine(Opened(Source("net.cnn", NET)))
        assert await machine.train(NET, TrainAsked(uri=URI, name="../<img>", data="digits", epochs=9999)) == ""
        assert await machine.train(NET, TrainAsked(uri=URI, data="digits")) == "a run is at work already: stop it first"
        assert await machine.go_on(GoOnAsked()) == "a run is at work already: stop it first"
        await until(machine.training, lambda state: state["state"] == "running")
        await machine.close()
        assert not machine.training.is_at_work
        return machine.training.state

    state = asyncio.run(story())
    assert state["state"] == "stopped" and Path(state["folder"], "last.safetensors").is_file()
    assert Path(state["folder"]).parent == tmp_path / "runs", "a name leads nowhere"


def test_there_is_nothing_to_go_on_with_at_first() -> None:
    machine = Machine(Opened(Source("net.cnn", NET)))
    assert asyncio.run(machine.go_on(GoOnAsked())) == "there is no run to go on with"
    asked = TrainAsked(uri=URI, data="hf:somebody/something")
    assert asyncio.run(machine.train(NET, asked)) == "these data are not on this machine"
