"""How good a trained network is on a whole data set, its own or another one with the same classes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch

from specc.build.known import is_known
from specc.data.batches import Batches
from specc.data.images import placed
from specc.data.load import load_dataset
from specc.data.sources import data_source, find, path_of
from specc.data.survey import TEST, TRAINING, VALIDATION, Part, shape_after, shortened
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import called, counted, nearest, spelled
from specc.evaluate.flipped import Tta, with_tta
from specc.evaluate.trained import Trained
from specc.recipe.recipe import Recipe
from specc.runner.cpu.door import arranged
from specc.runner.precision import Forward, choose_precision, lay_out
from specc.runner.review import ignored, reviewed
from specc.runner.session import EVALUATION_BATCH
from specc.tasks.review import Review

if TYPE_CHECKING:
    from torch import Tensor

    from specc.data.images import Images
    from specc.data.load import Dataset


class Wanted(NamedTuple):
    """What to evaluate on. data, data_dir, limit: in place of the recipe's, None where that holds. part: which split.
    None: the test part, or all pictures of a folder that was never split. fit: whether the pictures are converted to
    the network's input. predictions: whether every answer is kept. tta: what is said to mirror images counts, too."""

    data: str | None = None
    data_dir: str | None = None
    limit: int | None = None
    part: Part | None = None
    fit: bool = False
    predictions: bool = False
    tta: Tta | None = None


class Evaluation(NamedTuple):
    """review: what was found; plain: without mirror images, where these count. chose_epoch: whether the epoch of the
    weights was chosen on these very pictures. note: what is odd, or empty. predictions: of each sample what is true and
    what the network says, where it is wanted."""

    data: str
    part: Part
    pictures: int
    review: Review
    chose_epoch: bool = False
    note: str = ""
    predictions: tuple[dict[str, object], ...] = ()
    plain: Review | None = None


def evaluate(trained: Trained, wanted: Wanted, device: torch.device) -> Evaluation:
    """What the task finds over a split, with the training pictures' mean and deviation where the recipe normalises.

    Raises: Problem E601 to E611, E642.
    """
    model, recipe = _forward(trained, device), _recipe(trained, wanted)
    asked = with_tta(model, trained, wanted.tta)
    dataset, part, images = _loaded(trained, wanted, recipe)
    images, note = named_alike(trained, dataset, images)
    require_sample(trained, dataset.name, dataset.sample)
    note = "; ".join(filter(None, (note, dataset.note)))
    batches = _batches(trained, images, recipe, device)
    count = len(batches)
    own = wanted.data in (None, trained.recipe.data) and trained.chosen_on == part
    with closing(batches.images):
        answers = Predictions(trained, _names(wanted, recipe, part, count) if wanted.predictions else [])
        watch = answers.watch if wanted.predictions else ignored
        review = reviewed(asked, batches, trained.goal(), watch=watch)
        plain = None if asked is model else reviewed(model, batches, trained.goal())
    return Evaluation(dataset.name, part, count, review, own, note, tuple(answers.rows), plain)


class Predictions:
    """What is true of each sample and what the network says of it, as rows of a table."""

    def __init__(self, trained: Trained, names: Sequence[object]) -> None:
        self._goal, self._names = trained.goal(), names
        self.rows: list[dict[str, object]] = []

    def watch(self, outputs: Tensor, y: Tensor) -> None:
        for answer, true in zip(self._goal.answers(outputs, 1), self._goal.truths(y), strict=True):
            self.rows.append({"sample": self._names[len(self.rows)], **dict(true), **dict(answer.cells)})


def _names(wanted: Wanted, recipe: Recipe, part: Part, count: int) -> Sequence[object]:
    """What samples are called: the paths of pictures in files, else their places in the split."""
    from specc.data.sources.picture_files import PictureFiles

    is_other = wanted.data is not None and find(recipe.data) is None
    source = data_source(recipe, wanted.part or "any") if is_other else data_source(recipe)
    if not isinstance(source, PictureFiles) or recipe.fold or (recipe.validation and part != "test"):
        return range(count)
    split = TEST if is_other else {"test": TEST, "train": TRAINING, "validation": VALIDATION}[part]
    paths = source.contents.parts[split].paths if split in source.contents.parts else []
    return paths if len(paths) == count else range(count)


def _loaded(trained: Trained, wanted: Wanted, recipe: Recipe) -> tuple[Dataset, Part, Images]:
    """The data and the part of them that is meant: of another folder than the run's, nothing was ever held out.

    Raises: Problem E601 to E611, E642.
    """
    entry = find(recipe.data)
    if entry is not None:  # before anything is downloaded
        if entry.classes > len(trained.data.classes) and trained.task.target == "class":
            raise _other_classes(trained, entry.name, f"{counted(entry.classes, 'class')}, and the network knows "
                f"the {len(trained.data.classes)} of {trained.data.name}")  # fmt: skip
        if entry.sample is not None:
            require_sample(trained, entry.name, shape_after(entry.sample, recipe.resize, recipe.channels))
    if (
        entry is not None
        or wanted.data is None
        or path_of(wanted.data).resolve() == Path(trained.recipe.data).resolve()
    ):
        dataset, part = load_dataset(recipe), wanted.part or "test"
        images = {"test": dataset.test, "train": dataset.train, "validation": dataset.validation}[part]
        if images is None:
            raise Problem.of("E642", f"{trained.name} was trained without a validation split",
                help="`--split test` and `--split train` are available")  # fmt: skip
        return dataset, part, images
    dataset = load_dataset(recipe, source=data_source(recipe, wanted.part or "any"), way_out="`--fit` converts them")
    return dataset, wanted.part or "test", dataset.test


def _forward(trained: Trained, device: torch.device) -> Forward:
    """The network as the run tested it: in its order and precision, where this device has that."""
    recipe, model = trained.recipe, trained.model
    lay_out(model, trained.data.sample, recipe, device)
    known = is_known(model)
    try:
        precision = choose_precision(recipe, device, known=known)
    except Problem:
        precision = choose_precision(recipe.model_copy(update={"precision": "auto"}), device, known=known)
    return Forward(model, precision, arranged(model))


def _recipe(trained: Trained, wanted: Wanted) -> Recipe:
    """The run's recipe, for these pictures."""
    said = {"data": wanted.data, "data_dir": wanted.data_dir, "limit": wanted.limit}
    update: dict[str, object] = {name: value for name, value in said.items() if value is not None}
    update["resized_crop"] = None  # nothing is augmented, so that pictures may be kept in memory
    if wanted.data is not None:
        update["fold"] = None  # of other data all is tested
    sample = trained.data.sample
    if wanted.fit and len(sample) == 3:
        update |= {"resize": sample[1:], "channels": sample[0] if sample[0] in (1, 3) else None}
    return trained.recipe.model_copy(update=update)


def require_sample(trained: Trained, name: str, sample: tuple[int, ...]) -> None:
    own = trained.data.sample
    if sample != own:
        raise Problem.of(
            "E642", f"the {called(sample)}s of {name} are {spelled(sample)}, and the network takes {spelled(own)}",
            help="`--fit` converts them",
        )  # fmt: skip


def named_alike(trained: Trained, dataset: Dataset, images: Images) -> tuple[Images, str]:
    """The samples with targets in the order of the network's outputs, and what is odd about them.

    Raises: Problem E638, E642.
    """
    refused = trained.task.accepts(dataset.survey.targets)
    if refused is not None:
        raise refused
    if trained.task.target == "class":
        numbers, note = _class_numbers(trained, dataset)
        return images.relabelled(torch.tensor(numbers)[images.y]), note
    if trained.task.target != "none" and dataset.classes != trained.data.classes:
        names = shortened(list(dataset.classes)) or "nothing"
        raise _other_classes(trained, dataset.name, f"other names: {names}")
    return images, ""


def _class_numbers(trained: Trained, dataset: Dataset) -> tuple[list[int], str]:
    """The network's output for each class of the data, by its name; by their order where not one name is shared."""
    own, theirs = trained.data.classes, dataset.classes
    unknown = [name for name in theirs if name not in own]
    if not unknown:
        return [own.index(name) for name in theirs], ""
    if len(unknown) == len(theirs) == len(own):
        return list(range(len(own))), (
            f"the classes of {dataset.name} have different names from those of {trained.data.name}, such as "
            f"{unknown[0]} for {own[0]}: they are matched by their order"
        )
    raise _other_classes(trained, dataset.name, f"{counted(len(unknown), 'class')} that the network does not know: "
        f"{shortened(unknown)}", nearest(unknown[0], own))  # fmt: skip


def _other_classes(trained: Trained, name: str, what: str, alike: str | None = None) -> Problem:
    own = trained.data
    rename = [f"did you mean `{alike}`? Classes are matched by their names"] if alike else []
    return Problem.of(
        "E642", f"{name} has {what}", notes=(f"the network's classes are {shortened(list(own.classes))}",),
        help="\n".join([*rename, "take data with those classes or some of them, or leave out `--data`"]),
    )  # fmt: skip


def _batches(trained: Trained, images: Images, recipe: Recipe, device: torch.device) -> Batches:
    low, high = EVALUATION_BATCH
    (tested,) = placed([images], device, recipe.workers)
    return Batches(tested, min(max(recipe.batch, low), high), trained.data.scaling())
