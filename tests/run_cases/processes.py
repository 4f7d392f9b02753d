"""Several processes: E625 to E629."""

from __future__ import annotations

import signal
from pathlib import Path

from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from run_cases import TINY, Scene, case
from specc.recipe.recipe import Recipe
from specc.runner.callbacks.base import Callback
from specc.runner.distributed.collective import Member, own_device
from specc.runner.distributed.launch import status_of
from specc.runner.distributed.world import Rank, place_of, require_enough
from specc.runner.resume import Wish, what_is_left
from specc.runner.run import train


class Once(Callback):
    """Stops the run after its first step."""

    def step(self) -> None:
        signal.raise_signal(signal.SIGINT)


@case("E625")
def one_device_for_two_processes(scene: Scene) -> None:
    own_device("cuda:1", Rank(0, 2, 0, 2))


@case("E625")
def variables_that_contradict_each_other(scene: Scene) -> None:
    place_of({"RANK": "2", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"})


@case("E626")
def a_process_that_was_killed(scene: Scene) -> None:
    train(TINY, "run", callback=Once(), limit=8)
    failure = ProcessFailure(local_rank=1, pid=4711, exitcode=-9, error_file="nowhere")
    status_of(ChildFailedError("specc", {1: failure}), 2, Path("run"))


@case("E627")
def a_batch_of_one(scene: Scene) -> None:
    require_enough(Recipe(batch=1), Rank(0, 2, 0, 2))


@case("E628")
def an_older_spec_on_another_machine(scene: Scene) -> None:
    scene.patch.setattr(Member, "all_gather", lambda self, own: [own, own + 1])
    Member.__new__(Member).require_same(TINY)


@case("E629")
def three_in_place_of_one(scene: Scene) -> None:
    train(TINY, "run", callback=Once(), limit=8)
    what_is_left(Path("run"), Wish(), 3)
