"""A compiled spec beside the same network written by hand, and ResNet-18 beside torchvision's.

A training step, forward and backward, in torch's own layout and precision: what a spec costs once it is compiled. Both
take turns in one process: two processes differ by more than two networks do, by where their memory happens to lie.

    python benchmarks/by_hand.py [--steps 20]
"""

from __future__ import annotations

import argparse
from functools import cache, partial

import torch
from side_by_side import NETWORKS, add_options, apply_options, clock, in_turns, machine, table
from torch import nn
from torch.nn.functional import cross_entropy

import specc as package

SHAPES = {"mnist": (128, 1, 28, 28), "lenet": (128, 3, 32, 32), "resnet18": (8, 3, 64, 64)}


@cache
def network(name: str, *, by_hand: bool) -> nn.Module:
    torch.manual_seed(0)
    if name == "resnet18":
        if by_hand:
            from torchvision.models import resnet18

            model: nn.Module = resnet18()
            return model
        return package.compile("gallery:classics/resnet18", input=(3, 64, 64))
    if by_hand:
        return nn.Sequential(*NETWORKS[name].layers())
    return package.compile(NETWORKS[name].spec)


def steps(name: str, by_hand: bool, count: int) -> float:
    """The seconds of a step."""
    model = network(name, by_hand=by_hand)
    images = torch.rand(SHAPES[name])
    labels = torch.arange(len(images)) % 10
    started = clock()
    for _ in range(count):
        model.zero_grad(set_to_none=True)
        cross_entropy(model(images), labels).backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
    return (clock() - started) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20, help="in a trial")
    add_options(parser, trials=11)
    given = parser.parse_args()
    apply_options(given)
    print(machine("specc", "torchvision"))
    for name, shape in SHAPES.items():
        rival = "torchvision's" if name == "resnet18" else "by hand"
        ways = {rival: partial(steps, name, True, given.steps), "compiled": partial(steps, name, False, given.steps)}
        print(f"\n{name}, a step of {'x'.join(map(str, shape))}, {given.trials} trials of {given.steps}")
        print(table(in_turns(ways, given.trials), "ms"), flush=True)


if __name__ == "__main__":
    main()
