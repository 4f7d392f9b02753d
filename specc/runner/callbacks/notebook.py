"""A run in a notebook: curves that grow while it trains, and its report at the end."""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Any

from specc import files
from specc.runner.callbacks.base import Callback, Started, epoch_line
from specc.runner.metrics import Metrics

REPORT = "report.html"
LARGEST = 5_000_000  # bytes of a report that is shown


def default_callback() -> Callback:
    """Curves in a notebook; nothing elsewhere."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return NotebookCurves() if hasattr(shell, "kernel") else Callback()


class NotebookCurves(Callback):
    """Shows the curves of the epochs so far in the cell that trains, and keeps them up to date."""

    def __init__(self) -> None:
        self._rows: list[Metrics] = []
        self._shown: Any = None

    def run_starts(self, started: Started) -> None:
        from IPython.display import HTML, display

        self._rows = list(started.metrics)
        self._shown = display(HTML(self._html("training")), display_id=True)  # type: ignore[no-untyped-call] # IPython's

    def epoch_ends(self, metrics: Metrics, epochs: int) -> None:
        from IPython.display import HTML

        self._rows.append(metrics)
        self._shown.update(HTML(self._html(epoch_line(metrics, epochs))))  # type: ignore[no-untyped-call] # IPython's

    def warn(self, message: str) -> None:
        print(f"warning: {message}")

    def _html(self, line: str) -> str:
        return f"{curves_html(self._rows)}<p>{escape(line)}</p>"


def curves_html(metrics: Sequence[Metrics]) -> str:
    """The curves as an image; empty before the first epoch."""
    from specc.report.curves import charts_of, curves_svg

    charts = charts_of([one.row() for one in metrics])
    if not charts:
        return ""
    data = b64encode(curves_svg(charts).encode()).decode()
    return f'<img alt="curves" style="max-width:100%" src="data:image/svg+xml;base64,{data}">'


def run_html(folder: Path, metrics: Sequence[Metrics]) -> str:
    """A run that has ended: its report in a frame, which no script of the page's reaches; else its curves."""
    with suppress(OSError, ValueError):
        page = files.read(folder / REPORT, LARGEST).decode()
        return f'<iframe sandbox srcdoc="{escape(page)}" style="width:100%;height:40em;border:0"></iframe>'
    return curves_html(metrics) or f"<p>{escape(str(folder))}</p>"
