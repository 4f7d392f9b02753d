"""A run that takes after another one: with its recipe, or as a whole once more. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from specc.diagnostics.diagnostic import Problem
from specc.pipeline import Analysis, analyse
from specc.reading import read_source
from specc.recipe.recipe import Recipe
from specc.runner.listing import run_at, way_to_a_run
from specc.runner.run_folder import SPEC, Record, is_run
from specc.runner.series import series_at
from specc.source import Source


class Beginning(NamedTuple):
    """What a run begins from.

    own:  the spec as it stands, its recipe the one that is meant. note: where that is from, empty where it is its own.
    taken: the settings that are another run's, by name.
    """

    own: Analysis
    note: str = ""
    taken: Mapping[str, Any] = {}


def beginning(spec: str, like: Path | None, input: tuple[int, ...] | None, params: Mapping[str, Any]) -> Beginning:
    """The spec at a path with its recipe, or with that of the run `like`; of the folder of a run or of a series, the
    spec and the recipe of these.

    Raises: Problem E640 where there is no such run.
    """
    folder = Path(spec)
    before = record_at(folder) if is_run(folder) or series_at(folder) else None
    if before is None:
        if way := way_to_a_run(folder):
            raise Problem.of("E640", f"{spec} is no run that could be repeated", help=way)
        own = analyse(read_source(spec), input, params)
    else:
        source = Source(before.path or str(folder / SPEC), before.spec)
        own = analyse(source, input or before.input, {**before.params, **params})
    other = record_at(like) if like is not None else before
    if other is None:
        return Beginning(own)
    note = f"the recipe is that of {like}, and not the spec's own" if like is not None else f"repeats {spec}"
    own = own._replace(resolved=own.resolved._replace(trained=other.recipe))
    return Beginning(own, note, _said_by(other.recipe))


def record_at(path: Path) -> Record:
    """What was asked for in a run, or in the runs of a series. Raises: Problem E640."""
    found = run_at(path).record
    if found is None:
        raise Problem.of("E640", f"{path} is damaged: its recipe cannot be read",
            help="`specc runs` lists the runs in `runs`")  # fmt: skip
    return found


def _said_by(recipe: Recipe) -> dict[str, Any]:
    """The settings that are not what they are where nothing is said."""
    fields = Recipe.model_fields
    return {name: value for name, value in recipe.model_dump().items() if value != fields[name].default}
