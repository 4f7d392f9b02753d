"""Data sets that installed packages bring, under the entry point group `specc.datasets`.

Each entry point is a `specc.data.sources.Entry`. Its loader takes a `LoadRequest` and gives a `Dataset` of arrays,
numpy's or torch's.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from specc.data.sources import Arrays, ArraySource, Entry, Report, silent
from specc.data.survey import TEST, TRAINING
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted

if TYPE_CHECKING:
    from specc.data.sources import Samples, Targets


class LoadRequest(NamedTuple):
    """What a package's loader is asked for.

    data_dir: the folder that holds the files of named data sets. report: is told of a download's progress.
    """

    entry: Entry
    data_dir: Path
    report: Report


class PackageSplit(NamedTuple):
    """Samples with their classes.

    images: uint8 (0 to 255) or float32, (samples, channels, …). labels: int64, (samples,), places in `classes`.
    """

    images: Any
    labels: Any


class PackageDataset(NamedTuple):
    """What a package's loader gives: arrays of numpy's or torch's."""

    name: str
    classes: tuple[str, ...]
    train: PackageSplit
    test: PackageSplit


class Package(ArraySource):
    """A package's data set, as its loader gives it."""

    def fetch(self, report: Report = silent) -> None:
        self._report = report
        super().fetch(report)
        self.arrays  # noqa: B018 - it downloads in its own way, as it loads
        self._report = silent

    def load(self) -> Arrays:
        entry = self.request.entry
        assert entry is not None  # noqa: S101 - it has a name
        found = _called(entry, LoadRequest(entry, self.request.data_dir, self._report))
        if not isinstance(found, PackageDataset):
            raise _failed(entry, f"its loader gave a {type(found).__name__}, not a {__name__}.Dataset")
        parts = {TRAINING: _arrays(entry, found.train), TEST: _arrays(entry, found.test)}
        return Arrays(tuple(found.classes), parts)


def _called(entry: Entry, request: LoadRequest) -> object:
    module, _, function = entry.loader.partition(":")
    try:
        return getattr(import_module(module), function)(request)
    except (Problem, KeyboardInterrupt):
        raise
    except Exception as error:  # a package's own code may fail in any way
        raise _failed(entry, f"{type(error).__name__}: {error}") from error


def _arrays(entry: Entry, split: object) -> tuple[Samples, Targets]:
    """Samples and labels of a part. Raises: Problem E619."""
    import numpy as np

    if not isinstance(split, PackageSplit):
        raise _failed(entry, f"a part of it is a {type(split).__name__}, not a {__name__}.Split")
    images, labels = (np.asarray(part) for part in split)
    if images.dtype not in (np.uint8, np.float32) or labels.dtype != np.int64:
        raise _failed(entry, "its samples are neither uint8 nor float32, or its labels are not int64")
    if len(images) != len(labels) or not len(labels):
        samples, targets = counted(len(images), "sample"), counted(len(labels), "label")
        raise _failed(entry, f"it has {samples} and {targets} in a part")
    return images, labels


def _failed(entry: Entry, reason: str) -> Problem:
    return Problem.of("E619", f"the package that provides the data set `{entry.name}` failed: {reason}",
        help="update or uninstall that package")  # fmt: skip
