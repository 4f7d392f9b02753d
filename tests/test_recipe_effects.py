"""Every setting of the recipe does something: a run with it is another one than the same run without."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from made import SIDE, name_all
from PIL import Image
from safetensors.torch import load_file

from specc.recipe.recipe import Recipe
from specc.runner.callbacks.base import Callback
from specc.runner.checkpoint import read_checkpoint
from specc.runner.run import train

pytestmark = pytest.mark.usefixtures("one_thread")

SPEC = "input 1x8x8\nconv 4 k3 -> bn -> relu -> conv 4 k3 -> relu -> flatten -> linear 12 -> relu -> linear 10\n"
PICTURES = SPEC.replace("1x8x8", "3x8x8")
PETS = PICTURES.replace("linear 10", "linear 2")
CODER = "input 1x8x8\nflatten -> linear 8 -> linear 64 -> unflatten 1x8x8\n"
BASE: dict[str, Any] = {
    "data": "digits", "epochs": 2, "batch": 16, "limit": 42, "device": "cpu", "precision": "fp32",
}  # fmt: skip


class Done(NamedTuple):
    """A run that has ended: what it was asked, its folder, what it said, its weights."""

    options: dict[str, Any]
    folder: Path
    lines: list[str]
    weights: dict[str, torch.Tensor]

    def metrics(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "metrics.jsonl").read_text().splitlines()]


class Listening(Callback):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def done(folder: Path, spec: str = SPEC, **options: Any) -> Done:
    callback = Listening()
    run = train(spec, folder, callback=callback, **(BASE | options))
    return Done(options, run.folder, callback.lines, load_file(run.folder / "last.safetensors"))


def differ(one: Done, other: Done) -> bool:
    return any(not tensor.equal(other.weights[name]) for name, tensor in one.weights.items())


# Settings that lead to other weights: what both runs have, and the setting's value in the second one.
CHANGED: dict[str, tuple[dict[str, Any], Any]] = {
    "validation": ({}, 0.2),
    "limit": ({}, 30),
    "fold": ({}, "2/3"),
    "normalize": ({}, True),
    "mean": ({"normalize": True, "mean": 0.5, "deviation": 0.5}, 0.1),
    "deviation": ({"normalize": True, "mean": 0.5, "deviation": 0.5}, 0.1),
    "freeze": ({}, "conv1"),
    "unfreeze_after": ({"freeze": "conv1"}, 1),
    "freeze_after": ({}, "conv1=1"),
    "rates": ({}, "conv1=0.1x"),
    "layer_decay": ({}, 0.5),
    "decays": ({"weight_decay": 0.1}, "conv1=0x"),
    "flip": ({}, True),
    "flip_mode": ({"flip": True}, "alternate"),
    "crop": ({}, 2),
    "resized_crop": ({}, 0.3),
    "color_jitter": ({}, 0.4),
    "cutout": ({}, 3),
    "mixup": ({}, 0.4),
    "cutmix": ({}, 1.0),
    "rotate": ({}, 20.0),
    "translate": ({}, 0.2),
    "zoom": ({}, 0.2),
    "shear": ({}, 20.0),
    "flip_vertical": ({}, True),
    "crop_padding": ({"crop": 2}, "reflect"),
    "randaugment": ({}, 9),
    "trivialaugment": ({}, True),
    "blur": ({}, 1.0),
    "erase": ({}, 0.5),
    "epochs": ({}, 3),
    "batch": ({}, 8),
    "sampling": ({}, "balanced"),
    "drop_last": ({}, True),
    "accumulate": ({}, 2),
    "optimizer": ({}, "muon"),
    "lr": ({}, 0.01),
    "schedule": ({}, "cosine"),
    "step_epochs": ({"schedule": "step", "epochs": 3}, 2),
    "step_factor": ({"schedule": "step"}, 0.5),
    "floor": ({"schedule": "cosine"}, 0.5),
    "power": ({"schedule": "polynomial"}, 3.0),
    "warmup": ({}, 1.0),
    "warmup_ratio": ({}, 0.4),
    "momentum": ({"optimizer": "sgd"}, 0.9),
    "nesterov": ({"optimizer": "sgd", "momentum": 0.9}, True),
    "betas": ({}, (0.5, 0.9)),
    "muon_lr": ({"optimizer": "muon"}, 0.02),
    "ns_steps": ({"optimizer": "muon"}, 1),
    "renormalize": ({"optimizer": "muon"}, True),
    "rest_optimizer": ({"optimizer": "muon"}, "sgd"),
    "rest_momentum": ({"optimizer": "muon", "rest_optimizer": "sgd"}, 0.9),
    "alpha": ({"optimizer": "rmsprop"}, 0.5),
    "eps": ({}, 0.1),
    "weight_decay": ({}, 0.1),
    "decay_weights_only": ({"weight_decay": 0.1}, True),
    "clip": ({"optimizer": "sgd"}, 0.01),
    "class_weights": ({}, (5.0, *[1.0] * 9)),
    "label_smoothing": ({}, 0.1),
    "average": ({}, 0.9),
    "swa_from": ({}, 1),
    "lookahead": ({}, 2),
    "lookahead_alpha": ({"lookahead": 2}, 0.8),
    "lookahead_schedule": ({"lookahead": 2}, "cubic"),
    "seed": ({}, 1),
    "precision": ({}, "bf16"),
    # Without it the pictures lie channel by channel in memory, and sums are rounded in another order.
    "exact": ({}, True),
    "exact_evaluation": ({"exact": True}, True),
}


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, Any]], Done]:
    """The run without a setting, one for all settings that have the same options beside them."""
    known: dict[str, Done] = {}

    def found(options: dict[str, Any]) -> Done:
        if str(options) not in known:
            known[str(options)] = done(tmp_path_factory.mktemp("without") / "run", **options)
        return known[str(options)]

    return found


@pytest.mark.parametrize("name", CHANGED)
def test_a_setting_leads_to_other_weights(name: str, without: Callable[[dict[str, Any]], Done], tmp_path: Path) -> None:
    before, value = CHANGED[name]
    assert differ(without(before), done(tmp_path / "with", **{**before, name: value}))


# Settings that are seen otherwise.


def task(folder: Path) -> None:
    (epoch, _) = done(folder / "run", CODER, task="reconstruct").metrics()
    assert epoch["test_accuracy"] is None and epoch["test_loss"] < 1


def from_weights(folder: Path) -> None:
    done(folder / "first")
    assert done(folder / "run", from_weights=str(folder / "first")).lines[0].startswith("begins with 12 tensors of ")


def _made(folder: Path, task: str, spec: str, one: dict[str, Any], other: dict[str, Any]) -> list[Done]:
    """Two runs on data that a test makes."""
    data = {"regress": "centres", "segment": "discs", "multilabel": "shapes"}[task]
    with pytest.MonkeyPatch.context() as patch:
        name_all(patch)
        return [
            done(folder / str(number), f"input 1x{SIDE}x{SIDE}\n{spec}\n", data=data, task=task, **recipe)
            for number, recipe in enumerate((one, other))
        ]


def error(folder: Path) -> None:
    assert differ(*_made(folder, "regress", "flatten -> linear 2", {}, {"error": "huber"}))


def dice(folder: Path) -> None:
    assert differ(*_made(folder, "segment", "conv 2 k3 p1", {}, {"dice": 0.5}))


def threshold(folder: Path) -> None:
    one, other = _made(folder, "multilabel", "flatten -> linear 2", {"threshold": 0.01}, {"threshold": 0.99})
    assert one.metrics()[0]["test_f1"] != other.metrics()[0]["test_f1"]
    assert one.metrics()[0]["test_map"] == other.metrics()[0]["test_map"]


def heads(folder: Path) -> None:
    spec = "input 1x8x8\nflatten -> relu\noutputs { a: linear 10 | b: linear 10 }\n"
    one, other = (done(folder / said, spec, heads=said) for said in ("a=1 b=1", "a=1 b=0.1"))
    assert differ(one, other)


def data(folder: Path) -> None:
    assert done(folder / "run", PETS, data=str(pictures(folder))).lines[0].startswith("pets: 8 training")


def pictures(folder: Path) -> Path:
    for label, name in enumerate(("cat", "dog")):
        for number in range(5):
            path = folder / "pets" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.effect_noise((8, 8), 10 + 50 * label).convert("RGB").save(path)
    return folder / "pets"


def data_dir(folder: Path) -> None:
    """Where a named data set's files are looked for: there a file of no account is found."""
    from specc.diagnostics.diagnostic import Problem

    raw = folder / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{name}-ubyte").write_text("")
    with pytest.raises(Problem, match=str(raw)):
        done(folder / "run", SPEC.replace("1x8x8", "1x28x28"), data="mnist", data_dir=str(folder / "data"))


def resize(folder: Path) -> None:
    assert done(folder / "run", SPEC.replace("1x8x8", "1x12x10"), resize=(12, 10)).metrics()


def fit(folder: Path) -> None:
    """Stretched, the mean of two halves; cut out, that of the middle alone."""
    pets = pictures(folder)
    for path in pets.rglob("*.png"):
        picture = Image.new("RGB", (16, 8), (200, 200, 200))
        picture.paste(Image.open(path), (4, 0))
        picture.save(path)
    one, other = (done(folder / fit, PETS, data=str(pets), resize=8, fit=fit) for fit in ("stretch", "crop"))
    assert differ(one, other)


def hue(folder: Path) -> None:
    """Of colours; digits are grey."""
    pets = pictures(folder)
    for path in pets.rglob("*.png"):
        grey = Image.open(path).convert("L")
        Image.merge("RGB", (grey, grey.point(lambda level: level // 2), grey)).save(path)
    one, other = (done(folder / f"{hue}", PETS, data=str(pets), hue=hue) for hue in (None, 0.2))
    assert differ(one, other)


def skip_damaged(folder: Path) -> None:
    pets = pictures(folder)
    (pets / "cat" / "0.png").write_bytes(b"")
    assert "1 damaged picture is left out" in done(folder / "run", PETS, data=str(pets), skip_damaged=True).lines[0]


def channels(folder: Path) -> None:
    assert done(folder / "run", PICTURES, channels=3).metrics()


def in_memory(folder: Path) -> None:
    """Where the pictures are makes no difference, down to the last bit."""
    told = {"data": str(pictures(folder)), "flip": True, "resized_crop": 0.5, "normalize": True}
    kept = done(folder / "kept", PETS, in_memory="on", **told)
    read = done(folder / "read", PETS, in_memory="off", workers=0, **told)
    assert not differ(kept, read)
    assert json.loads((read.folder / "recipe.json").read_text())["in_memory"] == "off"


def workers(folder: Path) -> None:
    """Nor how many processes read them."""
    told = {"data": str(pictures(folder)), "in_memory": "off"}
    assert not differ(done(folder / "none", PETS, workers=0, **told), done(folder / "one", PETS, workers=1, **told))


def patience(folder: Path) -> None:
    stopped = done(folder / "run", epochs=50, patience=1, lr=1e-30)
    assert len(stopped.metrics()) == 2
    assert any(line.startswith("stopped early") for line in stopped.lines)


class Cut(BaseException):
    """Ends a run as a power cut would."""


class Cutting(Callback):
    """Cuts the run off after its second step."""

    def __init__(self) -> None:
        self.steps = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps == 2:
            raise Cut


def saved_step(folder: Path, **options: Any) -> int:
    """The step that the state tells of after a cut in the first epoch."""
    with pytest.raises(Cut):
        train(SPEC, folder, callback=Cutting(), **(BASE | options))
    return read_checkpoint(folder / "state.safetensors").step


def checkpoint_steps(folder: Path) -> None:
    assert saved_step(folder / "without") == 0
    assert saved_step(folder / "with", checkpoint_steps=1) >= 1


def checkpoint_minutes(folder: Path) -> None:
    assert saved_step(folder / "with", checkpoint_minutes=1e-9) >= 1


def device(folder: Path) -> None:
    from specc.diagnostics.diagnostic import Problem

    run = done(folder / "run", device="cpu")
    assert json.loads((run.folder / "environment.json").read_text())["hardware"]["device"] == "cpu"
    with pytest.raises(Problem, match="cuda:999"):
        done(folder / "none", device="cuda:999")


def compile_(folder: Path) -> None:
    """Asked for where there is no compiler, it is missed."""
    from specc.diagnostics.diagnostic import Problem

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXX", "no-such-compiler")
        assert done(folder / "off", compile="off").metrics()
        with pytest.raises(Problem, match="compiler"):
            done(folder / "on", compile="on")


def channels_last(folder: Path) -> None:
    """The kernels lie in memory as it says."""
    from torch import channels_last as last

    for said in ("on", "off"):
        model = train(SPEC, folder / said, channels_last=said, **BASE).model
        kernels = [weight for weight in model.parameters() if weight.dim() == 4 and min(weight.shape[1:]) > 1]
        assert all(kernel.is_contiguous(memory_format=last) == (said == "on") for kernel in kernels)
        assert kernels


def cudnn_benchmark(folder: Path) -> None:
    """On CUDA alone; there cuDNN is asked within the run, and as it was behind it."""
    import torch

    from specc.runner.device import chosen_kernels

    before = torch.backends.cudnn.benchmark
    for said, exact, asked in (
        ("auto", False, True),
        ("auto", True, False),
        ("off", False, False),
        ("on", False, True),
    ):
        with chosen_kernels(Recipe.model_validate({"cudnn_benchmark": said, "exact": exact}), torch.device("cuda")):
            assert torch.backends.cudnn.benchmark == asked
        with chosen_kernels(Recipe.model_validate({"cudnn_benchmark": said, "exact": exact}), torch.device("cpu")):
            assert torch.backends.cudnn.benchmark == before
        assert torch.backends.cudnn.benchmark == before


SEEN: dict[str, Callable[[Path], None]] = {
    function.__name__.removesuffix("_"): function
    for function in (
        task, heads, error, dice, threshold, data, from_weights, data_dir, resize, fit, hue, skip_damaged, channels,
        in_memory, workers, patience, checkpoint_steps, checkpoint_minutes, device, channels_last, cudnn_benchmark,
        compile_,
    )
}  # fmt: skip


@pytest.mark.parametrize("name", SEEN)
def test_a_setting_is_seen(name: str, tmp_path: Path) -> None:
    SEEN[name](tmp_path)


def test_every_setting_is_proved_once() -> None:
    assert sorted([*CHANGED, *SEEN]) == sorted(Recipe.model_fields)
