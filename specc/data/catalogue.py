"""What may stand after `--data`: the data sets that have names, and which source a name, a folder or a file is.

A package adds its own under the entry point group `specc.datasets`: each entry point is an `Entry`, and its
name is what stands after `--data`. The group is looked up only for a name that is not built in.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Literal

from specc.data.sources import DataSource, Entry, Request, default_data_dir, path_of
from specc.data.survey import Part
from specc.diagnostics.diagnostic import Problem
from specc.recipe.recipe import Recipe

FOLDER, PACKAGE = "specc.data.sources.folder:Folder", "specc.data.sources.package:Package"
MASKS = "specc.data.sources.masks:Masks"
FILES = {".csv": "specc.data.sources.table:Table", ".npz": "specc.data.sources.npz:Npz"}
ENTRIES = (
    Entry("digits", (1, 8, 8), 10, "1,797 handwritten digits, part of scikit-learn: needs no download",
        "specc.data.sources.digits:Digits"),
    Entry("mnist", (1, 28, 28), 10, "70,000 handwritten digits", "specc.data.sources.mnist:Mnist"),
    Entry("fashion-mnist", (1, 28, 28), 10, "70,000 pieces of clothing", "specc.data.sources.mnist:Mnist"),
    Entry("cifar10", (3, 32, 32), 10, "60,000 small photographs", "specc.data.sources.cifar:Cifar"),
    Entry("cifar100", (3, 32, 32), 100, "60,000 small photographs in finer classes",
        "specc.data.sources.cifar:Cifar"),
)  # fmt: skip
BUILT_IN = {entry.name: entry for entry in ENTRIES}


def find(name: str) -> Entry | None:
    """The entry of a named data set, None where the name is that of a folder or a file.

    Raises: Problem E601 where it is neither, E619 where a package's entry cannot be used.
    """
    entry = BUILT_IN.get(name) or (_from_packages(name) if _may_be_name(name) else None)
    path = path_of(name)
    if entry is None and not path.is_dir() and not (path.is_file() and path.suffix.lower() in FILES):
        raise _unknown(name)
    return entry


def all_entries() -> list[Entry]:
    """Every named data set: the built-in ones, and those of packages that can be used."""
    from importlib.metadata import entry_points

    names = sorted({point.name for point in entry_points(group="specc.datasets")} - BUILT_IN.keys())
    found = list(BUILT_IN.values())
    for name in names:
        with suppress(Problem):  # named, with the reason, where it is asked for
            entry = _from_packages(name)
            found += [entry] if entry else []
    return found


def data_source(recipe: Recipe, part: Part | Literal["any"] | None = None) -> DataSource:
    """The source of a recipe's data.

    Args:   part, to test on this one of data that were never trained on; None to train.
    Raises: Problem E601, E619.
    """
    entry = find(recipe.data)
    folder = path_of(recipe.data_dir) if recipe.data_dir else default_data_dir()
    request = Request(recipe.data, folder, entry, recipe.limit, own_validation=not recipe.validation, part=part)
    if entry is None:
        return _resolved(_kind_of(path_of(recipe.data)))(request)
    return _resolved(entry.loader if entry.name in BUILT_IN else PACKAGE)(request)


def _kind_of(path: Path) -> str:
    """The source of what lies in a path."""
    if path.is_file():
        return FILES[path.suffix.lower()]
    from specc.data.walk import holds_masks

    return MASKS if holds_masks(path) else FOLDER


def _resolved(place: str) -> type[DataSource]:
    module, _, name = place.partition(":")
    found: type[DataSource] = getattr(import_module(module), name)
    return found


def _may_be_name(name: str) -> bool:
    return not set(name) & {"/", "\\", "~"}


def _from_packages(name: str) -> Entry | None:
    from importlib.metadata import entry_points

    for point in entry_points(group="specc.datasets", name=name):
        try:
            entry = point.load()
        except Exception as error:  # a package's own code may fail in any way
            raise _broken(name, f"{type(error).__name__}: {error}") from error
        if not isinstance(entry, Entry):
            raise _broken(name, f"`{point.value}` is not a specc.data.sources.Entry")
        return entry._replace(name=name)
    return None


def _broken(name: str, reason: str) -> Problem:
    return Problem.of("E619", f"the package that provides the data set `{name}` cannot be used: {reason}",
        help="update or uninstall that package")  # fmt: skip


def _unknown(name: str) -> Problem:
    from specc.diagnostics.spelling import nearest

    known = ", ".join(BUILT_IN)
    path = path_of(name)
    if not _may_be_name(name) or Path(name).suffix or os.path.lexists(path):
        if path.is_file():
            return Problem.of("E601", f"the data file `{name}` is neither a `.csv` nor an `.npz`",
                help=f"name such a file, a folder of class folders, or one of {known}")  # fmt: skip
        kind = "is not a folder" if path.exists() else "does not exist"
        what = "file" if path.suffix.lower() in FILES and not path.exists() else "folder"
        return Problem.of("E601", f"the data {what} `{name}` {kind}",
            help=f"name a folder of class folders, or one of {known}")  # fmt: skip
    guess = nearest(name, BUILT_IN)
    help = f"did you mean `{guess}`?" if guess else f"name a folder of class folders, or one of {known}"
    return Problem.of("E601", f"`{name}` is neither a data set that specc knows nor a folder here", help=help)
