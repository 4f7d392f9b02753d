"""Whether a run that goes on is still the run that it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specc.data.fit import as_before
from specc.data.identity import DataIdentity
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, typed
from specc.ir.analysis.compare import same_network
from specc.ir.names.overrides import UnknownParameter
from specc.pipeline import analyse
from specc.reading import read_source
from specc.recipe.recipe import Recipe
from specc.recipe.written import as_written
from specc.runner.run_folder import SPEC, Record
from specc.source import Source

if TYPE_CHECKING:
    from specc.data.load import Dataset
    from specc.data.survey import Survey

# What may be another when a run goes on: the steps that are left stay what they are.
FREE = frozenset(
    ("epochs", "patience", "device", "data_dir", "workers", "in_memory", "checkpoint_steps", "checkpoint_minutes")
)
LONGEST = 40  # lines of a difference that are shown
MOST_CHANGES = 5  # of the data that are told


def require_same_spec(before: Record, run: Path, spec: Source | None, *, adopt: bool = False) -> Source | None:
    """Raise Problem E622 where the spec is another one than the run's.

    Args:    spec, that was asked for; where none was, the run's copy and the file that it began with are looked at.
             adopt, whether a change is taken.
    Returns: the spec that has changed, None where none has.
    """
    present = [spec] if spec else list(_present(run, before.path))
    changed = next((source for source in present if not is_same_spec(before, source)), None)
    if changed is None or adopt:
        return changed
    raise Problem.of(
        "E622", f"the spec has changed since the run in {run} began",
        help=f"`--adopt` goes on with the new one and loads the weights that fit\n"
        f"`specc train {typed(run / SPEC)} --resume {typed(run)}` goes on with the run's own copy",
        notes=(_difference(before.spec, changed),),
    )  # fmt: skip


def _present(run: Path, path: str | None) -> Iterator[Source]:
    for candidate in (str(run / SPEC), path):
        try:
            if candidate is not None and Path(candidate).is_file():
                yield read_source(candidate)
        except Problem:
            continue  # what cannot be read is no spec to go on with


def is_same_spec(before: Record, other: Source) -> bool:
    """Whether a spec gives the network and the recipe of a run's, however it is written.

    A text with errors is the same as itself only.
    """
    if other.text == before.spec:
        return True
    with suppress(UnknownParameter):
        old, new = (analyse(source, before.input, before.params) for source in (Source("", before.spec), other))
        if new.resolved.left_open:
            new = as_before(new, old)
        if old.model is not None and new.model is not None:
            return same_network(old.model, new.model) and old.recipe.resolved() == new.recipe.resolved()
    return False


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def _difference(old: str, new: Source) -> str:
    lines = list(unified_diff(_lines(old), _lines(new.text), "the run's spec", new.path, n=1, lineterm=""))
    more = [f"… {counted(len(lines) - LONGEST, 'more line')}"] if len(lines) > LONGEST else []
    return "\n".join(["the difference:", *lines[:LONGEST], *more])


def require_same_options(
    before: Record, recipe: Recipe, said: Mapping[str, Any], shape: tuple[int, ...] | None, params: Mapping[str, Any]
) -> None:
    """Raise Problem E623 where an option asks for another run than the one that began."""
    old, new = before.recipe.resolved(), recipe.resolved()
    for name in said:
        if name == "data" and Path(old.data).is_absolute() and Path(new.data).is_absolute():
            continue  # a folder may have been moved: what is in it is compared when it is read
        if name not in FREE and getattr(old, name) != getattr(new, name):
            raise _other(f"`{name}` was {as_written(getattr(old, name))}, not {as_written(getattr(new, name))}")
    if recipe.epochs < before.recipe.epochs:
        raise _other(f"`epochs` was {before.recipe.epochs}, and can only be raised")
    if shape is not None and shape != before.input:
        raise _other("`--input` was different")
    other = sorted(name for name, value in params.items() if str(before.params.get(name)) != str(value))
    if other:
        raise _other(f"`--set {other[0]}=` was different")


def require_whole_epochs(before: Record, recipe: Recipe, done: int) -> None:
    """Raise Problem E623 where a run is to be longer whose last epoch, a part of one, is among those that are done."""
    if recipe.epochs > before.recipe.epochs and done > before.recipe.epochs:
        raise _other(f"`epochs` was {before.recipe.epochs}, and the last one, a part of an epoch, is over")


def require_same_processes(before: Record, run: Path, now: int) -> None:
    """Raise Problem E629 where a run would continue with another number of processes than it began with."""
    if before.processes == now:
        return
    command = f"specc train --resume {typed(run)} --nproc {before.processes}"
    if before.machines > 1:
        command = f"torchrun --nnodes {before.machines} … -m specc train --resume {typed(run)}"
    raise Problem.of(
        "E629", f"the run in {run} began with {_processes(before.processes)}, and {now} would continue it",
        help=f"`{command}` continues as it began\n`--adopt` continues with another number, and starts the epoch over",
    )  # fmt: skip


def _processes(count: int) -> str:
    return "one process" if count == 1 else f"{count} processes"


def changes_of_data(before: DataIdentity | str, now: Dataset) -> tuple[str, ...]:
    """What is another in the data than it was, a sentence each.

    Args: before, what a run has kept of them; an older specc kept how many pictures there were.
    """
    if isinstance(before, DataIdentity):
        return before.changes_to(now.identity)
    size = f"{len(now.train)} training and {len(now.test)} test pictures, {len(now.classes)} classes"
    return () if f": {size}, " in before else (f"they were “{before}”, and are {size}",)


def require_same_classes(before: DataIdentity | str | None, now: Survey) -> None:
    """Raise Problem E623 where a class has come or gone, before the network is found not to fit the others."""
    if isinstance(before, DataIdentity) and isinstance(now.classes, tuple):
        _refuse(now.name, before.changes_of_classes(now.classes))


def require_same_data(before: DataIdentity | str, now: Dataset) -> None:
    """Raise Problem E623 where the data are no longer those that the run began with."""
    _refuse(now.name, changes_of_data(before, now))


def _refuse(name: str, changes: tuple[str, ...]) -> None:
    if not changes:
        return
    more = (f"and {counted(len(changes) - MOST_CHANGES, 'more change')}",) if len(changes) > MOST_CHANGES else ()
    raise Problem.of(
        "E623", f"the data of {name} have changed since the run began: {changes[0]}",
        help="put the data back as they were\n`--data` says where they are, if they were moved\n"
        "`--adopt` continues with what is there, and starts the epoch over",
        notes=(*changes[1:MOST_CHANGES], *more),
    )  # fmt: skip


def _other(message: str) -> Problem:
    return Problem.of(
        "E623", f"the run began differently: {message}",
        help="leave out the option to continue as it began\n`--adopt` accepts the change, and starts the epoch over",
    )  # fmt: skip
