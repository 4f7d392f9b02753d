"""Codes of precision, compilation and exact runs."""

from __future__ import annotations

from typing import Any

from run_cases import TINY, Scene, case
from specc.runner.run import train

SHORT: dict[str, Any] = {"epochs": 1, "limit": 8}


@case("E650")
def half_precision_on_a_cpu(scene: Scene) -> None:
    train(TINY, "run", precision="fp16", device="cpu", **SHORT)


@case("E651")
def a_machine_without_a_compiler(scene: Scene) -> None:
    scene.patch.setenv("CXX", "no-such-compiler")
    train(TINY, "run", compile="on", device="cpu", **SHORT)


@case("E652")
def an_exact_run_of_two_processes(scene: Scene) -> None:
    import torch

    from specc.recipe.recipe import Recipe
    from specc.runner.distributed.world import Group, Rank
    from specc.runner.session import require_one

    group = Group(torch.device("cpu"))
    group.place = Rank(size=2, local_size=2)
    require_one(Recipe(exact=True), group)
