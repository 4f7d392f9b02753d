"""The `specc` command: a thin shell that finds a command's own file and runs it."""

from __future__ import annotations

from specc.cli.main import main

__all__ = ["main"]
