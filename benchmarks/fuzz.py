"""Feeds odd inputs to the commands, in worker processes, and reports what breaks.

Specs are mutated ones of the gallery, raw bytes and built bombs; now and then one of a small network is exported, which
builds and runs it. Folders of pictures are changed ones, given to every command that reads one. A finding is a
traceback, an input (a spec of up to 30 KB) that takes over two seconds of processor time or gives over 300 KB of
output, a character in the output that acts on a terminal, a command that hangs, or a worker that grows past 500 MB with
specs; an export may take a minute and two gigabytes.

    python benchmarks/fuzz.py [--kind specs|pictures] [--inputs 100000] [--workers 2] [--seed 0] [--log fuzz.jsonl]

With `--log` every batch is noted in that file when it is done, and the same command goes on behind those noted there.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from types import FrameType
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from click.testing import CliRunner
from generate.bombs import bombs
from generate.mutations import PIECES, Change, Mutation, mutated

from specc.cli import main as specc
from specc.gallery import entries

MOST_SECONDS = 2.0
GIVEN_UP = 10.0  # seconds of processor time after which a command is stopped
MOST_BYTES = 300_000  # of output
MOST_KILOBYTES = 500_000
LENGTHS = (300, 3000, 30_000)  # characters of a bomb
BATCH = 50
FOLDERS = 20  # of pictures, in a batch
PLACES = 10_000  # more than a gallery spec has tokens
ACTING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")

COMMANDS = [
    line.split()
    for line in (
        "check -", "check - --format concise", "check - --format json", "check - --format github",
        "check - --format sarif", "check - --sizes", "check - --fix", "summary -", "fmt -", "fmt - --diff",
        "fmt - --shapes", "draw -", "draw - --style lecture", "draw - --format dot", "draw - --format mermaid",
        "diff - gallery:lenet5",
    )
]  # fmt: skip
# Their standard output is the text itself, as it is, for a pipe.
GIVES_TEXT = ("fmt -", "fmt - --diff", "fmt - --shapes", "check - --fix")
EXPORTS = [f"export - --to {form} -o {{folder}}/net".split() for form in ("python", "python", "python", "onnx", "pt2")]
EXPORTED = 0.01  # of the inputs
SMALL = 1_000_000  # parameters of a gallery spec whose mutations are exported


class Bounds(NamedTuple):
    """What a command may take for an input of up to 30 KB: seconds of processor time, after which it is stopped, and
    kilobytes of the process."""

    seconds: float
    given_up: float
    kilobytes: int


CHECKING = Bounds(MOST_SECONDS, GIVEN_UP, MOST_KILOBYTES)
EXPORTING = Bounds(60.0, 90.0, 2_000_000)
TORCH = 1_000_000  # kilobytes of a worker that has exported something, which checking is not to blame for


class Finding(NamedTuple):
    """What an input did to a command."""

    what: str
    command: str
    data: bytes


class Stopped(Exception):
    """A command took too long."""


@cache
def texts() -> list[str]:
    return [entry.text for entry in entries()]


@cache
def small() -> list[str]:
    return [entry.text for entry in entries() if entry.parameters < SMALL]


@cache
def built(length: int) -> list[str]:
    return list(bombs(length).values())


def one_input(generator: random.Random) -> bytes:
    """Now and then raw bytes or a bomb, most often a gallery spec; all but the bytes with a few tokens changed."""
    chance = generator.random()
    if chance < 0.05:
        return generator.randbytes(generator.randrange(200))
    return changed(generator, generator.choice(built(generator.choice(LENGTHS)) if chance < 0.25 else texts()))


def changed(generator: random.Random, text: str) -> bytes:
    mutations = [
        Mutation(
            generator.choice(tuple(Change)), generator.randrange(PLACES), generator.randrange(PLACES),
            generator.choice(PIECES), generator.randrange(1, 12),
        )
        for _ in range(generator.randrange(0, 6))
    ]  # fmt: skip
    return mutated(text, mutations)


def run_batch(seed: int) -> tuple[int, list[Finding]]:
    """The findings of one batch of inputs."""
    generator = random.Random(seed)
    gc.enable()  # which the command line leaves off: its process soon ends
    signal.signal(signal.SIGPROF, _stop)
    found: list[Finding] = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(BATCH):
            if generator.random() < EXPORTED:
                command = [word.format(folder=folder) for word in generator.choice(EXPORTS)]
                import_torch()
                found += tried(changed(generator, generator.choice(small())), command, EXPORTING)
            else:
                found += tried(one_input(generator), generator.choice(COMMANDS))
    return seed, found


@cache
def import_torch() -> None:
    """Before its time is taken: whoever exports has imported it, and the others have not."""
    import torch

    torch.set_num_threads(1)


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped


def tried(data: bytes, command: list[str], bounds: Bounds = CHECKING) -> Iterator[Finding]:
    """What is wrong with the answer of one command to one input."""
    name = " ".join(command)
    before, started = largest(), time.process_time()
    signal.setitimer(signal.ITIMER_PROF, bounds.given_up)
    try:
        done = CliRunner().invoke(specc, command, input=data)
    except Stopped:
        yield Finding(f"stopped after {bounds.given_up:.0f} s", name, data)
        return
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    seconds = time.process_time() - started
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        yield Finding(f"{type(done.exception).__name__}: {done.exception}"[:200], name, data)
    if seconds > bounds.seconds and len(data) <= LENGTHS[-1]:
        yield Finding(f"{seconds:.1f} s", name, data)
    if len(done.stdout_bytes) + len(done.stderr_bytes) > MOST_BYTES and len(data) <= LENGTHS[-1]:
        yield Finding(f"{len(done.stdout_bytes):,} bytes", name, data)
    acting = ACTING.search(done.stderr if name in GIVES_TEXT else done.stdout + done.stderr)
    if acting:
        yield Finding(f"the output has {acting[0]!r}", name, data)
    kilobytes = largest()
    if kilobytes > max(before, bounds.kilobytes + TORCH * ("torch" in sys.modules)):
        yield Finding(f"{kilobytes // 1000} MB", name, data)


def run_folders(seed: int) -> tuple[int, list[Finding]]:
    """The findings of one batch of folders of pictures."""
    import torch
    from generate.answers import Bounds
    from generate.picture_folders import a_run, tried

    torch.set_num_threads(1)
    found: list[Finding] = []
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CACHE_HOME"] = f"{name}/cache"
        run, place = a_run(Path(name)), Path(name) / "changed"
        place.mkdir()
        for number in range(FOLDERS * seed, FOLDERS * (seed + 1)):
            for one in tried(run, place, number, Bounds(MOST_SECONDS, output=MOST_BYTES)):
                found.append(Finding(one.what, one.command, f"folder {number}: {'; '.join(one.changes)}".encode()))
    return seed, found


KINDS = {"specs": (run_batch, BATCH), "pictures": (run_folders, FOLDERS)}


def largest() -> int:
    """Kilobytes that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def noted(log: Path | None) -> dict[int, int]:
    """By seed, the findings of the batches that a log says are done."""
    if log is None or not log.exists():
        return {}
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return {line["seed"]: len(line["findings"]) for line in lines}


def note(log: Path, seed: int, found: list[Finding]) -> None:
    findings = [{**finding._asdict(), "data": finding.data.decode("latin-1")} for finding in found]
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"seed": seed, "findings": findings}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=KINDS, default="specs")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    first = options.seed * 1_000_000
    before = noted(options.log)
    run, size = KINDS[options.kind]
    batches = range(first, first + -(-options.inputs // size))
    left = [seed for seed in batches if seed not in before]
    done, findings = len(batches) - len(left), sum(before.get(seed, 0) for seed in batches)
    with ProcessPoolExecutor(options.workers) as pool:
        for seed, found in pool.map(run, left):
            done, findings = done + 1, findings + len(found)
            if options.log is not None:
                note(options.log, seed, found)
            for finding in found:
                print(f"{finding.command}: {finding.what}\n    {finding.data[:2000]!r}", flush=True)
            if done % 20 == 0 or done == len(batches):
                print(f"{done * size:,} inputs, {findings} findings", flush=True)


if __name__ == "__main__":
    main()
