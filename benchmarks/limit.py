"""How near a training step is to what the processor can multiply at all.

The limit is the rate of a large matrix product in the same precision. A step's work is counted from the checked spec:
each layer's multiply-accumulates forward, once more for the gradient of its weights, and, but for the first layer that
has weights, once more for the gradient of its input. Prints medians of measurements in turns.

    python benchmarks/limit.py [--network mnist|lenet] [--samples 3840] [--trials 7]
"""

from __future__ import annotations

import argparse
import statistics
from functools import partial

import torch
from epoch import Task, specc
from side_by_side import (
    NETWORKS,
    add_options,
    add_training_options,
    apply_options,
    clock,
    interleaved,
    machine,
    pictures,
)

from specc.pipeline import analyse
from specc.source import Source

SIDE = 2048  # of the matrices
PRODUCTS = 5
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def product(precision: str) -> float:
    """Seconds of a product of two square matrices."""
    first, second = (torch.randn(SIDE, SIDE).to(DTYPES[precision]) for _ in range(2))
    started = clock()
    for _ in range(PRODUCTS):
        first @ second
    return (clock() - started) / PRODUCTS


def operations(spec: str) -> int:
    """Multiplications and additions to train on one picture."""
    model = analyse(Source("net.cnn", spec)).model
    assert model is not None
    working = [row.macs for row in model.rows() if row.macs]
    return 2 * (3 * sum(working) - working[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_training_options(parser)
    add_options(parser, trials=7)
    given = parser.parse_args()
    apply_options(given)
    print(machine("specc"))
    networks = [given.network] if given.network else list(NETWORKS)
    tasks: dict[str, Task] = {}
    for name in networks:
        data = pictures(NETWORKS[name], given.samples, given.data_dir)
        tasks[name] = Task(NETWORKS[name], data, given.batch)
    for precision in DTYPES:
        ways = {"product": partial(product, precision)}
        ways |= {f"specc {name}": partial(specc, task, precision=precision) for name, task in tasks.items()}
        seconds = {name: statistics.median(times) for name, times in interleaved(ways, given.trials).items()}
        most = 2 * SIDE**3 / seconds["product"] / 1e9
        print(f"\n{precision}: a product of {SIDE}x{SIDE} matrices: {most:.0f} billion operations a second")
        for name in networks:
            rate = given.samples * operations(NETWORKS[name].spec) / seconds[f"specc {name}"] / 1e9
            print(
                f"  {NETWORKS[name].name}, a training step of {given.batch}: {rate:.0f}, {rate / most:.0%} of it",
                flush=True,
            )


if __name__ == "__main__":
    main()
