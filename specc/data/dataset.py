"""What a loaded data set is: pictures and labels in memory, each split one tensor."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from specc.diagnostics.diagnostic import Problem

if TYPE_CHECKING:
    from torch import Tensor

    from specc.data.catalogue import Entry

# The fifth that is held out is the same in every run, whatever the recipe's seed: results stay comparable.
HOLDOUT_SEED = 0


class Split(NamedTuple):
    """Pictures with their classes.

    images: uint8, (samples, channels, height, width), 0 to 255.
    labels: int64, (samples,), indices into the data set's classes.
    """

    images: Tensor
    labels: Tensor

    def first(self, count: int | None) -> Split:
        """At most so many samples, in the order in which they are stored."""
        return self if count is None else Split(self.images[:count], self.labels[:count])


class Dataset(NamedTuple):
    """validation: what a recipe holds out of the training pictures; a loader leaves it None."""

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    validation: Split | None = None

    @property
    def sample(self) -> tuple[int, ...]:
        """Shape of one picture, channels first."""
        return tuple(self.train.images.shape[1:])


class LoadRequest(NamedTuple):
    """What a loader is asked for.

    entry:    the catalogue's entry of the data set.
    data_dir: the folder that holds the files, or will hold what is downloaded.
    """

    entry: Entry
    data_dir: Path


def load_named(entry: Entry, data_dir: Path) -> Dataset:
    """A named data set from its loader.

    Raises: Problem E602 to E604 for its files, E619 where a package's loader fails or gives something else.
    """
    module, _, function = entry.loader.partition(":")
    try:
        dataset = getattr(import_module(module), function)(LoadRequest(entry, data_dir))
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


def _require_kinds(entry: Entry, split: Split) -> None:
    import torch

    if (split.images.dtype, split.labels.dtype) != (torch.uint8, torch.int64):
        raise _failed(entry, "its pictures are not uint8 or its labels not int64")
    if len(split.images) != len(split.labels) or not len(split.labels):
        raise _failed(entry, f"it has {len(split.images)} pictures and {len(split.labels)} labels in a split")


def _failed(entry: Entry, reason: str) -> Problem:
    return Problem.of("E619", f"the package that provides the data set `{entry.name}` failed: {reason}",
        help="update or uninstall that package")  # fmt: skip
