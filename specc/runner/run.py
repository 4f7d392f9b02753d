"""From a checked spec and a recipe to a finished run: the order of things on one page.

What can be known without torch is refused before torch is imported, what can be known without pictures before
they are loaded, and nothing is written before everything fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from specc.data.fit import completed
from specc.data.sources import DataSource, telling
from specc.diagnostics.diagnostic import Problem
from specc.pipeline import analyse
from specc.recipe.reading import overridden
from specc.recipe.recipe import Recipe
from specc.runner.before import (
    Subject,
    anchored,
    prepare,
    reading_ahead,
    require_fit,
    require_weights,
    source_of,
    subject_of,
)
from specc.runner.callbacks.base import Callback, Ended, Started
from specc.runner.callbacks.notebook import default_callback, run_html
from specc.runner.distributed.world import ALONE, Group, Rank, place_of, tell_launcher
from specc.runner.metrics import Metrics, best_of
from specc.runner.pretrained import Pretrained, normalised_alike, read_pretrained
from specc.runner.run_folder import Record, RunFolder, create, given, locked, require_free

if TYPE_CHECKING:
    from torch import nn

    from specc.data.load import Dataset, Read
    from specc.runner.checkpoint import Checkpointer
    from specc.runner.session import Session


class Run(NamedTuple):
    """A run that has ended.

    folder:  where its files are.
    metrics: an entry for each finished epoch.
    stopped: the signal that ended it early, None where it is complete.
    model:   the network with the weights of its best epoch, those so far where none is finished, in evaluation mode, on
             the device that it was trained on.
    adopted_after: how many of the epochs are those of another network, or of other data.
    sample:  the shape of what it takes, channels first.
    """

    folder: Path
    metrics: tuple[Metrics, ...]
    stopped: int | None
    model: nn.Module
    adopted_after: int = 0
    sample: tuple[int, ...] = ()

    @property
    def best(self) -> Metrics | None:
        """The epoch whose weights are in `best.safetensors`: the first with the highest accuracy."""
        return best_of(self.metrics[self.adopted_after :])

    def _repr_html_(self) -> str:
        """What a notebook shows: the report, or the curves where there is none."""
        return run_html(self.folder, self.metrics)


def train(
    spec: str | Path,
    out: str | Path | None = None,
    *,
    input: tuple[int, ...] | None = None,
    params: Mapping[str, Any] | None = None,
    callback: Callback | None = None,
    **options: Any,
) -> Run:
    """Train a spec as `specc train` does.

    Args:    spec: a path, or the text itself where it has a new line in it.
             out: the run folder; by default the next free one in `runs/`.
             input, params: in place of the spec's `input` and `param`s.
             callback: is told of the run's progress; `specc.runner.callbacks.lines.Lines()` prints it. By default a
             notebook shows curves that grow, and nothing is told elsewhere.
             options: settings of the recipe by name (`epochs=3, data="mnist"`), before the spec's own.
    Returns: the finished run. The process is as it was before: its environment, torch's random state and settings.
    Raises:  specc.SpecError for a spec with errors, ValueError for a param that it does not have,
             specc.diagnostics.diagnostic.Problem for what concerns files, data, device and run folder.
    """
    own = analyse(source_of(spec), input, params)
    subject = subject_of(completed(own, options), own.resolved.left_open)
    place = None if out is None else Path(out)
    return train_subject(subject, overridden(own.recipe, options), place, callback or default_callback(), options)


def train_subject(
    subject: Subject,
    recipe: Recipe,
    out: Path | None = None,
    callback: Callback | None = None,
    options: Mapping[str, Any] | None = None,
) -> Run:
    """Load the data, build the network, train it, and keep everything in a run folder.

    Args:   options, those among the recipe's settings that are not from the spec.
    Raises: Problem E601 to E628.
    """
    require_weights(recipe)
    recipe, place = anchored(recipe), place_of()
    if place.is_first:
        require_free(out)
    data = prepare(subject, recipe, place)
    with reading_ahead(recipe, place, data, callback) as read, joined(recipe.device) as group:
        session = first_session(subject, recipe, group, callback or Callback(), data, read)
        folder = _claimed(out, subject, session)
        record = record_of(subject, session.recipe, options or {}, place)
        with alone_in(folder):
            if folder.writes:
                require_free(folder.path)
            _require_space(folder, session)
            folder.write_record(record)
            return carry_out(session, folder, record, callback or Callback())


def first_session(
    subject: Subject, recipe: Recipe, group: Group, callback: Callback, data: DataSource, read: Read | None = None
) -> Session:
    """As `make_session`, with the weights that the recipe begins with, and the normalisation that goes with them.

    Raises: as there; Problem E634 to E636, E641.
    """
    first = _pretrained(recipe, group)
    if first is None:
        return make_session(subject, recipe, group, callback, data, read=read)
    recipe = normalised_alike(recipe, first, subject.model.input[0])
    session = make_session(subject, recipe, group, callback, data, read=read)
    callback.say(session.begin_with(first, subject.model))
    return session


def _pretrained(recipe: Recipe, group: Group) -> Pretrained | None:
    """What a run begins with in place of drawn weights. Raises: Problem E634, E635, E641."""
    if recipe.from_weights is None:
        return None
    with group.first_here():  # what is downloaded, one process downloads
        return read_pretrained(recipe.from_weights)


def _require_space(folder: RunFolder, session: Session) -> None:
    """Before the first file, so that a refused run leaves none. Raises: Problem E614."""
    from specc.runner.checkpoint import needed

    folder.require_space(needed(session))


@contextmanager
def joined(device: str) -> Iterator[Group]:
    """Take part in the run that torch's launcher started, or train alone; torch's state is afterwards what it was.

    Args:   device, that the recipe names.
    Raises: Problem E612, E625, E626 where another process was lost; of several processes that fail in one run the
            first of each machine raises FailedHere, the others FailedElsewhere.
    """
    from specc.runner.device import choose_device, torch_state_kept

    place = place_of()
    if place.size == 1:
        own = choose_device(device)
        with torch_state_kept(own):
            yield Group(own)
        return
    from specc.runner.distributed.collective import member

    with member(place, device) as group, torch_state_kept(group.device):
        yield group


def _claimed(out: Path | None, subject: Subject, session: Session) -> RunFolder:
    """The folder of a new run, made by the first process. Raises: Problem E613, E614."""
    group = session.group
    if not group.place.is_first:
        return RunFolder(Path(group.broadcast("")), writes=False)
    folder = create(out, subject.name, session.dataset.name)
    group.broadcast(str(folder.path))
    tell_launcher(folder.path)
    return folder


def alone_in(folder: RunFolder) -> AbstractContextManager[None]:
    """The folder's lock, held by the process that writes. Raises: Problem E614, E624."""
    return locked(folder.path) if folder.writes else nullcontext()


def make_session(
    subject: Subject,
    recipe: Recipe,
    group: Group | None = None,
    callback: Callback | None = None,
    data: DataSource | None = None,
    judge: Callable[[Dataset], None] = lambda dataset: None,
    read: Read | None = None,
    *,
    begins: bool = True,
) -> Session:
    """Load the data and build the network.

    Args:   group, the processes that train together; None for this one alone. callback, is told of a download.
            data, what `prepare` has given. judge, refuses data before they are compared with the network. read, the
            data where they have been read already. begins, see `Session`.
    Raises: Problem E601 to E612, E617 to E619, E628.
    """
    data = data or prepare(subject, recipe, ALONE)
    from specc.data.load import dataset_of, load_dataset
    from specc.runner.device import choose_device
    from specc.runner.session import Session

    group = group or Group(choose_device(recipe.device))
    with group.first_here():
        say = (callback or Callback()).say
        dataset = dataset_of(read, recipe) if read else load_dataset(recipe, telling(say), data, say)
    judge(dataset)
    require_fit(subject, recipe, dataset)
    if group.place.size > 1:
        group.require_same(record_of(subject, recipe, {}).meaning() + dataset.identity.digest)
    return Session(subject.model, dataset, recipe, group, begins=begins)


def carry_out(
    session: Session, folder: RunFolder, record: Record, callback: Callback, keeper: Checkpointer | None = None
) -> Run:
    """Train from where the session stands to the end, and keep what it gives.

    Args: keeper, of a run that is continued; a new run's writes what it begins with.
    """
    from specc.runner.checkpoint import Checkpointer
    from specc.runner.device import describe_environment
    from specc.runner.ending import write_report
    from specc.runner.loop import fit

    session.adopted_after = record.adopted_after
    environment = describe_environment(session.group, record.recipe.seed)
    if session.dataset.survey.left_out:
        environment["left_out"] = [fault.path for fault in session.dataset.survey.left_out]
    folder.write_environment(environment, resumed=keeper is not None)
    with closing(session):
        if keeper is None:
            keeper = Checkpointer(folder, record, session.dataset.identity)
            keeper.begin(session)
        callback.say(session.summary())
        parameters = sum(weight.numel() for weight in session.model.parameters() if weight.requires_grad)
        metrics = tuple(session.state.position.metrics)
        weights = partial(keeper.weights, session)
        callback.run_starts(Started(folder.path, record.as_json(), parameters, metrics, weights))
        try:
            stopped = fit(session, keeper, callback)
        except Problem as problem:
            write_report(session, folder, record, callback, None, failed=problem.diagnostic.message)
            raise
        best = keeper.take_best(session, callback)
        report = write_report(session, folder, record, callback, best, stopped=stopped)
    metrics = tuple(session.state.position.metrics)
    callback.run_ends(Ended(folder.path, "stopped" if stopped else "done", metrics, report, record.adopted_after))
    return Run(folder.path, metrics, stopped, session.tested, record.adopted_after, session.dataset.sample)


def record_of(subject: Subject, recipe: Recipe, options: Mapping[str, Any], place: Rank = ALONE) -> Record:
    """What is asked for, as the run folder keeps it."""
    path = Path(subject.source.path)
    return Record(
        spec=subject.source.text,
        path=str(path.absolute()) if path.is_file() else None,
        input=subject.input_shape,
        params=dict(subject.settings),
        options=given(dict(options)),
        recipe=recipe.resolved(),  # as `recipe.json` says it, from which a run is read that has no state yet
        processes=place.size,
        machines=place.machines,
    )
