"""How long torch's waiting threads should spin before they sleep: with the machine as it is, and beside a neighbour.

Spinning threads answer at once and take the neighbour's cores, and their own; sleeping ones must be woken. Prints the
milliseconds of a step with each limit, medians of measurements in turns.

    python benchmarks/spinning.py [--limits 1000,3000,10000,default] [--network mnist|lenet] [--trials 10]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from contextlib import ExitStack
from functools import partial

from epoch import Task, specc
from side_by_side import NETWORKS, in_turns, machine, pictures, table, worker

from specc.runner.cpu.process import SPINS

SAMPLES, BATCH = 1280, 128
NEIGHBOUR = [sys.executable, "-c", "while True: pass"]


def step(task: Task) -> float:
    """The seconds of a step, the mean of an epoch."""
    return specc(task) / (SAMPLES / BATCH)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limits", default=f"1000,{SPINS},10000,default")
    parser.add_argument("--network", choices=list(NETWORKS), help="one of the two; both if not given")
    parser.add_argument("--trials", type=int, default=10)
    given = parser.parse_args()
    limits = {limit: None if limit == "default" else limit for limit in given.limits.split(",")}
    print(machine("specc"))
    for name in [given.network] if given.network else NETWORKS:
        network = NETWORKS[name]
        way = partial(step, Task(network, pictures(network, SAMPLES, None), BATCH))
        print(f"\n{network.name}, a step of {BATCH}, auto precision, {given.trials} trials")
        with ExitStack() as stack:
            workers = {limit: stack.enter_context(worker(way, spins)) for limit, spins in limits.items()}
            print("the machine as it is")
            print(table(in_turns(workers, given.trials), "ms"), flush=True)
            neighbour = stack.enter_context(subprocess.Popen(NEIGHBOUR))
            stack.callback(neighbour.kill)
            print("beside a program that keeps one core busy")
            print(table(in_turns(workers, given.trials), "ms"), flush=True)


if __name__ == "__main__":
    main()
