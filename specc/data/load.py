"""From a recipe to the pictures that it names, prepared as it says."""

from __future__ import annotations

from pathlib import Path

from specc.data.catalogue import default_data_dir, find
from specc.data.dataset import Dataset, Split, load_named
from specc.data.holdout import stratified
from specc.data.transform import prepared, size_of
from specc.ir.recipe import Recipe


def load_dataset(recipe: Recipe) -> Dataset:
    """The recipe's data set in memory: limited, in grey or RGB, scaled, a part held out for validation.

    Raises: Problem E601 to E604, E607 to E611, E619.
    """
    dataset = _prepared(recipe)
    return with_validation(dataset, recipe.validation) if recipe.validation else dataset


def with_validation(dataset: Dataset, share: float) -> Dataset:
    """The data set with a share of its training pictures held out, each class in proportion."""
    parts = stratified(dataset.train.labels.tolist(), share)
    train, held_out = (Split(dataset.train.images[part], dataset.train.labels[part]) for part in parts)
    return dataset._replace(train=train, validation=held_out)


def _prepared(recipe: Recipe) -> Dataset:
    entry = find(recipe.data)
    if entry is None:
        return _folder(Path(recipe.data).expanduser(), recipe)
    folder = Path(recipe.data_dir).expanduser() if recipe.data_dir else default_data_dir()
    dataset = load_named(entry, folder)
    limited = dataset._replace(train=dataset.train.first(recipe.limit), test=dataset.test.first(recipe.limit))
    return prepared(limited, recipe.resize, recipe.channels)


def _folder(root: Path, recipe: Recipe) -> Dataset:
    from specc.data.folder import list_folder
    from specc.data.pictures import decode_folder

    found = list_folder(root)
    limited = found._replace(train=found.train.at_most(recipe.limit), test=found.test.at_most(recipe.limit))
    return decode_folder(root.resolve().name, limited, size_of(recipe.resize), recipe.channels)
