"""Keep the memory of one training step for the next one.

A step allocates and frees the same large blocks again and again. glibc gives each one back to the system, and every
page of the next one has to be faulted in again.
"""

from __future__ import annotations

import ctypes
import os
import sys

# From glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
# In bytes. The first is refused by a glibc that keeps to its documented largest value, which is the second.
LARGEST = (1 << 30, 32 << 20)


def keep_pages() -> bool:
    """Let glibc keep freed memory for this process; nothing elsewhere, or where the user has set it.

    Returns: whether it does now.
    """
    if sys.platform != "linux" or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library than glibc
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    return any(mallopt(M_MMAP_THRESHOLD, size) and mallopt(M_TRIM_THRESHOLD, size) for size in LARGEST)
