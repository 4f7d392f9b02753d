"""After an adoption only the epochs of the new network count, and everything is made with its weights."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from callbacks import Heard, Stop
from click.testing import CliRunner, Result
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

from specc.cli.main import main
from specc.runner.checkpoint import Checkpointer, read_checkpoint
from specc.runner.listing import listed
from specc.runner.metrics import metrics_of
from specc.runner.resume import resume
from specc.runner.run import train
from specc.runner.run_folder import STATE, RunFolder

pytestmark = pytest.mark.usefixtures("one_thread")

GOOD = (
    "input 1x8x8\nflatten -> linear 32 -> relu -> linear 10\ntrain { epochs 3 ; batch 64 ; lr 0.01 ; precision fp32 }\n"
)
WIDER = GOOD.replace("linear 32", "linear 48")
SLOW: dict[str, Any] = {"lr": 1e-9, "epochs": 5}  # no epoch comes near those of the network before


class Cut(BaseException):
    """Ends a run as a power cut would: nothing is written after it."""


def cut() -> None:
    raise Cut


def specc(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that has learned in three epochs all that there is to learn."""
    return train(GOOD, tmp_path / "run").folder


def width_of(weights: Path) -> int:
    return load_file(weights)["linear1.weight"].shape[0]


def pictures(folder: Path, classes: int | Sequence[str]) -> Path:
    """A folder of noise of 8×8, as many pictures of each class."""
    names = [f"c{number}" for number in range(classes)] if isinstance(classes, int) else classes
    for part in ("train", "test"):
        for number, name in enumerate(names):
            place = folder / part / name
            place.mkdir(parents=True)
            for shade in range(8):
                Image.new("L", (8, 8), 20 * number + shade).save(place / f"{shade}.png")
    return folder


def test_the_new_network_is_the_best(run: Path) -> None:
    before = json.loads(specc("runs", run, "--json").stdout)["runs"][0]["best"]
    done = resume(run, WIDER, adopt=True, **SLOW)
    assert done.best is not None and done.best.epoch == 4
    assert done.best.score < before["test_accuracy"]
    assert width_of(run / "best.safetensors") == width_of(run / "last.safetensors") == 48
    assert width_of(run / "best-before-epoch-4.safetensors") == 32
    found = json.loads(specc("runs", run, "--json").stdout)["runs"][0]
    assert (found["best"]["epoch"], found["last"]["epoch"], found["epochs_done"]) == (4, 5, 5)
    assert json.loads((run / "recipe.json").read_text())["adopted_after"] == 3
    assert read_checkpoint(run / "state.safetensors").record.adopted_after == 3
    page = (run / "report.html").read_text()
    assert "the first 3 epochs are of another network or other data" in page and "epoch 4" in page


def test_what_a_run_is_used_for_is_the_new_network(run: Path, tmp_path: Path) -> None:
    resume(run, WIDER, adopt=True, **SLOW)
    picture = pictures(tmp_path / "pictures", 1) / "test" / "c0" / "0.png"
    assert json.loads(specc("eval", run, "--json").stdout)["weights"].endswith("best.safetensors")
    assert specc("predict", run, picture).exit_code == 0
    exported = specc("export", run, "--to", "python")
    assert (exported.exit_code, "48" in exported.stdout) == (0, True), exported.output
    assert specc("export", run, "-o", tmp_path / "net.pt2").exit_code == 0


def test_a_crash_before_the_first_epoch_of_the_new_network(run: Path, tmp_path: Path) -> None:
    """There is no best of it yet: what it begins with is used, and its file is named."""
    callback = Stop(2, cut)
    with pytest.raises(Cut):
        resume(run, WIDER, adopt=True, callback=callback, **SLOW)
    assert any("best-before-epoch-4.safetensors" in line for line in callback.lines)
    assert not (run / "best.safetensors").exists()
    assert width_of(run / "last.safetensors") == 48
    found = specc("eval", run)
    assert "last.safetensors" in found.stdout.splitlines()[0]
    assert specc("predict", run, pictures(tmp_path / "pictures", 1)).exit_code == 0
    exported = specc("export", run, "--to", "python")
    assert (exported.exit_code, "48" in exported.stdout, "last.safetensors" in exported.stdout) == (0, True, True)
    one = listed(run)
    assert (one.best, one.last, one.state, len(one.metrics)) == (None, None, "stopped", 3)
    assert " -  " in specc("runs", run).stdout
    assert specc("export", run, "--to", "python", "--weights", run / "best-before-epoch-4.safetensors").exit_code == 0
    done = resume(run)
    assert done.best is not None and done.best.epoch == 4


@pytest.mark.parametrize("method", ["write_record", "_write_state", "_write_weights", "set_best_aside"])
def test_a_crash_while_a_network_is_adopted(method: str, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between any two files: a weights file is always used with the network that it holds, and the run can go on."""
    owner = Checkpointer if hasattr(Checkpointer, method) else RunFolder
    with monkeypatch.context() as patch, pytest.raises(Cut):
        patch.setattr(owner, method, lambda *arguments: cut())
        resume(run, WIDER, adopt=True, **SLOW)
    assert specc("eval", run).exit_code == 0
    assert specc("export", run, "--to", "python").exit_code == 0
    if read_checkpoint(run / "state.safetensors").record.spec == WIDER:
        assert resume(run, callback=Stop(1)).best is None
    elif (run / "spec.cnn").read_text() == GOOD:
        assert resume(run, epochs=4).best is not None
    else:
        assert "--adopt" in specc("train", "--resume", run, "--epochs", "4").stderr
        resume(run, adopt=True, callback=Stop(1), **SLOW)
    assert resume(run, adopt=True, **SLOW).metrics[-1].epoch == 5


# a, b and c become these; which of them begin anew is said
CLASSES = {
    "others": ("x", "y", "z"),
    "some": ("b", "c", "d"),
    "more": ("a", "b", "bb", "c"),
    "fewer": ("a", "c"),
}
# The layer that gives a number for each class, as these specs end: its tensors that have a row for each.
HEADS = {
    "linear {}": ("linear2.weight", "linear2.bias"),
    "linear {} -> bn": ("linear2.weight", "linear2.bias", "bn1.weight", "bn1.running_mean"),
    "unflatten 8x2x2 -> conv {} k1 -> gap -> flatten": ("conv1.weight", "conv1.bias"),
}
ADOPTING: dict[str, Any] = {"batch": 4, "optimizer": "adamw", "average": 0.5, "precision": "fp32"}


@pytest.mark.parametrize("end", HEADS)
@pytest.mark.parametrize("classes", CLASSES.values(), ids=CLASSES)
def test_rows_follow_their_classes(classes: tuple[str, ...], end: str, tmp_path: Path) -> None:
    """What the last layer has learned of a class goes where that class is now, and is used for no other one."""
    old, new = (f"input 1x8x8\nflatten -> linear 32 -> relu -> {end.format(count)}\n" for count in (3, len(classes)))
    run = train(old, tmp_path / "run", data=str(pictures(tmp_path / "old", "abc")), epochs=2, **ADOPTING).folder
    before, heard = load_file(run / STATE), Stop(1, cut)
    with pytest.raises(Cut):
        resume(run, new, adopt=True, data=str(pictures(tmp_path / "new", classes)), callback=heard, epochs=3)
    after = load_file(run / STATE)  # as it was adopted, before the first step
    kept = [row for row, name in enumerate(classes) if name in "abc"]
    fresh = [row for row in range(len(classes)) if row not in kept]
    for tensor in HEADS[end]:
        for name in (f"model/{tensor}", f"average/{tensor}", f"optimizer/{tensor}/exp_avg_sq"):
            if name in before:
                assert len(after[name]) == len(classes)
                assert after[name][kept].equal(before[name][["abc".index(classes[row]) for row in kept]])
                if name.startswith("optimizer"):
                    assert not after[name][fresh].any()
                elif "weight" in name and "bn" not in name:
                    assert not any(after[name][row].equal(one) for row in fresh for one in before[name])
    said = "\n".join(heard.lines)
    assert [f"`{name}`" in said for name in classes] == [row in fresh for row in range(len(classes))]
    assert ("anew" in said) == bool(fresh)


def test_branches_begin_anew(tmp_path: Path) -> None:
    """Nobody can tell which row of which branch was whose."""
    spec = "input 1x8x8\nflatten -> linear 32 -> relu -> add { linear 3 -> relu -> linear 3 | linear 3 }\n"
    run = train(spec, tmp_path / "run", data=str(pictures(tmp_path / "old", "abc")), epochs=1, **ADOPTING).folder
    before, heard = load_file(run / STATE), Stop(1, cut)
    with pytest.raises(Cut):
        resume(run, adopt=True, data=str(pictures(tmp_path / "new", "bcd")), callback=heard, epochs=2)
    after = load_file(run / STATE)
    changed = {name for name in before if name.startswith("model/") and not before[name].equal(after[name])}
    assert changed == {name for name in before if name.startswith("model/add1")}
    assert any("starts from fresh values" in line for line in heard.lines)


def test_patience_counts_the_new_epochs(run: Path) -> None:
    done = resume(run, WIDER, adopt=True, lr=1e-9, epochs=20, patience=2)
    assert [one.epoch for one in done.metrics] == [1, 2, 3, 4, 5, 6]
    assert "complete: 6 epochs" in specc("train", "--resume", run).stdout
    assert listed(run).state == "done"


def test_a_run_that_has_stalled_takes_another_network(tmp_path: Path) -> None:
    folder = train(GOOD, tmp_path / "run", epochs=20, lr=1e-9, patience=1).folder
    assert len(listed(folder).metrics) == 2
    assert len(resume(folder, WIDER, adopt=True).metrics) == 4


def test_other_data_and_other_classes(run: Path, tmp_path: Path) -> None:
    new = GOOD.replace("linear 10", "linear 3")
    done = resume(run, new, adopt=True, data=str(pictures(tmp_path / "pictures", 3)), channels=1, epochs=5)
    assert done.best is not None and done.best.epoch > 3
    with safe_open(run / "best.safetensors", framework="pt") as file:
        assert json.loads(file.metadata()["data"])["classes"] == ["c0", "c1", "c2"]
    found = specc("eval", run)
    assert (found.exit_code, "c2" in found.stdout) == (0, True), found.output


def test_other_data_for_the_same_network(run: Path, tmp_path: Path) -> None:
    data = str(pictures(tmp_path / "pictures", 10))
    done = resume(run, adopt=True, data=data, channels=1, **SLOW)
    assert done.best is not None and done.best.epoch == 4


@pytest.mark.parametrize("options", [{}, {"lr": 1e-9}, {"optimizer": "sgd", "lr": 1e-9}, {"batch": 32, "lr": 1e-9}])
def test_another_recipe_alone_leaves_the_best(options: dict[str, Any], run: Path) -> None:
    """The same network and the same data: its epochs compete."""
    best = (run / "best.safetensors").read_bytes()
    done = resume(run, "# formatted\n" + GOOD, adopt=True, epochs=4, **options)
    assert "adopted_after" not in json.loads((run / "recipe.json").read_text())
    if options:
        assert done.best is not None and done.best.epoch <= 3
        assert (run / "best.safetensors").read_bytes() == best


def test_a_network_adopted_twice(run: Path) -> None:
    resume(run, WIDER, adopt=True, lr=1e-9, epochs=4)
    done = resume(run, GOOD.replace("linear 32", "linear 16"), adopt=True, lr=1e-9, epochs=6)
    assert done.best is not None and done.best.epoch == 5
    assert sorted(path.name for path in run.glob("best-*")) == [
        "best-before-epoch-4.safetensors", "best-before-epoch-5.safetensors"
    ]  # fmt: skip
    assert [width_of(path) for path in sorted(run.glob("best*.safetensors"))] == [32, 48, 16]


def test_the_json_events_tell_of_the_new_network(run: Path, tmp_path: Path) -> None:
    spec = tmp_path / "wider.cnn"
    spec.write_text(WIDER)
    done = specc("train", spec, "--resume", run, "--adopt", "--lr", "1e-9", "--epochs", "4", "--json")
    end = json.loads(done.stdout.splitlines()[-1])
    assert (end["best"]["epoch"], end["last"]["epoch"], end["epochs_done"]) == (4, 4, 4)


@pytest.mark.parametrize("first", [{}, {"validation": 0.2}])
def test_the_table_has_a_column_for_every_measure(first: dict[str, Any], tmp_path: Path) -> None:
    """The epochs before and after may have been measured otherwise."""
    folder = train(GOOD, tmp_path / "run", epochs=1, **first).folder
    second: dict[str, Any] = {"validation": 0.0 if first else 0.2}
    resume(folder, adopt=True, callback=Heard(), epochs=3, **second)
    rows = list(csv.DictReader((folder / "metrics.csv").open()))
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert len(rows) == len(lines) == 3
    for row, line in zip(rows, lines, strict=True):
        assert {name: float(text) for name, text in row.items() if text} == line
    assert metrics_of(lines[-1]).row() == lines[-1]
