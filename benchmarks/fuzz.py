"""Feeds mutated gallery specs and raw bytes to the checker, in worker processes, and reports what breaks it.

A finding is a traceback, an input that takes over a second of processor time, or a worker that grows past 500 MB.

    python benchmarks/fuzz.py [--inputs 200000] [--workers 2] [--seed 0]
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from generate.checked import check
from generate.mutations import PIECES, Change, Mutation, mutated

from specc.gallery import entries

MOST_SECONDS = 1.0
MOST_KILOBYTES = 500_000
BATCH = 200
PLACES = 10_000  # more than a gallery spec has tokens


class Finding(NamedTuple):
    """What an input did to the checker."""

    what: str
    data: bytes


def inputs(generator: random.Random, texts: list[str]) -> bytes:
    """One input: now and then raw bytes, most often a gallery spec with a few tokens changed."""
    if generator.random() < 0.1:
        return generator.randbytes(generator.randrange(200))
    mutations = [
        Mutation(
            generator.choice(tuple(Change)), generator.randrange(PLACES), generator.randrange(PLACES),
            generator.choice(PIECES), generator.randrange(1, 12),
        )
        for _ in range(generator.randrange(1, 6))
    ]  # fmt: skip
    return mutated(generator.choice(texts), mutations)


def run_batch(seed: int) -> list[Finding]:
    """The findings of one batch of inputs."""
    generator, texts = random.Random(seed), [entry.text for entry in entries()]
    return [finding for _ in range(BATCH) for finding in tried(inputs(generator, texts))]


def tried(data: bytes) -> Iterator[Finding]:
    started = time.process_time()
    try:
        check(data)
    except Exception as error:
        yield Finding(f"{type(error).__name__}: {error}", data)
    seconds = time.process_time() - started
    if seconds > MOST_SECONDS:
        yield Finding(f"{seconds:.1f} s", data)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if kilobytes > MOST_KILOBYTES:
        yield Finding(f"{kilobytes // 1000} MB", data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    batches = -(-options.inputs // BATCH)
    seeds = range(options.seed * 1_000_000, options.seed * 1_000_000 + batches)
    findings = 0
    with ProcessPoolExecutor(options.workers, max_tasks_per_child=None) as pool:
        for done, found in enumerate(pool.map(run_batch, seeds), start=1):
            findings += len(found)
            for finding in found:
                print(f"{finding.what}\n    {finding.data!r}", flush=True)
            if done % 25 == 0 or done == batches:
                print(f"{done * BATCH:,} inputs, {findings} findings", flush=True)


if __name__ == "__main__":
    main()
