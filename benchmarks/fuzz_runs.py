"""Damages run folders, gives them to every command that reads one, in worker processes, and reports what breaks.

A finding is a traceback, a command that does not end, takes over ten seconds of processor time, or prints over 100 KB
or what no terminal should get, and one that takes over 900 MB more than its worker has.

    python benchmarks/fuzz_runs.py [--folders 2000] [--workers 2] [--seed 0]
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from generate.hostile import Finding, prepared, tried

BATCH = 10
MOST_ADDRESSES = 8 << 30  # bytes: torch alone takes three

_open = ExitStack()


@cache
def sound() -> Path:
    """This worker's run, whose copies are damaged."""
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
    folder = Path(_open.enter_context(tempfile.TemporaryDirectory()))
    with redirect_stdout(StringIO()):
        return _open.enter_context(prepared(folder))


def run_batch(first: int) -> list[tuple[int, Finding]]:
    """The findings of one batch of folders, with the seed of each."""
    return [(seed, found) for seed in range(first, first + BATCH) for found in tried(sound(), seed)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folders", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start = options.seed * 1_000_000
    firsts = range(start, start + options.folders, BATCH)
    findings = 0
    with ProcessPoolExecutor(options.workers) as pool:
        for done, batch in enumerate(pool.map(run_batch, firsts), start=1):
            findings += len(batch)
            for seed, found in batch:
                print(f"{seed}: {found.command}: {found.what}\n    {'; '.join(found.damage)}", flush=True)
            if done % 20 == 0 or done == len(firsts):
                print(f"{done * BATCH:,} folders, {findings} findings", flush=True)


if __name__ == "__main__":
    main()
