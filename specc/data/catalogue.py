"""The data sets that have names: what a sample looks like and who loads it, without importing torch.

A package adds its own under the entry point group `specc.datasets`: each entry point is an `Entry`, and its
name is what stands after `--data`. The group is looked up only for a name that is not built in.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from specc.diagnostics.diagnostic import Problem

DIGITS = tuple("0123456789")
FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class Entry(NamedTuple):
    """A named data set.

    sample:   shape of one picture, channels first.
    classes:  how many there are; their names are known once the data set is loaded.
    about:    one line for the reference.
    loader:   `module:function`; the function takes a `LoadRequest` and returns a `Dataset`.
    """

    name: str
    sample: tuple[int, int, int]
    classes: int
    about: str
    loader: str


BUILT_IN = {
    entry.name: entry
    for entry in (
        Entry("digits", (1, 8, 8), 10, "1,797 handwritten digits, part of scikit-learn: needs no download",
            "specc.data.digits:load"),
        Entry("mnist", (1, 28, 28), 10, "70,000 handwritten digits", "specc.data.mnist:load"),
        Entry("fashion-mnist", (1, 28, 28), 10, "70,000 pieces of clothing", "specc.data.mnist:load"),
        Entry("cifar10", (3, 32, 32), 10, "60,000 small photographs", "specc.data.cifar:load"),
        Entry("cifar100", (3, 32, 32), 100, "60,000 small photographs in finer classes",
            "specc.data.cifar:load"),
    )
}  # fmt: skip


def find(name: str) -> Entry | None:
    """The entry of a named data set, None where the name is that of a folder.

    Raises: Problem E601 where it is neither, E619 where a package's entry cannot be used.
    """
    entry = BUILT_IN.get(name) or (_from_packages(name) if _may_be_name(name) else None)
    if entry is None and not path_of(name).is_dir():
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
            raise _broken(name, f"`{point.value}` is not a specc.data.catalogue.Entry")
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
        kind = "is a file, not a folder" if path.is_file() else "is not a folder" if path.exists() else "does not exist"
        return Problem.of("E601", f"the data folder `{name}` {kind}",
            help=f"name a folder of class folders, or one of {known}")  # fmt: skip
    guess = nearest(name, BUILT_IN)
    help = f"did you mean `{guess}`?" if guess else f"name a folder of class folders, or one of {known}"
    return Problem.of("E601", f"`{name}` is neither a data set that specc knows nor a folder here", help=help)
