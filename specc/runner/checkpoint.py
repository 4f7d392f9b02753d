"""Checkpoints: everything that a run is continued from, and its weights, written as it goes on.

The state is one file: the tensors of the parts as safetensors, the position, the metrics and the rest as JSON in its
header, no pickle. It may be damaged, or made by somebody hostile: it is read by nothing that could run code, and
nothing of it is used before all of it is found to be what specc writes. What is not a tensor is read without torch.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, ValidationError

from specc import files
from specc.data.identity import DataIdentity
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, typed
from specc.runner.metrics import Count, Metrics, Seconds, are_in_order, best_of, is_complete, metrics_of
from specc.runner.run_folder import STATE, Record, RunFolder, damaged, file_of
from specc.tasks.registry import TASKS

if TYPE_CHECKING:
    from torch import Tensor

    from specc.runner.callbacks.base import Callback
    from specc.runner.session import Session
    from specc.runner.state import Position

KEY = "specc-state"
LARGEST_HEADER = 100_000_000  # safetensors' own limit
LONGEST = 1000  # characters of a text, and texts, that a message may quote


def _epoch(row: Any) -> Metrics:
    return row if isinstance(row, Metrics) else metrics_of(row)


class Checkpoint(BaseModel):
    """Everything about a run's state that is not a tensor.

    epoch:    finished epochs. step: finished steps of the one that runs. seconds: spent in it.
    metrics:  of each finished epoch.
    data:     what the run learns from; of format 1 a line with the numbers of pictures.
    format:   up to 2 the metrics are lists.
    made_with: versions and hardware that the last bits depend on.
    checksum: CRC-32 of the tensors.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1, 2, 3] = 3
    record: Record
    epoch: Count
    step: Count
    seconds: Seconds
    metrics: tuple[Annotated[Metrics, PlainValidator(_epoch), PlainSerializer(Metrics.row)], ...]
    data: DataIdentity | Annotated[str, Field(max_length=LONGEST)]
    made_with: Annotated[dict[str, Annotated[str, Field(max_length=LONGEST)]], Field(max_length=LONGEST)]
    checksum: Count = 0

    def position(self) -> Position:
        """Where the run stands."""
        from specc.runner.state import Position

        return Position(self.epoch, self.step, self.seconds, list(self.metrics))


def checkpoint_bytes(checkpoint: Checkpoint, tensors: dict[str, Tensor]) -> bytes:
    """The content of a state file; the tensors are on the CPU and contiguous."""
    from specc.build.stored import safetensors_file

    sealed = checkpoint.model_copy(update={"checksum": checksum(tensors)})
    return safetensors_file(tensors, {KEY: sealed.model_dump_json()})


def read_checkpoint(path: Path) -> Checkpoint:
    """What a state file says, without its tensors.

    Raises: Problem E621 where it is none.
    """
    try:
        text = _metadata(path)[KEY]
        found = Checkpoint.model_validate_json(text)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"]) or "not JSON"
        raise damaged(path, f"what it says about the run cannot be right ({place})") from error
    except OSError as error:
        raise damaged(path, error.strerror or str(error)) from error
    except (ValueError, KeyError, TypeError, RecursionError, MemoryError) as error:
        raise damaged(path, "it is cut off, or specc did not write it") from error
    if found.epoch != len(found.metrics) or not are_in_order(found.metrics):
        raise damaged(path, f"it counts {counted(found.epoch, 'epoch')}, but has the metrics of other ones")
    best = TASKS[found.record.recipe.task].best
    return found.model_copy(update={"metrics": tuple(replace(one, by=best) for one in found.metrics)})


def _metadata(path: Path) -> dict[str, str]:
    """The texts in a safetensors header: eight bytes of length, then JSON."""
    with files.open_regular(path) as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(LARGEST_HEADER, os.fstat(file.fileno()).st_size - 8):
            raise ValueError("no header of such a length")
        metadata: dict[str, str] = json.loads(file.read(length))["__metadata__"]
    return metadata


def read_tensors(path: Path, expected: int) -> dict[str, Tensor]:
    """The tensors of a state file, on the CPU.

    Args:   expected, the checksum that its checkpoint names.
    Raises: Problem E621.
    """
    from specc.build.stored import load_tensors

    try:
        tensors = load_tensors(path)
    except ValueError as error:
        raise damaged(path, str(error)) from error
    if checksum(tensors) != expected:
        raise damaged(path, "its numbers are not those that were written")
    return tensors


class Checkpointer:
    """Writes a run into its folder. What it has written is whole at every moment: files are replaced, and the state,
    which says how far the run is, comes after everything that it speaks of."""

    def __init__(self, folder: RunFolder, record: Record, data: DataIdentity) -> None:
        """data: what the run learns from."""
        self.folder, self.record, self.data = folder, record, data
        self._failed = False
        self._restart()

    def begin(self, session: Session) -> None:
        """Write the first state and weights, so that a disk that is too small shows while nothing can be lost."""
        self.folder.require_space(needed(session))
        self._write_state(session)
        self._write_weights(session, "last")

    def is_complete(self, metrics: Sequence[Metrics]) -> bool:
        """Whether a run with these epochs has nothing left to do."""
        return is_complete(metrics, self.record.recipe, self.record.adopted_after)

    def is_due(self) -> bool:
        """Whether a state is to be written now, after so many steps or minutes; to be asked once after each step."""
        recipe = self.record.recipe
        self._steps += 1
        return self._steps == recipe.checkpoint_steps or monotonic() - self._written >= 60 * recipe.checkpoint_minutes

    def write_state(self, session: Session, callback: Callback) -> None:
        """Write the state within an epoch. Where that fails the one before stays, and training goes on meanwhile."""
        try:
            self._write_state(session)
            self._failed = False
        except Problem as problem:
            self._restart()
            if not self._failed:
                message = problem.diagnostic.message
                callback.say(
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

    def stop(self, session: Session, number: int | None, callback: Callback) -> None:
        """Write what there is at a stop between two steps."""
        self._write_state(session)
        self._write_weights(session, "last")
        cause = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name if number else "a signal"
        finished = f"{session.state.position.epoch} of {counted(self.record.recipe.whole_epochs, 'epoch')}"
        weights = self.folder.path / file_of("last")
        callback.say(f"stopped by {cause} after {finished}; the weights so far are in {weights}")
        callback.say(f"`specc train --resume {typed(self.folder.path)}` goes on from here")

    def take_best(self, session: Session, callback: Callback) -> str:
        """Give the network that was tested the weights of the best epoch, by which a run is judged from its end on.

        Returns: the name of the file with its weights now. That is the last one where no epoch is finished, and in a
                 process that has no files.
        """
        from specc.build.stored import load_stored

        best = best_of(session.state.position.metrics[self.record.adopted_after :])
        if best is None or not self.folder.writes:
            return file_of("last")
        if best.epoch < session.state.position.epoch or session.state.position.step:
            try:
                load_stored(session.tested, self.folder.path / file_of("best"))
            except ValueError as error:  # somebody took it away or changed it meanwhile
                callback.warn(f"{file_of('best')} cannot be used: {error}; the report shows the last weights")
                return file_of("last")
        return file_of("best")

    def require_finite(self, session: Session) -> None:
        """Raise Problem E615 where a loss of the running epoch or a weight is no longer a finite number."""
        from specc.build.known import trained_tensors
        from specc.build.stored import are_finite

        epoch, step = session.state.position.epoch + 1, session.state.position.step
        losses = session.state.losses.so_far()[:, 0].cpu()
        broken = (~losses.isfinite()).nonzero()
        if len(broken):
            first = int(broken[0])
            where = f"in epoch {epoch}, step {first + 1} of {len(session.steps)}"
            raise self.not_finite(f"the loss became {float(losses[first])} {where}")
        if not are_finite(trained_tensors(session.model)):
            raise self.not_finite(f"a weight became infinite or nan by step {step} of epoch {epoch}")

    def not_finite(self, message: str) -> Problem:
        """The problem that numbers ran out, for a run whose files are those of better times."""
        return Problem.of(
            "E615",
            message,
            help="lower the learning rate with `--lr`, or scale the pictures with `--normalize`",
            notes=(f"the last good weights, from the epoch before, are in {self.folder.path / file_of('last')}",),
        )

    def _write_state(self, session: Session) -> None:
        place = session.state.position
        checkpoint = Checkpoint(
            record=self.record, epoch=place.epoch, step=place.step, seconds=place.seconds,
            metrics=tuple(place.metrics), data=self.data, made_with=made_with(session),
        )  # fmt: skip
        tensors = session.state.state_dict()
        if self.folder.writes:
            self.folder.write(STATE, checkpoint_bytes(checkpoint, tensors))
        self._restart()

    def _restart(self) -> None:
        """A state has been written, or could not be."""
        self._steps, self._written = 0, monotonic()

    def weights(self, session: Session, chosen_on: str = "") -> bytes:
        """The content of a weights file with the network as it is now. Args: chosen_on, the split, as in the file."""
        from specc.build.stored import weights_file

        about = {**self.record.metadata(), "data": session.description.model_dump_json()}
        about |= {"epoch": str(session.state.position.epoch), "chosen_on": chosen_on}
        return weights_file(session.tested, about)

    def _write_weights(self, session: Session, name: str) -> None:
        if self.folder.writes:
            # The split that they were chosen on among those of all epochs; empty where they were not chosen.
            is_chosen = name == "best" and self.record.recipe.whole_epochs > 1
            chosen_on = session.state.position.metrics[-1].judged_on if is_chosen else ""
            self.folder.write(file_of(name), self.weights(session, chosen_on))


def made_with(session: Session) -> dict[str, str]:
    """What the last bits of a result depend on."""
    import torch

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
    from specc.runner.optim import layout_of_memory

    weights = _size(session.model.state_dict())
    state = weights * (1 + (session.average is not None) + (session.lookahead is not None)) + _size(
        layout_of_memory(session.model, session.recipe, session.frozen.later)
    )
    # Two kinds of weights and the state stay, and the new state is written beside the old one.
    return 2 * weights + 2 * state + 100_000


def _size(tensors: Mapping[str, Tensor]) -> int:
    """In bytes."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def checksum(tensors: Mapping[str, Tensor]) -> int:
    """CRC-32 of all tensors in the order of their names; they are on the CPU and contiguous."""
    import torch

    value = 0
    for name in sorted(tensors):
        value = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy().data, value)
    return value
