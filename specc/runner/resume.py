"""Going on with a run in its own folder: what is there, whether it may go on as it is asked to, and the rest of it.

Everything is refused before torch is imported, and nothing in the folder is touched before the run is locked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from specc import files
from specc.data.fit import completed
from specc.data.sources import DataSource
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted
from specc.ir.analysis.compare import same_network
from specc.ir.names.overrides import UnknownParameter
from specc.pipeline import analyse
from specc.recipe.reading import overridden
from specc.recipe.recipe import Recipe
from specc.runner.before import Subject, anchored, prepare, source_of, subject_of
from specc.runner.callbacks.base import Callback, Ended
from specc.runner.callbacks.notebook import default_callback
from specc.runner.changed import (
    changes_of_data,
    require_same_classes,
    require_same_data,
    require_same_options,
    require_same_processes,
    require_same_spec,
    require_whole_epochs,
)
from specc.runner.checkpoint import Checkpoint, read_checkpoint, read_tensors
from specc.runner.distributed.world import Group, place_of
from specc.runner.listing import way_to_a_run
from specc.runner.metrics import is_complete
from specc.runner.run import Run, alone_in, carry_out, first_session, joined, make_session, record_of
from specc.runner.run_folder import METRICS, RECIPE, SPEC, STATE, Record, RunFolder, damaged, given, read_record
from specc.source import Source

if TYPE_CHECKING:
    from specc.data.load import Dataset
    from specc.runner.checkpoint import Checkpointer
    from specc.runner.session import Session


class Wish(NamedTuple):
    """How a run is to go on.

    spec:     in place of the run's own, None where that is meant. adopt: whether changes are taken.
    input:    `--input`. params: `--set`. options: settings of the recipe, by name, None for what is not given.
    """

    spec: Source | None = None
    adopt: bool = False
    input: tuple[int, ...] | None = None
    params: Mapping[str, Any] = {}
    options: Mapping[str, Any] = {}


class Plan(NamedTuple):
    """A run as it was found and as it goes on.

    facts: of its state, None where it was stopped before it wrote one.
    """

    folder: RunFolder
    before: Record
    record: Record
    subject: Subject
    facts: Checkpoint | None

    @property
    def is_complete(self) -> bool:
        return self.facts is not None and is_complete(self.facts.metrics, self.record.recipe, self.record.adopted_after)


def resume(
    run: str | Path,
    spec: str | Path | None = None,
    *,
    adopt: bool = False,
    input: tuple[int, ...] | None = None,
    params: Mapping[str, Any] | None = None,
    callback: Callback | None = None,
    **options: Any,
) -> Run:
    """Go on with a run as `specc train --resume` does.

    Args:    run, its folder. spec, a path or text to go on with in place of the run's own; adopt, whether it may be
             another one: then what fits is loaded. options: `epochs` may be raised; others only with `adopt`.
    Returns: the finished run, also where there was nothing left to do.
    Raises:  as `specc.train`; Problem E620 to E624 where the run cannot go on.
    """
    wish = Wish(None if spec is None else source_of(spec), adopt, input, params or {}, options)
    return continue_run(Path(run), wish, callback or default_callback()) or _finished(Path(run), wish)


def continue_run(path: Path, wish: Wish, callback: Callback) -> Run | None:
    """Go on with the run in a folder; None where it is complete, and nothing was done."""
    plan = _plan(path, wish)
    if not plan.is_complete:
        kept = None if wish.adopt or plan.facts is None else plan.facts.data
        data = prepare(
            plan.subject, plan.record.recipe, place := place_of(), lambda survey: require_same_classes(kept, survey)
        )
        with joined(plan.record.recipe.device) as group, alone_in(RunFolder(path, writes=place.is_first)):
            plan = _plan(path, wish)  # another process may have gone on with it meanwhile
            if not plan.is_complete:
                return _go_on(plan, wish.adopt, callback, group, data)
    metrics = plan.facts.metrics if plan.facts else ()
    adopted_after = plan.record.adopted_after
    callback.say(f"the run in {path} is complete: {counted(len(metrics), 'epoch')}; nothing to do")
    callback.run_ends(Ended(path, "done", metrics, None, adopted_after))
    return None


def processes_of(path: Path) -> int:
    """How many processes on one machine began a run; one where more machines did, and where nothing tells."""
    try:
        before, _ = _found(path)
    except Problem:
        return 1
    return before.processes if before.machines == 1 else 1


def what_is_left(path: Path, wish: Wish, processes: int) -> Recipe | None:
    """The recipe with which so many processes would go on with a run; None where it is complete.

    Raises: as `continue_run` would before it begins.
    """
    plan = _plan(path, wish, processes)
    return None if plan.is_complete else plan.record.recipe


def _plan(path: Path, wish: Wish, processes: int | None = None) -> Plan:
    """What is to be done by so many processes, or by those that there are.

    Raises: Problem E620 to E623, E629, SpecError, UnknownParameter.
    """
    before, facts = _found(path)
    changed = require_same_spec(before, path, wish.spec, adopt=wish.adopt)
    spec = changed or Source(str(path / SPEC), before.spec)
    shape = (wish.adopt and wish.input) or before.input
    params = {**before.params, **wish.params} if wish.adopt else before.params
    options = {**before.options, **given(dict(wish.options))}
    own = analyse(spec, shape, params)
    analysis = completed(own, options)
    subject = subject_of(analysis, own.resolved.left_open)
    place = place_of()
    if wish.adopt:
        record = record_of(subject, _anchored(overridden(analysis.recipe, options), wish), options, place)
        # Until the data are loaded no earlier epoch counts, so that none of them ends the run.
        record = record.model_copy(update={"adopted_after": facts.epoch if facts else 0})
    else:
        recipe = _anchored(overridden(before.recipe, dict(wish.options)), wish)
        require_same_options(before, recipe, given(dict(wish.options)), wish.input, wish.params)
        require_whole_epochs(before, recipe, facts.epoch if facts else 0)
        if not (facts is not None and is_complete(facts.metrics, recipe, before.adopted_after)):
            require_same_processes(before, path, processes or place.size)
        record = before.model_copy(update={"recipe": recipe, "options": options})
    return Plan(RunFolder(path, writes=place.is_first), before, record, subject, facts)


def _anchored(recipe: Recipe, wish: Wish) -> Recipe:
    """The recipe with absolute paths. Raises: Problem E601, which says how a folder that was moved is named."""
    try:
        return anchored(recipe)
    except Problem as problem:
        if problem.diagnostic.code != "E601" or wish.options.get("data"):
            raise
        raise Problem(problem.diagnostic._replace(help="`--data` says where they are, if they were moved")) from None


def _found(path: Path) -> tuple[Record, Checkpoint | None]:
    """What a folder says of its run. Raises: Problem E620, E621."""
    if not path.is_dir():
        raise _no_run(f"there is no folder {path}", way_to_a_run(path))
    RunFolder(path).require_files()
    if (path / STATE).exists():
        facts = read_checkpoint(path / STATE)
        return facts.record, facts
    if (path / METRICS).exists() or (path / "last.safetensors").exists():
        raise _no_run(f"the run in {path} has no {STATE} to continue from")
    record = read_record(path / SPEC, path / RECIPE)
    if record is None:
        raise _no_run(f"{path} holds no run", way_to_a_run(path))
    return record, None


def _no_run(message: str, way: str | None = None) -> Problem:
    help = way or "`--resume` takes the folder of a run, such as `runs/lenet5-mnist-1`"
    return Problem.of("E620", message, help=help)


def _go_on(plan: Plan, adopt: bool, callback: Callback, group: Group, data: DataSource) -> Run:
    if plan.folder.writes:
        files.remove_partial(plan.folder.path)
    facts, recipe = plan.facts, plan.record.recipe
    if facts is None:
        session = first_session(plan.subject, recipe, group, callback, data)
        callback.say(f"the run in {plan.folder.path} had not begun; it begins now")
        plan.folder.write_record(plan.record)
        return carry_out(session, plan.folder, plan.record, callback)
    judge = _judge_of(None if adopt else facts, callback)
    session = make_session(plan.subject, recipe, group, callback, data, judge, begins=adopt)
    if adopt and _still_competes(plan, facts, session.dataset):
        record = plan.record.model_copy(update={"adopted_after": plan.before.adopted_after})
        plan = plan._replace(record=record)
    keeper = _restored(plan, facts, session, adopt, callback)
    return carry_out(session, plan.folder, plan.record, callback, keeper)


def _still_competes(plan: Plan, facts: Checkpoint, dataset: Dataset) -> bool:
    """Whether the epochs so far can be compared with those to come: the same network, the same data, the same aim."""
    before = plan.before
    try:
        old = analyse(Source(SPEC, before.spec), before.input, before.params).model
    except UnknownParameter:
        return False
    same = old is not None and same_network(old, plan.subject.model)
    return same and not changes_of_data(facts.data, dataset) and before.recipe.task == plan.record.recipe.task


def _judge_of(facts: Checkpoint | None, callback: Callback) -> Callable[[Dataset], None]:
    """Refuses data that are no longer those of a run; of one without facts they are what they are."""

    def judge(dataset: Dataset) -> None:
        if facts is None:
            return
        require_same_data(facts.data, dataset)
        if isinstance(facts.data, str):
            callback.say("note: this run began with an older specc, which has not kept what was in its pictures: only "
                "their numbers were compared")  # fmt: skip

    return judge


def _restored(plan: Plan, facts: Checkpoint, session: Session, adopt: bool, callback: Callback) -> Checkpointer:
    """Put the session where the run stands, and the folder's files with it. Raises: Problem E621, E623."""
    from specc.runner.checkpoint import Checkpointer, made_with

    path = plan.folder.path
    tensors = read_tensors(path / STATE, facts.checksum)
    keeper = Checkpointer(plan.folder, plan.record, session.dataset.identity)
    # Also the point where all have read what the first one is about to write anew.
    session.group.require_same(f"{facts.epoch} {facts.step} {facts.checksum}")
    session.reach(facts.epoch)
    if adopt:
        _adopt(plan, facts, session, tensors, callback)
    else:
        fault = session.state.objection(tensors, facts.step)
        if fault:
            raise damaged(path / STATE, fault)
        session.state.load_state_dict(tensors, facts.position())
    plan.folder.restore_metrics(facts.metrics)
    plan.folder.write_record(plan.record)
    if adopt or plan.record.adopted_after == facts.epoch > 0:
        keeper.begin(session)
        _set_best_aside(plan, facts, callback)
    _warn_of_differences(facts.made_with, made_with(session), callback)
    done = session.state.position.step
    step = f", after step {done} of {len(session.steps)}" if done else ""
    callback.say(f"continues {path} in epoch {facts.epoch + 1} of {plan.record.recipe.whole_epochs}{step}")
    return keeper


def _warn_of_differences(before: Mapping[str, str], now: Mapping[str, str], callback: Callback) -> None:
    """Say where the same steps may give other last digits than they would have given."""
    other = [f"{name} {before.get(name)} then, {value} now" for name, value in now.items() if before.get(name) != value]
    if other:
        callback.say(f"note: {'; '.join(other)}: the last digits may differ from those of a run that never stopped")


def _adopt(plan: Plan, facts: Checkpoint, session: Session, tensors: dict[str, Any], callback: Callback) -> None:
    """Load what fits, and keep the spec of before."""
    from specc.runner.adopt import adopt

    for note in adopt(session, facts, tensors):
        callback.say(note)
    if plan.before.spec != plan.record.spec:
        old = plan.folder.path / f"spec-before-epoch-{facts.epoch + 1}.cnn"
        plan.folder.write(old.name, plan.before.spec.encode())
        callback.say(f"the previous spec is in {old}")


def _set_best_aside(plan: Plan, facts: Checkpoint, callback: Callback) -> None:
    """Where no epoch of the network that the run has now is finished; after the state, from which it can be done again
    should the run be cut off here."""
    if plan.record.adopted_after < facts.epoch:
        return
    aside = plan.folder.set_best_aside(facts.epoch)
    if aside:
        callback.say(
            f"the best weights so far are in {aside}; only epochs from {facts.epoch + 1} on compete from now on"
        )


def _finished(path: Path, wish: Wish) -> Run:
    """A complete run, its network with the best weights. Raises: Problem E621 where they are not there."""
    from specc.build.compile import build
    from specc.build.stored import load_stored

    plan = _plan(path, wish)
    metrics = plan.facts.metrics if plan.facts else ()
    run = Run(path, metrics, None, build(plan.subject.model), plan.record.adopted_after)
    model, weights = run.model, path / ("best.safetensors" if run.best else "last.safetensors")
    try:
        load_stored(model, weights)
    except ValueError as error:
        raise damaged(weights, str(error)) from error
    return run._replace(model=model.eval())
