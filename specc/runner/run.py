"""From a checked spec and a recipe to a finished run: the order of things on one page.

What can be known without torch is refused before torch is imported, what can be known without pictures before
they are loaded, and nothing is written before everything fits.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from specc.data.fit import completed, require_input, require_output, require_pictures, written_out
from specc.data.sources import DataSource, absolute, data_source, find, path_of, telling
from specc.data.survey import Survey
from specc.diagnostics.diagnostic import Problem
from specc.ir.shaped import ShapedModel
from specc.pipeline import Analysis, analyse
from specc.reading import read_source
from specc.recipe.reading import overridden
from specc.recipe.recipe import Recipe
from specc.runner.callbacks.base import Callback, Ended, Started
from specc.runner.callbacks.notebook import default_callback, run_html
from specc.runner.cpu.process import limit_spinning
from specc.runner.distributed.world import ALONE, Group, Rank, place_of, require_enough, tell_launcher
from specc.runner.metrics import Metrics, best_of
from specc.runner.parts import require_parts
from specc.runner.pretrained import TORCHVISION, Pretrained, normalised_alike, read_pretrained, require_there
from specc.runner.run_folder import Record, RunFolder, create, given, locked, require_free
from specc.source import Source
from specc.tasks.registry import task_of

if TYPE_CHECKING:
    from torch import nn

    from specc.data.load import Dataset, Read
    from specc.runner.checkpoint import Checkpointer
    from specc.runner.session import Session


class Subject(NamedTuple):
    """What is trained: a spec without errors, and what was overridden in it.

    input_shape: `--input`, None where the spec's own holds. settings: `--set`, by name.
    """

    source: Source
    model: ShapedModel
    input_shape: tuple[int, ...] | None
    settings: Mapping[str, Any]


class Run(NamedTuple):
    """A run that has ended.

    folder:  where its files are.
    metrics: an entry for each finished epoch.
    stopped: the signal that ended it early, None where it is complete.
    model:   the network with the weights of its best epoch, those so far where none is finished, in evaluation mode, on
             the device that it was trained on.
    adopted_after: how many of the epochs are those of another network, or of other data.
    """

    folder: Path
    metrics: tuple[Metrics, ...]
    stopped: int | None
    model: nn.Module
    adopted_after: int = 0

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


def subject_of(analysis: Analysis, left_open: frozenset[str]) -> Subject:
    """What is to be trained, in a text that leaves nothing open.

    Args:   left_open, what the text leaves to its data; the analysis has it.
    Raises: SpecError for a spec with errors.
    """
    whole = written_out(analysis, left_open)
    if whole.model is None:
        from specc.api import SpecError

        raise SpecError(analysis.diagnostics)
    return Subject(whole.source, whole.model, whole.input_shape, whole.settings)


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
    _require_weights(recipe)
    recipe, place = anchored(recipe), place_of()
    if place.is_first:
        require_free(out)
    data = prepare(subject, recipe, place)
    with reading_ahead(recipe, place, data, callback) as read, joined(recipe.device) as group:
        first = _pretrained(recipe, group)
        if first is not None:
            recipe = normalised_alike(recipe, first, subject.model.input[0])
        session = make_session(subject, recipe, group, callback, data, read=read)
        if first is not None:
            (callback or Callback()).say(session.begin_with(first, subject.model))
        folder = _claimed(out, subject, session)
        record = record_of(subject, recipe, options or {}, place)
        with alone_in(folder):
            if folder.writes:
                require_free(folder.path)
            _require_space(folder, session)
            folder.write_record(record)
            return carry_out(session, folder, record, callback or Callback())


def first_session(subject: Subject, recipe: Recipe, group: Group, callback: Callback, data: DataSource) -> Session:
    """As `make_session`, with the weights that the recipe begins with, and the normalisation that goes with them.

    Raises: as there; Problem E634 to E636, E641.
    """
    first = _pretrained(recipe, group)
    if first is None:
        return make_session(subject, recipe, group, callback, data)
    recipe = normalised_alike(recipe, first, subject.model.input[0])
    session = make_session(subject, recipe, group, callback, data)
    callback.say(session.begin_with(first, subject.model))
    return session


def _require_weights(recipe: Recipe) -> None:
    """Raise Problem E634 where there is nothing to begin with; a run that goes on has begun."""
    if recipe.from_weights is not None:
        require_there(recipe.from_weights)


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
def reading_ahead(recipe: Recipe, place: Rank, data: DataSource, callback: Callback | None) -> Iterator[Read | None]:
    """The data, read while torch is imported; None where they are read later, because torch is there, or is wanted
    first to refuse what costs less to look at: a device, weights, the other processes.

    Raises: as `specc.data.load.read`.
    """
    waits = recipe.device not in ("auto", "cpu") or recipe.from_weights or place.size > 1
    if waits or "torch" in sys.modules:
        yield None
        return
    from specc.data.load import read

    # The import in the thread, so that Ctrl-C and what is wrong with the data come up here.
    importing, say = Thread(target=_import_torch, daemon=True), (callback or Callback()).say
    importing.start()
    try:
        found = read(recipe, telling(say), data, say)
    finally:
        importing.join()  # a process must not end within it
    yield found


def _import_torch() -> None:
    import torch  # noqa: F401 - for those who import it next


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


def prepare(
    subject: Subject, recipe: Recipe, place: Rank, judge: Callable[[Survey], None] = lambda survey: None
) -> DataSource:
    """What comes before torch is imported.

    Args:    judge, refuses data before they are compared with the network.
    Returns: where the data come from.

    Raises: Problem E601, E605 to E610, E627, E637.
    """
    data = _require_parts(subject, recipe, place, judge)
    limit_spinning()
    return data


def _require_parts(
    subject: Subject, recipe: Recipe, place: Rank, judge: Callable[[Survey], None] = lambda survey: None
) -> DataSource:
    """Data, network and processes compared with each other. Raises: as `prepare`."""
    data = _require_known_fit(subject, recipe, judge)
    require_parts(subject.model, recipe)
    require_enough(recipe, place)
    return data


def require_possible(subject: Subject, recipe: Recipe, out: Path | None, processes: int) -> None:
    """Raise what `train_subject` would before it imports torch, in a process that only starts others."""
    _require_weights(recipe)
    recipe = anchored(recipe)
    require_free(out)
    _require_parts(subject, recipe, Rank(size=processes))


def _claimed(out: Path | None, subject: Subject, session: Session) -> RunFolder:
    """The folder of a new run, made by the first process. Raises: Problem E613, E614."""
    group = session.group
    if not group.place.is_first:
        return RunFolder(Path(group.broadcast("")), writes=False)
    folder = create(out, _name(subject.source), session.dataset.name)
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
) -> Session:
    """Load the data and build the network.

    Args:   group, the processes that train together; None for this one alone. callback, is told of a download.
            data, what `prepare` has given. judge, refuses data before they are compared with the network. read, the
            data where they have been read already.
    Raises: Problem E601 to E612, E617 to E619, E628.
    """
    data = data or _require_known_fit(subject, recipe)

    limit_spinning()
    from specc.data.load import dataset_of, load_dataset
    from specc.runner.device import choose_device
    from specc.runner.session import Session

    group = group or Group(choose_device(recipe.device))
    with group.first_here():
        say = (callback or Callback()).say
        dataset = dataset_of(read, recipe) if read else load_dataset(recipe, telling(say), data, say)
    judge(dataset)
    _require_fit(subject, recipe, dataset)
    if group.place.size > 1:
        group.require_same(record_of(subject, recipe, {}).meaning() + dataset.identity.digest)
    return Session(subject.model, dataset, recipe, group)


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
        callback.run_starts(Started(folder.path, record.as_json(), parameters, tuple(session.state.position.metrics)))
        try:
            stopped = fit(session, keeper, callback)
        except Problem as problem:
            write_report(session, folder, record, callback, None, failed=problem.diagnostic.message)
            raise
        weights = keeper.take_best(session, callback)
        report = write_report(session, folder, record, callback, weights, stopped=stopped)
    metrics = tuple(session.state.position.metrics)
    callback.run_ends(Ended(folder.path, "stopped" if stopped else "done", metrics, report, record.adopted_after))
    return Run(folder.path, metrics, stopped, session.tested, record.adopted_after)


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


def source_of(spec: str | Path) -> Source:
    """The spec at a path, or the text itself where it has a new line in it."""
    if isinstance(spec, str) and "\n" in spec:
        return Source("<string>", spec)
    return read_source(str(spec))


def _name(source: Source) -> str:
    return Path(source.path).stem.strip("<>-") or "stdin"


def anchored(recipe: Recipe) -> Recipe:
    """The recipe with absolute paths, so that it means the same from any folder."""
    entry = find(recipe.data)
    paths = {"data_dir": recipe.data_dir}
    if recipe.from_weights and not recipe.from_weights.startswith(TORCHVISION):
        paths["from_weights"] = recipe.from_weights
    paths_of = {name: str(path_of(path).absolute()) for name, path in paths.items() if path}
    return recipe.model_copy(update=paths_of | ({} if entry else {"data": absolute(recipe.data)}))


def _require_known_fit(
    subject: Subject, recipe: Recipe, judge: Callable[[Survey], None] = lambda survey: None
) -> DataSource:
    """Compare the network with what is known of the data before they are loaded. Raises: Problem E601, E605 to E610."""
    data = data_source(recipe)
    survey = data.survey()
    judge(survey)
    require_pictures(survey, recipe, subject.model.input, _checks(subject))
    require_output(task_of(recipe), subject.model, survey.targets)
    return data


def _require_fit(subject: Subject, recipe: Recipe, dataset: Dataset) -> None:
    """Compare the network with the data as they are: a package's may be other than its entry says."""
    require_input(dataset.name, dataset.sample, subject.model.input, _checks(subject))
    require_output(task_of(recipe), subject.model, dataset.survey.targets)


def _checks(subject: Subject) -> Callable[[tuple[int, ...]], bool]:
    return lambda shape: analyse(subject.source, shape, subject.settings).ok
