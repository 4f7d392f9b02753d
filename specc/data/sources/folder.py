"""A folder of class folders: which pictures it holds, and of which classes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from specc.data.picture import endings
from specc.data.sources import path_of
from specc.data.sources.picture_files import Contents, Listing, PictureFiles
from specc.data.survey import TEST, TRAINING, VALIDATION, Part, shortened
from specc.data.walk import LAYOUT, Layout, Walk, layout_of
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, nearest

MOST_BESIDE = 50  # folders beside one that are looked into
PARTS: dict[Part, str] = {"test": TEST, "validation": VALIDATION, "train": TRAINING}


class Folder(PictureFiles):
    """Pictures in class folders, alone or in folders for the parts."""

    def listed(self) -> Contents:
        root, part = path_of(self.request.data), self.request.part
        if part is not None:
            return list_part(root, None if part == "any" else part)
        found = list_folder(root)
        if self.request.own_validation:
            return found
        return found._replace(parts={name: part for name, part in found.parts.items() if name != VALIDATION})


def list_folder(root: Path) -> Contents:
    """The pictures of a folder to train on: its `train` and `test` (or `val`, or both), or a fifth of each class held
    out. A class may lack in the test part.

    Raises: Problem E608 where it has not this layout or a class is empty, E609 where a part has a class that is not
            trained on.
    """
    walk = Walk()
    with readable():
        layout = layout_of(root, walk)
        found = _in_parts(layout, walk) if layout.parts else _held_out(root, walk)
        return found._replace(passed_over=walk.passed_over)


def list_part(root: Path, part: Part | None) -> Contents:
    """The pictures of a folder to test on, in `test`: those of a part of it, or all where it was never split.

    Args:    part, None for whatever is there to be tested on.
    Returns: the contents, with nothing to train on. They may have one class.
    Raises:  Problem E608; E642 where there is not that part.
    """
    walk = Walk()
    with readable():
        layout = layout_of(root, walk)
        if layout.parts:
            classes, listing = _filled(_chosen_part(layout, part), walk)
            notes: tuple[str, ...] = ()
        else:
            classes, listing = _filled(root, walk)
            notes = (f"all pictures of {root} are test pictures; `--split test` takes the fifth of each class that "
                "training would hold out",)  # fmt: skip
            if part is not None:
                listing, notes = _part_of_whole(root, listing, part), ()
    return Contents(classes, {TEST: listing}, notes, walk.passed_over)


@contextmanager
def readable() -> Iterator[None]:
    """Turns a folder that cannot be read into Problem E608."""
    try:
        yield
    except OSError as error:
        raise Problem.of("E608", f"the data folder {error.filename} cannot be read: {error.strerror}",
            help="make the folder readable, or name another one with `--data`") from error  # fmt: skip


def _in_parts(layout: Layout, walk: Walk) -> Contents:
    root, parts = layout.root, layout.parts
    train = parts.get(TRAINING)
    if train is None:
        only = next(iter(parts.values()))
        raise Problem.of("E608", f"the data folder {root} has a `{only.name}` folder, but no `train` beside it",
            help=f"name {only} as the data: a fifth of it is then held out")  # fmt: skip
    test = parts.get(TEST) or parts.get(VALIDATION)
    if test is None:
        raise Problem.of("E608", f"the data folder {root} has a `{train.name}` folder, but no `test` or `val` beside "
            "it", help=f"add one\nname {train} as the data: a fifth of it is then held out")  # fmt: skip
    classes = _class_names(train, walk)
    listing = _full(train, classes, walk)
    tested, note = _list_known(test, train, classes, walk)
    held_out = parts.get(VALIDATION) if TEST in parts else None
    validation = None if held_out is None else _list_known(held_out, train, classes, walk)[0]
    listed = {TRAINING: listing, TEST: tested}
    return Contents(classes, listed if validation is None else {**listed, VALIDATION: validation}, note)


def _list_known(part: Path, train: Path, classes: tuple[str, ...], walk: Walk) -> tuple[Listing, tuple[str, ...]]:
    """The pictures of a part, numbered as the training part numbers the classes; a note where it lacks some.

    Raises: Problem E608 where it has no pictures, E609 where it has a class that is not trained on.
    """
    names, listing = _filled(part, walk, f"name {train} as the data: a fifth of it is then held out")
    if not set(names) <= set(classes):
        raise _not_trained_on(part, train, names, classes)
    numbered = Listing(listing.paths, [classes.index(names[label]) for label in listing.labels])
    lacking = [name for name in classes if name not in names]
    return numbered, (f"{part} has no pictures of {shortened(lacking)}",) if lacking else ()


def _not_trained_on(part: Path, train: Path, names: tuple[str, ...], classes: tuple[str, ...]) -> Problem:
    unknown, lacking = (
        [name for name in these if name not in others] for these, others in ((names, classes), (classes, names))
    )
    folded = {name.strip().casefold(): name for name in classes}
    alike = folded.get(unknown[0].strip().casefold()) or nearest(unknown[0], lacking)
    rename = [f"if {part / unknown[0]} is the class `{alike}`, give the folder that name"] if alike else []
    return Problem.of(
        "E609", f"{part} has {counted(len(unknown), 'class')} that {train} lacks: {shortened(unknown)}",
        help="\n".join([*rename, f"remove such folders, or give {train} pictures of the same classes"]),
        notes=(f"only in {train}: {shortened(lacking)}",) if lacking else (),
    )  # fmt: skip


def _held_out(root: Path, walk: Walk) -> Contents:
    classes = _class_names(root, walk)
    everything = _full(root, classes, walk)
    counts = Counter(everything.labels)
    for index, name in enumerate(classes):
        if counts[index] < 2:
            raise Problem.of("E608", f"the class folder {root / name} holds a single picture",
                help="a class needs at least two, one to train on and one to test on")  # fmt: skip
    return Contents(classes, everything.parted(), ("a fifth of each class is held out to test on",))


def _chosen_part(layout: Layout, part: Part | None) -> Path:
    """The folder of a part. Raises: Problem E642 where there is none."""
    parts: dict[Part, Path | None] = {
        "test": layout.parts.get(TEST) or layout.parts.get(VALIDATION),
        "validation": layout.parts.get(VALIDATION), "train": layout.parts.get(TRAINING),
    }  # fmt: skip
    folder = parts[part or "test"]
    if folder is not None:
        return folder
    there = [f"`--split {name}`" for name, found in parts.items() if found is not None]
    raise Problem.of("E642", f"the data folder {layout.root} has no {PARTS[part or 'test']} part",
        help="\n".join(f"{option} takes the part that is there" for option in there))  # fmt: skip


def _part_of_whole(root: Path, listing: Listing, part: Part) -> Listing:
    """What training would train on or hold out of a folder without parts."""
    if part == "validation":
        raise Problem.of("E642", f"the data folder {root} has no validation part",
            help="leave `--split` out to test on all of its pictures")  # fmt: skip
    return listing.parted()[TRAINING if part == "train" else TEST]


def _class_names(folder: Path, walk: Walk) -> tuple[str, ...]:
    """The classes of what is trained on. Raises: Problem E608 where there are not two."""
    names = walk.folders(folder)
    if len(names) < 2:
        found = f"only one, `{names[0]}`" if names else "none"
        below = walk.folders(folder / names[0]) if names else []
        inside = f"name {folder / names[0]} as the data\n" if len(below) > 1 else ""
        if not names and walk.has_loose(folder):
            inside = _outside(folder)
        raise Problem.of("E608", f"the data folder {folder} must hold a folder for each class; found {found}",
            help=inside + LAYOUT, notes=tuple(map(str, walk.passed_over)))  # fmt: skip
    return tuple(names)


def _outside(folder: Path) -> str:
    """The way out where the folder of one class is named; empty where there are no others beside it."""
    around = Path(os.path.normpath(folder)).parent
    beside = Walk().folders(around)[:MOST_BESIDE]
    classes = [name for name in beside if Walk().has_loose(around / name)]
    return f"name {around} as the data, of which this is one folder\n" if len(classes) > 1 else ""


def _filled(folder: Path, walk: Walk, way_out: str = LAYOUT) -> tuple[tuple[str, ...], Listing]:
    """The class folders that hold pictures, and these. Raises: Problem E608 where none does."""
    names = walk.folders(folder)
    listed = {name: paths for name in names if (paths := walk.pictures(folder / name))}
    if listed:
        return tuple(listed), _numbered(list(listed.values()))
    found = "holds loose pictures, and no class folders with pictures" if walk.has_loose(folder) else (
        "holds no class folder with pictures")  # fmt: skip
    raise Problem.of("E608", f"{folder} {found}", help=way_out, notes=tuple(map(str, walk.passed_over)))


def _full(folder: Path, classes: tuple[str, ...], walk: Walk) -> Listing:
    """The pictures of all classes. Raises: Problem E608 where one has none."""
    listed = [walk.pictures(folder / name) for name in classes]
    empty = [name for name, paths in zip(classes, listed, strict=True) if not paths]
    if empty:
        raise Problem.of(
            "E608",
            f"no pictures in {len(empty)} of {counted(len(classes), 'class folder')} of {folder}: {shortened(empty)}",
            help=f"add pictures or remove the folders; pictures end in {' '.join(sorted(endings() & COMMON))}, …",
            notes=(*map(str, walk.passed_over), LAYOUT),
        )
    return _numbered(listed)


COMMON = frozenset((".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"))


def _numbered(listed: list[list[str]]) -> Listing:
    """One listing of the pictures of all classes, in their order."""
    return Listing(
        [path for paths in listed for path in paths], [label for label, paths in enumerate(listed) for _ in paths]
    )
