"""An `.npz` file of numpy's: `x_train y_train x_test y_test`, or `x y`; samples of any rank, bytes or floats.

Nothing in it is run: arrays of Python objects, which are pickles, are refused.
"""

from __future__ import annotations

import zipfile
import zlib
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from specc import files
from specc.data.sources import Arrays, ArraySource, path_of
from specc.data.survey import IGNORED, TEST, TRAINING, VALIDATION, Shape, Survey, held_out, shortened
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, spelled
from specc.tasks.task import Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from specc.data.sources import Samples

NAMES = {TRAINING: "train", TEST: "test", VALIDATION: "val"}
LOUDEST = 1 << 15  # what int16 is divided by, as sound has it
FEW = 4  # channels that a picture has, at most; more where another side is eight times as long
MOST_CLASSES = 1 << 16
BROKEN = (
    ValueError, KeyError, EOFError, OSError, RuntimeError, NotImplementedError, RecursionError, OverflowError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
LAYOUT = "it holds `x_train`, `y_train`, `x_test` and `y_test`, or `x` and `y`; samples first"
HELD_OUT = "a fifth of the samples is held out to test on"


class NpzHead(NamedTuple):
    """What an array's first bytes say."""

    shape: Shape
    dtype: np.dtype[Any]


class NpzLayout(NamedTuple):
    """How samples lie in an array. sample: shape of one, channels first. last: whether the array has them last.
    note: what was decided that the array does not say."""

    sample: Shape
    last: bool = False
    note: str = ""


class Meaning(NamedTuple):
    """What there is to be found. targets: of each array by name."""

    names: tuple[str, ...]
    kind: Kind
    targets: dict[str, NDArray[Any]]


class Npz(ArraySource):
    """Samples first, channels first or last; what is to be found may be classes, labels, numbers or a mask."""

    @property
    def place(self) -> Path:
        return path_of(self.request.data)

    @cached_property
    def heads(self) -> dict[str, NpzHead]:
        """Each array by name, without its content. Raises: Problem E681."""
        return heads_of(self.place)

    @cached_property
    def suffixes(self) -> dict[str, str]:
        """What the names of each part's arrays end in; all are cut out of the same where they have none."""
        if "x" in self.heads:
            return dict.fromkeys((TRAINING, TEST), "")
        there = {part: f"_{name}" for part, name in NAMES.items() if f"x_{name}" in self.heads}
        if TEST not in there and VALIDATION in there:
            there[TEST] = there.pop(VALIDATION)
        if TRAINING not in there or TEST not in there:
            raise _wrong(self.place, f"it holds {shortened(list(self.heads)) or 'nothing'}", LAYOUT)
        return there

    @cached_property
    def meaning(self) -> Meaning:
        """What is to be found; no sample is read. Raises: Problem E681."""
        wanted = dict.fromkeys(f"y{suffix}" for suffix in self.suffixes.values())
        arrays = {name: read_array(self.place, name) for name in wanted if name in self.heads}
        if arrays and len(arrays) < len(wanted):
            lacking = next(name for name in wanted if name not in arrays)
            raise _wrong(self.place, f"there is no `{lacking}`", LAYOUT)
        for suffix in self.suffixes.values():
            count = self._count(suffix)
            if not count:
                raise _wrong(self.place, f"`x{suffix}` holds no sample", "there have to be two at least")
            if len(arrays.get(f"y{suffix}", range(count))) != count:
                raise _wrong(self.place, f"`x{suffix}` has {counted(count, 'sample')}, and `y{suffix}` "
                    f"{len(arrays[f'y{suffix}']):,}", "there has to be one for each sample")  # fmt: skip
        names = read_array(self.place, "classes").ravel().tolist() if "classes" in self.heads else None
        return _understood(self.place, arrays, self.layout(TRAINING).sample, names)

    def layout(self, part: str) -> NpzLayout:
        name = f"x{self.suffixes[part]}"
        return layout_of(self.place, name, self.heads[name])

    @cached_property
    def places(self) -> dict[str, NDArray[np.int64]]:
        """Which samples of its array each part has, no more than are wanted, in order."""
        import numpy as np

        parts = {part: np.arange(self._count(suffix)) for part, suffix in self.suffixes.items()}
        if self._is_whole and self.request.part != "any":
            meaning, count = self.meaning, self._count("")
            labels = meaning.targets["y"].tolist() if meaning.kind == "class" else [0] * count
            parts = {part: np.array(some, np.int64) for part, some in held_out(labels).items()}
        wanted = self.request.wanted(parts, f"the file {self.place}", LAYOUT)
        return {part: some[: self.request.limit] for part, some in wanted.items()}

    def known(self) -> Survey:
        meaning, layout = self.meaning, self.layout(TRAINING)
        head = self.heads[f"x{self.suffixes[TRAINING]}"]
        notes = (layout.note, self._split_note, self._unused_note)
        return Survey(
            self.place.stem, meaning.names, {part: len(some) for part, some in self.places.items()}, layout.sample,
            dtype="uint8" if head.dtype.name == "uint8" else "float32", target=meaning.kind,
            notes=tuple(filter(None, notes)),
        )  # fmt: skip

    def load(self) -> Arrays:
        meaning, read, parts = self.meaning, {}, {}
        for part, places in self.places.items():
            suffix = self.suffixes[self.request.origin(part)]
            if suffix not in read:
                layout = layout_of(self.place, f"x{suffix}", self.heads[f"x{suffix}"])
                read[suffix] = _samples(self.place, f"x{suffix}", layout)
            targets, whole = meaning.targets.get(f"y{suffix}"), len(places) == len(read[suffix])
            samples = read[suffix] if whole else read[suffix][places]
            parts[part] = samples, targets if targets is None or whole else targets[places]
        self._require_alike({part: samples for part, (samples, _) in parts.items()})
        return Arrays(meaning.names, parts, meaning.kind, self.known().notes)

    @property
    def _is_whole(self) -> bool:
        """Whether the parts have no arrays of their own."""
        return self.suffixes[TRAINING] == self.suffixes[TEST]

    @property
    def _split_note(self) -> str:
        if not self._is_whole:
            return ""
        return f"all samples of {self.place} are test samples" if self.request.part == "any" else HELD_OUT

    @property
    def _unused_note(self) -> str:
        used = {f"{kind}{suffix}" for kind in "xy" for suffix in self.suffixes.values()} | {"classes"}
        unused = [name for name in self.heads if name not in used]
        return f"{counted(len(unused), 'array')} of {self.place.name} not used: {shortened(unused)}" if unused else ""

    def _count(self, suffix: str) -> int:
        return self.heads[f"x{suffix}"].shape[0]

    def _require_alike(self, parts: dict[str, Samples]) -> None:
        first = next(iter(parts.values()))
        for part, samples in parts.items():
            if samples.shape[1:] != first.shape[1:] or samples.dtype != first.dtype:
                raise _wrong(self.place, f"its {part} samples are {spelled(samples.shape[1:])} of {samples.dtype}, and "
                    f"the others {spelled(first.shape[1:])} of {first.dtype}", "make them alike")  # fmt: skip


def layout_of(place: Path, name: str, head: NpzHead) -> NpzLayout:
    """How samples lie in an array: the channels are the first or the last side where that one is short.

    Raises: Problem E681 for a shape or a kind of numbers that samples cannot have.
    """
    if not (head.dtype.name in ("uint8", "int16") or head.dtype.kind == "f"):
        raise _wrong(place, f"`{name}` is of {head.dtype}", "samples are uint8 (0 to 255), int16 or float32: "
            f"`{name}.astype(np.float32)` makes them floats")  # fmt: skip
    rank = len(head.shape) - 1
    sides = head.shape[1:]
    if not 1 <= rank <= 4 or 0 in sides:
        raise _wrong(place, f"`{name}` has the shape {spelled(head.shape)}", "samples come first; each is a vector, a "
            "signal, a picture or a volume")  # fmt: skip
    if rank == 1:
        return NpzLayout(sides)
    short = [side <= FEW or 8 * side <= max(sides) for side in (sides[0], sides[-1])]
    if rank == 4:
        short = [sides[0] <= sides[-1], sides[-1] < sides[0]]
    if short[0] and (not short[1] or sides[0] <= sides[-1]):
        return NpzLayout(sides)
    if short[1]:
        sample = (sides[-1], *sides[:-1])
        return NpzLayout(sample, True, f"samples of {spelled(sides)} are taken as {spelled(sample)}: channels last")
    return NpzLayout(
        (1, *sides), False, f"samples of {spelled(sides)} are taken as {spelled((1, *sides))}: one channel"
    )


def _samples(place: Path, name: str, layout: NpzLayout) -> Samples:
    """The samples of an array, channels first, uint8 or float32. Raises: Problem E681."""
    import numpy as np

    values = read_array(place, name)
    if layout.last:
        values = np.moveaxis(values, -1, 1)
    values = values.reshape(len(values), *layout.sample)
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    floats = np.ascontiguousarray(values, np.float32)
    if values.dtype == np.int16:
        return floats / np.float32(LOUDEST)
    finite = np.isfinite(floats).reshape(len(floats), -1).all(1)
    if not finite.all():
        raise _wrong(place, f"sample {int(finite.argmin())} of `{name}` has values that are no finite numbers",
            "`np.nan_to_num` replaces them")  # fmt: skip
    return floats


def _understood(place: Path, arrays: dict[str, NDArray[Any]], sample: Shape, names: list[Any] | None) -> Meaning:
    """What the arrays of targets mean. Raises: Problem E681."""

    if not arrays:
        return Meaning((), "none", {})
    name, first = next(iter(arrays.items()))
    for other, array in arrays.items():
        if array.dtype.kind != first.dtype.kind or array.shape[1:] != first.shape[1:]:
            raise _wrong(place, f"`{other}` is {array.dtype} of {spelled(array.shape)}, and `{name}` {first.dtype} of "
                f"{spelled(first.shape)}", "make them alike")  # fmt: skip
    column = {key: array.reshape(len(array)) if array.shape[1:] == (1,) else array for key, array in arrays.items()}
    rank = column[name].ndim
    if first.dtype.kind == "f" and rank <= 2:
        return _numbers(place, arrays, names)
    if first.dtype.kind in "iubUS" and rank == 1:
        return _classes(place, column, names)
    if first.dtype.kind in "iub" and rank == 2:
        return _labels(place, column, names)
    if first.dtype.kind in "iub" and first.shape[1:] == sample[1:]:
        return _mask(place, column, names)
    raise _wrong(place, f"`{name}` is {first.dtype} of {spelled(first.shape)}", "a whole number or a word for a class, "
        "a 0 or 1 for each label, floats for numbers, or a whole number for each pixel")  # fmt: skip


def _numbers(place: Path, arrays: dict[str, NDArray[Any]], names: list[Any] | None) -> Meaning:
    import numpy as np

    found = {name: array.reshape(len(array), -1).astype(np.float32) for name, array in arrays.items()}
    for name, array in found.items():
        finite = np.isfinite(array).all(1)
        if not finite.all():
            raise _wrong(place, f"`{name}[{int(finite.argmin())}]` is no finite number", "leave such samples out")
    count = next(iter(found.values())).shape[1]
    own = ("y",) if count == 1 else tuple(f"y{number}" for number in range(1, count + 1))
    return Meaning(
        _named(place, names, own, f"`{next(iter(arrays))}` {counted(count, 'number')} for each"), "numbers", found
    )


def _classes(place: Path, arrays: dict[str, NDArray[Any]], names: list[Any] | None) -> Meaning:
    """Numbers as they are where names are given for them; else what there is, in order."""
    import numpy as np

    name, trained = next(iter(arrays.items()))
    if names is not None and trained.dtype.kind in "iub":
        count = max(len(names), len(_unique(trained)))
        own = _named(place, names, ("",) * count, f"`{name}` {counted(count, 'class')}")
        known = np.arange(count)
    else:
        known = np.unique(trained)
        own = tuple(_text(one) for one in known.tolist())
    if len(known) < 2 or len(known) > MOST_CLASSES:
        raise _wrong(place, f"`{name}` has {counted(len(known), 'class')}", "there have to be two at least\n"
            "for numbers in place of classes make it float32")  # fmt: skip
    found = {}
    for key, array in arrays.items():
        numbers = np.minimum(np.searchsorted(known, array), len(known) - 1)
        strange = known[numbers] != array
        if strange.any():
            index = int(strange.argmax())
            raise _wrong(place, f"`{key}[{index}]` is {_text(array[index].item())}, which is no class that is trained "
                "on", "correct it, or leave the sample out")  # fmt: skip
        found[key] = numbers.astype(np.int64)
    return Meaning(own, "class", found)


def _labels(place: Path, arrays: dict[str, NDArray[Any]], names: list[Any] | None) -> Meaning:
    import numpy as np

    for name, array in arrays.items():
        strange = ~np.isin(array, (0, 1)).all(1)
        if strange.any():
            raise _wrong(place, f"`{name}[{int(strange.argmax())}]` has other numbers than 0 and 1",
                "columns of whole numbers say which labels a sample has\nfor numbers make it float32")  # fmt: skip
    name, trained = next(iter(arrays.items()))
    count = trained.shape[1]
    own = _named(place, names, tuple(map(str, range(count))), f"`{name}` {counted(count, 'column')}")
    return Meaning(own, "classes", {name: array.astype(np.float32) for name, array in arrays.items()})


def _mask(place: Path, arrays: dict[str, NDArray[Any]], names: list[Any] | None) -> Meaning:
    from specc.data.sources.masks import numbered

    values = sorted({int(value) for array in arrays.values() for value in _unique(array)})
    if values[0] < 0 or values[-1] > IGNORED:
        raise _wrong(place, f"a mask in it has the number {values[0] if values[0] < 0 else values[-1]}",
            f"classes are numbered from 0 to {IGNORED - 1}; {IGNORED} is ignored")  # fmt: skip
    found, table = numbered(values)
    own = _named(place, names, found, f"the masks {counted(len(found), 'class')}")
    return Meaning(own, "mask", {name: table[array.astype("uint8")] for name, array in arrays.items()})


def _unique(array: NDArray[Any]) -> list[Any]:
    import numpy as np

    found: list[Any] = np.unique(array).tolist()
    return found


def _named(place: Path, names: list[Any] | None, own: tuple[str, ...], what: str) -> tuple[str, ...]:
    """The names that are given, else its own. Args: what, of how many there are, for a message."""
    if names is None:
        return own
    if len(names) != len(own) or len(set(names)) != len(names):
        raise _wrong(place, f"`classes` has {counted(len(names), 'name')}, and {what}",
            "a different name for each")  # fmt: skip
    return tuple(_text(name) for name in names)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def heads_of(place: Path) -> dict[str, NpzHead]:
    """The arrays in a file, by name. Raises: Problem E681."""
    with _opened(place) as packed:
        found = {}
        for info in packed.infolist():
            if info.filename.endswith(".npy"):
                with packed.open(info) as content:
                    found[info.filename.removesuffix(".npy")] = _head(place, info.filename, content)
        return found


def _head(place: Path, name: str, content: IO[bytes]) -> NpzHead:
    import numpy as np

    try:
        version = np.lib.format.read_magic(content)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(content)
    except BROKEN as error:
        raise _wrong(place, f"its array {name} cannot be read", "write the file again with `np.savez`") from error
    if dtype.hasobject:
        what = f"`{name.removesuffix('.npy')}` holds Python objects, which may run anything when they are read"
        way = "make an array of numbers: `np.asarray(x, np.float32)`\nlists of different lengths are none"
        raise _wrong(place, what, way)
    return NpzHead(tuple(shape), dtype)


def read_array(place: Path, name: str) -> NDArray[Any]:
    """An array of numbers. Raises: Problem E681."""
    import numpy as np

    try:
        with _opened(place) as packed, packed.open(f"{name}.npy") as content:
            found: NDArray[Any] = np.lib.format.read_array(content, allow_pickle=False)
            return found
    except BROKEN as error:
        raise _wrong(place, f"its array `{name}` is cut off or damaged", "copy the file again") from error
    except MemoryError:
        raise _wrong(place, f"its array `{name}` needs more memory than there is", "keep fewer samples in it") from None


def _opened(place: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(files.open_regular(place))
    except OSError as error:
        raise _wrong(place, f"it cannot be read: {files.reason(error)}", "make it readable") from error
    except zipfile.BadZipFile:
        raise _wrong(
            place, "it is no `.npz` file, or it is cut off", "write it with `np.savez(file, x=x, y=y)`"
        ) from None


def _wrong(place: Path, what: str, help: str) -> Problem:
    return Problem.of("E681", f"{place}: {what}", help=help)
