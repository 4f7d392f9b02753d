"""What a card does: first whether the numbers are right, then how fast they come. One table, under eight minutes.

    python benchmarks/gpu.py --data-dir DIR  # on the first CUDA device; CIFAR-10 is there
    python benchmarks/gpu.py --tiny          # everything once, small, on the CPU: whether the script itself runs

Correctness comes first: a figure of a wrong run is worth nothing. Speeds are medians of rounds that take turns, in
samples a second, beside a plain loop (float32, a DataLoader, `ToTensor`, a running `loss.item()`) and beside one that
somebody wrote by hand with the same tricks as specc's own. Pictures are random, which takes the same time, but for the
last part, CIFAR-10 to 94 %, which `airbench.py` does alone.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # asked for by deterministic algorithms, before CUDA starts

import torch
from airbench import Asked, measured, tiny
from epoch import Pictures
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from specc.build.compile import build
from specc.data.images import InMemory
from specc.data.load import Dataset
from specc.data.survey import Survey
from specc.ir.shaped import ShapedModel
from specc.pipeline import analyse
from specc.reading import read_source
from specc.recipe.recipe import Recipe
from specc.runner.callbacks.base import Callback
from specc.runner.device import chosen_kernels
from specc.runner.distributed.world import Group
from specc.runner.loop import evaluate, make_step
from specc.runner.resume import Wish, continue_run
from specc.runner.run import train
from specc.runner.session import Session

CHECKED = (
    "input 1x28x28\nconv 16 k3 p1 -> bn -> relu -> maxpool 2\nconv 32 k3 p1 -> relu -> gap -> flatten -> linear 10\n"
)
STEPS = 20  # whose weights are compared


class Row(NamedTuple):
    """A line of the table. verdict: of a check; None for a measurement, which has none."""

    part: str
    what: str
    found: str
    verdict: bool | None = None


class Scale(NamedTuple):
    """How much is done: for a card, or to see whether the script runs. rounds: of the measurements that take turns."""

    device: torch.device
    specs: dict[str, str]
    samples: int
    batch: int
    rounds: int
    seconds: float
    airbench: Asked


def shaped(text: str) -> ShapedModel:
    found = analyse(read_source(text) if text.startswith("gallery:") else _source(text)).model
    assert found is not None, text
    return found


def _source(text: str) -> Any:
    from specc.source import Source

    return Source("net.cnn", text)


def noise(shape: tuple[int, ...], count: int) -> Dataset:
    """Random pictures of ten classes, a quarter as many to test on; in the middle of each stands its class."""
    chance = torch.Generator().manual_seed(0)

    def split(size: int) -> InMemory:
        images = torch.randint(0, 256, (size, *shape), dtype=torch.uint8, generator=chance)
        labels = torch.randint(0, 10, (size,), generator=chance)
        images[:, :, shape[1] // 2 - 2 : shape[1] // 2 + 2] = (25 * labels).to(torch.uint8).view(-1, 1, 1, 1)
        return InMemory(images, labels)

    return Dataset(Survey("random pictures", 10, {}, shape), split(count), split(max(1, count // 4)))


def session(model: ShapedModel, data: Dataset, device: torch.device, **options: Any) -> Session:
    return Session(model, data, Recipe.model_validate({"seed": 1, **options}), Group(device))


# Whether the numbers are right


def trained(found: Session, steps: int = STEPS) -> dict[str, Tensor]:
    """The weights after so many steps, in float64 on the CPU."""
    stream, step = endless(found), make_step(*found.trained)
    sizes = found.train.steps[0]
    found.network.train()
    for number in range(steps):
        step(number, [next(stream) for _ in sizes], sizes)
    return {name: tensor.detach().double().cpu() for name, tensor in found.model.state_dict().items()}


def endless(found: Session) -> Iterator[tuple[Tensor, Tensor]]:
    full = found.train.sizes[0]
    while True:
        for images, labels in found.train.shuffled(found.state.sampler.generator):
            if len(images) == full:
                yield images, labels


def in_float64(model: ShapedModel, data: Dataset, rate: float, batch: int) -> dict[str, Tensor]:
    """The same steps by the plainest loop there is, on the CPU in float64."""
    torch.manual_seed(1)
    order = torch.Generator().manual_seed(1)
    network = build(model).double().train()
    optimizer = torch.optim.SGD(network.parameters(), lr=rate)
    taken = 0
    while taken < STEPS:
        for index in torch.split(torch.randperm(len(data.train.y), generator=order), batch):
            if len(index) < batch or taken == STEPS:
                continue
            optimizer.zero_grad()
            images = (data.train.x[index].float() / 255).double()
            functional.cross_entropy(network(images), data.train.y[index]).backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
            optimizer.step()
            taken += 1
    return {name: tensor.detach().double() for name, tensor in network.state_dict().items()}


def apart(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """The largest difference of any tensor, as a part of that tensor's largest value."""
    return max(float((one[name] - other[name]).abs().max() / other[name].abs().max().clamp_min(1e-2)) for name in other)


def check_weights(scale: Scale) -> Iterator[Row]:
    model, data = shaped(CHECKED), noise((1, 28, 28), 40 * 32)
    truth = in_float64(model, data, 0.05, 32)
    plain = {"batch": 32, "optimizer": "sgd", "lr": 0.05}
    found = {}
    for name, bound in (("fp32", 1e-4), ("bf16", 0.1), ("fp16", 0.02)):
        try:
            found[name] = trained(session(model, data, scale.device, precision=name, **plain))
        except Exception as error:
            yield Row("weights", f"{name}, {STEPS} steps, against float64", f"not here: {error}")
            continue
        difference = apart(found[name], truth)
        yield Row("weights", f"{name}, {STEPS} steps, against float64", f"{difference:.1e}", difference < bound)
    halved = plain | {"batch": 16, "accumulate": 2, "precision": "fp32"}
    no_norm = shaped(CHECKED.replace("bn -> ", ""))
    whole = trained(session(no_norm, data, scale.device, precision="fp32", **plain))
    difference = apart(trained(session(no_norm, data, scale.device, **halved)), whole)
    yield Row("weights", "2 batches of 16 accumulated, against 32", f"{difference:.1e}", difference < 1e-4)


def check_resume(scale: Scale) -> Iterator[Row]:
    """A run of two epochs against one that ended after the first and went on, with deterministic algorithms."""
    options: dict[str, Any] = {"data": "digits", "device": str(scale.device), "optimizer": "adamw"}
    spec = "input 1x8x8\nconv 8 k3 p1 -> bn -> relu -> dropout 0.2 -> flatten -> linear 10\n"
    torch.use_deterministic_algorithms(True)
    try:
        for precision in ("fp32", "bf16"):
            with tempfile.TemporaryDirectory() as folder:
                whole, parted = Path(folder) / "whole", Path(folder) / "parted"
                train(spec, whole, epochs=2, precision=precision, **options)
                train(spec, parted, epochs=1, precision=precision, **options)
                continue_run(parted, Wish(None, False, None, {}, {"epochs": 2}), Callback())
                one, other = (load_file(run / "last.safetensors") for run in (whole, parted))
                same = all(torch.equal(one[name], other[name]) for name in one)
                said = "the same bits" if same else "other bits"
                yield Row("resume", f"{precision}, 1 epoch and 1 against 2", said, same)
    finally:
        torch.use_deterministic_algorithms(False)


def check_export(scale: Scale) -> Iterator[Row]:
    """A network trained on the device, as an ONNX file on the CPU."""
    from specc.emit.program.compared import Given
    from specc.emit.program.onnx import write_onnx

    model, data = shaped(CHECKED), noise((1, 28, 28), 40 * 32)
    found = session(model, data, scale.device, batch=32)
    trained(found)
    network = deepcopy(found.model).to("cpu").to(memory_format=torch.contiguous_format).eval()
    try:
        exported = write_onnx(network, Given(model.input), {"spec": CHECKED})
    except ImportError as error:
        yield Row("export", "ONNX", f"not here: {error}")
        return
    yield Row("export", "ONNX, against the network", f"{exported.difference:.1e}", exported.difference < 1e-4)


# How fast they come


def now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter()


def steps_a_second(device: torch.device, step: Callable[[], object], seconds: float) -> float:
    """Steps a second, after a few that allocate, choose kernels and compile."""
    for _ in range(5):
        step()
    started, taken = now(device), 0
    while taken < 3 or perf_counter() - started < seconds:
        for _ in range(10):
            step()
        taken += 10
        now(device)
    return taken / (now(device) - started)


def ours(model: ShapedModel, data: Dataset, scale: Scale, **options: Any) -> Callable[[], object]:
    """A step of specc's, with its batch."""
    found = session(
        model, data, scale.device, **({"batch": scale.batch, "optimizer": "sgd", "momentum": 0.9} | options)
    )
    stream, sizes, change = endless(found), found.train.steps[0], make_step(*found.trained)
    found.network.train()

    def step() -> None:
        with chosen_kernels(found.recipe, scale.device):
            change(0, [next(stream)], sizes)

    return step


def by_hand(model: ShapedModel, data: Dataset, scale: Scale, *, compiled: bool = False) -> Callable[[], object]:
    """What an expert writes for this network: pictures on the card, bf16, channels_last, a fused optimizer."""
    device = scale.device
    torch.manual_seed(1)
    network: nn.Module = build(model).to(device).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, fused=True)
    images, labels = data.train.x.to(device), data.train.y.to(device)
    called: Any = torch.compile(network, mode="reduce-overhead") if compiled else network

    def step() -> None:
        index = torch.randint(len(labels), (scale.batch,), device=device)
        batch = images[index].float().div_(255).contiguous(memory_format=torch.channels_last)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16):
            loss = functional.cross_entropy(called(batch), labels[index])
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        optimizer.step()

    return step


def plain(model: ShapedModel, data: Dataset, scale: Scale) -> Callable[[], object]:
    """The loop of lectures, moved to the device."""
    torch.manual_seed(1)
    network = build(model).to(scale.device)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    loader = DataLoader(Pictures(data.train), scale.batch, shuffle=True, drop_last=True)

    def endless_batches() -> Iterator[Any]:
        while True:
            yield from loader

    batches = endless_batches()

    def step() -> float:
        images, labels = next(batches)
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(images.to(scale.device)), labels.to(scale.device))
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        optimizer.step()
        return loss.item()

    return step


def evaluation(model: ShapedModel, data: Dataset, scale: Scale) -> Callable[[], object]:
    found = session(model, data, scale.device, batch=scale.batch)
    return lambda: evaluate(found.evaluated, found.test, lambda: None, found.goal)


def variants(scale: Scale) -> dict[str, dict[str, Any]]:
    """What specc is told, one thing changed at a time."""
    on_card = scale.device.type == "cuda"
    told: dict[str, dict[str, Any]] = {
        "specc": {},
        "specc --precision fp32": {"precision": "fp32"},
        "specc --channels-last off": {"channels_last": "off"},
        "specc --cudnn-benchmark off": {"cudnn_benchmark": "off"},
    }
    if on_card:
        told |= {"specc --precision fp16": {"precision": "fp16"}, "specc --compile on": {"compile": "on"}}
    return told


def check_speed(scale: Scale) -> Iterator[Row]:
    for name, spec in scale.specs.items():
        model = shaped(spec)
        data = noise(model.input, scale.samples)
        makers: dict[str, Callable[[], Callable[[], object]]] = {
            "the plain loop": partial(plain, model, data, scale),
            "by hand": partial(by_hand, model, data, scale),
        }
        if scale.device.type == "cuda":
            makers["by hand, compiled"] = partial(by_hand, model, data, scale, compiled=True)
        makers |= {title: partial(ours, model, data, scale, **said) for title, said in variants(scale).items()}
        yield from _in_turns(f"{name}, training", makers, scale, scale.batch)
        makers = {"specc evaluates": partial(evaluation, model, data, scale)}
        yield from _in_turns(f"{name}, evaluation", makers, scale, len(data.test))


def _in_turns(
    part: str, makers: dict[str, Callable[[], Callable[[], object]]], scale: Scale, samples: int
) -> Iterator[Row]:
    rates: dict[str, list[float]] = {}
    steps: dict[str, Callable[[], object]] = {}
    for title, make in makers.items():
        try:
            steps[title] = make()
            steps[title]()
        except Exception as error:
            steps.pop(title, None)
            yield Row(part, title, f"not here: {str(error).splitlines()[0][:70]}")
    for _ in range(scale.rounds):
        for title, step in steps.items():
            rates.setdefault(title, []).append(samples * steps_a_second(scale.device, step, scale.seconds))
    first = statistics.median(next(iter(rates.values()))) if rates else 1.0
    for title, found in rates.items():
        middle = statistics.median(found)
        spread = f"({min(found):,.0f} to {max(found):,.0f})"
        yield Row(part, title, f"{middle:12,.0f} samples/s {spread:<28}{middle / first:7.2f} ×")


class FirstStep(Exception):
    """Training has begun."""


def check_start(scale: Scale) -> Iterator[Row]:
    """From the start of the call to the end of the first step, torch imported already."""

    class Stops(Callback):
        def step(self) -> None:
            raise FirstStep

    with tempfile.TemporaryDirectory() as folder:
        started = perf_counter()
        try:
            train(CHECKED.replace("1x28x28", "1x8x8"), Path(folder) / "run", callback=Stops(), device=str(scale.device))
        except FirstStep:
            yield Row("start", "digits, to the end of the first step", f"{now(scale.device) - started:.2f} s")


def check_airbench(scale: Scale) -> Iterator[Row]:
    """`gallery:small/airbench` beside a loop by hand with the same techniques."""
    try:
        yield from (Row("CIFAR-10 to 94 %", what, found) for what, found in measured(scale.airbench))
    except Exception as error:
        yield Row("CIFAR-10 to 94 %", "gallery:small/airbench", f"not here: {str(error).splitlines()[0][:70]}")


CHECKS: tuple[Callable[[Scale], Iterator[Row]], ...] = (
    check_weights, check_resume, check_export, check_speed, check_start, check_airbench,
)  # fmt: skip


def machine(device: torch.device) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    cuda = ""
    if device.type == "cuda":
        cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call] # torch leaves it untyped
        cuda = f", CUDA {torch.version.cuda}, cuDNN {cudnn}"
    return f"{name}; Python {platform.python_version()}, torch {torch.__version__}{cuda}"


def scale_of(asked: argparse.Namespace, folder: str) -> Scale:
    """folder: for what is written."""
    if asked.tiny:
        specs = {"small CNN": CHECKED}
        return Scale(
            torch.device("cpu"), specs, samples=256, batch=16, rounds=1, seconds=0.01, airbench=tiny(folder)
        )  # fmt: skip
    options = {"data": "cifar10", **({"data_dir": asked.data_dir} if asked.data_dir else {})}
    specs = {"ResNet-18 on 32x32": "gallery:resnet18", "MNIST CNN": "gallery:mnist_cnn"}
    return Scale(
        torch.device(asked.device), specs, samples=10_240, batch=512, rounds=3, seconds=2.0,
        airbench=Asked(asked.device, 10, options),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="small and on the CPU: does the script run?")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--data-dir", help="where CIFAR-10 is")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(1 if report(scale_of(asked, folder)) else 0)


def report(scale: Scale) -> int:
    """Print the table. Returns: how many checks were wrong."""
    print(machine(scale.device), flush=True)
    wrong, part, started = 0, "", perf_counter()
    for check in CHECKS:
        for row in check(scale):
            print("" if row.part == part else f"\n{row.part}\n", end="")
            sign = "" if row.verdict is None else "  right" if row.verdict else "  WRONG"
            print(f"  {row.what:<44} {row.found}{sign}", flush=True)
            part, wrong = row.part, wrong + (row.verdict is False)
    print(f"\n{wrong} wrong; {perf_counter() - started:.0f} s")
    return wrong


if __name__ == "__main__":
    main()
