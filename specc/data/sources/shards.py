"""Tar files as WebDataset writes them: the files of a sample share a name up to its first dot, and lie in the tar.

`FILE.tar` or `shards-{000..004}.tar`. A shard whose name has `train`, `test` or `val` in it is of that part; where none
has, a fifth is held out. Nothing is unpacked: a picture is read out of its place in the tar.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator
from functools import cached_property
from itertools import product
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from specc import files
from specc.data.kept import Manifest, manifest_of
from specc.data.picture import AT_ONCE, UnreadablePicture, endings
from specc.data.sources import path_of
from specc.data.sources.picture_files import Contents, Listing, PictureFiles, in_order
from specc.data.survey import TEST, TRAINING, VALIDATION, PassedOver, held_out
from specc.data.walk import NAMES
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted
from specc.tasks.task import Kind

MOST_SHARDS = 100_000
MOST_TEXT = 1 << 20  # bytes of a label, or of a name in a tar
KEYS = ("label", "cls", "class", "labels")  # what a `.json` calls the class of its sample
SAMPLE = "a sample is a picture and its class, such as `0001.jpg` and `0001.cls`, or `0001.json` with `label` in it"
COMMON = "`.jpg`, `.png`, `.webp`, …"
ALONE = "a file without a picture of its name"
PARTS = "shards with `train`, `test` or `val` in their names are those parts"


class Lying(NamedTuple):
    """Where a file lies: in which tar, from which byte on, and how long it is."""

    shard: str
    start: int
    size: int


class Sample(NamedTuple):
    """A picture's place, and its class, labels, or nothing."""

    path: str
    value: Any


class FilePart(io.RawIOBase):
    """Some bytes of a file as a file by themselves."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._start + self._at)
        content = self._file.read(max(0, min(len(buffer), self._size - self._at)))
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def close(self) -> None:
        self._file.close()
        super().close()


class Headers(io.RawIOBase):
    """A tar of which nothing long is read at once: its headers and names are short, its contents are passed over."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MOST_TEXT:
            raise tarfile.ReadError("a header is too long")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


class Shards(PictureFiles):
    """Pictures in tars, with their classes beside them."""

    @property
    def name(self) -> str:
        stem = re.sub(r"\{.*?\}", "", Path(self.request.data).name).removesuffix(".tar")
        return stem.strip("-_. ") or "shards"

    @cached_property
    def shards(self) -> list[str]:
        """The tars that are meant, in order. Raises: Problem E683 for one that is not there."""
        found = expanded(str(path_of(self.request.data)))
        lacking = [path for path in found if not Path(path).is_file()]
        if lacking:
            more = f", and {len(lacking) - 1:,} more are missing" if len(lacking) > 1 else ""
            raise _wrong(
                f"there is no file {lacking[0]}{more}", "mend the numbers in the braces, or fetch what is missing"
            )
        return found

    @cached_property
    def _read(self) -> tuple[dict[str, Lying], dict[str, list[Sample]], list[str]]:
        """Where each picture is, the samples of each part, and the files that belong to no picture."""
        places: dict[str, Lying] = {}
        parts: dict[str, list[Sample]] = {}
        alone: list[str] = []
        for shard in self.shards:
            samples = list(_samples(shard, places, alone))
            if not samples:
                raise _wrong(f"there is no picture in `{shard}`", SAMPLE)
            parts.setdefault(_part_of(shard), []).extend(samples)
        return places, parts, alone

    def content(self, path: str, at_once: int = AT_ONCE) -> IO[bytes]:
        place = self._read[0][path]
        try:
            window = FilePart(files.open_regular(place.shard), place.start, place.size)
        except OSError as error:
            raise UnreadablePicture(f"is in a tar that cannot be read: {files.reason(error)}") from error
        if not place.size:
            raise UnreadablePicture("is empty")
        if place.size > at_once:
            return io.BufferedReader(window)
        with window:
            return io.BytesIO(window.read())

    def manifest(self, found: Contents) -> Manifest:
        told = manifest_of([self.shards])
        paths = (path for part in found.parts.values() for path in (*part.paths, ""))
        return told._replace(text="\n".join((told.text, *paths)))

    def listed(self) -> Contents:
        _, parts, alone = self._read
        passed = (PassedOver(ALONE, len(alone), alone[0]),) if alone else ()
        target = self._target(parts)
        notes: tuple[str, ...] = ()
        if set(parts) == {""}:
            parts, notes = self._split(parts[""], target)
        elif "" in parts:
            nameless = next(shard for shard in self.shards if not _part_of(shard))
            raise _wrong(f"{nameless} is of no part, and other shards are", PARTS)
        if TEST not in parts and VALIDATION in parts:
            parts = {**parts, TEST: parts[VALIDATION]}
            del parts[VALIDATION]
        if self.request.part is None and not {TRAINING, TEST} <= parts.keys():
            raise _wrong(f"no shard is of the {TEST if TRAINING in parts else TRAINING} part", PARTS)
        ordered = {part: parts[part] for part in (TRAINING, TEST, VALIDATION) if part in parts}
        classes = _classes(parts.get(TRAINING) or parts[TEST], target)
        if target == "class" and self.request.part is None and len(classes) < 2:
            raise _wrong(f"all pictures have one class, `{classes[0]}`", "there have to be two at least")
        listed = {part: _listing(some, classes, target) for part, some in ordered.items()}
        wanted = self.request.wanted(listed, f"the data {self.request.data}", PARTS)
        return Contents(classes, wanted, notes, passed, target)

    def _target(self, parts: dict[str, list[Sample]]) -> Kind:
        values = [sample.value for some in parts.values() for sample in some]
        kinds = {_kind(value) for value in values}
        if len(kinds) == 1:
            found: Kind = kinds.pop()
            return found
        every = [sample for some in parts.values() for sample in some]
        lacking = next(one for one in every if one.value is None or _kind(one.value) != _kind(values[0]))
        raise _wrong(f"{lacking.path} has no class, or another kind of label than the others", SAMPLE)

    def _split(self, every: list[Sample], target: Kind) -> tuple[dict[str, list[Sample]], tuple[str, ...]]:
        if self.request.part == "any":
            return {TEST: every}, ("all pictures are test pictures",)
        if len(every) < 2:
            raise _wrong(f"{self.request.data} holds a single picture", "one is needed to train on, one to test on")
        numbers = {value: number for number, value in enumerate(dict.fromkeys(map(str, (one.value for one in every))))}
        labels = [numbers[str(one.value)] if target == "class" else 0 for one in every]
        what = "a fifth of each class" if target == "class" else "a fifth of the pictures"
        split = {part: [every[place] for place in places] for part, places in held_out(labels).items()}
        return split, (f"{what} is held out to test on",)


def expanded(pattern: str) -> list[str]:
    """What a path with braces stands for: `{00..12}` numbers with their zeros, `{a,b}` words.

    >>> expanded("x-{08..10}-{a,b}.tar")[:3]
    ['x-08-a.tar', 'x-08-b.tar', 'x-09-a.tar']
    """
    pieces = re.split(r"(\{[^{}]*\})", pattern)
    choices: list[list[str]] = []
    count = 1
    for piece in pieces:
        numbers = re.fullmatch(r"\{(\d{1,9})\.\.(\d{1,9})\}", piece)
        if numbers:
            first, last = numbers[1], numbers[2]
            wanted = range(int(first), int(last) + 1)
            count *= max(1, len(wanted))
            choices.append([] if count > MOST_SHARDS else [f"{number:0{len(first)}}" for number in wanted])
        else:
            words = piece[1:-1].split(",") if piece.startswith("{") and "," in piece else [piece]
            count *= len(words)
            choices.append(words)
    if count > MOST_SHARDS or not all(choices):
        what = "no shard" if count <= MOST_SHARDS else f"more than {MOST_SHARDS:,} shards"
        raise _wrong(
            f"`{pattern}` stands for {what}", "braces hold the first and the last number, as in `x-{000..009}.tar`"
        )
    return ["".join(chosen) for chosen in product(*choices)]


def _part_of(shard: str) -> str:
    """The part that a shard's name says; empty where it says none."""
    words = re.split(r"[^a-z]+", Path(shard).name.lower())
    return next((NAMES[word] for word in words if word in NAMES), "")


def _samples(shard: str, places: dict[str, Lying], alone: list[str]) -> Iterator[Sample]:
    """The samples of a tar. Args: where their pictures are is added to the places, what belongs to no picture to alone.

    Raises: Problem E683.
    """
    found = _members(shard)
    alone += _without_picture(shard, found)
    for key, own in found.items():
        pictures = _pictures(own)
        if len(pictures) > 1:
            raise _wrong(f"{shard}: `{key}` has {counted(len(pictures), 'picture')}", "a sample has one picture")
        if pictures:
            path = f"{shard}/{key}.{pictures[0]}"
            if path in places:
                raise _wrong(f"{path} is there twice", "name each shard once")
            places[path] = own[pictures[0]]
            yield Sample(path, _value(shard, key, own))


def _without_picture(shard: str, found: dict[str, dict[str, Lying]]) -> Iterator[str]:
    """The files that belong to no picture. Raises: Problem E683 where a label does, and there are pictures."""
    lonely = {key: own for key, own in found.items() if not _pictures(own)}
    labelled = [key for key, own in lonely.items() if _has_label(own)]
    if labelled and len(lonely) < len(found):
        more = f", and {len(labelled) - 1:,} more have none" if len(labelled) > 1 else ""
        beside = ", ".join(f"`.{ending}`" for ending in lonely[labelled[0]])
        raise _wrong(f"{shard}: `{labelled[0]}` has a label and no picture{more}", "add the picture, or leave the "
            f"label out; there is {beside}, and pictures end in {COMMON}")  # fmt: skip
    for key, own in lonely.items():
        yield from (f"{shard}/{key}.{ending}".rstrip(".") for ending in own)


def _pictures(own: dict[str, Lying]) -> list[str]:
    """The endings of a sample's files that pictures have."""
    return [ending for ending in own if PurePosixPath(f"x.{ending}").suffix in endings()]


def _members(shard: str) -> dict[str, dict[str, Lying]]:
    """Where the files of each sample lie, by what their names end in. Raises: Problem E683."""
    found: dict[str, dict[str, Lying]] = {}
    try:
        with files.open_regular(shard) as file, tarfile.open(fileobj=Headers(file), mode="r:") as packed:
            for member in packed:
                if member.isdir():
                    continue
                _require_plain(shard, member)
                name = PurePosixPath(member.name)
                key, _, ending = name.name.partition(".")
                own = found.setdefault(str(name.parent / key), {})
                if ending.lower() in own:
                    raise _wrong(f"{shard}: `{member.name}` is there twice", "give each sample a name of its own")
                own[ending.lower()] = Lying(shard, member.offset_data, member.size)
            length = file.seek(0, io.SEEK_END)
    except OSError as error:
        raise _wrong(f"{shard} cannot be read: {files.reason(error)}", "make it readable") from error
    except (tarfile.TarError, ValueError, EOFError) as error:
        way = "`gunzip` makes a `.tar` of a `.tar.gz`; copy one again that is cut off"
        raise _wrong(f"{shard} is no tar, is compressed, or is cut off", way) from error
    cut = next((key for key, own in found.items() if any(one.start + one.size > length for one in own.values())), None)
    if cut is not None:
        raise _wrong(f"{shard} is cut off: `{cut}` lies beyond its end", "copy it again")
    return found


def _require_plain(shard: str, member: tarfile.TarInfo) -> None:
    """Raise Problem E683 for a link, a device, or a file with holes."""
    if not member.isreg() or member.sparse is not None:
        way = "pack the files themselves, for example with `tar --dereference`"
        raise _wrong(f"{shard}: `{member.name}` is a link, a device or the like", way)


def _value(shard: str, key: str, own: dict[str, Lying]) -> Any:
    """A sample's class as a text, its labels as a tuple of texts, or None."""
    if "cls" in own:
        return _class_of(shard, key, _text(own["cls"]).strip())
    if "json" not in own:
        return None
    try:
        about = json.loads(_text(own["json"]))
    except (ValueError, RecursionError):
        raise _wrong(f"{shard}: `{key}.json` is no JSON", SAMPLE) from None
    value = next((about[name] for name in KEYS if name in about), None) if isinstance(about, dict) else None
    if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        return tuple(dict.fromkeys(map(str, value)))
    return _class_of(shard, key, str(value) if isinstance(value, str | int) else "")


def _has_label(own: dict[str, Lying]) -> bool:
    """Whether files without a picture say a class."""
    if "cls" in own or "json" not in own:
        return "cls" in own
    try:
        about = json.loads(_text(own["json"]))
    except (ValueError, RecursionError):
        return False
    return isinstance(about, dict) and any(name in about for name in KEYS)


def _class_of(shard: str, key: str, text: str) -> str:
    if not text or len(text) > 255 or not text.isprintable():
        raise _wrong(f"{shard}: the class of `{key}` is no number and no name", SAMPLE)
    return text


def _text(place: Lying) -> str:
    try:
        with FilePart(files.open_regular(place.shard), place.start, min(place.size, MOST_TEXT)) as window:
            return window.read().decode("utf-8", "replace")
    except OSError as error:
        raise _wrong(f"{place.shard} cannot be read: {files.reason(error)}", "make it readable") from error


def _kind(value: Any) -> Kind:
    return "none" if value is None else "classes" if isinstance(value, tuple) else "class"


def _classes(samples: list[Sample], target: Kind) -> tuple[str, ...]:
    """The names of the classes, in order: whole numbers by their size."""
    if target == "none":
        return ()
    return in_order({name for one in samples for name in (one.value if target == "classes" else (one.value,))})


def _listing(samples: list[Sample], classes: tuple[str, ...], target: Kind) -> Listing:
    numbers = {name: number for number, name in enumerate(classes)}
    labels: list[Any] = []
    for one in samples:
        own = one.value if target == "classes" else (one.value,) if target == "class" else ()
        strange = next((name for name in own if name not in numbers), None)
        if strange is not None:
            raise _wrong(f"{one.path}: `{strange}` is a class that no training picture has", "correct it")
        labels.append({"class": lambda own=own: numbers[own[0]], "classes": lambda own=own: tuple(
            int(name in own) for name in classes)}.get(target, lambda: 0)())  # fmt: skip
    return Listing([one.path for one in samples], labels)


def _wrong(what: str, help: str) -> Problem:
    return Problem.of("E683", what, help=help)
