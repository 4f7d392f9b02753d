"""Those who are told of a run and may fail in any way, such as other packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

Listener = TypeVar("Listener")


class Listeners(Generic[Listener]):
    """Some of them, by their names. One that fails is told of once, and hears no more.

    then: how the sentence ends that tells of it.
    """

    def __init__(self, named: Iterable[tuple[str, Listener]], warn: Callable[[str], None], then: str = "") -> None:
        self._named, self._warn, self._then = list(named), warn, then

    @property
    def working(self) -> list[Listener]:
        """Those that have not failed."""
        return [one for _, one in self._named]

    def each(self, action: Callable[[Listener], Any]) -> None:
        """Tell all of them."""
        for name, one in list(self._named):
            try:
                action(one)
            except Exception as error:  # another package's code
                self._named.remove((name, one))
                self._warn(f"{name} failed, and hears no more of this run ({reason(error)}){self._then}")


def reason(error: Exception) -> str:
    """An error of somebody else's code in a line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
