"""Feeds mutated gallery specs and raw bytes to the checker, in worker processes, and reports what breaks it.

A finding is a traceback, an input that takes over a second of processor time, or a worker that grows past 500 MB.

    python benchmarks/fuzz.py [--inputs 200000] [--workers 2] [--seed 0]
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from specc.cli.fixing import Advice
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.formats import as_json, concise
from specc.diagnostics.render import render_all
from specc.gallery import entries
from specc.pipeline import analyse, lint
from specc.reading import decode

MOST_SECONDS = 1.0
MOST_KILOBYTES = 500_000
BATCH = 200
TOKEN = re.compile(r"\s+|\w+|\W")
PIECES = (
    "(", ")", "[", "]", "{", "}", "|", "->", "::", ";", "\n", "=", "x2", "x0", "x=in", "in", "auto", "same", "shortcut",
    "-1", "0", "1", "3", "7", "64", "99999999999", "1e999", "0.5", "3x3", "1x1x1x1", "_x_", "conv", "maxpool 2",
    "flatten", "linear 10", "concat { id | id }", "residual { ", "gate { gap }", "bn", "block b(c) {", "b 3",
    "param p = (", "input 3x8x8", "train {",
    "epochs", "budget params <= 1", "# specc: ignore", '"', "é", "\t", "\r", "\x00", "×",
)  # fmt: skip


class Finding(NamedTuple):
    """What an input did to the checker."""

    what: str
    data: bytes


def inputs(generator: random.Random, texts: list[str]) -> bytes:
    """One input: now and then raw bytes, most often a gallery spec with a few tokens changed."""
    if generator.random() < 0.1:
        return generator.randbytes(generator.randrange(200))
    tokens = TOKEN.findall(generator.choice(texts))
    for _ in range(generator.randrange(1, 6)):
        at = generator.randrange(len(tokens))
        match generator.randrange(4):
            case 0:
                tokens[at] = generator.choice(PIECES)
            case 1:
                tokens.insert(at, f" {generator.choice(PIECES)} ")
            case 2:
                del tokens[at : at + generator.randrange(1, 12)]
            case _:
                other = generator.randrange(len(tokens))
                tokens[at], tokens[other] = tokens[other], tokens[at]
        tokens = tokens or [" "]
    return "".join(tokens).encode("utf-8", errors="surrogatepass")


def check(data: bytes) -> None:
    """Everything that `specc check` does with a file's bytes, but for printing."""
    try:
        source = decode("fuzz.cnn", data)
    except Problem as problem:
        render_all([problem.diagnostic])
        return
    analysis = Advice(None, {}).on(analyse(source))
    found = (*analysis.diagnostics, *lint(analysis))
    render_all(found)
    as_json(found)
    for diagnostic in found:
        concise(diagnostic)


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
