"""All tasks by keyword: the classes of the files that `tasks.names` names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from importlib import import_module
from typing import Protocol

from specc.tasks.measure import Measure
from specc.tasks.names import LEARNED
from specc.tasks.task import Task


class Settings(Protocol):
    """A recipe, as far as tasks are concerned: besides this each setting of theirs, by its name."""

    @property
    def task(self) -> str:
        """The keyword of the task."""


def _classes() -> Iterator[type[Task]]:
    for name in LEARNED:
        module = import_module(f"specc.tasks.{name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Task) and value.__module__ == module.__name__:
                yield value


def collected(classes: Iterable[type[Task]]) -> dict[str, type[Task]]:
    """Tasks by keyword. Raises: TypeError for a keyword that is taken."""
    found: dict[str, type[Task]] = {}
    for cls in classes:
        keyword = vars(cls).get("keyword", "")
        if keyword and keyword in found:
            raise TypeError(f"two tasks are called `{keyword}`")
        if keyword:
            found[keyword] = cls
    return found


TASKS = collected(_classes())
MEASURES: dict[str, Measure] = {one.name: one for cls in TASKS.values() for one in cls.measures}


def task_of(settings: Settings) -> Task:
    """The task that a recipe names, with its settings in the recipe."""
    cls = TASKS[settings.task]
    return cls(**{one.name: getattr(settings, one.name) for one in fields(cls)})


def settings_of(cls: type[Task]) -> frozenset[str]:
    """The names of the settings that a task has."""
    return frozenset(one.name for one in fields(cls))
