"""The `specc` command: a thin shell that finds a command's own file and runs it."""

from __future__ import annotations

import gc

# Starting up allocates much and frees nothing: a sixth of the time of `specc check` went into looking for garbage
# among the imports. `train` turns the collector on again.
gc.disable()

from specc.cli.main import main  # noqa: E402 - after the line above, or it would come too late

__all__ = ["main"]
