"""A folder of class folders: which pictures it holds, and of which classes."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import NamedTuple

from specc.data.dataset import HOLDOUT_SEED
from specc.data.holdout import stratified_fifth
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted

SUFFIXES = frozenset((".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"))
VALIDATION_NAMES = ("val", "valid", "validation")
TEST_NAMES = ("test", *VALIDATION_NAMES)
LAYOUT = "the layout is `train/CLASS/picture.png` and `test/CLASS/picture.png`, or `CLASS/picture.png`"


class Listing(NamedTuple):
    """Pictures by path with the index of each one's class."""

    paths: list[str]
    labels: list[int]

    def pick(self, indices: list[int]) -> Listing:
        return Listing([self.paths[index] for index in indices], [self.labels[index] for index in indices])

    def at_most(self, count: int | None) -> Listing:
        """So many pictures out of all classes, the same ones always."""
        if count is None or count >= len(self.paths):
            return self
        chosen = random.Random(HOLDOUT_SEED).sample(range(len(self.paths)), count)  # noqa: S311 - no secret
        return self.pick(sorted(chosen))


class FolderContents(NamedTuple):
    """What a folder holds. validation: of one that has `train`, `test` and `val`; note: how a part was made."""

    classes: tuple[str, ...]
    train: Listing
    test: Listing
    validation: Listing | None = None
    note: str = ""

    @property
    def parts(self) -> tuple[Listing, ...]:
        """What there is to train on, to test on, and to validate with."""
        return (self.train, self.test) if self.validation is None else (self.train, self.test, self.validation)

    def at_most(self, count: int | None) -> FolderContents:
        """So many pictures of each part."""
        validation = self.validation and self.validation.at_most(count)
        return self._replace(train=self.train.at_most(count), test=self.test.at_most(count), validation=validation)


def list_folder(root: Path) -> FolderContents:
    """The pictures of a folder: its `train` and `test` (or `val`, or both), or a fifth of each class held out.

    Raises: Problem E608 where it has not this layout or a class is empty, E609 where the classes of the two
            parts differ.
    """
    try:
        train = root / "train"
        if not train.is_dir():
            return _held_out(root)
        return _parts(train, _test_folder(root), _validation_folder(root))
    except OSError as error:
        raise Problem.of("E608", f"the data folder {error.filename} cannot be read: {error.strerror}",
            help="make the folder readable, or name another one with `--data`") from error  # fmt: skip


def _test_folder(root: Path) -> Path:
    for name in TEST_NAMES:
        if (root / name).is_dir():
            return root / name
    raise Problem.of("E608", f"the data folder {root} has a `train` folder, but no `test` or `val` beside it",
        help=f"add one, or name {root / 'train'} as the data: a fifth of it is then held out")  # fmt: skip


def _validation_folder(root: Path) -> Path | None:
    """A `val` that is not needed as the test folder."""
    if not (root / TEST_NAMES[0]).is_dir():
        return None
    return next((root / name for name in VALIDATION_NAMES if (root / name).is_dir()), None)


def _parts(train: Path, test: Path, validation: Path | None) -> FolderContents:
    classes = _class_names(train)
    for folder in (test, validation):
        if folder is not None:
            _require_same(train, folder, classes)
    held_out = None if validation is None else _list_classes(validation, classes)
    return FolderContents(classes, _list_classes(train, classes), _list_classes(test, classes), held_out)


def _require_same(train: Path, test: Path, classes: tuple[str, ...]) -> None:
    other = _class_names(test)
    if classes != other:
        raise Problem.of(
            "E609",
            f"the classes of {train} and {test} differ",
            help="give both the same class folders",
            notes=(*_only(classes, other, train), *_only(other, classes, test)),
        )


def _only(these: tuple[str, ...], others: tuple[str, ...], where: Path) -> tuple[str, ...]:
    alone = [name for name in these if name not in others]
    return (f"only in {where}: {_shortened(alone)}",) if alone else ()


def _held_out(root: Path) -> FolderContents:
    classes = _class_names(root)
    everything = _list_classes(root, classes)
    for index, name in enumerate(classes):
        if everything.labels.count(index) < 2:
            raise Problem.of("E608", f"the class folder {root / name} holds a single picture",
                help="a class needs two at least, one to train on and one to test on")  # fmt: skip
    train, test = (sorted(part) for part in stratified_fifth(everything.labels))
    note = "a fifth of each class is held out to test on"
    return FolderContents(classes, everything.pick(train), everything.pick(test), note=note)


def _class_names(folder: Path) -> tuple[str, ...]:
    names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith("."))
    if len(names) < 2:
        found = f"only one, `{names[0]}`" if names else "none"
        raise Problem.of(
            "E608", f"the data folder {folder} must hold a folder for each class; found {found}", help=LAYOUT
        )
    return tuple(names)


def _list_classes(folder: Path, classes: tuple[str, ...]) -> Listing:
    listed = [_pictures(folder / name) for name in classes]
    empty = [name for name, paths in zip(classes, listed, strict=True) if not paths]
    if empty:
        raise Problem.of(
            "E608",
            f"no pictures in {len(empty)} of {counted(len(classes), 'class folder')} of {folder}: {_shortened(empty)}",
            help=f"add pictures or remove the folders; pictures end in {' '.join(sorted(SUFFIXES))}",
            notes=(LAYOUT,),
        )
    labels = [index for index, paths in enumerate(listed) for _ in paths]
    return Listing([path for paths in listed for path in paths], labels)


def _pictures(folder: Path) -> list[str]:
    """Every picture below a class folder, sorted; hidden files are no pictures."""
    return sorted(
        os.path.join(parent, file)  # noqa: PTH118 - a Path for each of a million files is slow
        for parent, _, files in os.walk(folder, onerror=_raise)
        for file in files
        if not file.startswith(".") and os.path.splitext(file)[1].lower() in SUFFIXES  # noqa: PTH122 - the same
    )


def _raise(error: OSError) -> None:
    raise error


def _shortened(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
