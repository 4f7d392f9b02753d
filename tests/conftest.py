"""What every test shares."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

# Two test processes on two cores would spin against each other; set before torch is imported, here and in subprocesses.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell that starts the tests in the background lets them ignore Ctrl-C, and the commands that they start, too.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """torch on one thread: the networks are tiny, and tests run beside each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
