"""What comes before torch is imported: a spec and a recipe compared with all that is known without it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from specc.data.fit import require_input, require_output, require_pictures, written_out
from specc.data.load import read, reads_on
from specc.data.sources import DataSource, absolute, data_source, find, path_of, telling
from specc.data.survey import Survey
from specc.ir.parts import require_parts
from specc.ir.shaped import ShapedModel
from specc.pipeline import Analysis, analyse
from specc.reading import read_source
from specc.recipe.recipe import Recipe
from specc.runner.callbacks.base import Callback
from specc.runner.cpu.process import limit_spinning
from specc.runner.distributed.world import Rank, require_enough
from specc.runner.pretrained import TORCHVISION, require_there
from specc.runner.run_folder import require_free
from specc.source import Source
from specc.tasks.registry import task_of

if TYPE_CHECKING:
    from specc.data.load import Dataset, Read


class Subject(NamedTuple):
    """What is trained: a spec without errors, and what was overridden in it.

    input_shape: `--input`, None where the spec's own holds. settings: `--set`, by name.
    """

    source: Source
    model: ShapedModel
    input_shape: tuple[int, ...] | None
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What folders of its runs are called by."""
        return Path(self.source.path).stem.strip("<>-") or "stdin"


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


def source_of(spec: str | Path) -> Source:
    """The spec at a path, or the text itself where it has a new line in it."""
    if isinstance(spec, str) and "\n" in spec:
        return Source("<string>", spec)
    return read_source(str(spec))


def anchored(recipe: Recipe) -> Recipe:
    """The recipe with absolute paths, so that it means the same from any folder."""
    entry = find(recipe.data)
    paths = {"data_dir": recipe.data_dir}
    if recipe.from_weights and not recipe.from_weights.startswith(TORCHVISION):
        paths["from_weights"] = recipe.from_weights
    paths_of = {name: str(path_of(path).absolute()) for name, path in paths.items() if path}
    return recipe.model_copy(update=paths_of | ({} if entry else {"data": absolute(recipe.data)}))


def require_weights(recipe: Recipe) -> None:
    """Raise Problem E634 where there is nothing to begin with; a run that goes on has begun."""
    if recipe.from_weights is not None:
        require_there(recipe.from_weights)


def prepare(
    subject: Subject, recipe: Recipe, place: Rank, judge: Callable[[Survey], None] = lambda survey: None
) -> DataSource:
    """What comes before torch is imported: the network compared with what is known of the data before they are loaded.

    Args:    judge, refuses data before they are compared with the network.
    Returns: where the data come from.

    Raises: Problem E601, E605 to E610, E627, E637.
    """
    data = data_source(recipe)
    survey = data.survey()
    judge(survey)
    require_pictures(survey, recipe, subject.model.input, _checks(subject))
    require_output(task_of(recipe), subject.model, survey.targets)
    require_parts(subject.model, recipe)
    require_enough(recipe, place)
    limit_spinning(reads=reads_on(data, survey, recipe))
    return data


def require_possible(subject: Subject, recipe: Recipe, out: Path | None, processes: int) -> None:
    """Raise what `train_subject` would before it imports torch, in a process that only starts others."""
    require_weights(recipe)
    recipe = anchored(recipe)
    require_free(out)
    prepare(subject, recipe, Rank(size=processes))


def require_fit(subject: Subject, recipe: Recipe, dataset: Dataset) -> None:
    """Compare the network with the data as they are: a package's may be other than its entry says."""
    require_input(dataset.name, dataset.sample, subject.model.input, _checks(subject))
    require_output(task_of(recipe), subject.model, dataset.survey.targets)


def _checks(subject: Subject) -> Callable[[tuple[int, ...]], bool]:
    return lambda shape: analyse(subject.source, shape, subject.settings).ok


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
