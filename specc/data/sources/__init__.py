"""Where samples come from: a file for each kind of source, all with the members of `DataSource`, and which there are.

What stands after `--data` is the name of a data set, a folder or a file. A package adds data sets under the entry point
group `specc.datasets`: each entry point is an `Entry`, and its name is what stands after `--data`. The group is looked
up only for a name that is not built in.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypeVar

from specc.data.survey import TEST, TRAINING, VALIDATION, Part, Shape, Survey
from specc.data.vision_sets import VISION_SETS
from specc.diagnostics.amounts import in_bytes
from specc.diagnostics.diagnostic import Problem
from specc.recipe.recipe import Recipe
from specc.tasks.registry import TASKS
from specc.tasks.task import Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from specc.data.frame import RandomCut

    Samples: TypeAlias = NDArray[np.uint8] | NDArray[np.float32]
    Targets: TypeAlias = NDArray[Any] | None
    Indices: TypeAlias = NDArray[np.int64] | slice

Wanted = TypeVar("Wanted")
Report = Callable[[str, int, int], None]
"""Is told of a file's name, the bytes that have arrived, and those that there are."""


def silent(file: str, done: int, size: int) -> None:
    """Keeps it to itself."""


def telling(say: Callable[[str], None]) -> Report:
    """Says a line for each file when it begins."""
    said: set[str] = set()

    def report(file: str, done: int, size: int) -> None:
        if file not in said:
            said.add(file)
            say(f"downloading {file}, {in_bytes(size)}")

    return report


class Entry(NamedTuple):
    """A data set that has a name.

    sample:   shape of one, channels first; None of pictures that have many sizes.
    classes:  how many there are; their names are known once the data set is loaded.
    about:    one line for the reference.
    loader:   `module:name`, of a function as `specc.data.sources.package` describes it; of specc's own, of a source.
    masks:    the same for a task that takes a class for each pixel, where a data set has those, too.
    """

    name: str
    sample: Shape | None
    classes: int
    about: str
    loader: str
    masks: str = ""


class Request(NamedTuple):
    """What a source is asked for.

    data:     a name, a folder, a file. entry: the name's, in the catalogue.
    data_dir: the folder that holds the files of named data sets, or will hold what is downloaded.
    limit:    samples of each part, at most. own_validation: whether a validation part that there is is wanted.
    skip_damaged: whether pictures that cannot be read are left out; else they are a problem.
    part:     to test on this one alone, in `test`; "any" for whatever is there. None: to train.
    """

    data: str
    data_dir: Path = Path()
    entry: Entry | None = None
    limit: int | None = None
    own_validation: bool = True
    part: Part | Literal["any"] | None = None
    skip_damaged: bool = False

    def origin(self, part: str) -> str:
        """Which of the data's own parts one is that was wanted."""
        if self.part is None:
            return part
        return {"train": TRAINING, "validation": VALIDATION}.get(self.part, TEST)

    def wanted(self, parts: Mapping[str, Wanted], what: str, help: str) -> dict[str, Wanted]:
        """The parts to train with; or the one to test on, in `test`.

        Args:   what, the data, for a message; help, how they could have that part.
        Raises: Problem E642 where there is none.
        """
        if self.part is None:
            return {name: one for name, one in parts.items() if name != VALIDATION or self.own_validation}
        origin = self.origin(TEST)
        if origin not in parts:
            raise Problem.of("E642", f"{what} has no {origin} part", help=help)
        return {TEST: parts[origin]}


class DataSource:
    """Samples by part and place. No torch; picklable, so that other processes can take samples, too.

    A subclass says `survey` and `take`, and `fetch` where something has to be downloaded.
    """

    def __init__(self, request: Request) -> None:
        self.request = request

    def survey(self) -> Survey:
        """What there is, from names and heads alone. Raises: Problem E601 to E610, E619."""
        raise NotImplementedError

    def fetch(self, report: Report = silent) -> None:
        """Make sure that `survey` knows everything and `take` has what it needs; downloads what is missing.

        Raises: Problem E602 to E604, E619.
        """

    @property
    def cuts(self) -> bool:
        """Whether `take` can cut a part out of each sample that is larger than what is given."""
        return False

    def take(self, part: str, indices: Indices, cut: RandomCut | None = None) -> tuple[Samples, Targets]:
        """Samples of a part (`PARTS`) by their places, and what is to be found for each.

        Args:    cut, which part of each sample is wanted, of a source that `cuts`.
        Returns: (n, channels, …) of uint8 or float32; (n, …), see `Survey.target`, or None where there is nothing.
        Raises:  Problem E607, E610.
        """
        raise NotImplementedError


class Arrays(NamedTuple):
    """A data set in memory. parts: samples and targets of each, as `DataSource.take` gives them."""

    classes: tuple[str, ...]
    parts: dict[str, tuple[Samples, Targets]]
    target: Kind = "class"
    notes: tuple[str, ...] = ()


class ArraySource(DataSource):
    """A data set that lies in memory as soon as anything is asked of it after `fetch`. A subclass says how: `load`."""

    _fetched = False

    def load(self) -> Arrays:
        """All of it. Raises: Problem E603, E604, E619."""
        raise NotImplementedError

    def known(self) -> Survey:
        """What is known before it is fetched: of a named one, what the catalogue says."""
        entry = self.request.entry
        assert entry is not None  # noqa: S101 - one that has no name says more itself
        return Survey(entry.name, entry.classes, {}, None if entry.sample is None else tuple(entry.sample))

    def fetch(self, report: Report = silent) -> None:
        self._fetched = True

    @cached_property
    def arrays(self) -> Arrays:
        """What was loaded, no more of each part than is wanted."""
        loaded, most = self.load(), self.request.limit
        return loaded._replace(
            parts={name: (x[:most], None if y is None else y[:most]) for name, (x, y) in loaded.parts.items()}
        )

    def survey(self) -> Survey:
        if not self._fetched:
            return self.known()
        found = self.arrays
        (samples, _), *_ = found.parts.values()
        return self.known()._replace(
            classes=found.classes, splits={name: len(part[0]) for name, part in found.parts.items()},
            sample=tuple(samples.shape[1:]), dtype=samples.dtype.name, target=found.target, notes=found.notes,
        )  # fmt: skip

    def take(self, part: str, indices: Indices, cut: RandomCut | None = None) -> tuple[Samples, Targets]:
        samples, targets = self.arrays.parts[part]
        return samples[indices], None if targets is None else targets[indices]


def path_of(text: str) -> Path:
    """A path as a person writes it: `~` is a home folder.

    Raises: Problem E601 where the system knows no such home; as written, the path would make a folder called `~` here.
    """
    found = os.path.expanduser(text)  # noqa: PTH111 - pathlib would raise an error of its own
    if found.startswith("~"):
        raise Problem.of("E601", f"there is no home folder `{Path(text).parts[0]}`",
            help=f"name the whole path; a folder of that very name is `./{text}`")  # fmt: skip
    return Path(found)


def default_data_dir() -> Path:
    """Where downloads are kept if no folder is named: the user's cache. Who has no home, as in a container that runs
    under a bare number, has it in the working folder."""
    cache = os.environ.get("XDG_CACHE_HOME")
    home = os.path.expanduser("~")  # noqa: PTH111 - pathlib would raise for one who has none
    at_home = Path("" if home == "~" else home)
    return (Path(cache) if cache else at_home / ".cache") / "specc" / "data"


FOLDER, PACKAGE = "specc.data.sources.folder:Folder", "specc.data.sources.package:Package"
MASKS = "specc.data.sources.masks:MaskFolder"
HUB, SHARDS = "specc.data.sources.hub:Hub", "specc.data.sources.shards:Shards"
FILES = {".csv": "specc.data.sources.table:Table", ".npz": "specc.data.sources.npz:Npz", ".tar": SHARDS}
ON_HUB = "hf:"
VISION = "specc.data.sources.vision:"
ENTRIES = (
    Entry("digits", (1, 8, 8), 10, "1,797 handwritten digits, part of scikit-learn: needs no download",
        "specc.data.sources.digits:Digits"),
    Entry("mnist", (1, 28, 28), 10, "70,000 handwritten digits", "specc.data.sources.mnist:Mnist"),
    Entry("fashion-mnist", (1, 28, 28), 10, "70,000 pieces of clothing", "specc.data.sources.mnist:Mnist"),
    Entry("cifar10", (3, 32, 32), 10, "60,000 small photographs", "specc.data.sources.cifar:Cifar"),
    Entry("cifar100", (3, 32, 32), 100, "60,000 small photographs in finer classes",
        "specc.data.sources.cifar:Cifar"),
    *(
        Entry(one.name, one.sample, one.classes, one.about, VISION + ("VisionPictures" if one.sample is None else
            "VisionArrays"), VISION + "PetOutlines" if one.masks else "")
        for one in VISION_SETS
    ),
)  # fmt: skip
TOLD = 5  # names that a message tells
MOST_BESIDE = 10_000  # names in a folder that are compared with a mistyped one
BUILT_IN = {entry.name: entry for entry in ENTRIES}


def find(name: str) -> Entry | None:
    """The entry of a named data set, None where the name is that of a folder or a file.

    Raises: Problem E601 where it is neither, E619 where a package's entry cannot be used.
    """
    if name.startswith(ON_HUB):
        return None
    entry = BUILT_IN.get(name) or (_from_packages(name) if _may_be_name(name) else None)
    path = path_of(name)
    is_file = path.suffix.lower() in FILES and (path.is_file() or is_pattern(name))
    if entry is None and not path.is_dir() and not is_file:
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
    request = Request(recipe.data, folder, entry, recipe.limit, own_validation=not recipe.validation, part=part,
        skip_damaged=recipe.skip_damaged)  # fmt: skip
    wants_masks = TASKS[recipe.task].target == "mask"
    if entry is None:
        on_hub = recipe.data.startswith(ON_HUB)
        return _resolved(HUB if on_hub else _kind_of(path_of(recipe.data), wants_masks=wants_masks))(request)
    if entry.masks and wants_masks:
        return _resolved(entry.masks)(request)
    return _resolved(entry.loader if entry.name in BUILT_IN else PACKAGE)(request)


def _kind_of(path: Path, *, wants_masks: bool) -> str:
    """The source of what lies in a path. Args: wants_masks, so that a folder without all of them is told as one."""
    if path.is_file() or is_pattern(path.name):
        return FILES[path.suffix.lower()]
    from specc.data.walk import holds_images, holds_masks

    return MASKS if holds_masks(path) or (wants_masks and holds_images(path)) else FOLDER


def is_pattern(name: str) -> bool:
    """Whether a path stands for several files: `shards-{000..004}.tar`."""
    return "{" in name and name.lower().endswith(".tar")


def absolute(data: str) -> str:
    """What stands after `--data` and is no name, so that it means the same from any folder."""
    if not data.startswith(ON_HUB):
        return str(path_of(data).absolute())
    folder = path_of(data.removeprefix(ON_HUB))
    return f"{ON_HUB}{folder.absolute()}" if folder.is_dir() else data


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


def _beside(path: Path) -> list[str]:
    """What data there may be in the folder where something else was looked for."""
    with suppress(OSError):
        entries = islice(path.parent.iterdir(), MOST_BESIDE)
        return [one.name for one in entries if one.suffix.lower() in FILES or (one.name[0] != "." and one.is_dir())]
    return []


def _unknown(name: str) -> Problem:
    from specc.diagnostics.spelling import nearest

    known = f"{', '.join(list(BUILT_IN)[:TOLD])}; `specc data list` shows all"
    path = path_of(name)
    if not _may_be_name(name) or Path(name).suffix or os.path.lexists(path):
        if path.is_file():
            return Problem.of("E601", f"the data file `{name}` is neither a `.csv`, an `.npz` nor a `.tar`",
                help=f"name such a file, a folder of class folders, or one of {known}")  # fmt: skip
        kind = "is not a folder" if path.exists() else "does not exist"
        what = "file" if path.suffix.lower() in FILES and not path.exists() else "folder"
        guess = nearest(path.name, _beside(path))
        way = f"did you mean `{path.with_name(guess)}`?" if guess else ""
        return Problem.of("E601", f"the data {what} `{name}` {kind}",
            help=way or f"name a folder of class folders, or one of {known}")  # fmt: skip
    guess = nearest(name, [*_beside(path), *BUILT_IN])
    help = f"did you mean `{guess}`?" if guess else f"name a folder of class folders, or one of {known}"
    return Problem.of("E601", f"`{name}` is neither a data set that specc knows nor a folder here", help=help)
