"""How torch's threads wait for each other on a CPU."""

from __future__ import annotations

import os

VARIABLE, SPINS = "GOMP_SPINCOUNT", "3000"  # a tenth of a millisecond or so


def limit_spinning() -> None:
    """Let waiting threads go to sleep soon; to be called before torch is imported. A value that is set stays.

    By default they spin for long. Where another program wants the same cores, they then spin away the time of the one
    thread that they wait for: an epoch has taken ten times as long. Threads that sleep at once have to be woken for
    each operation instead, which costs a small network up to a quarter of its speed.
    `benchmarks/spinning.py` prints both.
    """
    os.environ.setdefault(VARIABLE, SPINS)
