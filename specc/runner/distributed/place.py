"""Which of a run's processes this one is, as torch's launcher tells it; read without torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from specc import files
from specc.diagnostics.diagnostic import Problem
from specc.recipe.recipe import Recipe

LAUNCHED = "SPECC_LAUNCHED"  # what `--nproc` sets for the processes that it starts: a folder for word to it
FOLDER = "run"  # the file in it that names the run folder
NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


class Place(NamedTuple):
    """rank: among all processes; local_rank: among those of this machine; both from 0. size, local_size: how many."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files and speaks for all."""
        return self.rank == 0

    @property
    def machines(self) -> int:
        return -(-self.size // self.local_size)

    @property
    def machine(self) -> int:
        """Which of the machines this is: the rank of its first process."""
        return self.rank - self.local_rank


ALONE = Place()


def place_of(environment: Mapping[str, str] = os.environ) -> Place:
    """The place that torchrun's variables tell; a run of one process where they are not there.

    Raises: Problem E625 where they contradict each other.
    """
    if any(name not in environment for name in NEEDED):
        return ALONE
    try:
        rank, size = int(environment["RANK"]), int(environment["WORLD_SIZE"])
        local_rank = int(environment.get("LOCAL_RANK", rank))
        local_size = int(environment.get("LOCAL_WORLD_SIZE", size))
    except ValueError as error:
        raise _contradiction(environment) from error
    if not (0 <= rank < size and 0 <= local_rank < local_size <= size):
        raise _contradiction(environment)
    return Place(rank, size, local_rank, local_size)


def speaks_early() -> bool:
    """Whether this process tells what is wrong before the processes know of each other: one on each machine does."""
    try:
        return place_of().local_rank == 0
    except Problem:
        return True


def require_enough(recipe: Recipe, place: Place) -> None:
    """Raise Problem E627 where a batch has fewer pictures than the run has processes."""
    if recipe.batch < place.size:
        raise Problem.of("E627", f"a batch of {recipe.batch} cannot be divided among {place.size} processes",
            help="`--batch` counts the pictures of all processes together")  # fmt: skip


def is_launched() -> bool:
    """Whether `--nproc` started this process."""
    return LAUNCHED in os.environ


def tell_launcher(folder: Path) -> None:
    """Let the launcher name the run folder, should a process die."""
    if is_launched():
        with suppress(OSError):
            files.write(Path(os.environ[LAUNCHED]) / FOLDER, str(folder).encode())


def _contradiction(environment: Mapping[str, str]) -> Problem:
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    said = ", ".join(f"{name}={environment[name]}" for name in names if name in environment)
    return Problem.of("E625", f"the variables of torch's launcher contradict each other: {said}",
        help="start the run with `torchrun` or with `--nproc`, or unset them")  # fmt: skip
