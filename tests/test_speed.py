"""What makes the runner fast must not change what it learns: exact runs, precisions, the order of layers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from callbacks import Interrupted, interrupt
from click.testing import CliRunner, Result
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from torchvision.transforms.functional import to_pil_image, to_tensor

import specc
from specc.cli.main import main
from specc.data.load import load_dataset
from specc.diagnostics.diagnostic import Problem
from specc.recipe.reading import overridden
from specc.recipe.recipe import Recipe
from specc.runner import precision, run
from specc.runner.cpu.door import rearranged
from specc.runner.device import compiled
from specc.runner.distributed.world import Group
from specc.runner.loop import make_step
from specc.runner.precision import Forward, Precision, choose_precision
from specc.runner.resume import resume

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
NET = """\
input 1x8x8
conv 6 k3 p1 -> relu -> maxpool 2
conv 8 k3 p1 -> relu -> maxpool 3 s2 p1 -> dropout 0.3
flatten -> linear 10
"""
# 201 pictures in batches of 32: the last batch holds 9.
RECIPE: dict[str, Any] = {"epochs": 3, "batch": 32, "limit": 201, "seed": 7}


def net() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.Dropout(0.3),
        nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip


# Exact runs


class Pictures(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """A split as torchvision gives it: a picture at a time, through `ToTensor`."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = [to_pil_image(image) for image in images], labels.tolist()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return to_tensor(self.images[index]), self.labels[index]


def plain_loop(recipe: Recipe, optimizer: type[torch.optim.Optimizer], *, evaluates: bool) -> list[Tensor]:
    """The weights that the loop of a lecture gives."""
    data = load_dataset(recipe)
    torch.manual_seed(recipe.seed)
    model = net()
    optimizer_ = optimizer(model.parameters(), **recipe.optimizer_arguments())  # type: ignore[arg-type] # by name
    train = DataLoader(
        Pictures(data.train.x, data.train.y), batch_size=recipe.batch, shuffle=True, drop_last=recipe.drop_last
    )
    test = DataLoader(Pictures(data.test.x, data.test.y), batch_size=recipe.batch)
    for _ in range(recipe.whole_epochs):
        model.train()
        for images, labels in train:
            optimizer_.zero_grad()
            cross_entropy(model(images), labels).backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
            optimizer_.step()
        if evaluates:
            model.eval()
            with torch.no_grad():
                assert sum(len(model(images)) for images, _ in test) == len(data.test)
    return list(model.state_dict().values())


EXACT = [
    pytest.param({}, torch.optim.Adam, id="adam"),
    pytest.param({"drop_last": True}, torch.optim.Adam, id="drop-last"),
    pytest.param({"exact_evaluation": True}, torch.optim.Adam, id="evaluation"),
    pytest.param({"optimizer": "adamw", "weight_decay": 0.1}, torch.optim.AdamW, id="adamw"),
    pytest.param({"optimizer": "sgd", "momentum": 0.9, "nesterov": True}, torch.optim.SGD, id="sgd"),
    pytest.param({"optimizer": "rmsprop", "momentum": 0.5}, torch.optim.RMSprop, id="rmsprop"),
]


@pytest.mark.parametrize(("options", "optimizer"), EXACT)
def test_exact_gives_the_weights_of_a_plain_loop(
    options: dict[str, Any], optimizer: type[torch.optim.Optimizer], tmp_path: Path
) -> None:
    recipe = overridden(Recipe(), {"exact": True, **RECIPE, **options})
    plain = plain_loop(recipe, optimizer, evaluates="exact_evaluation" in options)
    done = run.train(NET, tmp_path / "run", exact=True, **RECIPE, **options)
    stored = load_file(done.folder / "last.safetensors")
    ours = [stored[name] for name in done.model.state_dict()]
    assert len(ours) == len(plain)
    assert all(mine.equal(theirs) for mine, theirs in zip(ours, plain, strict=True))


def test_other_runs_are_not_exact(tmp_path: Path) -> None:
    """The order of the pictures and the kernels are others: the comparison above would see it."""
    plain = plain_loop(overridden(Recipe(), RECIPE), torch.optim.Adam, evaluates=False)
    done = run.train(NET, tmp_path / "run", **RECIPE)
    stored = load_file(done.folder / "last.safetensors")
    ours = [stored[name] for name in done.model.state_dict()]
    assert not all(mine.equal(theirs) for mine, theirs in zip(ours, plain, strict=True))


NOT_EXACT: list[dict[str, Any]] = [
    {"flip": True}, {"normalize": True}, {"precision": "bf16"}, {"compile": "on"}, {"optimizer": "muon"},
    {"average": 0.9}, {"accumulate": 2}, {"exact": False, "exact_evaluation": True},
]  # fmt: skip


@pytest.mark.parametrize("options", NOT_EXACT, ids=str)
def test_exact_refuses_what_no_plain_loop_does(options: dict[str, Any]) -> None:
    with pytest.raises(Problem) as caught:
        overridden(Recipe(), {"exact": True, **options})
    assert caught.value.diagnostic.code == "E221"


# Stopping and going on


@pytest.mark.parametrize("options", [{"exact": True, "exact_evaluation": True}, {"precision": "bf16"}], ids=str)
@pytest.mark.parametrize("stop", [3, 10])
def test_going_on_gives_the_same_weights(
    options: dict[str, Any], stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in the first epoch and in the second one, each of seven steps, after a state was written."""
    whole = run.train(NET, tmp_path / "whole", checkpoint_steps=2, **RECIPE, **options)
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        interrupt(patch, stop)
        run.train(NET, tmp_path / "part", checkpoint_steps=2, **RECIPE, **options)
    resume(tmp_path / "part")
    first, second = (load_file(folder / "last.safetensors") for folder in (whole.folder, tmp_path / "part"))
    assert all(first[name].equal(second[name]) for name in first)


# The order of the layers


def test_rearranged_layers_give_the_same_bits() -> None:
    torch.manual_seed(0)
    model = net().eval()
    other = rearranged(model)
    kinds = [type(module) for module in other.children()]
    assert kinds[:3] == [nn.Conv2d, nn.MaxPool2d, nn.ReLU]
    assert [type(module) for module in model.children()][1:3] == [nn.ReLU, nn.MaxPool2d]
    images = torch.randn(16, 1, 8, 8).relu_()  # with many equal values
    results = []
    for network in (model, other):
        output = network(images)
        gradients = torch.autograd.grad(cross_entropy(output, torch.arange(16) % 10), list(model.parameters()))
        results.append([output.detach(), *gradients])
    assert all(one.equal(two) for one, two in zip(*results, strict=True))


def test_only_what_changes_is_made_anew() -> None:
    """Branches keep their class; a network without pooling is its own view, and every weight is the same tensor."""
    model = specc.compile("input 4x8x8\nresidual { conv 4 k3 p1 -> relu -> maxpool 3 s1 p1 }\nconv 2 k1 -> relu\n")
    view = rearranged(model)
    assert [type(module) for module in view.modules()].count(nn.MaxPool2d) == 1
    assert [id(weight) for weight in view.parameters()] == [id(weight) for weight in model.parameters()]
    assert view is not model
    plain = specc.compile("input 4x8x8\nconv 2 k1 -> relu\n")
    assert rearranged(plain) is plain
    images = torch.randn(2, 4, 8, 8)
    assert view(images).equal(model(images))


# Precision and compilation


@pytest.mark.parametrize("options", [{"precision": "bf16"}, {"precision": "fp32"}], ids=str)
def test_a_run_says_its_precision_and_learns(options: dict[str, Any], tmp_path: Path) -> None:
    done = run.train(NET, tmp_path / "run", epochs=4, batch=32, lr=0.01, **options)
    assert done.metrics[-1].train_loss < done.metrics[0].train_loss
    assert all(tensor.dtype == torch.float32 for tensor in done.model.state_dict().values())


def test_half_precision_computes_in_half_precision() -> None:
    model = net().eval()
    seen: list[torch.dtype] = []
    model[0].register_forward_hook(lambda module, given, output: seen.append(output.dtype))
    images = torch.rand(2, 1, 8, 8)
    full, half = (Forward(model, Precision(name, CPU))(images) for name in ("fp32", "bf16"))
    assert seen == [torch.float32, torch.bfloat16]
    assert (full.dtype, half.dtype) == (torch.float32, torch.float32)
    assert torch.allclose(full, half, atol=0.02)


def test_auto_takes_what_the_hardware_is_made_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for has, expected in ((False, "fp32"), (True, "bf16")):
        monkeypatch.setattr(precision, "_cpu_has", lambda question, has=has: has)
        assert choose_precision(Recipe(), CPU).name == expected
        assert choose_precision(Recipe(exact=True), CPU).name == "fp32"
        assert choose_precision(Recipe(precision="fp32"), CPU).name == "fp32"
    assert choose_precision(Recipe(), torch.device("mps")).name == "fp32"


class Infinite(nn.Module):
    def __init__(self, weight: nn.Parameter) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight * torch.inf


def test_what_the_scaler_learned_is_kept() -> None:
    """The scaler of fp16 works on a CPU too, where specc does not offer it."""
    first, second = Precision("fp16", CPU), Precision("fp16", CPU)
    weight = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    assert first.scaler is not None
    assert second.scaler is not None
    step = make_step(Infinite(weight), optimizer, lambda number: 1.0, Recipe(task="reconstruct"), precision=first)
    step(0, [(torch.ones(1, 2), torch.zeros(1))], [1])
    assert weight.equal(torch.ones(2))  # the step with infinite gradients was left out
    second.set_memory(first.memory())
    assert second.scaler.get_scale() == first.scaler.get_scale() == Precision("fp16", CPU).scaler.get_scale() / 2  # type: ignore[union-attr] # it has one
    assert not Precision("bf16", CPU).memory()


def test_precisions_that_cannot_be_had() -> None:
    for name, device in (("fp16", "cpu"), ("bf16", "mps")):
        with pytest.raises(Problem) as caught:
            choose_precision(overridden(Recipe(), {"precision": name}), torch.device(device))
        assert caught.value.diagnostic.code == "E650"


def test_without_a_compiler_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(Problem) as caught:
        compiled(net(), Recipe(compile="on"), CPU)
    assert caught.value.diagnostic.code == "E651"
    model = net()
    assert compiled(model, Recipe(), CPU) is model


def test_exact_is_for_one_process() -> None:
    from specc.runner.distributed.world import Rank
    from specc.runner.session import require_one

    group = Group(CPU)
    require_one(Recipe(exact=True), group)
    group.place = Rank(rank=0, size=2, local_rank=0, local_size=2)
    require_one(Recipe(), group)
    with pytest.raises(Problem) as caught:
        require_one(Recipe(exact=True), group)
    assert caught.value.diagnostic.code == "E652"


# `specc bench`


def bench(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["bench", *arguments])


def test_bench_as_json(tmp_path: Path) -> None:
    spec = tmp_path / "net.cnn"
    spec.write_text(NET)
    done = bench(str(spec), "--seconds", "0.1", "--batch", "16", "--accumulate", "2", "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert (found["batch"], found["sample"], found["pictures"]) == (32, [1, 8, 8], "random pictures")
    assert found["parameters"] == sum(weight.numel() for weight in net().parameters())
    assert found["steps"] >= 5
    assert found["step_shortest"] <= found["step_seconds"] <= found["step_longest"]
    assert found["samples_per_second"] == pytest.approx(32 / found["step_seconds"])
    assert 0 < found["data_share"] < 1
    assert found["evaluated_per_second"] > 0
    assert found["memory_bytes"] > 10_000_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.cnn"]


def test_bench_as_a_table_on_real_pictures(tmp_path: Path) -> None:
    spec = tmp_path / "net.cnn"
    spec.write_text(NET)
    done = bench(str(spec), "--seconds", "0.1", "--data", "digits", "--precision", "fp32", "--device", "cpu")
    lines = done.stdout.splitlines()
    assert done.exit_code == 0
    assert lines[0].startswith(f"{spec}: 830 parameters; digits; cpu, 1 thread, fp32")
    assert [line.split()[0] for line in lines[1:]] == ["step", "training", "data", "evaluation", "memory"]


TRAINED = [
    ("input 784\nlinear 10\n", None),
    ("input 1x8x8\nconv 4 k3 p1 -> conv 1 k3 p1\ntrain { task reconstruct }\n", None),
    ("input 1x8x8\nconv 3 k3\n", "E606]: a classifier gives one number for each class"),
    ("input 3x4x4\nflatten\n", "E617"),
]


@pytest.mark.parametrize(("text", "code"), TRAINED)
def test_bench_takes_what_can_be_trained(text: str, code: str | None, tmp_path: Path) -> None:
    spec = tmp_path / "net.cnn"
    spec.write_text(text)
    done = bench(str(spec), "--seconds", "0.1", "--batch", "4")
    assert done.exit_code == (1 if code else 0)
    assert code is None or code in done.stderr


def test_bench_in_the_wrong_way(tmp_path: Path) -> None:
    spec = tmp_path / "net.cnn"
    spec.write_text(NET.replace("maxpool 2", "maxpool 20"))
    assert bench(str(spec)).exit_code == 1
    spec.write_text(NET)
    assert bench(str(tmp_path / "none.cnn")).exit_code == 2
    assert bench(str(spec), "--seconds", "0").exit_code == 2
    assert bench(str(spec), "--set", "width=3").exit_code == 2
    assert "E650" in bench(str(spec), "--precision", "fp16", "--device", "cpu").stderr
