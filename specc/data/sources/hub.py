"""`hf:NAME`: a data set of pictures that the package `datasets` loads, from Hugging Face's hub or from a folder.

Its tables lie in files that are mapped into memory: a picture is taken out of its row when it is wanted, by whichever
process, however large the data are. Where a limit says how many are wanted, no more than so many rows are downloaded.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from specc.data.kept import Manifest, manifest_of
from specc.data.picture import AT_ONCE, UnreadablePicture, content_of
from specc.data.sources import Report, path_of, silent
from specc.data.sources.hub_rows import some_rows
from specc.data.sources.picture_files import Contents, Listing, PictureFiles
from specc.data.survey import TEST, TRAINING, VALIDATION, shortened
from specc.data.walk import NAMES
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted
from specc.tasks.task import Kind

if TYPE_CHECKING:
    from specc.data.sources import Request

PREFIX = "hf:"
LABELS = ("label", "labels", "class", "target")  # columns that are taken for the class, if no other is one
SAVED = ("dataset_dict.json", "state.json")  # what `save_to_disk` leaves
INSTALL = "`pip install datasets`"
WHOLE_NUMBERS = ("int64", "int32", "int16", "int8", "uint8")
WORDS = ("string", "large_string")
WAYS = (
    "is its name right? `hf:OWNER/NAME`, with `@CONFIG` where it has several; a folder is `hf:./FOLDER`\n"
    "without a network only what was downloaded before can be used\n"
    "`--limit 10000` downloads no more of a large one than so many rows of each part"
)


class Columns(NamedTuple):
    """Which columns hold the pictures and their classes. names: of the classes, where the data say them."""

    picture: str
    label: str | None
    kind: Kind
    names: tuple[str, ...] = ()
    note: str = ""


class Hub(PictureFiles):
    """Pictures in the rows of a table, called `SPLIT/ROW`."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.wanted_name, _, self.config = request.data.removeprefix(PREFIX).partition("@")
        self._notes: list[str] = []

    @property
    def name(self) -> str:
        return Path(self.wanted_name).name or "hf"

    def fetch(self, report: Report = silent) -> None:
        self.tables  # noqa: B018 - it downloads

    @cached_property
    def tables(self) -> dict[str, Any]:
        """The table of each part; a picture is what lies in the file, not decoded.

        Raises: Problem E602 where they cannot be had, E684 where the package is missing or they are none of pictures.
        """
        if not self.wanted_name:
            raise _wrong(f"`{self.request.data}` names no data set", "name one: `hf:OWNER/NAME`, or `hf:./FOLDER`")
        with _told(self.wanted_name):
            parts = self._some(limit) if (limit := self.request.limit) and not self._is_saved else self._every
        if TEST not in parts and VALIDATION in parts:
            parts[TEST] = parts.pop(VALIDATION)
        return {name: parts[name] for name in (TRAINING, TEST, VALIDATION) if name in parts}

    @property
    def _every(self) -> dict[str, Any]:
        return self._parts(_loaded(self.wanted_name, self.config, self._cache, streaming=False))

    def _some(self, limit: int) -> dict[str, Any]:
        """A part may have to give a fifth away."""
        count = limit + limit // 4 + 1
        folder = path_of(self.wanted_name)
        told = manifest_of([sorted(map(str, folder.rglob("*")))]).text if folder.is_dir() else ""
        name = "\n".join((self.wanted_name, self.config, str(count), told))
        self._notes.append(f"no more than {count:,} rows of each part are read, drawn as they arrive")
        return some_rows(self._cache / "rows", name, count, lambda: self._parts(
            _loaded(self.wanted_name, self.config, self._cache, streaming=True)))  # fmt: skip

    @property
    def _cache(self) -> Path:
        return self.request.data_dir / "huggingface"

    @property
    def _is_saved(self) -> bool:
        return is_saved(path_of(self.wanted_name))

    def _parts(self, found: dict[str, Any]) -> dict[str, Any]:
        """The parts that are wanted, under their names here. Raises: Problem E684 where there are none."""
        parts = {NAMES[name]: table for name, table in found.items() if name in NAMES}
        if not parts and len(found) == 1:
            return {TRAINING: next(iter(found.values()))}
        if not parts:
            way = "its parts are to be `train` and `test`, or it has one part alone, of which a fifth is held out"
            raise _wrong(f"`{self.request.data}` has the parts {shortened(list(found))}", way)
        unused = [name for name in found if name not in NAMES]
        if unused:
            self._notes.append(f"{counted(len(unused), 'part')} of it not used: {shortened(unused)}")
        return parts

    @cached_property
    def columns(self) -> Columns:
        return _columns(self.request.data, next(iter(self.tables.values())).features)

    @cached_property
    def _rows(self) -> dict[str, Any]:
        """Each part's pictures alone, as bytes."""
        from datasets import Image

        column = self.columns.picture
        return {
            part: table.select_columns([column]).cast_column(column, Image(decode=False))
            for part, table in self.tables.items()
        }

    def content(self, path: str, at_once: int = AT_ONCE) -> IO[bytes]:
        part, _, row = path.rpartition("/")
        found = self._rows[part][int(row)][self.columns.picture]
        if found is None or not (found.get("bytes") or found.get("path")):
            raise UnreadablePicture("is empty")
        return BytesIO(found["bytes"]) if found.get("bytes") else content_of(found["path"], at_once)

    def manifest(self, found: Contents) -> Manifest:
        files = [one["filename"] for table in self.tables.values() for one in table.cache_files]
        told = manifest_of([files])
        paths = "\n".join(path for part in found.parts.values() for path in (*part.paths, ""))
        marks = [str(table._fingerprint) for table in self.tables.values()]
        changed = told.changed if files else told.read  # what lies in memory alone is not kept
        return told._replace(text="\n".join((told.text, *marks, paths)), changed=changed)

    def listed(self) -> Contents:
        columns, notes = self.columns, list(self._notes)
        values = {part: _values(table, columns) for part, table in self.tables.items()}
        names = columns.names or _names(values, columns.kind)
        labels = {part: _numbered(self.request.data, some, names, columns) for part, some in values.items()}
        parts = {part: Listing([f"{part}/{row}" for row in range(len(some))], some) for part, some in labels.items()}
        if columns.note:
            notes.append(columns.note)
        if TEST not in parts and self.request.part != "any":
            whole = parts[TRAINING]
            parts = whole.parted(None if columns.kind == "class" else [0] * len(whole.paths))
            notes.append("a fifth of it is held out to test on")
        elif TEST not in parts:
            parts = {TEST: parts[TRAINING]}
        trained = set(parts[TRAINING].labels) if columns.kind == "class" and TRAINING in parts else None
        lacking = [name for number, name in enumerate(names) if trained and number not in trained]
        if lacking:
            notes.append(f"{counted(len(lacking), 'class')} without a picture to train on: {shortened(lacking)}")
        wanted = self.request.wanted(parts, f"`{self.request.data}`", "leave `--split` out")
        return Contents(names, wanted, tuple(notes), target=columns.kind)


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    """Turns what the package raises into a problem: it, its file formats and the network raise in many ways."""
    try:
        yield
    except Problem:
        raise
    except ImportError as error:
        if error.name not in (None, "datasets"):
            raise _wrong(f"`{PREFIX}{name}` needs the package `{error.name}`", f"`pip install {error.name}`") from error
        raise _wrong(f"`{PREFIX}{name}` needs the package `datasets`, which is not installed", INSTALL) from error
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        message = f"the data set `{PREFIX}{name}` could not be loaded"
        raise Problem.of("E602", message, help=WAYS, notes=(reason[:300],)) from error


def is_saved(folder: Path) -> bool:
    """Whether a folder is what `save_to_disk` leaves."""
    return any((folder / file).is_file() for file in SAVED)


def _loaded(name: str, config: str, cache: Path, *, streaming: bool) -> dict[str, Any]:
    """Its tables by their names. Nothing of it is executed: the package loads no scripts."""
    import datasets

    datasets.disable_progress_bars()
    folder = path_of(name)
    if is_saved(folder):
        if config:
            raise _wrong(f"`{PREFIX}{name}` is a table by itself, without a configuration `{config}`",
                f"leave `@{config}` out")  # fmt: skip
        found = datasets.load_from_disk(str(folder))
    else:
        where = str(folder.absolute()) if folder.is_dir() else name
        found = datasets.load_dataset(where, config or None, cache_dir=str(cache), streaming=streaming)
    return dict(found) if isinstance(found, dict) else {"train": found}


def _columns(name: str, features: Any) -> Columns:
    """The columns of pictures and classes. Raises: Problem E684 where there are none, or several of pictures."""
    from datasets import ClassLabel, Image

    pictures = [column for column, kind in features.items() if isinstance(kind, Image)]
    if not pictures:
        raise _wrong(f"`{name}` has no column of pictures: it has {shortened(list(features))}", "save other samples as "
            "an `.npz` file, which may have any shape")  # fmt: skip
    note = f"of the columns {shortened(pictures)} the first is taken" if len(pictures) > 1 else ""
    labels = [column for column, kind in features.items() if isinstance(kind, ClassLabel)]
    if labels:
        note = "; ".join(filter(None, (note, f"`{labels[0]}` is the class" if len(labels) > 1 else "")))
        return Columns(pictures[0], labels[0], "class", tuple(features[labels[0]].names), note)
    for column, kind in features.items():
        inner = getattr(kind, "feature", None)
        if isinstance(inner, ClassLabel):
            return Columns(pictures[0], column, "classes", tuple(inner.names), note)
    dtypes = {column: str(getattr(features.get(column), "dtype", "")) for column in LABELS}
    plain = next((column for column, dtype in dtypes.items() if dtype in (*WHOLE_NUMBERS, *WORDS)), None)
    numbers = next((column for column, dtype in dtypes.items() if dtype.startswith("float")), None)
    if plain is None and numbers is not None:
        return Columns(pictures[0], numbers, "numbers", (numbers,), note)
    return Columns(pictures[0], plain, "class" if plain else "none", (), note)


def _values(table: Any, columns: Columns) -> list[Any]:
    if columns.label is None:
        return [None] * len(table)
    return list(table.select_columns([columns.label])[:][columns.label])


def _names(values: dict[str, list[Any]], kind: Kind) -> tuple[str, ...]:
    """The classes of a column that does not name them: what is trained on, in order."""
    trained = values.get(TRAINING) or next(iter(values.values()))
    known = {value for value in trained if value is not None} if kind == "class" else set()
    return tuple(map(str, sorted(known)))


def _numbered(name: str, values: list[Any], names: tuple[str, ...], columns: Columns) -> list[Any]:
    """What is to be found for each row in numbers. Raises: Problem E684 with the row that has none."""
    if columns.kind == "none":
        return [0] * len(values)
    places = {label: number for number, label in enumerate(names)}
    found: list[Any] = []
    for row, value in enumerate(values):
        if columns.kind == "classes":
            found.append(tuple(int(number in (value or ())) for number in range(len(names))))
            continue
        number = value if columns.names else places.get(str(value), -1)
        if value is None or (columns.kind == "class" and not 0 <= number < len(names)):
            raise _wrong(
                f"`{name}`: row {row:,} has no class that is trained on in `{columns.label}`", "leave such rows out"
            )
        found.append((float(value),) if columns.kind == "numbers" else int(number))
    return found


def _wrong(what: str, help: str) -> Problem:
    return Problem.of("E684", what, help=help)
