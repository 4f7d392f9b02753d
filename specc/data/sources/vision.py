"""Data sets that torchvision downloads and unpacks, by `specc.data.vision_sets`."""

from __future__ import annotations

import contextlib
import inspect
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.error import URLError

from specc.data.sources import Arrays, ArraySource, Report, silent
from specc.data.sources.masks import MaskFolder, MaskNames
from specc.data.sources.picture_files import Contents, Listing, PictureFiles
from specc.data.survey import TEST, TRAINING, Survey, stratified_fifth
from specc.data.vision_sets import BY_NAME, VisionSet
from specc.diagnostics.diagnostic import Problem
from specc.tasks.task import Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from specc.data.sources import Request

HELD_OUT = "a fifth of each class is held out to test on"
OUTLINES = MaskNames(("animal", "background", "border"), (1, 2, 3))


def row_of(request: Request) -> VisionSet:
    """The row of a data set that has a name."""
    assert request.entry is not None  # noqa: S101 - it has a name
    return BY_NAME[request.entry.name]


def made(row: VisionSet, data_dir: Path) -> dict[str, Any]:
    """torchvision's data set of each part; what is missing is downloaded.

    Raises: Problem E602 where it cannot be downloaded, E603 where its files are not as they should be.
    """
    return {part: _one(row, data_dir / row.root, arguments) for part, arguments in row.parts.items()}


def _one(row: VisionSet, root: Path, arguments: dict[str, Any]) -> Any:
    from torchvision import datasets

    cls = getattr(datasets, row.cls)
    loader = {"loader": str} if "loader" in inspect.signature(cls).parameters else {}  # a path is all that is wanted
    try:
        root.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(RuntimeError, OSError):  # it is not there, or not all of it
            return cls(root, download=False, **arguments, **loader)
        with contextlib.redirect_stdout(io.StringIO()):
            return cls(root, download=True, **arguments, **loader)
    except (URLError, ConnectionError, TimeoutError) as error:
        raise _not_there(row, root, str(getattr(error, "reason", error))) from error
    except (RuntimeError, OSError) as error:
        raise _not_there(row, root, str(error).splitlines()[0] if str(error) else type(error).__name__) from error
    except (ValueError, LookupError, EOFError, TypeError) as error:
        way = f"delete {root / Path(row.folder).name} and run the command again"
        message = f"the files of `{row.name}` in {root} are damaged: torchvision cannot read them ({error})"
        raise Problem.of("E603", message, help=way) from error


def _not_there(row: VisionSet, root: Path, reason: str) -> Problem:
    return Problem.of("E602", f"the data set `{row.name}` is not in {root} and could not be downloaded", help=
        "run the command again\n`--data-dir DIR` names a folder where torchvision has put its files already",
        notes=(reason,))  # fmt: skip


class VisionArrays(ArraySource):
    """Small pictures that are kept as arrays."""

    def fetch(self, report: Report = silent) -> None:
        super().fetch(report)
        self.arrays  # noqa: B018 - it is downloaded as it is loaded

    def load(self) -> Arrays:
        row = row_of(self.request)
        found = made(row, self.request.data_dir)
        names = _class_names(next(iter(found.values())), row)
        parts = {part: _arrays(one, row) for part, one in found.items()}
        if len(parts) > 1:
            return Arrays(names, {**parts})
        samples, labels = parts[TRAINING]
        train, test = stratified_fifth(labels.tolist())
        split = {TRAINING: (samples[train], labels[train]), TEST: (samples[test], labels[test])}
        return Arrays(names, {**split}, notes=(HELD_OUT,))


def _arrays(found: Any, row: VisionSet) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The pictures, channels first, and labels from 0."""
    import numpy as np

    samples = np.ascontiguousarray(found.data, np.uint8)
    labels = np.asarray(found.labels if hasattr(found, "labels") else found.targets, np.int64)
    if row.cls == "EMNIST":
        samples = samples.swapaxes(1, 2)  # they lie on their side
        labels = labels - (found.classes[0] == "N/A")  # letters are counted from 1
    if samples.ndim == 3:
        samples = samples[:, None]
    return np.ascontiguousarray(samples), labels


def _class_names(found: Any, row: VisionSet) -> tuple[str, ...]:
    """The classes in the order of their numbers: as torchvision calls them, or the numbers."""
    names = getattr(found, "classes", None) or getattr(found, "categories", None)
    if not names and getattr(found, "class_to_idx", None):
        names = sorted(found.class_to_idx, key=found.class_to_idx.get)
    told = [name[0] if isinstance(name, tuple) else str(name).strip("/") for name in names or range(row.classes)]
    return tuple(name for name in told if name != "N/A")


class VisionPictures(PictureFiles):
    """Pictures in the files that torchvision unpacks."""

    kind: ClassVar[Kind] = "class"
    _found: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        return row_of(self.request).name

    def fetch(self, report: Report = silent) -> None:
        self._found = self._found or made(row_of(self.request), self.request.data_dir)

    def survey(self) -> Survey:
        if self._found is None:
            row = row_of(self.request)
            return Survey(row.name, self.class_names or row.classes, {}, target=self.kind)
        return super().survey()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes where they are known before anything is fetched."""
        return ()

    def listed(self) -> Contents:
        self.fetch()
        assert self._found is not None  # noqa: S101 - it was fetched
        row = row_of(self.request)
        notes: tuple[str, ...] = ()
        names = self.class_names or _class_names(next(iter(self._found.values())), row)
        parts = {part: self.listing(one) for part, one in self._found.items()}
        if len(parts) == 1:
            (whole,), notes = parts.values(), (HELD_OUT,)
            parts = whole.parted()
        wanted = self.request.wanted(parts, f"the data set {row.name}", "leave `--split` out")
        return Contents(names, wanted, notes, target=self.kind)

    def listing(self, found: Any) -> Listing:
        """The pictures of a part, and what is to be found for each."""
        return listing_of(found)


def listing_of(found: Any) -> Listing:
    """The pictures of one of torchvision's data sets by their paths, in their order, with their classes."""
    if hasattr(found, "index") and hasattr(found, "categories"):  # Caltech's
        pairs = [_of_caltech(found, place) for place in range(len(found))]
    elif hasattr(found, "_images"):
        pairs = list(zip(map(str, found._images), found._labels, strict=True))
    elif hasattr(found, "loader"):  # which gives the path that it is given
        pairs = [found[place] for place in range(len(found))]
    else:
        pairs = [(str(path), label) for path, label in found._samples]
    return _sorted(pairs)


def _of_caltech(found: Any, place: int) -> tuple[str, int]:
    label, number = found.y[place], found.index[place]
    folder = (
        Path(found.root) / f"{101 if len(found.categories) < 200 else 256}_ObjectCategories" / found.categories[label]
    )
    name = f"image_{number:04d}.jpg" if "101" in folder.parent.name else f"{label + 1:03d}_{number:04d}.jpg"
    return str(folder / name), label


def _sorted(pairs: list[tuple[str, Any]]) -> Listing:
    """In the order of their paths: a folder's files come in any."""
    ordered = sorted(pairs)
    return Listing([path for path, _ in ordered], [label for _, label in ordered])


class PetOutlines(VisionPictures, MaskFolder):
    """Oxford's pets with a mask each: the animal, what is behind it, and a border between."""

    kind: ClassVar[Kind] = "mask"
    names = OUTLINES

    @property
    def class_names(self) -> tuple[str, ...]:
        return OUTLINES.names

    def listing(self, found: Any) -> Listing:
        return _sorted(list(zip(map(str, found._images), map(str, found._segs), strict=True)))
