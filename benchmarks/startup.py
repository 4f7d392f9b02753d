"""How long `specc check` takes as a whole process, beside the bare imports of lark and pydantic.

Prints medians and the spread of interleaved runs, and their ratio. CPU time is the steadier figure on a busy machine.

    python benchmarks/startup.py [--runs 15] [SPEC]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
BARE = "import lark, pydantic\nclass Model(pydantic.BaseModel):\n    x: int\n"


class Sample(NamedTuple):
    """Seconds of one run."""

    wall: float
    cpu: float


def measure(command: list[str]) -> Sample:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Sample(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def line(name: str, values: list[float]) -> str:
    milliseconds = sorted(1000 * value for value in values)
    low, high = milliseconds[0], milliseconds[-1]
    return f"{name:<28}{statistics.median(milliseconds):7.1f} ms   ({low:.1f} to {high:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", nargs="?", default=str(ROOT / "specs" / "lenet5.cnn"))
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    commands = {
        "bare imports": [sys.executable, "-c", BARE],
        "specc check": [sys.executable, "-c", "from specc.cli import main; main()", "check", options.spec],
    }
    for command in commands.values():  # compile and cache the files
        measure(command)
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for _ in range(options.runs):
        for name, command in commands.items():
            samples[name].append(measure(command))
    bare, check = samples.values()
    for figure in ("wall", "cpu"):
        for name, runs in samples.items():
            print(line(f"{name}, {figure}", [getattr(run, figure) for run in runs]))
        ratios = [getattr(a, figure) / getattr(b, figure) for a, b in zip(check, bare, strict=True)]
        spread = f"({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"{'ratio, pair by pair, ' + figure:<28}{statistics.median(ratios):7.2f}      {spread}")


if __name__ == "__main__":
    main()
