"""A batch of training pictures as training makes it, for `specc data show --augmented`."""

from __future__ import annotations

import torch

from specc.data.augment import augmentation_of
from specc.data.batches import Batches, Scaling, given_scaling, scaling_of
from specc.data.fit import require_augmentable
from specc.data.inspect.sheet import SheetRow, as_bytes, picture_of_sample
from specc.data.load import Dataset, load_dataset
from specc.data.sources import DataSource, Report
from specc.recipe.recipe import Recipe
from specc.tasks.segment import coloured

CPU = torch.device("cpu")
SHARE = 0.05  # of a class from which its name is shown


def augmented_rows(source: DataSource, recipe: Recipe, count: int, report: Report) -> tuple[SheetRow, ...]:
    """So many pictures of the first batch of an epoch, each under its class, or classes where pictures are blended, and
    with its mask where it has one.

    Args:   recipe, whose seed draws the order and the changes. Raises: Problem E605, E607 to E611.
    """
    dataset = load_dataset(recipe, report, source).on(CPU)
    require_augmentable(dataset.name, dataset.sample, recipe)
    masks = dataset.survey.target == "mask"
    scaling = _scaling(dataset, recipe)
    batches = Batches(
        dataset.train, count, scaling, augmentation=augmentation_of(recipe, len(dataset.classes), masks=masks)
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        pictures, targets = next(batches.shuffled(torch.Generator().manual_seed(recipe.seed)))
    if scaling is not None:
        pictures = pictures * scaling.deviation + scaling.mean
    if dataset.survey.dtype == "uint8":
        drawn = (pictures * 255).round().clamp(0, 255).byte().numpy()
    else:
        drawn = as_bytes(pictures.numpy())
    shown = [[picture_of_sample(picture)] for picture in drawn]
    if masks:
        shown = [
            [*own, picture_of_sample(coloured(mask).byte().numpy())] for own, mask in zip(shown, targets, strict=True)
        ]
    return tuple(SheetRow(_title(dataset, target), own) for target, own in zip(targets, shown, strict=True))


def _scaling(dataset: Dataset, recipe: Recipe) -> Scaling | None:
    if not recipe.normalize:
        return None
    if recipe.mean is None or recipe.deviation is None:
        return scaling_of(dataset.train)
    return given_scaling(recipe.mean, recipe.deviation, dataset.sample)


def _title(dataset: Dataset, target: torch.Tensor) -> str:
    """What is to be found for a picture, in words."""
    kind, names = dataset.survey.target, dataset.classes
    if kind == "class" and target.dim() == 0:
        return names[int(target)]
    if kind in ("class", "classes"):
        there = sorted(zip(target.tolist(), names, strict=True), reverse=True)
        return ", ".join(
            name if kind == "classes" else f"{name} {share:.0%}" for share, name in there if share >= SHARE
        )
    return " ".join(f"{value:g}" for value in target.tolist()) if kind == "numbers" else ""
