"""The `specc` command: a thin shell that finds a command's own file and runs it."""

from __future__ import annotations

import gc
import os

# Starting up allocates much and frees nothing: a sixth of the time of `specc check` went into looking for garbage
# among the imports. `train` turns the collector on again.
gc.disable()
# For the first model that is validated, pydantic reads what every package that is installed offers, in search of
# plugins; here are none that could be of use.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

try:
    from specc.cli.main import main
except KeyboardInterrupt:  # Ctrl-C while Python still imports
    raise SystemExit(130) from None

__all__ = ["main"]
