"""Pictures with a mask each, which says the class of every pixel: folders `images` and `masks`, paired by name."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image

from specc import files
from specc.data.frame import Box
from specc.data.kept import make_room, manifest_of
from specc.data.picture import (
    HEAD,
    TURNS,
    UnreadablePicture,
    content_of,
    digest_of,
    head_of,
    opened,
    orientation_of,
    quiet,
)
from specc.data.sources import path_of
from specc.data.sources.folder import readable
from specc.data.sources.picture_files import Contents, Listing, PictureFiles
from specc.data.survey import IGNORED, TEST, TRAINING, VALIDATION, Fault, Survey, shortened
from specc.data.walk import IMAGES, MASKS, NAMES, Walk, require_text
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CLASSES = "classes.csv"
LAYOUT = "the layout is `images/a.png` and `masks/a.png`, alone or inside `train` and `test`"
NAMES_HEAD = "the first line is `name`, `name,value` or `name,r,g,b`; below it stands a class a line"
COLOURS = (
    f"a file `{CLASSES}` in the data folder with the columns `name,r,g,b` says it\nor save masks with a number for "
    "each pixel"
)
ALONE = "a mask without a picture of its name"


class MaskNames(NamedTuple):
    """What a `classes.csv` says. numbers: of each class in the masks, or its colour."""

    names: tuple[str, ...]
    numbers: tuple[int, ...] = ()
    colours: tuple[tuple[int, int, int], ...] = ()


def numbered(values: Iterable[int]) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    """The names of the classes, which are their numbers in masks that have these, and the class of each number.

    Two numbers, whatever they are, are two classes. Of more the numbers are the classes, and 255 is none.
    """
    import numpy as np

    there = sorted(set(values))
    table = np.arange(IGNORED + 1, dtype=np.uint8)
    if len(there) <= 2:
        table[there] = range(len(there))
        return tuple(map(str, there)), table
    return tuple(map(str, range(max(value for value in there if value != IGNORED) + 1))), table


class MaskFolder(PictureFiles):
    """What is to be found is (height, width) of uint8: the class of each pixel, 255 where it is none."""

    @property
    def root(self) -> Path:
        return path_of(self.request.data)

    def listed(self) -> Contents:
        require_text(self.root.resolve())
        walk = Walk()
        with readable():
            names = {name.lower(): name for name in walk.folders(self.root)}
            folders = {NAMES[name]: self.root / own for name, own in names.items() if name in NAMES}
            parts = {part: _paired(folder, walk) for part, folder in (folders or {TRAINING: self.root}).items()}
        notes: tuple[str, ...] = ()
        if not folders:
            parts, notes = self._split(parts[TRAINING])
        elif TEST not in parts and VALIDATION in parts:
            parts[TEST] = parts.pop(VALIDATION)
        if self.request.part is None and not {TRAINING, TEST} <= parts.keys():
            raise _wrong(f"the data folder {self.root} has no {TEST if TRAINING in parts else TRAINING} part", LAYOUT)
        ordered = {part: parts[part] for part in (TRAINING, TEST, VALIDATION) if part in parts}
        wanted = self.request.wanted(ordered, f"the data folder {self.root}", LAYOUT)
        return Contents((), wanted, notes, walk.passed_over, "mask")

    def _split(self, every: Listing) -> tuple[dict[str, Listing], tuple[str, ...]]:
        if self.request.part == "any":
            return {TEST: every}, (f"all pictures of {self.root} are test pictures",)
        if len(every.paths) < 2:
            raise _wrong(
                f"the data folder {self.root} holds a single picture", "one is needed to train on, one to test on"
            )
        return every.parted([0] * len(every.paths)), ("a fifth of the pictures is held out to test on",)

    @cached_property
    def names(self) -> MaskNames | None:
        """What `classes.csv` says; None where there is none. Raises: Problem E682."""
        place = self.root / CLASSES
        return _read_names(place) if place.is_file() else None

    @cached_property
    def _seen(self) -> tuple[tuple[int, ...], tuple[Fault, ...]]:
        """The numbers of all masks, and those that cannot be used. What took long to find is kept for the next time.

        Raises: Problem E682 where a mask has not its picture's size.
        """
        pairs = [pair for part in self.contents.parts.values() for pair in zip(part.paths, part.labels, strict=True)]
        manifest = manifest_of(zip(*pairs, strict=True))
        place = manifest.place(f"masks {self.names}", ".json")
        with suppress(OSError, ValueError, TypeError):
            return tuple(sorted(int(value) for value in files.read_json(place) if 0 <= value <= IGNORED)), ()
        started = perf_counter()
        with quiet(), ThreadPoolExecutor(os.cpu_count()) as threads:
            found = list(threads.map(self._look, pairs))
        faults = tuple(one for one in found if isinstance(one, Fault))
        values = sorted({value for one in found if not isinstance(one, Fault) for value in one})
        if not faults and manifest.is_worth(perf_counter() - started):
            with suppress(OSError):
                place.parent.mkdir(parents=True, exist_ok=True)
                if make_room(IGNORED):
                    files.write(place, json.dumps(values).encode())
        return tuple(values), faults

    def _look(self, pair: tuple[str, str]) -> Fault | list[int]:
        """The numbers of a mask. Raises: Problem E682 where it has not its picture's size."""
        import numpy as np

        picture, mask = pair
        try:
            _, numbers = self._numbers(mask)
        except UnreadablePicture as error:
            return Fault(mask, error.reason, error.way)
        with suppress(UnreadablePicture):  # a picture that cannot be read is told of by itself
            head = head_of(picture, content_of(picture, HEAD))
            if head[:2] != numbers.shape:
                size = "{}x{}".format(*numbers.shape)
                raise _wrong(f"{mask} is {size} (height x width), and its picture {picture} is {head.height}x"
                    f"{head.width}", "make the mask as large as its picture, without smoothing")  # fmt: skip
        found: list[int] = np.unique(numbers).tolist()
        return found

    @cached_property
    def _survey(self) -> Survey:
        _, faults = self._seen
        found = super()._survey
        notes = (*found.notes, *self._unused())
        return found._replace(classes=self._classes[0], unreadable=(*found.unreadable, *faults), notes=notes)

    def _unused(self) -> Iterator[str]:
        """What `classes.csv` names and no mask has, where all masks are read."""
        there, faults = self._seen
        if self.names is not None and self.request.part is None and self.request.limit is None and not faults:
            lacking = [name for number, name in enumerate(self.names.names) if number not in there]
            if lacking:
                yield f"{counted(len(lacking), 'class')} of {CLASSES} in no mask: {shortened(lacking)}"

    @cached_property
    def _classes(self) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
        """The names of the classes, and the class of each number."""
        import numpy as np

        if self.names is not None:
            return self.names.names, np.arange(IGNORED + 1, dtype=np.uint8)
        values, faults = self._seen
        if len(values) < 2 and not faults and self.request.part is None:
            raise _wrong(
                f"all masks of {self.root} hold one number and no other", "every class has a number of its own"
            )
        return numbered(values)

    def fault_of(self, picture: tuple[str, Any]) -> Fault | None:
        found = self._look(picture)
        return super().fault_of(picture) or (found if isinstance(found, Fault) else None)

    @property
    def variant_of_masks(self) -> str:
        return str(self.names)

    @property
    def variant(self) -> str:
        return f"{self.names} {self._seen[0]}"

    def read_mask(
        self, path: str, cut: Callable[[tuple[int, int]], Box] | None = None
    ) -> tuple[bytes, NDArray[np.uint8]]:
        import numpy as np

        assert self.reader is not None  # noqa: S101 - it was said how they are read
        digest, numbers = self._numbers(path)
        height, width = numbers.shape
        placed = self.reader.placed((height, width), cut)
        drawn = placed.drawn(Image.fromarray(self._classes[1][numbers]), Image.Resampling.NEAREST, IGNORED)
        return digest, np.asarray(drawn)

    def _numbers(self, path: str) -> tuple[bytes, NDArray[np.uint8]]:
        """A mask's digest and numbers, of named classes these, (height, width). Raises: Unreadable."""
        with content_of(path) as content:
            digest = digest_of(content)
            with opened(path, content) as picture:
                if picture.format == "JPEG":
                    raise UnreadablePicture("is a JPEG, which changes the numbers of a mask", "save masks as PNG")
                turn = TURNS.get(orientation_of(picture))
                numbers = self._read(picture)
                if turn is not None:
                    import numpy as np

                    numbers = np.asarray(Image.fromarray(numbers).transpose(turn))
                return digest, numbers

    def _read(self, picture: Image.Image) -> NDArray[np.uint8]:
        import numpy as np

        if self.names is not None and self.names.colours:
            return _by_colour(np.asarray(picture.convert("RGB")), self.names)
        if picture.mode not in ("1", "P", "L") and not picture.mode.startswith("I"):
            raise UnreadablePicture("is in colour, and nothing says which colour is which class", COLOURS)
        numbers = np.asarray(picture)
        if numbers.min(initial=0) < 0 or numbers.max(initial=0) > IGNORED:
            raise UnreadablePicture(f"has the number {numbers.max()}", f"classes are numbered from 0 to {IGNORED - 1}")
        numbers = numbers.astype(np.uint8)
        return numbers if self.names is None else _by_number(numbers, self.names)


def _by_colour(colours: NDArray[np.uint8], names: MaskNames) -> NDArray[np.uint8]:
    """The class of each pixel. Raises: Unreadable for a colour that no class has."""
    import numpy as np

    weights = np.array([1 << 16, 1 << 8, 1])
    known = np.array(names.colours) @ weights
    order = np.argsort(known)
    wanted = colours.astype(np.int64) @ weights
    found: NDArray[np.int64] = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)]
    strange = known[found] != wanted
    if strange.any():
        colour = ", ".join(map(str, colours[strange][0].tolist()))
        raise UnreadablePicture(
            f"has the colour ({colour}), which {CLASSES} does not name", f"add a line for it to {CLASSES}"
        )
    return found.astype(np.uint8)


def _by_number(numbers: NDArray[np.uint8], names: MaskNames) -> NDArray[np.uint8]:
    """The class of each pixel; 255 stays what it is. Raises: Unreadable for a number that no class has."""
    import numpy as np

    table = np.full(IGNORED + 1, IGNORED, np.uint8)
    table[list(names.numbers)] = range(len(names.numbers))
    strange = (table[numbers] == IGNORED) & (numbers != IGNORED)
    if strange.any():
        number = int(numbers[strange][0])
        raise UnreadablePicture(
            f"has the number {number}, which {CLASSES} does not name", f"add a line for it to {CLASSES}"
        )
    found: NDArray[np.uint8] = table[numbers]
    return found


def _paired(folder: Path, walk: Walk) -> Listing:
    """The pictures of a part with their masks, by the paths below `images` and `masks` without what they end in.

    Raises: Problem E682 for a picture without a mask; OSError.
    """
    for name in (IMAGES, MASKS):
        if not (folder / name).is_dir():
            raise _wrong(f"{folder} has no folder `{name}`", LAYOUT)
    pictures = walk.pictures(folder / IMAGES)
    masks = {_stem(path, folder / MASKS): path for path in walk.pictures(folder / MASKS)}
    named = [(path, _stem(path, folder / IMAGES)) for path in pictures]
    lacking = [path for path, stem in named if stem not in masks]
    if lacking or not pictures:
        first = f"{lacking[0]} has no mask" if lacking else f"{folder / IMAGES} holds no pictures"
        more = f", and {len(lacking) - 1:,} more have none" if len(lacking) > 1 else ""
        raise _wrong(f"{first}{more}", f"a mask has the name of its picture and lies in {folder / MASKS}")
    for stem in sorted(masks.keys() - {stem for _, stem in named}):
        walk.pass_over(ALONE, masks[stem])
    return Listing(pictures, [masks[stem] for _, stem in named])


def _stem(path: str, folder: Path) -> str:
    return os.path.splitext(os.path.relpath(path, folder))[0]  # noqa: PTH122 - there may be a million


def _read_names(place: Path) -> MaskNames:
    """Raises: Problem E682 with the line."""
    columns, rows = _rows(place)
    kind = _numbering(place, columns)
    names: list[str] = []
    numbers: list[tuple[int, ...]] = []
    for line, row in rows:
        if len(row) != len(columns):
            raise _wrong(f"{place}, line {line}: there {'is' if len(row) == 1 else 'are'} {counted(len(row), 'field')} "
                f"for {counted(len(columns), 'column')}", NAMES_HEAD)  # fmt: skip
        said = dict(zip(columns, map(str.strip, row), strict=True))
        values = tuple(int(said[key]) if _is_byte(said[key]) else -1 for key in kind)
        if -1 in values or not said["name"] or said["name"] in names or values in numbers:
            raise _wrong(
                f"{place}, line {line}: a name or a number from 0 to 255 is missing, or there twice", NAMES_HEAD
            )
        numbers.append(values or (len(names),))
        names.append(said["name"])
    if len(kind) > 1:
        return MaskNames(tuple(names), colours=tuple((r, g, b) for r, g, b in numbers))
    return MaskNames(tuple(names), tuple(number for (number,) in numbers))


def _rows(place: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The columns, and each row with the number of its line. Raises: Problem E682."""
    try:
        text = files.read(place, 1 << 20).decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""))
        rows = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except (OSError, ValueError, csv.Error):
        raise _wrong(f"{place} cannot be read as CSV", NAMES_HEAD) from None
    columns = [name.strip().lower() for name in rows[0][1]] if rows else []
    if "name" not in columns or not 1 < len(rows) <= IGNORED:
        raise _wrong(f"{place} has no column `name`, or no classes", NAMES_HEAD)
    return columns, rows[1:]


def _numbering(place: Path, columns: list[str]) -> tuple[str, ...]:
    """The columns that say which pixels are of a class; none where the lines count them. Raises: Problem E682."""
    for known in (("r", "g", "b"), ("value",)):
        if set(known) <= set(columns):
            return known
    if len(columns) > 1:
        raise _wrong(f"{place} has the columns {shortened(columns)}, which say neither the number nor the colour of a "
            "class", NAMES_HEAD)  # fmt: skip
    return ()


def _is_byte(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= IGNORED


def _wrong(what: str, help: str) -> Problem:
    return Problem.of("E682", what, help=help)
