"""Processes that read samples while others are trained on.

torch's DataLoader starts them and hands over what they give. Here stand what they are asked for, and how they end: with
the training process, and not before it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import torch
from torch.utils.data import DataLoader

from specc.data.sources import DataSource
from specc.diagnostics.diagnostic import Diagnostic, Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from specc.data.frame import RandomCut

    Batch: TypeAlias = tuple[Tensor, Tensor]

NOTHING = torch.empty(0)


class _Loader(DataLoader[Any]):
    """torch's, without its warning each time that more processes than cores are asked for: a run says so once."""

    def check_worker_number_rationality(self) -> None:
        return None

    def close(self) -> None:
        workers, self._iterator = self._iterator, None
        if workers is not None:
            workers._shutdown_workers()  # type: ignore[attr-defined] # those that last until then have no other way


class Pool:
    """Processes that read batches of a source's samples, in the order in which they are asked for.

    One pool serves all parts, one after the other: what is asked for anew ends what was asked for before.
    """

    def __init__(self, source: DataSource, workers: int = 0, *, pinned: bool = False) -> None:
        """Args: workers, 0 to read in this process; pinned, whether batches go to a CUDA device."""
        self._plan = _Plan()
        self.source = source
        self._loader = _Loader(
            _Taker(source),  # type: ignore[arg-type] # no torch Dataset, but what a DataLoader asks of one
            batch_sampler=self._plan,  # type: ignore[arg-type] # what it gives goes to `_Taker` as it is
            num_workers=workers,
            collate_fn=_as_it_is,
            pin_memory=pinned,
            persistent_workers=workers > 0,
            worker_init_fn=_obey_the_parent,
            # Its own, or each epoch would draw from torch's random state, which a run that goes on must not.
            generator=torch.Generator(),
        )

    def read(
        self, part: str, batches: Iterable[NDArray[np.int64]], *, targets: bool = False, cut: RandomCut | None = None
    ) -> Iterator[Batch]:
        """The samples of each batch of places in a part.

        Args:   targets, whether these are wanted as well; else there are none. cut, the part of each that is wanted.
        Raises: Problem E607 for a damaged file, E610 for one of another size, E632 where a process ended.
        """
        self._plan.batches = (Order(part, places, targets, cut) for places in batches)
        with _deaths_heard():
            answers = iter(self._loader)
        while True:
            with _deaths_heard():
                found = next(answers, None)
            if found is None:
                return
            if isinstance(found, Diagnostic):
                raise Problem(found)
            yield found

    def close(self) -> None:
        """End the processes. Left to Python's collector that takes five seconds for each of them: it closes the queues
        through which they are told before it comes to what would tell them."""
        self._loader.close()


_listeners: list[Any] = []  # torch's handler of SIGCHLD, once it has set it


@contextmanager
def _deaths_heard() -> Iterator[None]:
    """A worker's death raises an error within the block, and nowhere else.

    Left to itself torch raises it wherever the program is when the system tells: in the midst of a file that is
    written, or before a lock is given back.

    Raises: Problem E632.
    """
    listens = hasattr(signal, "SIGCHLD") and threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGCHLD) if listens else None
    try:
        if listens and _listeners:
            signal.signal(signal.SIGCHLD, _listeners[0])
            _listeners[0](signal.SIGCHLD, None)  # for what has happened since the last time
        yield
    except RuntimeError as error:
        raise explained_failure(error) or error from error
    finally:
        if listens and (now := signal.getsignal(signal.SIGCHLD)) is not before:
            _listeners[:] = [now]
            signal.signal(signal.SIGCHLD, before)


class Order(NamedTuple):
    """A batch that a reading process is to take, see `Pool.read`."""

    part: str
    places: NDArray[np.int64]
    targets: bool
    cut: RandomCut | None


def explained_failure(error: RuntimeError) -> Problem | None:
    """The problem behind torch's error that a reading process is gone; None where it is another error."""
    if "DataLoader worker" not in str(error):
        return None
    return Problem.of("E632", "a process that reads pictures ended unexpectedly",
        help="`--workers 2` runs fewer of them, `--workers 0` none")  # fmt: skip


class _Plan:
    """Tells the loader which samples make the next batches."""

    def __init__(self) -> None:
        self.batches: Iterable[Order] = ()

    def __iter__(self) -> Iterator[Order]:
        return iter(self.batches)


class _Taker:
    """Takes whole batches in the worker."""

    def __init__(self, source: DataSource) -> None:
        self.source = source

    def __getitems__(self, order: Order) -> Batch | Diagnostic:
        try:
            samples, targets = self.source.take(order.part, order.places, order.cut)
        except Problem as problem:
            return problem.diagnostic  # it comes back through a pipe
        wanted = order.targets and targets is not None
        return torch.from_numpy(samples), torch.from_numpy(targets) if wanted else NOTHING

    def __len__(self) -> int:
        return 0


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
