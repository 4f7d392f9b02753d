"""What the page begins with: a spec, or the run whose network is to be looked into."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from specc.diagnostics.spelling import spelled
from specc.pipeline import analyse
from specc.reading import read_source
from specc.runner.again import record_at
from specc.runner.run_folder import SPEC, Record, is_run
from specc.source import Source
from specc.syntax import tree

FIRST = "gallery:lenet5"  # what is opened where nothing is named


class Opened(NamedTuple):
    """A text, and the run that it is of. record: what was asked for in it."""

    source: Source
    run: Path | None = None
    record: Record | None = None


def opened(named: str | None) -> Opened:
    """A spec's text, or that of a run with what it was given in place of its own input and parameters.

    Raises: Problem E107 and others for a text that cannot be read, E640 for a damaged run.
    """
    folder = Path(named or FIRST)
    if named is None or named == "-" or not (folder / SPEC).is_file():
        return Opened(read_source(named or FIRST))
    if not is_run(folder):
        return Opened(read_source(str(folder / SPEC)))
    record = record_at(folder)
    return Opened(Source(str(folder / SPEC), as_trained(record)), folder, record)


def as_trained(record: Record) -> str:
    """The text of a run's spec in which stands what `--input` and `--set` said."""
    source = Source(SPEC, record.spec)
    edits = []
    for item in analyse(source).tree.items:
        if isinstance(item, tree.Input) and record.input is not None:
            edits.append((item.value.span, spelled(record.input)))
        elif isinstance(item, tree.Param) and item.name.text in record.params:
            edits.append((item.value.span, _value(record.params[item.name.text])))
    text = record.spec
    for span, new in sorted(edits, reverse=True):
        text = text[: span.start] + new + text[span.end :]
    return text


def _value(value: Any) -> str:
    """A parameter's value as a text says it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return "x".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
