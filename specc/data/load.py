"""From a recipe to the pictures that it names, prepared as it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from specc.data.catalogue import default_data_dir, find, path_of
from specc.data.dataset import Dataset, Split, load_named
from specc.data.download import Report, silent
from specc.data.holdout import stratified
from specc.data.memory import fits, require_memory
from specc.data.survey import Surveyed, survey
from specc.data.transform import prepared
from specc.recipe.recipe import Recipe

if TYPE_CHECKING:
    from specc.data.pictures import Reader


Say = Callable[[str], None]


def load_dataset(
    recipe: Recipe, report: Report = silent, surveyed: Surveyed | None = None, say: Say = lambda line: None
) -> Dataset:
    """The recipe's data set: limited, in grey or RGB, scaled, a part held out for validation.

    The pictures are in memory; those of a folder that is too large for it stay in their files.

    Args:   report, is told of a download's progress. surveyed, what is known of a folder; None looks at it. say, is
            told of what else takes long.
    Raises: Problem E601 to E604, E607 to E611, E619.
    """
    dataset = _prepared(recipe, report, surveyed, say)
    return with_validation(dataset, recipe.validation) if recipe.validation else dataset


def with_validation(dataset: Dataset, share: float) -> Dataset:
    """The data set with a share of its training pictures held out, each class in proportion."""
    train, held_out = (dataset.train.pick(part) for part in stratified(dataset.train.labels.tolist(), share))
    return dataset._replace(train=train, validation=held_out)


def _prepared(recipe: Recipe, report: Report, surveyed: Surveyed | None, say: Say) -> Dataset:
    entry = find(recipe.data)
    if entry is None:
        return load_folder(surveyed or survey(recipe), recipe, say=say)
    folder = path_of(recipe.data_dir) if recipe.data_dir else default_data_dir()
    dataset = load_named(entry, folder, report)
    limited = dataset._replace(train=dataset.train.first(recipe.limit), test=dataset.test.first(recipe.limit))
    return prepared(identified(limited), recipe.resize, recipe.channels)


def identified(dataset: Dataset) -> Dataset:
    """The same, with the identity of what is in memory."""
    from specc.data.identity import identity_of_tensors

    parts = [split for split in (dataset.train, dataset.test, dataset.validation) if isinstance(split, Split)]
    return dataset._replace(identity=identity_of_tensors(dataset.classes, parts))


def load_folder(surveyed: Surveyed, recipe: Recipe, way_out: str = "", say: Say = lambda line: None) -> Dataset:
    """A folder's pictures as the recipe prepares them: in memory where they fit, else in their files, each of which
    has been decoded once.

    Args:   way_out, from pictures of different sizes. say, is told of what takes long.
    Raises: Problem E607, E610, E611.
    """
    import torch

    from specc.data.decoded import decoded
    from specc.data.files import FileSplit
    from specc.data.identity import identity_of_files
    from specc.data.pictures import Reader

    about, found, files = surveyed
    assert found is not None and files is not None  # noqa: S101 - it is a folder's
    channels, height, width = about.shape(recipe, way_out)
    reader = Reader("L" if channels == 1 else "RGB", height, width, recipe.resize is not None)
    keep = _in_memory(sum(len(part.paths) for part in found.parts), reader, recipe)
    labels = [torch.tensor(part.labels, dtype=torch.int64) for part in found.parts]
    read = decoded(found, files, reader, keep=keep, say=say)
    splits = [
        FileSplit(part.paths, own, reader) if one.images is None else Split(one.images, own)
        for part, own, one in zip(found.parts, labels, read, strict=True)
    ]
    identity = identity_of_files(
        found.classes, [(own.numpy(), one.digests.numpy()) for own, one in zip(labels, read, strict=True)]
    )
    validation = splits[2] if len(splits) > 2 else None
    return Dataset(about.name, found.classes, splits[0], splits[1], validation, identity, found.note)


def _in_memory(count: int, reader: Reader, recipe: Recipe) -> bool:
    """Whether so many pictures stay in memory. Raises: Problem E611."""
    if recipe.in_memory == "on":
        require_memory(count, reader.shape)
    return recipe.in_memory != "off" and fits(count, reader.shape)
