"""How long torch's waiting threads should spin before they sleep: with the machine as it is, and beside a neighbour.

Spinning threads answer at once and take the neighbour's cores, and their own; sleeping ones must be woken. Prints the
milliseconds of a step with each limit, medians of measurements in turns.

    python benchmarks/spinning.py [--limits 1000,3000,10000,default] [--network mnist|lenet] [--trials 10]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from epoch import Task, specc
from side_by_side import NETWORKS, machine, pictures

from specc.train.threads import SPINS, VARIABLE

SAMPLES, BATCH = 1280, 128
NEIGHBOUR = [sys.executable, "-c", "while True: pass"]


def serve(name: str) -> None:
    """Measure an epoch for each line that comes, in this process."""
    task = Task(NETWORKS[name], pictures(NETWORKS[name], SAMPLES, None), BATCH)
    for _ in sys.stdin:
        print(specc(task) / (SAMPLES / BATCH), flush=True)


@contextmanager
def worker(name: str, limit: str) -> Iterator[subprocess.Popen[str]]:
    environment = {key: value for key, value in os.environ.items() if key != VARIABLE}
    if limit != "default":
        environment[VARIABLE] = limit
    command = [sys.executable, __file__, "--serve", name]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:  # fmt: skip
        yield process
        process.kill()


def seconds(process: subprocess.Popen[str]) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("once more\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def measured(workers: dict[str, subprocess.Popen[str]], trials: int) -> None:
    times: dict[str, list[float]] = {limit: [] for limit in workers}
    for trial in range(trials + 1):
        for limit, process in workers.items():
            found = seconds(process)
            if trial:
                times[limit].append(1000 * found)
    for limit, values in times.items():
        print(
            f"    {limit:>8}  {statistics.median(values):8.1f} ms ({min(values):.1f} to {max(values):.1f})", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limits", default=f"1000,{SPINS},10000,default")
    parser.add_argument("--network", choices=list(NETWORKS), help="one of the two; both if not given")
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return
    print(machine("specc"))
    for name in [given.network] if given.network else NETWORKS:
        print(f"\n{NETWORKS[name].name}, a step of {BATCH}, auto precision, {given.trials} trials")
        with ExitStack() as stack:
            workers = {limit: stack.enter_context(worker(name, limit)) for limit in given.limits.split(",")}
            print("  the machine as it is")
            measured(workers, given.trials)
            neighbour = stack.enter_context(subprocess.Popen(NEIGHBOUR))
            print("  beside a program that keeps one core busy")
            measured(workers, given.trials)
            neighbour.kill()


if __name__ == "__main__":
    main()
