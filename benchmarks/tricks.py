"""What each trick for CPUs is worth: `specc train` with it and without it, in turns, on the MNIST CNN and on LeNet.

A trick earns its place where the median of 15 pairs of the whole command is at least 4 % better on one of the two
networks and 12 of 15 agree. On an idle machine read the wall time; beside other programs the processor time says more,
though not of what waits.

With --lecture: the whole script of a lecture beside `specc train` on the MNIST CNN.

    python benchmarks/tricks.py [--pairs 15] [--epochs 1] [--limit 60000] [--data-dir DIR] [TRICK...]
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

from specc.runner.cpu.process import SWITCH, TRICKS

SPECS = Path(__file__).parent.parent / "specs"
LECTURE = Path(__file__).with_name("lecture.py")  # its name stands for it where a trick's does elsewhere
NETWORKS = {"mnist_cnn": SPECS / "mnist_cnn.cnn", "lenet5": SPECS / "lenet5.cnn"}
WORTH, AGREE = 1.04, 0.8  # the least ratio, and the least part of the pairs with a ratio above 1


class Spent(NamedTuple):
    """Seconds of a command: on the wall, and of all its processors."""

    wall: float
    processor: float


def spent(spec: Path, options: list[str], without: str) -> Spent:
    """One run of the whole command."""
    environment = {**os.environ, SWITCH: without}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "specc", "train", str(spec), "--quiet", "--out", f"{folder}/run", *options]
        if without == LECTURE.stem:
            command = [sys.executable, str(LECTURE), *options[-1:]]
        before, started = _processor(), perf_counter()
        subprocess.run(command, env=environment, check=True)
        return Spent(perf_counter() - started, _processor() - before)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def pairs(spec: Path, options: list[str], trick: str, count: int) -> list[tuple[Spent, Spent]]:
    """So many times without the trick and with it, which of them first in turns."""
    found = []
    for number in range(count):
        one, other = (spent(spec, options, name) for name in ((trick, "") if number % 2 else ("", trick)))
        found.append((one, other) if number % 2 else (other, one))
    return found


def line(network: str, trick: str, found: list[tuple[Spent, Spent]]) -> str:
    """Both medians, and how many of the pairs agree."""
    cells = []
    for kind in ("wall", "processor"):
        ratios = [getattr(without, kind) / getattr(one, kind) for without, one in found]
        agree = sum(ratio > 1 for ratio in ratios)
        earns = median(ratios) >= WORTH and agree >= AGREE * len(ratios)
        cells.append(f"{kind} {median(ratios):.3f} ({agree:2} of {len(ratios)}{', earns its place' if earns else ''})")
    return f"{network:10} {trick:10} {'  '.join(cells)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tricks", nargs="*", default=list(TRICKS), metavar="TRICK", help=", ".join(TRICKS))
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--limit", type=int, default=60_000)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--lecture", action="store_true", help="nothing but the lecture's script beside specc")
    parser.add_argument("--data-dir")
    given = parser.parse_args()
    options = ["--epochs", str(given.epochs), "--limit", str(given.limit)]
    options += ["--data-dir", given.data_dir] if given.data_dir else []
    if given.lecture:
        if not given.data_dir:
            parser.error("--lecture needs --data-dir")
        print("time of the lecture's script by that of specc, medians")
        print(line("mnist_cnn", LECTURE.stem, pairs(NETWORKS["mnist_cnn"], options, LECTURE.stem, given.pairs)))
        return
    print("time without a trick by that with it, medians; above 1 the trick is the faster")
    for network in given.networks:
        for trick in given.tricks:
            print(line(network, trick, pairs(NETWORKS[network], options, trick, given.pairs)), flush=True)


if __name__ == "__main__":
    main()
