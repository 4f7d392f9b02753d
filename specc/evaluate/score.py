"""How good a trained network is on a whole data set, its own or another one with the same classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import torch

from specc.data.catalogue import find
from specc.data.feed import Feed
from specc.data.load import load_dataset
from specc.data.transform import shape_after
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, spelled
from specc.evaluate.trained import Trained
from specc.ir.recipe import Recipe
from specc.report.confusion import Confusion
from specc.train.forward import Forward, halving_for, lay_out
from specc.train.precision import choose_precision
from specc.train.predictions import predict_split, reconstruction_loss
from specc.train.session import EVALUATION_BATCH

if TYPE_CHECKING:
    from specc.data.batches import Batches
    from specc.data.dataset import Dataset

Part = Literal["test", "validation", "train"]


class Wanted(NamedTuple):
    """What to evaluate on. data, data_dir, limit: in place of the recipe's, None where that holds. part: which split.
    fit: whether the pictures are converted to the network's input."""

    data: str | None = None
    data_dir: str | None = None
    limit: int | None = None
    part: Part = "test"
    fit: bool = False


class Evaluation(NamedTuple):
    """loss: mean over the pictures. confusion: None where the objective has no classes. note: what is odd, or empty."""

    data: str
    part: Part
    pictures: int
    loss: float
    confusion: Confusion | None
    note: str = ""


def evaluate(trained: Trained, wanted: Wanted, device: torch.device) -> Evaluation:
    """Loss and answers over a split, with the training pictures' mean and deviation where the recipe normalises.

    Raises: Problem E601 to E611, E642.
    """
    recipe = _recipe(trained, wanted)
    entry = find(recipe.data)
    if entry is not None:  # before anything is downloaded
        _require_fit(trained, entry.name, shape_after(entry.sample, recipe.resize, recipe.channels), entry.classes)
    dataset = load_dataset(recipe)
    _require_fit(trained, dataset.name, dataset.sample, len(dataset.classes))
    batches = _batches(trained, dataset, recipe, wanted.part, device)
    model = _forward(trained, device)
    count = len(batches.labels)
    if trained.recipe.objective == "reconstruct":
        loss = reconstruction_loss(model, batches.in_order())
        return Evaluation(dataset.name, wanted.part, count, loss, None)
    found = predict_split(model, batches.in_order())
    confusion = found.confusion(trained.data.classes)
    return Evaluation(dataset.name, wanted.part, count, found.loss, confusion, _odd(trained, dataset))


def _forward(trained: Trained, device: torch.device) -> Forward:
    """The network as the run tested it: in its order and precision, where this device has that."""
    recipe, model = trained.recipe, trained.model
    lay_out(model, trained.data.sample, recipe, device)
    try:
        precision = choose_precision(recipe, device)
    except Problem:
        precision = choose_precision(recipe.model_copy(update={"precision": "auto"}), device)
    return Forward(model, precision, halving_for(recipe, device))


def _recipe(trained: Trained, wanted: Wanted) -> Recipe:
    """The run's recipe, for these pictures."""
    said = {"data": wanted.data, "data_dir": wanted.data_dir, "limit": wanted.limit}
    update: dict[str, object] = {name: value for name, value in said.items() if value is not None}
    sample = trained.data.sample
    if wanted.fit and len(sample) == 3:
        update |= {"resize": sample[1:], "channels": sample[0] if sample[0] in (1, 3) else None}
    return trained.recipe.model_copy(update=update)


def _require_fit(trained: Trained, name: str, sample: tuple[int, ...], classes: int) -> None:
    own = trained.data
    if classes != len(own.classes) and trained.recipe.objective != "reconstruct":
        known = f"the network knows the {len(own.classes)} of {own.name}"
        raise Problem.of("E642", f"{name} has {counted(classes, 'class')}, and {known}",
            help="take a data set with those classes, or leave `--data` away")  # fmt: skip
    if sample != own.sample:
        raise Problem.of("E642", f"the pictures of {name} are {spelled(sample)}, and the network takes "
            f"{spelled(own.sample)}", help="`--fit` converts them")  # fmt: skip


def _batches(trained: Trained, dataset: Dataset, recipe: Recipe, part: Part, device: torch.device) -> Batches:
    split = {"test": dataset.test, "train": dataset.train, "validation": dataset.validation}[part]
    if split is None:
        raise Problem.of("E642", f"{trained.name} was trained without a validation split",
            help="`--split test` and `--split train` are there")  # fmt: skip
    feed = Feed(dataset, device, normalize=False, workers=recipe.workers)
    feed.scaling = trained.data.scaling()
    low, high = EVALUATION_BATCH
    return feed.batches(split, min(max(recipe.batch, low), high))


def _odd(trained: Trained, dataset: Dataset) -> str:
    pairs = zip(trained.data.classes, dataset.classes, strict=True)
    other = next(((ours, theirs) for ours, theirs in pairs if ours != theirs), None)
    if other is None:
        return ""
    return (
        f"the classes of {dataset.name} have other names than those of {trained.data.name}, such as {other[1]} for "
        f"{other[0]}: they are compared by their order"
    )
