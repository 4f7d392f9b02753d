"""Kills a run at random moments, continues it, and compares the weights with those of a run that was never stopped.

Each trial is one run with momentum, dropout, normalisation, augmentation and a moving average that is stopped once with
SIGKILL, or another signal, and then continued to its end. Prints how many were continued from the middle of an epoch,
how many ended bit for bit with the same weights, and what a checkpoint costs.

    python benchmarks/resume.py [--trials 50] [--signal KILL|INT|TERM] [--every 20]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from safetensors.torch import load_file

from specc.data.load import load_dataset
from specc.pipeline import analyse
from specc.source import Source
from specc.train import state
from specc.train.folder import RunFolder
from specc.train.keeper import Keeper, fingerprint
from specc.train.progress import Watch
from specc.train.resume import resume
from specc.train.run import Subject, make_session, record_of, train
from specc.train.state import read_facts

SPEC = """\
input 1x8x8
conv 8 k3 p1 nobias -> bn -> relu
conv 16 k3 s2 p1 nobias -> bn -> relu
flatten -> dropout 0.3 -> linear 10
train {
  epochs 4 ; batch 8 ; optimizer sgd lr=0.02 momentum=0.9 ; schedule cosine ; average 0.99
  flip ; crop 1 ; cutout 2 ; mixup 0.2 ; label_smoothing 0.1
}
"""


EPOCHS, STEPS = 4, 180  # of the digits' 1438 training pictures


class Trial(NamedTuple):
    """Where a run was killed, as its state tells, and whether it ended like the one that was not."""

    epoch: int
    step: int
    same: bool


def stopped_and_continued(
    folder: Path, whole: Path, number: signal.Signals, every: int, chance: random.Random
) -> Trial | None:
    """One trial; None where the run ended before the signal came."""
    arguments = ["train", "net.cnn", "--out", str(folder), "--checkpoint-steps", str(every)]
    command = [sys.executable, "-m", "specc", *arguments]
    process = subprocess.Popen(command, cwd=whole.parent, stdout=subprocess.DEVNULL)
    target = chance.randrange(EPOCHS * STEPS)
    while process.poll() is None and steps_of(folder) < target:
        time.sleep(0.005)
    time.sleep(chance.uniform(0, 0.1))  # so that it also comes between two states, or while one is written
    process.send_signal(number)
    process.wait()
    facts = read_facts(folder / state.NAME)
    if facts.epoch == EPOCHS:
        return None
    resume(folder)
    return Trial(facts.epoch, facts.step, same_bits(folder, whole))


def steps_of(folder: Path) -> int:
    """How many steps the state in a folder tells of; none where there is no state yet."""
    if not (folder / state.NAME).exists():
        return -1
    facts = read_facts(folder / state.NAME)
    return facts.epoch * STEPS + facts.step


def same_bits(first: Path, second: Path) -> bool:
    """Whether two runs hold the same weights and the same last state."""
    for name in ("last.safetensors", "best.safetensors", state.NAME):
        one, other = load_file(first / name), load_file(second / name)
        if one.keys() != other.keys():
            return False
        for key, tensor in one.items():
            if not tensor.reshape(-1).view(torch.uint8).equal(other[key].reshape(-1).view(torch.uint8)):
                return False
    return True


def checkpoint_cost(text: str, folder: Path) -> str:
    """The median time to write a state, beside the time of a training step."""
    analysis = analyse(Source("net.cnn", text))
    assert analysis.model is not None
    subject = Subject(Source("net.cnn", text), analysis.model, None, {})
    session = make_session(subject, analysis.recipe)
    keeper = Keeper(
        RunFolder(folder), record_of(subject, analysis.recipe, {}), fingerprint(load_dataset(analysis.recipe))
    )
    batches = session.train.shuffled(session.order)
    steps, writes = [], []
    for number, batch in zip(range(20), batches, strict=False):
        started = time.perf_counter()
        session.model.train()
        session.step(number, [batch], len(batch[1]))
        stepped = time.perf_counter()
        keeper.write_state(session, Watch())
        steps.append(stepped - started)
        writes.append(time.perf_counter() - stepped)
    size = (folder / state.NAME).stat().st_size / 1e6
    return f"{size:.2f} MB: {1000 * statistics.median(writes):.1f} ms; a step {1000 * statistics.median(steps):.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--signal", choices=["KILL", "INT", "TERM"], default="KILL")
    parser.add_argument("--every", type=int, default=20, help="steps between two checkpoints")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    given = parser.parse_args()
    torch.set_num_threads(1)
    number, chance = signal.Signals[f"SIG{given.signal}"], random.Random(given.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "net.cnn").write_text(SPEC)
        train(folder / "net.cnn", folder / "whole", checkpoint_steps=given.every)
        trials: list[Trial] = []
        for trial in range(10 * given.trials):
            if len(trials) == given.trials:
                break
            place = folder / f"run{trial}"
            found = stopped_and_continued(place, folder / "whole", number, given.every, chance)
            trials += [] if found is None else [found]
        within = sum(trial.step > 0 for trial in trials)
        same = sum(trial.same for trial in trials)
        print(f"{len(trials)} runs stopped by SIG{given.signal}, a checkpoint every {given.every} steps")
        print(
            f"{within} continued from the middle of an epoch; {len({trial[:2] for trial in trials})} different places"
        )
        print(f"{same} of {len(trials)} ended bit-identical")
        print(f"a checkpoint of {checkpoint_cost(SPEC, folder)}")
    sys.exit(same != len(trials))


if __name__ == "__main__":
    main()
