"""What says that memory ran out: Python's own error, and those of torch and other libraries."""

from __future__ import annotations

from specc.diagnostics.diagnostic import Problem

SAID = ("can't allocate memory", "out of memory", "STATUS_ALLOC_FAILED", "bad_alloc")


def says_no_memory(error: BaseException) -> bool:
    """Whether an error is one of them.

    >>> says_no_memory(RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")), says_no_memory(MemoryError())
    (True, True)
    >>> says_no_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    False
    """
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(said in str(error) for said in SAID)
    )


def no_memory() -> Problem:
    """E674, for a command that builds a network, of whatever size."""
    return Problem.of("E674", "there is not enough memory for this",
        help="`specc summary SPEC` shows what the network takes, and which layers are large")  # fmt: skip
