"""What each default of the runner is worth on this machine: one change at a time, on the loop of lectures.

Each line adds one change to the line above it; the last ones take one away from the whole, or add what is off by
default. A default is right where its line is faster than the one before.

    python benchmarks/ablation.py [--network mnist|lenet] [--samples 6400] [--data-dir DIR] [--compile]
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import NamedTuple

import torch
from epoch import RATE, Task, lecture
from side_by_side import (
    NETWORKS,
    add_options,
    add_training_options,
    apply_options,
    clock,
    interleaved,
    machine,
    pictures,
    table,
)
from torch.nn.functional import cross_entropy

from specc.recipe.recipe import Recipe
from specc.runner.cpu.door import rearranged
from specc.runner.cpu.process import claim, keep_pages
from specc.runner.device import compiled
from specc.runner.precision import Forward, Precision, has_fast_bf16


class Setting(NamedTuple):
    """Which of the runner's changes are made; data are in memory always."""

    channels_last: bool = False
    fused: bool = False
    swapped: bool = False
    keeps_pages: bool = False
    precision: str = "fp32"
    compiles: bool = False


def epoch(task: Task, setting: Setting) -> float:
    """The seconds of an epoch."""
    if setting.keeps_pages:
        claim()
        keep_pages()
    device = torch.device("cpu")
    model = task.model()
    if setting.channels_last:
        model = model.to(memory_format=torch.channels_last)
    layers = rearranged(model) if setting.swapped else model
    forward = Forward(model, Precision(setting.precision, device), layers)
    network = compiled(forward, Recipe(compile="on" if setting.compiles else "off"), device)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=setting.fused or None)
    images, labels = task.train.x, task.train.y
    started = clock()
    order = torch.randperm(len(labels))
    for start in range(0, len(labels), task.batch):
        index = order[start : start + task.batch]
        batch = images.index_select(0, index).float().div_(255)
        optimizer.zero_grad(set_to_none=True)
        targets = labels.index_select(0, index)
        cross_entropy(network(batch), targets).backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        optimizer.step()
    return clock() - started


def settings(*, compiles: bool) -> dict[str, Setting]:
    whole = Setting(channels_last=True, fused=True, swapped=True, keeps_pages=True)
    found = {
        "pictures in memory, cut by index": Setting(),
        "+ channels_last": Setting(channels_last=True),
        "+ fused Adam": Setting(channels_last=True, fused=True),
        "+ max-pooling before relu": Setting(channels_last=True, fused=True, swapped=True),
        "+ freed memory kept (fp32)": whole,
        "+ bf16": whole._replace(precision="bf16"),
        "bf16 without channels_last": whole._replace(precision="bf16", channels_last=False),
    }
    if compiles:
        found["fp32 with torch.compile"] = whole._replace(compiles=True)
    if not has_fast_bf16(torch.device("cpu")):
        print("this CPU has no bf16 arithmetic: those lines show why `auto` is fp32 here")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_training_options(parser)
    parser.add_argument("--compile", action="store_true", help="add torch.compile, which takes minutes")
    add_options(parser)
    given = parser.parse_args()
    apply_options(given)
    print(machine("specc"))
    for network in [NETWORKS[given.network]] if given.network else NETWORKS.values():
        task = Task(network, pictures(network, given.samples, given.data_dir), given.batch)
        ways = {"the loop of lectures": partial(lecture, task)}
        ways |= {
            f"specc: {name}": partial(epoch, task, setting)
            for name, setting in settings(compiles=given.compile).items()
        }
        print(f"\n{network.name}, an epoch of {given.samples:,}, batch {given.batch}, {given.trials} trials")
        print(table(interleaved(ways, given.trials)), flush=True)


if __name__ == "__main__":
    main()
