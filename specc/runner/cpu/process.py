"""What `specc train` changes of its own process so that training is faster, and the step of an optimizer without what
torch has wrapped around it: its compiler, which it would import, and hooks that nobody has set.

A process that somebody else has started, and calls specc in, is left as it was: each of these functions does something
only where the command line has said `claim` before.
"""

from __future__ import annotations

import ctypes
import inspect
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

VARIABLE, SPINS = "GOMP_SPINCOUNT", "3000"  # a tenth of a millisecond or so
READY, LOOKS, BETWEEN = Path("/proc/loadavg"), 5, 0.002  # in seconds; the least of some looks: what runs for long
# From glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
# In bytes. The first is refused by a glibc that keeps to its documented largest value, which is the second.
LARGEST = (1 << 30, 32 << 20)
COMPILER = "torch._dynamo"
MARK = "__dynamo_disable"  # where a wrapper of torch keeps what it calls instead, once it knows

# torch's names for where the hooks of a step are kept: those of every optimizer, and an optimizer's own.
OF_ALL = ("_global_optimizer_pre_hooks", "_global_optimizer_post_hooks")
OWN = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")

SWITCH = "SPECC_WITHOUT"
TRICKS = {
    "order": "max-pooling before the rectifier that stands before it",
    "spinning": "threads that wait for each other sleep soon, where others want the cores",
    "pages": "freed memory stays with the process",
    "optimizer": "an optimizer's step without torch's compiler",
}

_claimed: list[bool] = []
Step = Callable[[], object]


def uses(trick: str) -> bool:
    """Whether one of `TRICKS` is on."""
    return trick not in os.environ.get(SWITCH, "").split(",")


def claim() -> None:
    """Say that this process is there for a training and ends with it: the command line's word, and nobody else's."""
    _claimed.append(True)


def limit_spinning(*, reads: bool) -> None:
    """Let threads that wait for each other go to sleep soon where somebody else wants the cores; to be called before
    torch is imported. A value that is set stays.

    By default they spin for long. Where others want the same cores, they then spin away the time of the one thread that
    they wait for: an epoch has taken ten times as long. Threads that sleep at once have to be woken for each operation
    instead, which costs a small network up to a quarter of its speed. `benchmarks/spinning.py` prints both.

    Args: reads, whether other processes of this run read pictures meanwhile.
    """
    if _claimed and uses("spinning") and (reads or cores_are_wanted()):
        os.environ.setdefault(VARIABLE, SPINS)


def cores_are_wanted() -> bool:
    """Whether other programs are at work on so many cores that too few are left for this one; no where the system does
    not tell it."""
    if sys.platform != "linux":
        return False
    try:
        others = min(_ready() for _ in range(LOOKS)) - 1  # one of them is this process
    except (OSError, IndexError, ValueError):
        return False
    return others + len(os.sched_getaffinity(0)) > (os.cpu_count() or 1)


def _ready() -> int:
    """How many threads of the whole system could run at this moment; `0.66 1.68 2.16 2/345 12345` says 2."""
    sleep(BETWEEN)
    return int(READY.read_text(encoding="ascii").split()[3].partition("/")[0])


def keep_pages() -> bool:
    """Let glibc keep freed memory for this process; nothing elsewhere, or where the user has set it.

    A step allocates and frees the same large blocks again and again. glibc gives each one back to the system, and every
    page of the next one has to be faulted in again.

    Returns: whether it does now.
    """
    is_ours = _claimed and uses("pages") and sys.platform == "linux"
    if not is_ours or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library than glibc
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    return any(mallopt(M_MMAP_THRESHOLD, size) and mallopt(M_TRIM_THRESHOLD, size) for size in LARGEST)


def leave_compiler_alone() -> None:
    """Let the methods of torch's optimizers be called as they are; to be done before the first one is made.

    torch wraps some of them so that its compiler leaves them alone, and for that imports the compiler: two seconds, for
    what is never used. Where a torch has no such wrappers, nothing is changed.
    """
    if not (_claimed and uses("optimizer")) or COMPILER in sys.modules:
        return
    import torch

    for method in vars(torch.optim.Optimizer).values():
        plain = getattr(method, "__wrapped__", None)
        if plain is not None and inspect.isfunction(plain) and not hasattr(plain, MARK):
            setattr(plain, MARK, plain)


def step_of(optimizer: torch.optim.Optimizer) -> Callable[[], Step]:
    """Gives the step to be taken now: the optimizer's own; where torch's compiler is not there, the plain one for as
    long as no hook is set.

    A hook may be set at any time. Where a torch keeps them elsewhere nobody can tell, so that its own `step` is taken.
    """
    from torch.optim import optimizer as torch_optimizer

    kept = [getattr(torch_optimizer, name, None) for name in OF_ALL] + [getattr(optimizer, name, None) for name in OWN]
    if COMPILER in sys.modules or None in kept or not uses("optimizer"):
        return lambda: optimizer.step
    plain = plain_step_of(optimizer)
    return lambda: optimizer.step if any(kept) else plain


def plain_step_of(optimizer: torch.optim.Optimizer) -> Step:
    """What the optimizer's class has written as its `step`, and nothing that torch has wrapped around it."""
    import torch

    return partial(torch.no_grad()(inspect.unwrap(type(optimizer).step)), optimizer)
