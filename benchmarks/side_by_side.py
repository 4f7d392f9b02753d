"""What the benchmarks share: two small networks, and measurements that take turns.

Whatever else the machine does then slows all of them. The ratio is taken pair by pair, of measurements that stand next
to each other, and told as median and spread.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection
from typing import NamedTuple

import torch
from torch import nn

from specc.data.images import InMemory
from specc.data.load import Dataset, load_dataset
from specc.data.survey import Survey
from specc.recipe.recipe import Recipe
from specc.runner.cpu.process import SPINS, VARIABLE

SPAWN = multiprocessing.get_context("spawn")


class Network(NamedTuple):
    """A network: how a person writes it for torch, and for specc."""

    name: str
    data: str
    shape: tuple[int, int, int]
    spec: str
    layers: Callable[[], list[nn.Module]]


def _mnist() -> list[nn.Module]:
    return [
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 10),
    ]  # fmt: skip


def _lenet() -> list[nn.Module]:
    return [
        nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    ]  # fmt: skip


NETWORKS = {
    "mnist": Network("MNIST CNN", "mnist", (1, 28, 28),
        "input 1x28x28\nconv 32 k3 p1 -> relu -> maxpool 2\nconv 64 k3 p1 -> relu -> maxpool 2\n"
        "flatten -> linear 10\n", _mnist),
    "lenet": Network("LeNet on CIFAR-10", "cifar10", (3, 32, 32),
        "input 3x32x32\nconv 6 k5 -> relu -> maxpool 2\nconv 16 k5 -> relu -> maxpool 2\n"
        "flatten -> linear 120 -> relu -> linear 84 -> relu -> linear 10\n", _lenet),
}  # fmt: skip


def pictures(network: Network, samples: int, data_dir: str | None) -> Dataset:
    """So many training pictures, and a sixth as many for testing; random ones where no folder is named."""
    tests = max(1, samples // 6)
    if data_dir is None:
        chance = torch.Generator().manual_seed(0)

        def noise(count: int) -> InMemory:
            images = torch.randint(0, 256, (count, *network.shape), dtype=torch.uint8, generator=chance)
            return InMemory(images, torch.randint(0, 10, (count,), generator=chance))

        return Dataset(Survey("random pictures", 10, {}, network.shape), noise(samples), noise(tests))
    dataset = load_dataset(Recipe(data=network.data, data_dir=data_dir))
    train, test = (
        images.pick(range(min(most, len(images)))) for images, most in ((dataset.train, samples), (dataset.test, tests))
    )
    return dataset._replace(train=train, test=test)


CLOCK = "SPECC_BENCHMARK_CLOCK"
LIMITED = "SPECC_BENCHMARK_LIMITED"


def clock() -> float:
    """Seconds, of the wall or of the processor as `--clock` says."""
    return time.process_time() if os.environ.get(CLOCK) == "cpu" else time.perf_counter()


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """What is trained: the network, how many pictures, where they lie."""
    parser.add_argument("--network", choices=list(NETWORKS), help="one of the two; both if not given")
    parser.add_argument("--samples", type=int, default=6400, help="training pictures; 60000 and 50000 are all")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--data-dir", help="folder of MNIST and CIFAR-10, as torchvision leaves them")


def add_options(parser: argparse.ArgumentParser, *, trials: int = 5) -> None:
    parser.add_argument("--trials", type=int, default=trials)
    parser.add_argument("--threads", type=int, help="of torch; all cores if not given")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall",
        help="cpu, with --threads 1, is the steadier one on a busy machine")  # fmt: skip
    parser.add_argument("--limit-spinning", action="store_true",
        help="for the others' threads, too: where the machine is busy they are slowed many times else")  # fmt: skip


def apply_options(given: argparse.Namespace) -> None:
    """For this process and those that it starts."""
    os.environ[CLOCK] = given.clock
    os.environ[LIMITED] = "yes" if given.limit_spinning else ""
    if given.threads:
        os.environ["OMP_NUM_THREADS"] = str(given.threads)
        torch.set_num_threads(given.threads)


def interleaved(ways: Mapping[str, Callable[[], float]], trials: int) -> dict[str, list[float]]:
    """`in_turns`, each way in a process of its own.

    So what one sets for its process, the allocator above all, is not the others'. specc's limit their spinning as
    `specc train` does, the others only where `--limit-spinning` says so.
    """
    with ExitStack() as stack:
        workers = {}
        for name, way in ways.items():
            limits = name.startswith("specc") or os.environ.get(LIMITED)
            workers[name] = stack.enter_context(worker(way, SPINS if limits else None))
        return in_turns(workers, trials)


def in_turns(ways: Mapping[str, Callable[[], float]], trials: int) -> dict[str, list[float]]:
    """Each way's seconds, trial by trial in turns; a first round is thrown away."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for trial in range(trials + 1):
        for name, measure in ways.items():
            seconds = measure()
            if trial:
                times[name].append(seconds)
    return times


@contextmanager
def worker(way: Callable[[], float], spins: str | None) -> Iterator[Callable[[], float]]:
    """A process that measures when it is asked.

    spins: after how many turns its waiting threads sleep; None where OpenMP decides, as in a program that sets nothing.
    """
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=_serve, args=(there, way), daemon=True)
    with _spinning(spins):
        process.start()
    there.close()

    def measure() -> float:
        here.send(True)
        try:
            seconds: float = here.recv()
        except EOFError:
            raise SystemExit("a measurement failed; what it said stands above") from None
        return seconds

    try:
        yield measure
    finally:
        here.close()
        process.join()


@contextmanager
def _spinning(spins: str | None) -> Iterator[None]:
    """The limit that a process which starts now finds."""
    before = os.environ.pop(VARIABLE, None)
    if spins is not None:
        os.environ[VARIABLE] = spins
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)
        if before is not None:
            os.environ[VARIABLE] = before


def _serve(connection: Connection, way: Callable[[], float]) -> None:
    while True:
        try:
            connection.recv()
        except EOFError:
            return
        connection.send(way())


def table(times: Mapping[str, list[float]], unit: str = "s") -> str:
    """A line for each: median and spread, and how many times faster than the first one it is."""
    factor = {"s": 1, "ms": 1000}[unit]
    first = next(iter(times.values()))
    lines = []
    for name, values in times.items():
        ratios = sorted(base / value for base, value in zip(first, values, strict=True))
        spread = f"({factor * min(values):.2f} to {factor * max(values):.2f})"
        ratio = f"{statistics.median(ratios):6.2f} × ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        lines.append(f"  {name:<34}{factor * statistics.median(values):9.2f} {unit} {spread:<20}{ratio}")
    return "\n".join(lines)


def machine(*packages: str) -> str:
    """Hardware and versions, in a line."""
    versions = ", ".join(f"{package} {_version(package)}" for package in ("torch", *packages))
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{_cpu()}, {torch.get_num_threads()} threads{load}; Python {platform.python_version()}, {versions}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def _cpu() -> str:
    from specc.runner.device import _cpu_name

    flags = [name for name in ("avx2", "avx512", "avx512_bf16", "amx_tile") if _has(name)]
    return f"{_cpu_name()} ({', '.join(flags) or 'no vector extensions that torch knows'})"


def _has(name: str) -> bool:
    question = getattr(torch.cpu, f"_is_{name}_supported", None)
    return question is not None and bool(question())
