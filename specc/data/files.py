"""Pictures that stay in their files, and the processes that read them while a network trains."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.utils.data import DataLoader

from specc.data.picture_file import Unreadable, quiet
from specc.data.pictures import Reader
from specc.diagnostics.diagnostic import Diagnostic, Problem

if TYPE_CHECKING:
    from torch import Tensor

MOST_WORKERS = 8  # by default; more seldom decode faster than one device trains


class FileSplit(NamedTuple):
    """A split whose pictures are read when they are wanted.

    paths: a file for each picture. labels: int64, (samples,). reader: what is made of each file.
    """

    paths: list[str]
    labels: Tensor
    reader: Reader

    @property
    def sample(self) -> tuple[int, ...]:
        """Shape of one picture, channels first."""
        return self.reader.shape

    @property
    def images(self) -> Tensor:
        """All pictures, decoded now: for a small split that is to be looked at."""
        return torch.cat(list(PicturePool(self.reader, 0, pinned=False).read([[path] for path in self.paths])))

    def pick(self, indices: Sequence[int]) -> FileSplit:
        """These samples, in this order."""
        return self._replace(paths=[self.paths[index] for index in indices], labels=self.labels[list(indices)])

    def first(self, count: int | None) -> FileSplit:
        """At most so many samples, in the order in which they are stored."""
        return self if count is None else self.pick(range(min(count, len(self.paths))))


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_workers() -> int:
    """One process for each core that this one may use, 8 at most."""
    return min(usable_cores(), MOST_WORKERS)


class _Loader(DataLoader[Any]):
    """torch's, without its warning each time that more processes than cores are asked for: a run says so once."""

    def check_worker_number_rationality(self) -> None:
        return None


class PicturePool:
    """Processes that read batches of pictures, in the order in which they are asked for.

    One pool serves all splits, one after the other: what is asked for anew ends what was asked for before.
    """

    def __init__(self, reader: Reader, workers: int, pinned: bool) -> None:
        """Args: workers, 0 to read in this process; pinned, whether batches go to a CUDA device."""
        self._plan = _Plan()
        self._loader = _Loader(
            _Batch(reader),  # type: ignore[arg-type] # no torch Dataset, but what a DataLoader asks of one
            batch_sampler=self._plan,
            num_workers=workers,
            collate_fn=_as_it_is,
            pin_memory=pinned,
            persistent_workers=workers > 0,
            worker_init_fn=_obey_the_parent,
            # Its own, or each epoch would draw from torch's random state, which a run that goes on must not.
            generator=torch.Generator(),
        )

    def read(self, batches: Sequence[list[str]]) -> Iterator[Tensor]:
        """The pictures of each batch of paths: uint8, (size, channels, height, width).

        Raises: Problem E607 for a damaged file, E610 for one of another size, E632 where a process ended.
        """
        self._plan.batches = batches
        try:
            for found in self._loader:
                if isinstance(found, Diagnostic):
                    raise Problem(found)
                yield found
        except RuntimeError as error:
            raise explained_failure(error) or error from error


def explained_failure(error: RuntimeError) -> Problem | None:
    """The problem behind torch's error that a reading process is gone; None where it is another error.

    torch raises it wherever the program is when the system tells that the process has ended.
    """
    if "DataLoader worker" not in str(error):
        return None
    return Problem.of("E632", "a process that reads pictures ended unexpectedly",
        help="`--workers 2` runs fewer of them, `--workers 0` none")  # fmt: skip


class _Plan:
    """Tells the loader which files make the next batches."""

    def __init__(self) -> None:
        self.batches: Sequence[list[str]] = ()

    def __iter__(self) -> Iterator[list[str]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


class _Batch:
    """Reads whole batches in the worker; it is handed the paths, so that no worker keeps a list of them all."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def __getitems__(self, paths: list[str]) -> Tensor | Diagnostic:
        channels, height, width = self.reader.shape
        pictures = torch.empty(len(paths), height, width, channels, dtype=torch.uint8)
        places = pictures.numpy()
        with quiet():
            for place, path in zip(places, paths, strict=True):
                try:
                    place[:] = self.reader.read(path)
                except Problem as problem:
                    return problem.diagnostic  # it comes back through a pipe
                except Unreadable as error:
                    return _gone(path, error.reason).diagnostic
        return pictures.permute(0, 3, 1, 2).contiguous()

    def __len__(self) -> int:
        return 0


def _gone(path: str, reason: str) -> Problem:
    """The problem with a file that was sound when all of them were looked at."""
    return Problem.of("E607", f"{path} can no longer be read: it {reason}",
        help="put it back as it was; `specc train --resume` then goes on with the run")  # fmt: skip


def _as_it_is(batch: Any) -> Any:
    return batch


def _obey_the_parent(worker: int) -> None:
    """A terminal, a shell or a scheduler sends its signals to every process of a run. The training process then keeps
    its state and ends its workers itself: were they gone before, torch would raise an error in the midst of that."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None and _can_tell_senders():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_when_told, args=(parent.pid,), daemon=True).start()
    else:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _can_tell_senders() -> bool:
    """Whether this process can wait for signals and see who has sent them: on Linux, as long as it has one thread.

    Another one, as a numerical library starts it, would take a signal first. A copy of the parent has none yet.
    """
    threads = Path("/proc/self/task")
    return hasattr(signal, "sigwaitinfo") and threads.is_dir() and len(list(threads.iterdir())) == 1


def _end_when_told(parent: int) -> None:
    try:
        while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
            pass
    finally:
        os._exit(0)
