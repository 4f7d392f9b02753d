"""`specc train --nproc N`: starts a run's processes on this machine by torch's own launcher, and tells how it ended.

For more machines than one, `torchrun` is called on each.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specc import files
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, typed
from specc.runner.checkpoint import read_checkpoint
from specc.runner.distributed.world import FOLDER, LAUNCHED
from specc.runner.run_folder import STATE

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

SIGNALLED = 128  # and the signal's number: as a shell tells it
STOPPED = frozenset(SIGNALLED + int(number) for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", 1)))
FINISHING = 60  # seconds that the processes have to keep their state after a signal
MOST_ON_CPU = 4  # processes that any machine may have, so that one with few cores can try it


def launch(arguments: Sequence[str], count: int, device: str, run: Path | None = None) -> int:
    """Run `specc train` with these arguments in so many processes.

    Args:    device, that the recipe names; run, the folder of a run that is continued.
    Returns: the exit status; what the processes have to say they say themselves.
    Raises:  Problem E625 where there are too few devices, E626 where a process died.
    """
    _require_devices(count, device)
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import elastic_launch

    logging.disable(logging.CRITICAL)  # its own words about signals and failures; specc's are shown instead
    with tempfile.TemporaryDirectory(prefix="specc-") as name, _for_workers(Path(name), count):
        try:
            elastic_launch(_config(Path(name), count), sys.executable)("-m", "specc", "train", *arguments)
        except SignalException as stop:
            return SIGNALLED + int(stop.sigval)
        except ChildFailedError as error:
            return status_of(error, count, run or _noted(Path(name)))
    return 0


@contextmanager
def _for_workers(folder: Path, count: int) -> Iterator[None]:
    """What the processes find in their environment, and this one no longer does afterwards."""
    wanted = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // count)), "TORCH_CPP_LOG_LEVEL": "ERROR"}
    wanted = {LAUNCHED: str(folder), **{name: value for name, value in wanted.items() if name not in os.environ}}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name in wanted:
            os.environ.pop(name, None)


def _config(folder: Path, count: int) -> Any:
    """One machine, no second attempt: what began is continued by `--resume`."""
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
    from torch.distributed.launcher.api import LaunchConfig

    wanted: dict[str, Any] = {
        "min_nodes": 1, "max_nodes": 1, "nproc_per_node": count, "max_restarts": 0, "run_id": folder.name,
        "rdzv_backend": "c10d", "rdzv_endpoint": "localhost:0", "logs_specs": DefaultLogsSpecs(log_dir=str(folder)),
        "shutdown_timeout": FINISHING,
    }  # fmt: skip
    known = {field.name for field in fields(LaunchConfig)}  # older releases of torch know fewer
    return LaunchConfig(**{name: value for name, value in wanted.items() if name in known})


def _require_devices(count: int, device: str) -> None:
    from specc.runner.distributed.collective import own_device, require_devices
    from specc.runner.distributed.world import Rank

    if own_device(device, Rank(0, count, 0, count)).type == "cuda":
        require_devices(count)
    elif count > max(MOST_ON_CPU, os.cpu_count() or 1):
        cores = counted(os.cpu_count() or 1, "core")
        raise Problem.of("E625", f"{count} processes on {cores} would wait for each other",
            help=f"`--nproc {os.cpu_count()}` uses every core\none process uses them all by itself")  # fmt: skip


def status_of(error: ChildFailedError, count: int, run: Path | None) -> int:
    """The exit status of a run that failed in a process which told why, or was stopped; else Problem E626."""
    failures = error.failures.values()
    stopped = [failure.exitcode for failure in failures if failure.exitcode in STOPPED]
    told = [failure.exitcode for failure in failures if _has_told(failure)]
    if told or stopped:
        return int((told or stopped)[0])
    # One that was killed takes the others along, which may be noticed at the same time, and before it.
    killed = [(rank, failure) for rank, failure in error.failures.items() if failure.exitcode < 0]
    rank, first = killed[0] if killed else error.get_first_failure()
    raise Problem.of("E626", f"process {rank} of {count} {_end(first)}; the others were stopped",
        help=_way_on(run))  # fmt: skip


def _has_told(failure: ProcessFailure) -> bool:
    return failure.exitcode > 0 and Path(failure.error_file).is_file()


def _end(failure: ProcessFailure) -> str:
    if failure.exitcode >= 0:
        return f"ended with status {failure.exitcode}"
    try:
        name = signal.Signals(-failure.exitcode).name
    except ValueError:
        name = f"signal {-failure.exitcode}"
    out_of_memory = " (the system may have run out of memory)" if -failure.exitcode == 9 else ""
    return f"was ended by {name}{out_of_memory}"


def _way_on(run: Path | None) -> str:
    if run is None or not (run / STATE).exists():
        return "nothing was trained yet; start it again"
    where = ""
    with suppress(Problem):
        facts = read_checkpoint(run / STATE)
        where = f": epoch {facts.epoch + 1}, " + (f"after step {facts.step}" if facts.step else "from its beginning")
    return f"`specc train --resume {typed(run)}` goes on from its last state{where}"


def _noted(folder: Path) -> Path | None:
    """The run folder that the first process made."""
    try:
        return Path(files.read(folder / FOLDER).decode())
    except (OSError, ValueError):
        return None
