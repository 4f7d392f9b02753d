"""`specc train` from the command line and from Python: runs, run folders, and every way in which a run can end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from html import unescape
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from callbacks import Heard, Stop
from click.testing import CliRunner, Result
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from specc import __version__
from specc.cli.main import main
from specc.data.batches import Batches
from specc.data.images import InMemory
from specc.diagnostics.codes import CODES
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.recipe.recipe import Recipe
from specc.runner import loop
from specc.runner.averages import EMA
from specc.runner.callbacks.bar import Bar
from specc.runner.device import choose_device
from specc.runner.loop import evaluate, make_step
from specc.runner.metrics import Metrics, metrics_of
from specc.runner.optim import make_optimizer, make_schedule
from specc.runner.run import Run, train
from specc.runner.run_folder import RunFolder, locked
from specc.runner.state import mean_loss
from specc.tasks.classify import Classify
from specc.tasks.task import Targets

pytestmark = pytest.mark.usefixtures("one_thread")

SPECS = Path(__file__).parent.parent / "specs"
TINY = "input 1x8x8\nconv 4 k3 -> relu -> flatten -> linear 10\ntrain { epochs 2 ; batch 256 }\n"
KEYS = ["epoch", "train_loss", "test_loss", "train_accuracy", "test_accuracy", "test_top5", "seconds"]
BLENDED = [name for name in KEYS if name != "train_accuracy"]  # no answer to a blended picture is the right one


def problem(action: Any) -> Diagnostic:
    with pytest.raises(Problem) as caught:
        action()
    return caught.value.diagnostic


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def specc(*arguments: str, text: str | None = None) -> Result:
    """`specc train` in the working folder, in this process, `text` at its standard input."""
    return CliRunner().invoke(main, ["train", *arguments], input=text)


# A run and what it leaves behind


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(TINY, tmp_path_factory.mktemp("runs") / "one", lr=0.01)


def test_run_folder(run: Run) -> None:
    names = sorted(path.name for path in run.folder.iterdir())
    assert names == sorted(
        f"{kind}.safetensors" if "." not in kind else kind
        for kind in (
            "spec.cnn",
            "recipe.json",
            "environment.json",
            "metrics.jsonl",
            "metrics.csv",
            "report.html",
            "last",
            "best",
            "state",
        )
    )
    assert (run.folder / "spec.cnn").read_text() == TINY
    environment = json.loads((run.folder / "environment.json").read_text())
    assert environment["versions"]["torch"] == torch.__version__
    assert environment["versions"]["specc"] == __version__
    assert environment["seed"] == 0
    assert environment["hardware"]["device"] == str(next(run.model.parameters()).device)


def test_recipe_is_resolved(run: Run) -> None:
    recipe = json.loads((run.folder / "recipe.json").read_text())
    assert (recipe["epochs"], recipe["batch"], recipe["lr"], recipe["eps"]) == (2, 256, 0.01, 1e-8)
    assert (recipe["input"], recipe["set"]) == (None, {})
    assert recipe.keys() - Recipe.model_fields.keys() == {"input", "set", "path", "options"}
    assert recipe["options"] == {"lr": 0.01}


def test_metrics(run: Run) -> None:
    lines = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    assert [list(line) for line in lines] == [KEYS, KEYS]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert [metrics_of(line) for line in lines] == list(run.metrics)
    table = (run.folder / "metrics.csv").read_text().splitlines()
    assert table[0].split(",") == KEYS
    assert [[float(cell) for cell in row.split(",")] for row in table[1:]] == [list(line.values()) for line in lines]
    assert lines[1]["train_loss"] < lines[0]["train_loss"]
    assert all(0 <= line["test_accuracy"] <= 1 for line in lines)


def test_weights_carry_the_spec(run: Run) -> None:
    state = run.model.state_dict()
    stored = load_file(run.folder / "best.safetensors")
    assert {name: tensor.shape for name, tensor in stored.items()} == {n: t.shape for n, t in state.items()}
    assert all(stored[name].equal(tensor) for name, tensor in state.items())
    with safe_open(run.folder / "best.safetensors", "pt") as file:
        metadata = file.metadata()
    assert metadata["spec"] == TINY
    assert json.loads(metadata["recipe"])["lr"] == 0.01
    assert json.loads(metadata["overrides"]) == {"input": None, "set": {}}
    assert run.best is not None
    assert (metadata["epoch"], metadata["chosen_on"]) == (str(run.best.epoch), "test")


def test_same_seed_same_weights(run: Run, tmp_path: Path) -> None:
    again = train(TINY, tmp_path / "again", lr=0.01)
    other = train(TINY, tmp_path / "other", lr=0.01, seed=1, epochs=1)
    first, second = (load_file(one.folder / "last.safetensors") for one in (run, again))
    assert all(first[name].equal(second[name]) for name in first)
    assert other.metrics[0].train_loss != run.metrics[0].train_loss


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop", "muon"])
def test_every_optimizer_learns(optimizer: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"sgd": {"momentum": 0.9, "nesterov": True, "lr": 0.1}, "rmsprop": {"alpha": 0.9}}
    chosen = options.get(optimizer, {})
    first, last = train(TINY, tmp_path / "run", optimizer=optimizer, weight_decay=1e-4, **chosen).metrics
    assert last.train_loss < first.train_loss


def test_other_settings_reach_the_pictures(tmp_path: Path) -> None:
    spec = TINY.replace("1x8x8", "3x16x16")
    done = train(spec, tmp_path / "run", resize=16, channels=3, normalize=True, limit=50, betas=(0.8, 0.9), eps=1e-6)
    assert done.metrics[-1].epoch == 2


@pytest.mark.parametrize(("rest", "told", "idle"), [("sgd", "rest_momentum", "betas"), ("adamw", "betas", "rest_mom")])
def test_the_first_line_names_what_has_an_effect(rest: str, told: str, idle: str, folder: Path) -> None:
    (folder / "net.cnn").write_text(TINY)
    more = ["--rest-momentum", "0.5"] if rest == "sgd" else []
    done = specc("net.cnn", "--epochs", "1", "--limit", "50", "--optimizer", "muon", "--rest-optimizer", rest, *more)
    first = done.stdout.splitlines()[0]
    assert f"rest_optimizer={rest}" in first and f" {told}=" in first and idle not in first


def test_default_folders_count_on(folder: Path) -> None:
    (folder / "my net.cnn").write_text(TINY)
    for number in (1, 2):
        done = specc("my net.cnn", "--epochs", "1", "--limit", "50")
        assert done.exit_code == 0, done.stderr
        assert (folder / "runs" / f"my_net-digits-{number}" / "metrics.jsonl").exists()
        lines = done.stdout.splitlines()
        assert [line.split(" ")[0] for line in lines] == ["digits:", "epoch", "test", "weights", "next:", "", "", ""]
        assert "\x1b" not in done.stdout + done.stderr


def test_spec_from_standard_input(folder: Path) -> None:
    text = TINY.replace("conv 4", "conv w").replace("input", "param w = 4\ninput")
    done = specc("-", "--epochs", "1", "--limit", "20", "--set", "w=3", text=text)
    assert done.exit_code == 0, done.stderr
    recipe = json.loads((folder / "runs" / "stdin-digits-1" / "recipe.json").read_text())
    assert recipe["set"] == {"w": "3"}


def test_bar_on_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Bar() as callback:
        train(TINY, tmp_path / "run", callback=callback)
    assert "epoch 2/2" in capsys.readouterr().out


# Wrong commands and wrong data


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["nowhere.cnn"], 2, "nowhere.cnn"),
        (["tiny.cnn", "--epochs", "0"], 2, "a number above 0"),
        (["tiny.cnn", "--optimizer", "adm"], 2, "did you mean `adam`?"),
        (["tiny.cnn", "--momentum", "0.9"], 2, "`adam` has no `momentum`"),
        (["tiny.cnn", "--data", "mnst"], 2, "did you mean `mnist`?"),
        (["tiny.cnn", "--data", "./nowhere"], 2, "does not exist"),
        (["tiny.cnn", "--set", "width=3"], 2, "width"),
        (["tiny.cnn", "--out", "."], 2, "already holds files"),
        (["tiny.cnn", "--out", "tiny.cnn"], 2, "is a file"),
        (["wrong.cnn"], 1, "E2"),
        (["tiny.cnn", "--data", "mnist"], 1, "--resize 8"),
        (["tiny.cnn", "--data", "cifar100", "--resize", "8", "--channels", "1"], 1, "linear 100"),
        (["tiny.cnn", "--out", "tiny.cnn/run"], 1, "cannot be written"),
        (["pool.cnn"], 1, "no weights to train"),
    ],
)
def test_mistakes(arguments: list[str], status: int, words: str, folder: Path) -> None:
    (folder / "tiny.cnn").write_text(TINY)
    (folder / "wrong.cnn").write_text(TINY.replace("conv", "covn"))
    (folder / "pool.cnn").write_text("input 1x8x8\nmaxpool 2 -> flatten -> slice 0 10")
    done = specc(*arguments)
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == status, done.stderr
    assert words in done.stderr
    assert not (folder / "runs").exists()


def test_refused_before_torch_is_imported(tmp_path: Path) -> None:
    (tmp_path / "tiny.cnn").write_text(TINY)
    code = (
        "import sys\nfrom specc.cli.train import command\n"
        "try: command(['tiny.cnn', '--data', 'mnist'])\n"
        "except SystemExit as end: assert end.code == 1\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


def test_absent_device() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    assert problem(lambda: choose_device("cuda")).code == "E612"
    assert choose_device("cpu").type == "cpu"


def test_batch_of_one_and_normalisation(tmp_path: Path) -> None:
    spec = "input 1x8x8\nflatten -> linear 4 -> bn -> linear 10"
    found = problem(lambda: train(spec, tmp_path / "a", batch=1, epochs=1, limit=5))
    assert (found.code, found.help) == ("E616", "`--batch 2` or more")
    callback = Heard()
    assert len(train(spec, tmp_path / "b", batch=4, epochs=1, limit=5, callback=callback).metrics) == 1
    assert "each epoch leaves out its last picture, which would be a batch of one" in callback.lines[0]
    assert len(train(spec, tmp_path / "c", batch=2, epochs=1, limit=5).metrics) == 1


def test_one_picture_and_normalisation(tmp_path: Path) -> None:
    """No batch is larger than all pictures that there are."""
    spec = "input 1x8x8\nflatten -> linear 4 -> bn -> linear 10"
    found = problem(lambda: train(spec, tmp_path / "a", batch=32, epochs=1, limit=1))
    assert found.code == "E616"
    assert found.help == "there is only one sample to train on: raise `--limit`, or add more"
    assert len(train(spec, tmp_path / "b", batch=32, epochs=1, limit=2).metrics) == 1


# Stops; those from outside are in test_resume


def test_stop_inside_an_epoch(tmp_path: Path) -> None:
    callback, run = Stop(after=8), tmp_path / "my run"
    stopped = train(TINY, run, callback=callback)
    assert (stopped.stopped, len(stopped.metrics)) == (signal.SIGINT, 1)
    assert "after 1 of 2 epochs" in callback.lines[-2]
    assert callback.lines[-1] == f"`specc train --resume '{run}'` goes on from here"
    assert f"specc train --resume '{run}'" in unescape((run / "report.html").read_text(encoding="utf-8"))
    stored = load_file(run / "best.safetensors")
    assert all(stored[name].equal(tensor) for name, tensor in stopped.model.state_dict().items())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_loss_that_is_no_number(tmp_path: Path) -> None:
    found = problem(lambda: train(TINY, tmp_path / "run", optimizer="sgd", lr=1e30, epochs=3))
    assert found.code == "E615"
    assert "epoch 1, step" in found.message
    stored = load_file(tmp_path / "run" / "last.safetensors")
    assert all(tensor.isfinite().all() for tensor in stored.values())
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


@pytest.mark.parametrize(("part", "number"), [("test", 1), ("validation", 2)])
def test_measured_loss_that_is_no_number(
    part: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def measured(*arguments: Any) -> dict[str, float | None]:
        score = evaluate(*arguments)
        calls.append(len(calls))
        return {**score, "loss": float("inf")} if len(calls) == number else score

    monkeypatch.setattr(loop, "evaluate", measured)
    found = problem(lambda: train(TINY, tmp_path / "run", epochs=1, validation=0.1))
    assert (found.code, f"the {part} loss became inf in epoch 1" in found.message) == ("E615", True)
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def test_worker_that_is_killed_while_something_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch raises in its handler of the signal, wherever the run is then."""

    def killed(*arguments: Any) -> None:
        raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. ")

    monkeypatch.setattr("specc.runner.checkpoint.Checkpointer.end_epoch", killed)
    assert problem(lambda: train(TINY, tmp_path / "run")).code == "E632"


# Writing


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "weights").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    found = problem(lambda: RunFolder(tmp_path).write("weights", b"new" * 10000))
    assert (found.code, "the disk is full" in found.message) == ("E614", True)
    assert (tmp_path / "weights").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert problem(lambda: train(TINY, tmp_path / "run")).code == "E614"


def test_tables_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").mkdir()
    row = Metrics(epoch=1, train_loss=1.0, test_loss=1.0, seconds=1.0, measures={"test_accuracy": None})
    assert problem(lambda: RunFolder(tmp_path).add_metrics([row])).code == "E614"


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with locked(tmp_path / "run"):
        assert problem(lambda: train(TINY, tmp_path / "run")).code == "E624"
    assert train(TINY, tmp_path / "run", epochs=1, limit=20).metrics


# The loop against the plainest one


def _network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 5))


def test_epoch_equals_the_plain_loop() -> None:
    split = InMemory(torch.randint(0, 256, (10, 1, 4, 4), dtype=torch.uint8), torch.arange(10) % 5)
    ours, theirs = _network(), _network()
    recipe = Recipe(optimizer="sgd", lr=0.1, momentum=0.9)
    batches = Batches(split, 4)
    steps: list[int] = []
    step = make_step(ours, make_optimizer(ours, recipe), make_schedule(recipe, steps=3), recipe)
    losses = torch.zeros(3)
    for number, batch in enumerate(batches.shuffled(torch.Generator().manual_seed(7))):
        losses[number] = step(number, [batch], [len(batch[1])])[0]
        steps.append(number + 1)

    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)
    total = 0.0
    for index in torch.split(torch.randperm(10, generator=torch.Generator().manual_seed(7)), 4):
        loss = nn.functional.cross_entropy(theirs(split.x[index] / 255), split.y[index])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        optimizer.step()
        total += loss.item() * len(index)

    assert steps == [1, 2, 3]
    assert mean_loss(losses, batches.sizes) == pytest.approx(total / 10)
    for mine, plain in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, plain)

    score = evaluate(ours, batches, lambda: None, Classify().start(Targets("random", 5)))
    with torch.no_grad():
        scores = theirs(split.x / 255)
    assert score["loss"] == pytest.approx(float(nn.functional.cross_entropy(scores, split.y)), rel=1e-5)
    assert score["accuracy"] == pytest.approx(float((scores.argmax(1) == split.y).float().mean()))


def test_accumulated_gradients_are_those_of_one_batch() -> None:
    split = InMemory(torch.randint(0, 256, (10, 1, 4, 4), dtype=torch.uint8), torch.arange(10) % 5)
    networks = [_network(), _network()]
    for network, (size, accumulate) in zip(networks, [(6, 1), (3, 2)], strict=True):
        recipe = Recipe(optimizer="sgd", lr=0.1, clip=0.5, label_smoothing=0.1)
        batches = Batches(split, size, accumulate=accumulate)
        step = make_step(network, make_optimizer(network, recipe), make_schedule(recipe, 2), recipe)
        stream = batches.shuffled(torch.Generator().manual_seed(7))
        for number, parts in enumerate(batches.steps):
            step(number, islice(stream, len(parts)), parts)
    assert [sum(parts) for parts in batches.steps] == [6, 4]
    for first, second in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        torch.testing.assert_close(first, second)


def test_clipped_gradients() -> None:
    network = _network()
    before = [weight.detach().clone() for weight in network.parameters()]
    recipe = Recipe(optimizer="sgd", lr=1.0, clip=0.01)
    images, labels = torch.rand(8, 1, 4, 4), torch.arange(8) % 5
    make_step(network, make_optimizer(network, recipe), make_schedule(recipe, 1), recipe)(0, [(images, labels)], [8])
    moved = [new.detach() - old for new, old in zip(network.parameters(), before, strict=True)]
    assert float(torch.cat([change.flatten() for change in moved]).norm()) == pytest.approx(0.01, rel=1e-3)


def test_moving_average() -> None:
    network = _network()
    average = EMA(network, 0.5)
    first = [weight.detach().clone() for weight in network.parameters()]
    for step, kept in ((0, 0.1), (1, 2 / 11)):
        with torch.no_grad():
            for weight in network.parameters():
                weight.add_(1)
        average.follow(step)
        first = [kept * old + (1 - kept) * new for old, new in zip(first, network.parameters(), strict=True)]
    for mine, expected in zip(average.model.parameters(), first, strict=True):
        torch.testing.assert_close(mine, expected.detach())


def test_decay_spares_biases_and_norms() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2))
    groups = make_optimizer(network, Recipe(weight_decay=0.1, decay_weights_only=True)).param_groups
    assert [(group["weight_decay"], len(group["params"])) for group in groups] == [(0.1, 2), (0.0, 4)]


def _rates(recipe: Recipe, steps: int) -> list[float]:
    schedule = make_schedule(recipe, steps)
    return [schedule(step) for step in range(recipe.steps(steps))]


def test_schedules() -> None:
    assert _rates(Recipe(epochs=2), 2) == [1, 1, 1, 1]
    assert _rates(Recipe(epochs=1, warmup_ratio=0.5), 4) == [0.5, 1, 1, 1]
    assert _rates(Recipe(epochs=1.5, schedule="linear", floor=0.1), 2) == pytest.approx([1, 0.7, 0.4])
    assert _rates(Recipe(epochs=1, schedule="cosine"), 4) == pytest.approx([1, 0.8536, 0.5, 0.1464], abs=1e-4)
    stairs = Recipe(epochs=4, schedule="step", step_epochs=2, step_factor=0.5)
    assert _rates(stairs, 1) == [1, 1, 0.5, 0.5]
    assert _rates(Recipe(epochs=3, warmup=1.0), 2) == [0.5, 1, 1, 1, 1, 1]
    assert _rates(Recipe(epochs=2, warmup=1.0, schedule="cosine"), 2) == pytest.approx([0.5, 1, 1, 0.5])


def test_schedules_end_at_a_floor() -> None:
    assert _rates(Recipe(epochs=4, schedule="linear"), 1) == pytest.approx([1, 0.75, 0.5, 0.25])
    assert _rates(Recipe(epochs=2, schedule="linear", floor=0.5), 1) == pytest.approx([1, 0.75])
    assert _rates(Recipe(epochs=4, schedule="polynomial", power=2.0), 1) == pytest.approx([1, 0.5625, 0.25, 0.0625])
    half = _rates(Recipe(epochs=1, schedule="cosine", floor=0.2), 4)
    assert half == pytest.approx([0.2 + 0.8 * rate for rate in _rates(Recipe(epochs=1, schedule="cosine"), 4)])


@pytest.mark.parametrize("seed", range(5))
def test_a_plateau_is_torchs(seed: int) -> None:
    """torch's waits for one epoch more than its patience."""
    results = [round(float(number), 1) for number in torch.rand(60, generator=torch.Generator().manual_seed(seed))]
    optimizer = torch.optim.SGD(_network().parameters(), lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "max", 0.5, patience=3, threshold=0, eps=0)
    recipe = Recipe(epochs=60, schedule="plateau", step_epochs=4, step_factor=0.5)
    seen: list[float] = []
    ours = make_schedule(recipe, 7, lambda: seen)
    for result in results:
        assert ours(7 * len(seen)) == pytest.approx(optimizer.param_groups[0]["lr"])
        seen.append(result)
        theirs.step(result)
    assert ours(0) < 0.1


def test_one_cycle_is_torchs() -> None:
    optimizer = torch.optim.SGD(_network().parameters(), lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=30, cycle_momentum=False)
    expected = []
    for _ in range(30):
        expected.append(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step() if len(expected) < 30 else None
    assert _rates(Recipe(epochs=3, schedule="onecycle"), 10) == pytest.approx(expected, abs=1e-6)


def test_everything_at_once_learns(tmp_path: Path) -> None:
    recipe: dict[str, Any] = {
        "validation": 0.2, "drop_last": True, "accumulate": 2, "flip": True, "crop": 1, "cutout": 2, "mixup": 0.2,
        "schedule": "onecycle", "average": 0.9, "clip": 1.0, "label_smoothing": 0.1, "decay_weights_only": True,
        "weight_decay": 1e-3, "lr": 0.02,
    }  # fmt: skip
    done = train(TINY, tmp_path / "run", batch=64, epochs=4, **recipe)
    assert (done.metrics[-1].test_accuracy or 0) > 0.6
    assert done.best is not None and done.best.validation_accuracy is not None
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert list(lines[0]) == [*BLENDED, "validation_loss", "validation_accuracy", "validation_top5"]


def test_patience(tmp_path: Path) -> None:
    done = train(TINY, tmp_path / "run", epochs=50, patience=2, lr=1e-30)
    assert [metrics.epoch for metrics in done.metrics] == [1, 2, 3]
    assert done.stopped is None


EXHAUSTED = [
    "MPS backend out of memory (MPS allocated: 17.92 GB, other allocations: 384.00 KB, max allowed: 18.13 GB).",
    "CUDA error: out of memory",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.",
]


@pytest.mark.parametrize("said", EXHAUSTED, ids=lambda said: said[:12])
@pytest.mark.parametrize("training", [True, False], ids=["training", "testing"])
def test_a_device_without_memory(said: str, training: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raised by a module of the network, as a device does it."""

    def forward(module: nn.ReLU, values: torch.Tensor) -> torch.Tensor:
        if module.training == training:
            raise RuntimeError(said)
        return values.relu()

    monkeypatch.setattr(nn.ReLU, "forward", forward)
    assert problem(lambda: train(TINY, tmp_path / "run", limit=20)).code == "E618"


def test_another_error_of_torch_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(module: nn.ReLU, values: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("a defect")

    monkeypatch.setattr(nn.ReLU, "forward", forward)
    with pytest.raises(RuntimeError, match="a defect"):
        train(TINY, tmp_path / "run", limit=20)


def test_every_code_is_explained() -> None:
    assert list(CODES) == sorted(CODES)
    assert all(len(code.explanation) > 200 for code in CODES.values())


# What the specs promise


def test_digits_reach_their_accuracy(tmp_path: Path) -> None:
    done = train(SPECS / "digits.cnn", tmp_path / "run", epochs=8)
    assert done.best is not None
    assert (done.best.test_accuracy or 0) >= 0.97


@pytest.mark.skipif("SPECC_DATA" not in os.environ, reason="SPECC_DATA names no folder of real data")
@pytest.mark.parametrize(
    ("spec", "data", "limit"),
    [
        ("mnist_cnn", "mnist", 1000), ("mnist_cnn", "fashion-mnist", 1000), ("lenet5", "mnist", 1000),
        ("lenet_cifar", "cifar10-jpeg", 2000),
    ],
)  # fmt: skip
def test_specs_train_on_real_pictures(spec: str, data: str, limit: int, tmp_path: Path) -> None:
    root = Path(os.environ["SPECC_DATA"])
    name = data if "mnist" in data else str(root / data)
    done = train(SPECS / f"{spec}.cnn", tmp_path / "run", data=name, data_dir=str(root), limit=limit, epochs=2)
    assert done.metrics[1].train_loss < done.metrics[0].train_loss
    assert (done.metrics[1].test_accuracy or 0) > 0.15
