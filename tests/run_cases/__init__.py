"""A case for every code of data and runs (E6): what provokes it, and the report that it gives.

A case is a function in a file of this folder, with its code above it:

    @case("E601")
    def a_name_with_a_slip(scene: Scene) -> None:
        find("mnst")

It ends in the `Problem` that is meant, or returns it as a `Diagnostic`. `scene.folder` is an empty folder, and the
working one, so that plain file names do; `scene.patch` is pytest's `MonkeyPatch`, for a disk that is full or a package
that is not there. `Scene` has the spec and the pictures that most cases need. What differs from machine to machine,
a process number or the free memory, is patched to one value, or passed to `scene.hide`.

Then `UPDATE_GOLDEN=1 pytest tests/test_run_codes.py` writes the report to `tests/cases/golden/E601.txt`; read it. A
code may have several cases: the first is kept as `E601.txt`, each other one under its function's name too. A new file
of cases is found by itself. A case that needs a package which may be absent calls `pytest.importorskip`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, NamedTuple

import pytest

from specc.diagnostics.diagnostic import Diagnostic, Problem

TINY = "input 1x8x8\nconv 4 k3 -> relu -> flatten -> linear 10\ntrain { epochs 2 ; batch 256 }\n"


class Scene:
    """Where a case plays: an empty working folder."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.patch = folder, patch
        self.hidden: list[tuple[str, str]] = [(f"{folder}/", ""), (str(folder), ".")]

    def hide(self, text: object, stand_in: str) -> None:
        """Has the report show something else in place of what no two machines share."""
        self.hidden.append((str(text), stand_in))

    def write(self, name: str, content: str | bytes = TINY) -> Path:
        """A file in the working folder, by default the spec of a tiny network for `digits`."""
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def picture(self, name: str, width: int = 6, height: int = 4) -> Path:
        """A red picture."""
        from PIL import Image

        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (width, height), (200, 0, 0)).save(path)
        return path

    def pictures(self, folder: str, *classes: str, count: int = 2) -> Path:
        """A folder of class folders with so many pictures each."""
        for name in classes:
            for number in range(count):
                self.picture(f"{folder}/{name}/{number}.png")
        return Path(folder)


class Case(NamedTuple):
    code: str
    name: str
    provoke: Callable[[Scene], Any]

    @property
    def title(self) -> str:
        """The name of its golden report."""
        first = next(case for case in CASES if case.code == self.code)
        return self.code if first is self else f"{self.code}-{self.name.replace('_', '-')}"

    def report(self, scene: Scene) -> Diagnostic:
        """The diagnostic that the case ends in."""
        with pytest.raises(Problem) as caught:
            found = self.provoke(scene)
            if isinstance(found, Diagnostic):
                return found
        return caught.value.diagnostic


CASES: list[Case] = []


def case(code: str) -> Callable[[Callable[[Scene], Any]], Callable[[Scene], Any]]:
    """Adds the function below it to the cases of a code."""

    def add(provoke: Callable[[Scene], Any]) -> Callable[[Scene], Any]:
        CASES.append(Case(code, provoke.__name__, provoke))
        return provoke

    return add


def all_cases() -> Iterator[Case]:
    """The cases of every file in this folder."""
    for module in sorted(found.name for found in iter_modules(__path__)):
        import_module(f"{__name__}.{module}")
    yield from CASES
