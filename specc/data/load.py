"""From a recipe to the pictures that it names, prepared as it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.data.catalogue import default_data_dir, find, path_of
from specc.data.dataset import Dataset, Split, load_named
from specc.data.download import Report, silent
from specc.data.holdout import stratified
from specc.data.memory import fits, require_memory
from specc.data.survey import Surveyed, survey
from specc.data.transform import prepared
from specc.ir.recipe import Recipe

if TYPE_CHECKING:
    from specc.data.files import FileSplit
    from specc.data.folder import FolderContents
    from specc.data.pictures import Reader


def load_dataset(recipe: Recipe, report: Report = silent, surveyed: Surveyed | None = None) -> Dataset:
    """The recipe's data set: limited, in grey or RGB, scaled, a part held out for validation.

    The pictures are in memory; those of a folder that is too large for it stay in their files.

    Args:   report, is told of a download's progress. surveyed, what is known of a folder; None looks at it.
    Raises: Problem E601 to E604, E607 to E611, E619.
    """
    dataset = _prepared(recipe, report, surveyed)
    return with_validation(dataset, recipe.validation) if recipe.validation else dataset


def with_validation(dataset: Dataset, share: float) -> Dataset:
    """The data set with a share of its training pictures held out, each class in proportion."""
    train, held_out = (dataset.train.pick(part) for part in stratified(dataset.train.labels.tolist(), share))
    return dataset._replace(train=train, validation=held_out)


def _prepared(recipe: Recipe, report: Report, surveyed: Surveyed | None) -> Dataset:
    entry = find(recipe.data)
    if entry is None:
        return load_folder(surveyed or survey(recipe), recipe)
    folder = path_of(recipe.data_dir) if recipe.data_dir else default_data_dir()
    dataset = load_named(entry, folder, report)
    limited = dataset._replace(train=dataset.train.first(recipe.limit), test=dataset.test.first(recipe.limit))
    return prepared(limited, recipe.resize, recipe.channels)


def load_folder(surveyed: Surveyed, recipe: Recipe, way_out: str = "") -> Dataset:
    """A folder's pictures as the recipe prepares them.

    Args:   way_out, from pictures of different sizes.
    Raises: Problem E607, E610, E611.
    """
    from specc.data.decoded import manifest, trace_of
    from specc.data.pictures import Reader

    about, found = surveyed
    assert found is not None  # noqa: S101 - it is a folder's
    channels, height, width = about.shape(recipe, way_out)
    reader = Reader("L" if channels == 1 else "RGB", height, width, recipe.resize is not None)
    files = manifest(path_of(recipe.data), found)
    parts = _parts(found, reader, recipe, files)
    validation = parts[2] if len(parts) > 2 else None
    return Dataset(about.name, found.classes, parts[0], parts[1], validation, trace_of(files, recipe), found.note)


def _parts(found: FolderContents, reader: Reader, recipe: Recipe, files: str) -> list[Split] | list[FileSplit]:
    """The folder's parts in memory where they fit there. Raises: Problem E607, E610, E611."""
    from specc.data.decoded import decoded

    count = sum(len(part.paths) for part in found.parts)
    if recipe.in_memory == "on":
        require_memory(count, reader.shape)
    elif recipe.in_memory == "off" or not fits(count, reader.shape):
        return _in_files(found, reader)
    return decoded(found, reader, files)


def _in_files(found: FolderContents, reader: Reader) -> list[FileSplit]:
    import torch

    from specc.data.files import FileSplit

    return [FileSplit(part.paths, torch.tensor(part.labels, dtype=torch.int64), reader) for part in found.parts]
