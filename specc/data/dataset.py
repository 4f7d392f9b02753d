"""What a loaded data set is: pictures and labels in memory, each split one tensor."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from specc.data.download import Report, silent
from specc.data.identity import DataIdentity
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted

if TYPE_CHECKING:
    from torch import Tensor

    from specc.data.catalogue import Entry
    from specc.data.files import FileSplit

# The fifth that is held out is the same in every run, whatever the recipe's seed: results stay comparable.
HOLDOUT_SEED = 0


class Split(NamedTuple):
    """Pictures with their classes.

    images: uint8, (samples, channels, height, width), 0 to 255.
    labels: int64, (samples,), indices into the data set's classes.
    """

    images: Tensor
    labels: Tensor

    @property
    def sample(self) -> tuple[int, ...]:
        """Shape of one picture, channels first."""
        return tuple(self.images.shape[1:])

    def first(self, count: int | None) -> Split:
        """At most so many samples, in the order in which they are stored."""
        return self if count is None else Split(self.images[:count], self.labels[:count])

    def pick(self, indices: Sequence[int]) -> Split:
        """These samples, in this order."""
        chosen = list(indices)
        return Split(self.images[chosen], self.labels[chosen])


class Dataset(NamedTuple):
    """A data set, its pictures in memory or, of a folder that is too large for that, in their files.

    validation: what chooses the best epoch; None where the test split does. A named set's loader leaves it None.
    identity:   what it is made of; of a loader's own, nothing yet.
    note:       what was decided about the data that their owner did not say, for the person; or empty.
    """

    name: str
    classes: tuple[str, ...]
    train: Split | FileSplit
    test: Split | FileSplit
    validation: Split | FileSplit | None = None
    identity: DataIdentity = DataIdentity()
    note: str = ""

    @property
    def sample(self) -> tuple[int, ...]:
        """Shape of one picture, channels first."""
        return self.train.sample


class LoadRequest(NamedTuple):
    """What a loader is asked for.

    entry:    the catalogue's entry of the data set.
    data_dir: the folder that holds the files, or will hold what is downloaded.
    report:   is told of a download's progress.
    """

    entry: Entry
    data_dir: Path
    report: Report = silent


def load_named(entry: Entry, data_dir: Path, report: Report = silent) -> Dataset:
    """A named data set from its loader.

    Raises: Problem E602 to E604 for its files, E619 where a package's loader fails or gives something else.
    """
    module, _, function = entry.loader.partition(":")
    try:
        dataset = getattr(import_module(module), function)(LoadRequest(entry, data_dir, report))
    except (Problem, KeyboardInterrupt):
        raise
    except Exception as error:
        if module.startswith("specc."):
            raise
        raise _failed(entry, f"{type(error).__name__}: {error}") from error
    if not isinstance(dataset, Dataset):
        raise _failed(entry, f"its loader gave a {type(dataset).__name__}, not a specc.data.dataset.Dataset")
    for split in (dataset.train, dataset.test):
        _require_kinds(entry, split)
    return dataset


def _require_kinds(entry: Entry, split: Split | FileSplit) -> None:
    import torch

    if not isinstance(split, Split):
        raise _failed(entry, f"a split of its pictures is a {type(split).__name__}, not a Split")
    if (split.images.dtype, split.labels.dtype) != (torch.uint8, torch.int64):
        raise _failed(entry, "its pictures are not uint8, or its labels are not int64")
    if len(split.images) != len(split.labels) or not len(split.labels):
        pictures, labels = counted(len(split.images), "picture"), counted(len(split.labels), "label")
        raise _failed(entry, f"it has {pictures} and {labels} in a split")


def _failed(entry: Entry, reason: str) -> Problem:
    return Problem.of("E619", f"the package that provides the data set `{entry.name}` failed: {reason}",
        help="update or uninstall that package")  # fmt: skip
