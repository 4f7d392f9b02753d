"""airbench94 by hand beside `gallery:small/airbench`: how long both take to the accuracy of a seed, and what it is.

    python benchmarks/airbench.py --data cifar10 --data-dir DIR    # on the first CUDA device, ten seeds
    python benchmarks/airbench.py --tiny                           # once, small, on the CPU: whether the script runs

The loop by hand has what the recipe has: whitened patches, filters that pass on what arrives, Muon for the kernels and
SGD for the rest, mirroring by turns, translation, six views of each test picture. Source of the network and of its
numbers: Jordan 2024, https://github.com/KellerJordan/cifar10-airbench, `airbench94_muon.py`.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from specc.data.load import load_dataset
from specc.evaluate.score import Wanted, evaluate
from specc.evaluate.trained import load_trained
from specc.recipe.recipe import Recipe
from specc.runner.run import train

SPEC = "gallery:small/airbench"
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
WIDTHS = (24, 64, 256, 256)
GOAL = 0.94  # accuracy that is looked for
BIASES, HEAD, DECAY = 0.053, 0.67, 2e-6  # rates and decay for the sum of a batch's losses; what follows takes the mean
KERNELS, SMOOTHING, SHIFT = 0.24, 0.2, 2


class Network(nn.Module):
    """The layers in the order in which the spec writes them."""

    def __init__(self) -> None:
        super().__init__()
        self.whiten = nn.Conv2d(3, WIDTHS[0], 2)
        self.pairs = nn.ModuleList()
        for before, after in pairwise(WIDTHS):
            for arriving in (before, after):
                self.pairs.append(nn.Conv2d(arriving, after, 3, padding=1, bias=False))
                self.pairs.append(nn.BatchNorm2d(after, eps=1e-12, momentum=0.4))
        self.head = nn.Linear(WIDTHS[-1], 10, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.gelu(self.whiten(x))
        for number, layer in enumerate(self.pairs):
            x = layer(x)
            if number % 4 == 0:
                x = functional.max_pool2d(x, 2)
            if number % 2:
                x = functional.gelu(x)
        x = functional.max_pool2d(x, 3).flatten(1)
        scores: Tensor = self.head(x) / WIDTHS[-1]
        return scores

    @property
    def kernels(self) -> list[Tensor]:
        return [layer.weight for layer in self.pairs if isinstance(layer, nn.Conv2d)]

    @property
    def biases(self) -> list[Tensor]:
        assert self.whiten.bias is not None
        return [self.whiten.bias, *(layer.bias for layer in self.pairs if isinstance(layer, nn.BatchNorm2d))]


def whitened(pictures: Tensor, count: int) -> Tensor:
    """Filters of 2×2, (count, 3, 2, 2), from scaled pictures."""
    patches = pictures.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12).double()
    values, vectors = torch.linalg.eigh(torch.cov(patches.T, correction=0))
    rows = (vectors / (values + 5e-4).sqrt()).T.flip(0)[: count // 2]
    return torch.cat([rows, -rows]).view(count, 3, 2, 2).float()


def begin(network: Network, pictures: Tensor) -> None:
    """Give a new network the weights that a run begins with."""
    with torch.no_grad():
        network.whiten.weight.copy_(whitened(pictures, WIDTHS[0]))
        for kernel in network.kernels:
            nn.init.dirac_(kernel[: kernel.shape[1]])
        network.head.weight.normal_()
    network.whiten.weight.requires_grad_(False)
    for layer in network.pairs:
        if isinstance(layer, nn.BatchNorm2d):
            layer.weight.requires_grad_(False)


def orthogonal(matrix: Tensor, steps: int = 3) -> Tensor:
    """About the nearest matrix with singular values of one size, by Newton-Schulz steps in bfloat16."""
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.bfloat16()
    x = x.T if is_tall else x
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
    return (x.T if is_tall else x).to(matrix.dtype)


class Loop:
    """What changes a network: Muon for the kernels, SGD for the rest, both by rates that fall to nothing."""

    def __init__(self, network: Network, batch: int, total: int, freeze: int) -> None:
        """total: steps; freeze: those in which the bias of the whitened layer learns."""
        self.network, self.total, self.freeze = network, total, freeze
        self.momenta = [torch.zeros_like(kernel) for kernel in network.kernels]
        rates = [(network.biases, BIASES * batch), ([network.head.weight], HEAD * batch)]
        groups: list[dict[str, Any]] = [
            {"params": params, "lr": rate, "rate": rate, "weight_decay": DECAY * batch / rate} for params, rate in rates
        ]
        self.rest = torch.optim.SGD(groups, momentum=0.85, nesterov=True, fused=True)

    def step(self, number: int, x: Tensor, y: Tensor) -> Tensor:
        """One step. Returns: its loss."""
        left = 1 - number / self.total
        self.network.biases[0].requires_grad_(number < self.freeze)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=x.device.type == "cuda"):
            scores = self.network(x)
        loss = functional.cross_entropy(scores.float(), y, label_smoothing=SMOOTHING)
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        with torch.no_grad():
            for kernel, momentum in zip(self.network.kernels, self.momenta, strict=True):
                assert kernel.grad is not None
                momentum.mul_(0.6).add_(kernel.grad)
                change = orthogonal((kernel.grad + 0.6 * momentum).flatten(1)).view_as(kernel)
                kernel.mul_(len(kernel) ** 0.5 / kernel.norm())
                kernel.sub_(change, alpha=KERNELS * left)
        for group in self.rest.param_groups:
            group["lr"] = group["rate"] * left
        self.rest.step()
        self.network.zero_grad(set_to_none=True)
        return loss.detach()


def shifted(pictures: Tensor) -> Tensor:
    """Each moved by up to two pixels, its border mirrored."""
    count, side, device = len(pictures), pictures.shape[-1], pictures.device
    padded = functional.pad(pictures, (SHIFT,) * 4, "reflect")
    top, left = torch.randint(0, 2 * SHIFT + 1, (2, count, 1), device=device) + torch.arange(side, device=device)
    rows, columns = top.view(count, 1, side, 1), left.view(count, 1, 1, side)
    channels = torch.arange(3, device=device).view(1, 3, 1, 1)
    return padded[torch.arange(count, device=device).view(-1, 1, 1, 1), channels, rows, columns]


def scaled(pictures: Tensor) -> Tensor:
    mean, deviation = (torch.tensor(part, device=pictures.device).view(3, 1, 1) for part in (MEAN, DEVIATION))
    laid_out: Tensor = ((pictures.float() / 255 - mean) / deviation).contiguous(memory_format=torch.channels_last)
    return laid_out


class Parts(NamedTuple):
    """Pictures, uint8, and their classes, on the device."""

    x: Tensor
    y: Tensor


def by_hand(data: Parts, test: Parts, seed: int, epochs: int, batch: int) -> float:
    """Train. Returns: the accuracy on the test part, six views of each picture together."""
    torch.manual_seed(seed)
    device, steps = data.x.device, len(data.x) // batch
    network = Network().to(device).to(memory_format=torch.channels_last)
    begin(network, scaled(data.x[torch.randperm(len(data.x), device=device)[:5000]]).cpu())
    loop = Loop(network, batch, epochs * steps, 3 * steps)
    mirrored = torch.rand(len(data.x), device=device) < 0.5
    for epoch in range(epochs):
        order = torch.randperm(len(data.x), device=device)
        for number in range(steps):
            places = order[number * batch : (number + 1) * batch]
            x = data.x[places]
            x = torch.where((mirrored[places] ^ bool(epoch % 2)).view(-1, 1, 1, 1), x.flip(-1), x)
            loop.step(epoch * steps + number, scaled(shifted(x)), data.y[places])
    return accuracy(network.eval(), test)


@torch.no_grad()
def accuracy(network: nn.Module, test: Parts) -> float:
    right = torch.zeros((), device=test.x.device)
    for x, y in zip(torch.split(test.x, 2000), torch.split(test.y, 2000), strict=True):
        pictures = scaled(x)
        padded = functional.pad(pictures, (1,) * 4, "reflect")
        views = ((0.5, pictures), (0.25, padded[..., :-2, :-2]), (0.25, padded[..., 2:, 2:]))
        with torch.autocast(x.device.type, torch.bfloat16, enabled=x.device.type == "cuda"):
            told = sum(
                share / 2 * network(moved).float().softmax(1)
                for share, view in views
                for moved in (view, view.flip(-1))
            )
        assert isinstance(told, Tensor)
        right += (told.argmax(1) == y).sum()
    return float(right) / len(test.x)


class Asked(NamedTuple):
    """What is to be measured. options: settings of the recipe, for specc and for the loop by hand."""

    device: str
    seeds: int
    options: dict[str, Any]


def measured(asked: Asked) -> Iterator[tuple[str, str]]:
    """Lines of a table: what was measured, and what was found."""
    recipe = Recipe.model_validate({"epochs": 8, "batch": 2000, **asked.options})
    device, dataset = torch.device(asked.device), load_dataset(recipe)
    data, test = (Parts(part.x.to(device), part.y.to(device)) for part in (dataset.train, dataset.test))
    ways: dict[str, Callable[[int], float]] = {
        "by hand": lambda seed: by_hand(data, test, seed, int(recipe.epochs), recipe.batch),
        "specc.train": lambda seed: by_specc(asked, seed),
    }
    times: dict[str, list[float]] = {}
    for way, run in ways.items():
        run(10_000)  # chooses kernels, allocates
        found = []
        for seed in range(asked.seeds):
            started = perf_counter()
            found.append(run(seed))
            if device.type == "cuda":
                torch.cuda.synchronize()
            times.setdefault(way, []).append(perf_counter() - started)
        yield (
            way,
            f"{_spread(times[way], ' s')}, accuracy {_spread([100 * one for one in found], ' %')}, "
            f"{sum(one >= GOAL for one in found)} of {len(found)} at {GOAL:.0%}",
        )
    ratio = statistics.median(times["specc.train"]) / statistics.median(times["by hand"])
    yield "specc.train by the loop by hand", f"{ratio:.2f} times as long"
    yield "specc train and specc eval, from the command", f"{by_command(asked):.1f} s"


def by_specc(asked: Asked, seed: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        run = train(SPEC, Path(folder) / "run", seed=seed, device=asked.device, **asked.options)
        found = evaluate(load_trained(run.folder), Wanted(tta="shift"), torch.device(asked.device))
    return next(value or 0.0 for one, value in found.review.numbers if one.name == "accuracy")


def by_command(asked: Asked) -> float:
    """Seconds of the two commands."""
    said = [part for name, value in asked.options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    with tempfile.TemporaryDirectory() as folder:
        started = perf_counter()
        for command in (
            ["train", SPEC, "--out", f"{folder}/run", "--device", asked.device, *said],
            ["eval", f"{folder}/run", "--tta", "shift", "--device", asked.device],
        ):
            subprocess.run([sys.executable, "-m", "specc", *command], check=True, capture_output=True)
        return perf_counter() - started


def tiny(folder: str) -> Asked:
    """Random pictures, few of them, on the CPU."""
    chance = np.random.default_rng(0)
    parts = {
        name: chance.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)
        for name, count in (("train", 16), ("test", 4))
    }
    labels = {f"y_{name}": np.arange(len(part)) % 10 for name, part in parts.items()}
    arrays: dict[str, Any] = {f"x_{name}": part for name, part in parts.items()} | labels
    np.savez(f"{folder}/noise.npz", **arrays)
    return Asked("cpu", 1, {"data": f"{folder}/noise.npz", "epochs": 1, "batch": 8})


def _spread(values: list[float], unit: str) -> str:
    return f"{statistics.median(values):.2f}{unit} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="small and on the CPU: does the script run?")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--data-dir")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options = {"data": given.data, **({"data_dir": given.data_dir} if given.data_dir else {})}
        asked = tiny(folder) if given.tiny else Asked(given.device, given.seeds, options)
        card = torch.cuda.get_device_name() if asked.device.startswith("cuda") else platform.processor()
        print(
            f"{card or platform.machine()}; Python {platform.python_version()}, torch {torch.__version__}", flush=True
        )
        for what, found in measured(asked):
            print(f"  {what:<46} {found}", flush=True)


if __name__ == "__main__":
    main()
