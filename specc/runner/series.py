"""Several runs of one spec in one folder: for several seeds, or for each fold of the data. What they have in common is
in `series.json`, and the rest in their own folders."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from specc import files
from specc.diagnostics.diagnostic import Problem
from specc.runner.metrics import Metrics
from specc.runner.run_folder import SERIES, Record
from specc.tasks.measure import Measure

MOST = 1000  # runs
LARGEST = 100_000_000  # bytes of the file that are looked at
LOSS = Measure("loss", "loss", is_share=False)


class RunSeries(BaseModel):
    """What the runs of a series are.

    kind: what is different in each of them. first: the seed of the first one. record: what they have in common.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    kind: Literal["seeds", "folds"]
    count: Annotated[int, Field(ge=2, le=MOST)]
    first: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    record: Record

    def members(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The name of each run's folder, and the settings that are its own."""
        for number in range(self.count):
            if self.kind == "seeds":
                yield f"seed-{self.first + number}", {"seed": self.first + number}
            else:
                yield f"fold-{number + 1}", {"fold": f"{number + 1}/{self.count}"}


def read_series(folder: Path) -> RunSeries | None:
    """What a folder says of its series; None where it has none. Raises: Problem E691 where it is damaged."""
    path = folder / SERIES
    try:
        return RunSeries.model_validate_json(files.read(path, LARGEST))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, ValidationError) as error:
        raise Problem.of("E691", f"{path} does not say what the runs in its folder are",
            help="`--resume` goes on with a run in it by itself; `--seeds 5` begins anew elsewhere"
        ) from error  # fmt: skip


def series_at(path: Path) -> RunSeries | None:
    """The series in a folder; None where there is none, or no folder. Raises: Problem E691 where it is damaged."""
    return read_series(path) if path.is_dir() else None


class Spread(NamedTuple):
    """A measure over several runs. deviation: of the sample, None of a single run."""

    measure: Measure
    each: tuple[float, ...]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.each)

    @property
    def deviation(self) -> float | None:
        return statistics.stdev(self.each) if len(self.each) > 1 else None

    def __str__(self) -> str:
        """Mean and deviation: `97.10 ± 0.40 %`."""
        mean = self.measure.text(self.mean)
        if self.deviation is None:
            return mean
        value, space, unit = mean.partition(" ")
        return f"{value} ± {self.measure.text(self.deviation).partition(' ')[0]}{space}{unit}"

    def as_json(self) -> dict[str, Any]:
        return {
            "measure": f"test_{self.measure.name}", "mean": self.mean, "deviation": self.deviation, "each": self.each
        }  # fmt: skip


def spread(epochs: Sequence[Metrics]) -> Spread:
    """What epochs are compared by, on the test split, of one epoch of each run; there is at least one."""
    found = [one.compared("test") for one in epochs]
    told = [one for one in found if one is not None]
    if len(told) < len(epochs):
        return Spread(LOSS, tuple(one.test_loss for one in epochs))
    return Spread(told[0][0], tuple(value for _, value in told))
