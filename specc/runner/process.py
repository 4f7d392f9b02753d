"""What `specc train` changes of its own process so that training is faster.

A process that somebody else has started, and calls specc in, is left as it was: each of these functions does something
only where the command line has said `claim` before.
"""

from __future__ import annotations

import ctypes
import inspect
import os
import sys

VARIABLE, SPINS = "GOMP_SPINCOUNT", "3000"  # a tenth of a millisecond or so
# From glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
# In bytes. The first is refused by a glibc that keeps to its documented largest value, which is the second.
LARGEST = (1 << 30, 32 << 20)
COMPILER = "torch._dynamo"
MARK = "__dynamo_disable"  # where a wrapper of torch keeps what it calls instead, once it knows

_claimed: list[bool] = []


def claim() -> None:
    """Say that this process is there for a training and ends with it: the command line's word, and nobody else's."""
    _claimed.append(True)


def limit_spinning() -> None:
    """Let threads that wait for each other go to sleep soon; to be called before torch is imported. A value that is set
    stays.

    By default they spin for long. Where another program wants the same cores, they then spin away the time of the one
    thread that they wait for: an epoch has taken ten times as long. Threads that sleep at once have to be woken for
    each operation instead, which costs a small network up to a quarter of its speed.
    `benchmarks/spinning.py` prints both.
    """
    if _claimed:
        os.environ.setdefault(VARIABLE, SPINS)


def keep_pages() -> bool:
    """Let glibc keep freed memory for this process; nothing elsewhere, or where the user has set it.

    A step allocates and frees the same large blocks again and again. glibc gives each one back to the system, and every
    page of the next one has to be faulted in again.

    Returns: whether it does now.
    """
    if not _claimed or sys.platform != "linux" or any(name.startswith("MALLOC_") for name in os.environ):
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
    if not _claimed or COMPILER in sys.modules:
        return
    import torch

    for method in vars(torch.optim.Optimizer).values():
        plain = getattr(method, "__wrapped__", None)
        if plain is not None and inspect.isfunction(plain) and not hasattr(plain, MARK):
            setattr(plain, MARK, plain)
