"""What a sound network can still run into while it trains, said in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from specc.diagnostics.diagnostic import Problem

# What devices without an error type of their own for it say when their memory is used up: a CPU, MPS, CUDA's libraries.
OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "STATUS_ALLOC_FAILED")


@contextmanager
def explained(pictures: int = 0, batch: int = 0) -> Iterator[None]:
    """What a sound network can still run into, said in our words.

    Args: pictures to train on; batch, how many of them are a full batch.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise _out_of_memory() from error
    except RuntimeError as error:
        if "DataLoader worker" in str(error):
            from specc.data.images import explained_failure

            raise explained_failure(error) or error from error
        if not any(said in str(error) for said in OUT_OF_MEMORY):
            raise
        raise _out_of_memory() from error
    except ValueError as error:
        if "Expected more than 1" not in str(error):
            raise
        raise Problem.of("E616", "a normalisation layer cannot train on a batch of one picture",
            help=_more_pictures(pictures, batch)) from error  # fmt: skip


def _more_pictures(pictures: int, batch: int) -> str:
    """How a batch comes to more than one picture."""
    if pictures == 1:
        return "there is only one picture to train on: raise `--limit`, or add pictures"
    return "`--batch 2` or more" if batch == 1 else "a larger `--batch` gives every process more than one picture"


def _out_of_memory() -> Problem:
    return Problem.of("E618", "the device does not have enough memory for a training step",
        help="halve the batch with `--batch`, or make the pictures smaller with `--resize`")  # fmt: skip
