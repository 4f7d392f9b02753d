"""Kills a run at random moments, continues it, and compares the weights with those of a run that was never stopped.

Each trial is one run with momentum, dropout, normalisation, augmentation, a moving average and bfloat16 that is stopped
once with SIGKILL, or another signal, and then continued to its end. Of several processes SIGKILL ends one of those that
train, or all at once, as a power cut would; other signals go to the one that started them. Prints how many were
continued from the middle of an epoch, how many ended bit for bit with the same weights, and what a checkpoint costs.

    python benchmarks/resume.py [--trials 50] [--signal KILL|INT|TERM] [--every 20] [--processes 2]
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
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from safetensors.torch import load_file

from specc.data.load import load_dataset
from specc.pipeline import analyse
from specc.runner.callbacks.base import Callback
from specc.runner.checkpoint import Checkpointer, read_checkpoint
from specc.runner.loop import make_step
from specc.runner.resume import resume
from specc.runner.run import Subject, make_session, record_of
from specc.runner.run_folder import STATE, RunFolder
from specc.source import Source

SPEC = """\
input 1x8x8
conv 8 k3 p1 nobias -> bn -> relu
conv 16 k3 s2 p1 nobias -> bn -> relu
flatten -> dropout 0.3 -> linear 10
train {
  epochs 4 ; batch 8 ; optimizer sgd lr=0.02 momentum=0.9 ; schedule cosine ; average 0.99
  precision bf16 ; device cpu
  flip ; crop 1 ; cutout 2 ; mixup 0.2 ; label_smoothing 0.1
}
"""


EPOCHS, STEPS = 4, 180  # of the digits' 1438 training pictures
SPECC = [sys.executable, "-m", "specc", "train"]


class Trial(NamedTuple):
    """Where a run was killed, as its state tells, and whether it ended like the one that was not."""

    epoch: int
    step: int
    same: bool


def stopped_and_continued(
    folder: Path, whole: Path, number: signal.Signals, given: argparse.Namespace, chance: random.Random
) -> Trial | None:
    """One trial; None where the run ended before the signal came."""
    process = subprocess.Popen(
        command_of(folder, given), cwd=whole.parent, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    target = chance.randrange(EPOCHS * STEPS)
    while process.poll() is None and steps_of(folder) < target:
        time.sleep(0.005)
    time.sleep(chance.uniform(0, 0.1))  # so that it also comes between two states, or while one is written
    stop(process, number, chance)
    process.communicate()
    facts = read_checkpoint(folder / STATE)
    if facts.epoch == EPOCHS:
        return None
    if given.processes == 1:
        resume(folder)
    else:
        run_to_end([*SPECC, "--resume", str(folder)])
    return Trial(facts.epoch, facts.step, same_bits(folder, whole))


def command_of(folder: Path, given: argparse.Namespace) -> list[str]:
    processes = ["--nproc", str(given.processes)] if given.processes > 1 else []
    return [*SPECC, "net.cnn", "--out", str(folder), "--checkpoint-steps", str(given.every), *processes]


def run_to_end(command: list[str], folder: Path | None = None) -> None:
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)


def stop(process: subprocess.Popen[bytes], number: signal.Signals, chance: random.Random) -> None:
    """Send the signal: to the run, or, where SIGKILL has several processes to choose from, to one or all of them."""
    workers = children_of(process.pid) if number == signal.SIGKILL else []
    if not workers:
        process.send_signal(number)
        return
    for worker in chance.choice([[*workers, process.pid], [chance.choice(workers)]]):
        with suppress(ProcessLookupError):
            os.kill(worker, number)
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and process.poll() is None:
        time.sleep(0.005)


def children_of(number: int) -> list[int]:
    """The processes that a process has started."""
    path = Path(f"/proc/{number}/task/{number}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def steps_of(folder: Path) -> int:
    """How many steps the state in a folder tells of; none where there is no state yet."""
    if not (folder / STATE).exists():
        return -1
    facts = read_checkpoint(folder / STATE)
    return facts.epoch * STEPS + facts.step


def same_bits(first: Path, second: Path) -> bool:
    """Whether two runs hold the same weights and the same last state."""
    for name in ("last.safetensors", "best.safetensors", STATE):
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
    keeper = Checkpointer(
        RunFolder(folder), record_of(subject, analysis.recipe, {}), load_dataset(analysis.recipe).identity
    )
    batches = session.train.shuffled(session.state.sampler.generator)
    steps, writes = [], []
    for number, batch in zip(range(20), batches, strict=False):
        started = time.perf_counter()
        session.model.train()
        make_step(*session.trained)(number, [batch], [len(batch[1])])
        stepped = time.perf_counter()
        keeper.write_state(session, Callback())
        steps.append(stepped - started)
        writes.append(time.perf_counter() - stepped)
    size = (folder / STATE).stat().st_size / 1e6
    return f"{size:.2f} MB: {1000 * statistics.median(writes):.1f} ms; a step {1000 * statistics.median(steps):.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--signal", choices=["KILL", "INT", "TERM"], default="KILL")
    parser.add_argument("--every", type=int, default=20, help="steps between two checkpoints")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--processes", type=int, default=1, help="that train together")
    given = parser.parse_args()
    torch.set_num_threads(1)
    number, chance = signal.Signals[f"SIG{given.signal}"], random.Random(given.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "net.cnn").write_text(SPEC)
        run_to_end(command_of(folder / "whole", given), folder)
        trials: list[Trial] = []
        for trial in range(10 * given.trials):
            if len(trials) == given.trials:
                break
            place = folder / f"run{trial}"
            found = stopped_and_continued(place, folder / "whole", number, given, chance)
            trials += [] if found is None else [found]
        within = sum(trial.step > 0 for trial in trials)
        same = sum(trial.same for trial in trials)
        processes = f"{given.processes} process{'es' * (given.processes > 1)}"
        print(f"{len(trials)} runs of {processes} stopped by SIG{given.signal}, a checkpoint every {given.every} steps")
        print(
            f"{within} continued from the middle of an epoch; {len({trial[:2] for trial in trials})} different places"
        )
        print(f"{same} of {len(trials)} ended bit-identical")
        print(f"a checkpoint of {checkpoint_cost(SPEC, folder)}")
    sys.exit(same != len(trials))


if __name__ == "__main__":
    main()
