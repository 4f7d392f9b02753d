"""How a download, or a long count, is seen: a bar on a terminal, a line for each file elsewhere; on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from specc.cli.printing import say
from specc.data.sources import Report, telling

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@contextmanager
def reporting() -> Iterator[Report]:
    """What a download is to be told to."""
    if not _on_terminal():
        yield telling(lambda line: say(line, err=True))
        return
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with _bar(*columns, TimeRemainingColumn()) as bar:
        tasks: dict[str, TaskID] = {}

        def report(file: str, done: int, size: int) -> None:
            if file not in tasks:
                tasks[file] = bar.add_task(file, total=size)
            bar.update(tasks[file], completed=done)

        yield report


@contextmanager
def counting() -> Iterator[Callable[[int, int], None]]:
    """What a long count is to be told to; says nothing elsewhere than on a terminal."""
    if not _on_terminal():
        yield lambda done, count: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

    with _bar(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, count: bar.update(task, completed=done, total=count)


def _on_terminal() -> bool:
    import os

    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _bar(*columns: object) -> Progress:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

    chosen = [column for column in columns if isinstance(column, ProgressColumn)]
    return Progress(*chosen, console=Console(stderr=True), transient=True)
