"""Writes a run into its folder: weights, metrics, and the state to continue from."""

from __future__ import annotations

import platform
import signal
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from specc.build.stored import load_stored
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, typed
from specc.runner.checkpoint import Cadence, weights_file
from specc.runner.metrics import Metrics, best_of, is_complete
from specc.runner.optim import layout_of_memory
from specc.runner.state import Facts, state_bytes

if TYPE_CHECKING:
    from specc.data.identity import DataIdentity
    from specc.runner.folder import RunFolder
    from specc.runner.progress import Watch
    from specc.runner.record import Record
    from specc.runner.session import Session


class Keeper:
    """What a run has written is whole at every moment: files are replaced, and the state, which says how far the run
    is, comes after everything that it speaks of."""

    def __init__(self, folder: RunFolder, record: Record, data: DataIdentity) -> None:
        """data: what the run learns from."""
        self.folder, self.record, self.data = folder, record, data
        self.cadence = Cadence(record.recipe)
        self._failed = False

    def begin(self, session: Session) -> None:
        """Write the first state and weights, so that a disk that is too small shows while nothing can be lost."""
        self.folder.require_space(needed(session))
        self._write_state(session)
        self._write_weights(session, "last")

    def is_complete(self, metrics: Sequence[Metrics]) -> bool:
        """Whether a run with these epochs has nothing left to do."""
        return is_complete(metrics, self.record.recipe, self.record.adopted_after)

    def is_due(self) -> bool:
        """Whether a state is to be written now; to be asked once after each step."""
        return self.cadence.is_due()

    def write_state(self, session: Session, watch: Watch) -> None:
        """Write the state within an epoch. Where that fails the one before stays, and training goes on meanwhile."""
        try:
            self._write_state(session)
            self._failed = False
        except Problem as problem:
            self.cadence.restart()
            if not self._failed:
                message = problem.diagnostic.message
                watch.say(
                    f"warning: {message}; the previous state is kept and training continues, but make room on the disk"
                )
            self._failed = True

    def end_epoch(self, session: Session) -> None:
        """Write what an epoch gives: weights, metrics, state."""
        metrics = session.state.position.metrics
        best = best_of(metrics[self.record.adopted_after :]) is metrics[-1]
        for name in ("best", "last") if best else ("last",):
            self._write_weights(session, name)
        self.folder.add_metrics(metrics)
        self._write_state(session)

    def stop(self, session: Session, number: int | None, watch: Watch) -> None:
        """Write what there is at a stop between two steps."""
        self._write_state(session)
        self._write_weights(session, "last")
        cause = signal.Signals(number).name if number else "a signal"
        finished = f"{session.state.position.epoch} of {counted(self.record.recipe.epochs, 'epoch')}"
        weights = self.folder.path / "last.safetensors"
        watch.say(f"stopped by {cause} after {finished}; the weights so far are in {weights}")
        watch.say(f"`specc train --resume {typed(self.folder.path)}` goes on from here")

    def take_best(self, session: Session, watch: Watch) -> str:
        """Give the network that was tested the weights of the best epoch, by which a run is judged from its end on.

        Returns: the name of the file with its weights now. That is the last one where no epoch is finished, and in a
                 process that has no files.
        """
        best = best_of(session.state.position.metrics[self.record.adopted_after :])
        if best is None or not self.folder.writes:
            return file_of("last")
        if best.epoch < session.state.position.epoch or session.state.position.step:
            try:
                load_stored(session.tested, self.folder.path / file_of("best"))
            except ValueError as error:  # somebody took it away or changed it meanwhile
                watch.warn(f"{file_of('best')} cannot be used: {error}; the report shows the last weights")
                return file_of("last")
        return file_of("best")

    def not_finite(self, message: str) -> Problem:
        """The problem that numbers ran out, for a run whose files are those of better times."""
        return Problem.of(
            "E615",
            message,
            help="lower the learning rate with `--lr`, or scale the pictures with `--normalize`",
            notes=(f"the last good weights, from the epoch before, are in {self.folder.path / 'last.safetensors'}",),
        )

    def _write_state(self, session: Session) -> None:
        place = session.state.position
        facts = Facts(
            record=self.record, epoch=place.epoch, step=place.step, seconds=place.seconds,
            metrics=tuple(place.metrics), data=self.data, made_with=made_with(session),
        )  # fmt: skip
        tensors = session.state.state_dict()
        if self.folder.writes:
            self.folder.write_state(state_bytes(facts, tensors))
        self.cadence.restart()

    def _write_weights(self, session: Session, name: str) -> None:
        if self.folder.writes:
            about = {**self.record.metadata(), "data": session.description.model_dump_json()}
            about |= {"epoch": str(session.state.position.epoch), "chosen_on": self._chosen_on(session, name)}
            self.folder.write_weights(name, weights_file(session.tested, about))

    def _chosen_on(self, session: Session, name: str) -> str:
        """The split that the weights were chosen on among those of all epochs; empty where they were not chosen."""
        return session.state.position.metrics[-1].judged_on if name == "best" and self.record.recipe.epochs > 1 else ""


def file_of(weights: str) -> str:
    """The file in a run's folder that has these weights."""
    return f"{weights}.safetensors"


def made_with(session: Session) -> dict[str, str]:
    """What the last bits of a result depend on."""
    device = session.device
    return {
        "torch": str(torch.__version__),
        "threads": str(torch.get_num_threads()),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "machine": platform.machine(),
        "precision": session.precision.name,
    }


def needed(session: Session) -> int:
    """About how many bytes a run writes at most at one time."""
    weights = _size(session.model.state_dict())
    state = weights * (1 + (session.average is not None)) + _size(layout_of_memory(session.model, session.recipe))
    # Two kinds of weights and the state stay, and the new state is written beside the old one.
    return 2 * weights + 2 * state + 100_000


def _size(tensors: Mapping[str, torch.Tensor]) -> int:
    """In bytes."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
