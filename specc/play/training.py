"""The process that trains a text for the page: what is wanted as a line of JSON, then a line for all that happens.

The runner does it, with a callback that tells; the lines are those of `specc train --json`, and `step` and `failed`
beside them. The run is stopped, as by Ctrl-C, when standard input ends.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

from pydantic import BaseModel

from specc import files
from specc.api import SpecError
from specc.data.fit import completed
from specc.data.sources import find
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.diagnostics.formats import as_json
from specc.diagnostics.spelling import spelled
from specc.pipeline import Analysis, analyse
from specc.recipe.reading import overridden
from specc.runner.before import subject_of
from specc.runner.callbacks.base import Callback, Epoch, Started
from specc.runner.callbacks.lines import JsonLines, Unheard, write_event
from specc.runner.cpu.process import claim
from specc.runner.pretrained import TORCHVISION
from specc.runner.resume import Wish, continue_run
from specc.runner.run import train_subject
from specc.source import Source

EVERY = 1.0  # seconds between two weights that are shown
SHARE = 0.05  # of the time may be spent on writing them


class TrainingWanted(BaseModel):
    """What is to be trained: a text on data, or the rest of a run. live: the file for the weights as they are."""

    live: str
    text: str = ""
    name: str = "net.cnn"
    data: str = ""
    data_dir: str | None = None
    epochs: int | None = None
    resume: str = ""


class Live(JsonLines):
    """Tells a run in lines, and keeps a file with the weights as they are now, about once a second."""

    def __init__(self, live: Path) -> None:
        self._live, self._due, self._done = live, 0.0, 0
        self._epoch: Epoch | None = None
        self._weights: Callable[[], bytes] = bytes

    def run_starts(self, started: Started) -> None:
        super().run_starts(started)
        write_event("epochs", rows=[one.row() for one in started.metrics])
        self._weights = started.weights
        self._write()

    def epoch_starts(self, epoch: Epoch) -> None:
        self._epoch, self._done = epoch, epoch.done

    def step(self) -> None:
        self._done += 1
        if self._epoch is not None and monotonic() >= self._due:
            self._write()
            now = self._epoch
            write_event("step", epoch=now.number, epochs=now.epochs, step=self._done, steps=now.steps, loss=now.loss())

    def _write(self) -> None:
        started = monotonic()
        files.write(self._live, self._weights(), own=True)
        took = monotonic() - started
        self._due = started + max(EVERY, took / SHARE)


def main() -> None:
    """Trains what the first line asks for."""
    claim()
    wanted = TrainingWanted.model_validate_json(sys.stdin.readline())
    Thread(target=_stop_with_input, daemon=True).start()
    with _told(), Unheard(Live(Path(wanted.live))) as callback:
        if wanted.resume:
            continue_run(Path(wanted.resume), Wish(options={"epochs": wanted.epochs}), callback)
        else:
            _train(wanted, callback)


def _stop_with_input() -> None:
    sys.stdin.read()
    signal.raise_signal(signal.SIGINT)


def _train(wanted: TrainingWanted, callback: Callback) -> None:
    own = analyse(Source(wanted.name, wanted.text))
    options = {**_options(wanted, own, callback), "data": wanted.data}
    options |= {"epochs": wanted.epochs} if wanted.epochs else {}
    options |= {"data_dir": wanted.data_dir} if wanted.data_dir else {}
    subject = subject_of(completed(own, options), own.resolved.left_open)
    recipe = overridden(own.recipe, options)
    if (recipe.from_weights or "").startswith(TORCHVISION):
        raise Problem.of("E635", "the page downloads nothing, and the recipe begins with weights of torchvision",
            help="`specc train` downloads them, or leave out `from`")  # fmt: skip
    train_subject(subject, recipe, None, callback, options)


def _options(wanted: TrainingWanted, own: Analysis, callback: Callback) -> Mapping[str, Any]:
    """What makes pictures of another size fit the network, unless the text says something of it."""
    entry, shape = find(wanted.data), None if own.model is None else own.model.input
    if shape is None or len(shape) != 3 or entry is None or entry.sample == shape or own.recipe.resize is not None:
        return {}
    callback.say(f"the pictures are made {spelled(shape)}")
    channels = {"channels": shape[0]} if shape[0] in (1, 3) and own.recipe.channels is None else {}
    return {"resize": (shape[1], shape[2]), **channels}


@contextmanager
def _told() -> Iterator[None]:
    """Tells of what ends a run before its end."""
    try:
        yield
    except Problem as problem:
        _fail([problem.diagnostic])
    except SpecError as error:
        _fail(error.diagnostics)
    except KeyboardInterrupt:
        write_event("end", state="stopped", best=None)  # between the first files and the first step
    except Exception as error:  # whatever it is, the page is told that the run is over
        write_event("failed", diagnostics=[], message=f"the run failed: {type(error).__name__}")
        raise


def _fail(diagnostics: Sequence[Diagnostic]) -> None:
    write_event("failed", diagnostics=json.loads(as_json(diagnostics)), message="")


if __name__ == "__main__":
    main()
