"""What every test shares."""

from __future__ import annotations

import os

# Two test processes on two cores would spin against each other; set before torch is imported, here and in subprocesses.
os.environ.setdefault("OMP_NUM_THREADS", "1")
