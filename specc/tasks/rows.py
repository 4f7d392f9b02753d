"""Scores of each class, or of each number that is found."""

from __future__ import annotations

from typing import NamedTuple

from specc.tasks.measure import Measure


class Rows(NamedTuple):
    """A row for each class, or for each number that is found.

    of: what a row is about; counted: what is counted in its second cell, as a plural.
    rows: name, count, a value for each column, None where there is none.
    """

    of: str
    counted: str
    columns: tuple[Measure, ...]
    rows: tuple[tuple[str, int, tuple[float | None, ...]], ...]

    @property
    def many(self) -> str:
        """The plural of what a row is about."""
        return f"{self.of}es" if self.of.endswith("s") else f"{self.of}s"

    def as_json(self) -> list[dict[str, object]]:
        names = [one.name for one in self.columns]
        return [
            {"name": name, self.counted: count, **dict(zip(names, values, strict=True))}
            for name, count, values in self.rows
        ]
