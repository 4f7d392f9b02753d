"""From a recipe to the samples that it names, prepared as it says.

`read` needs no torch, so that it can go on while torch is imported; `load_dataset` makes tensors of what it gives.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from specc.data.identity import DataDescription, DataIdentity, identity_of_arrays, identity_of_files
from specc.data.memory import free_bytes
from specc.data.sources import ArraySource, DataSource, Report, data_source, silent
from specc.data.survey import PARTS, TEST, TRAINING, VALIDATION, Shape, Survey, folds, size_of, stratified
from specc.diagnostics.amounts import in_bytes
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import called, counted, spelled
from specc.recipe.recipe import Recipe
from specc.tasks.task import Targets

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from specc.data.batches import Scaling
    from specc.data.images import Images

SAME = 1e-9  # of the largest value: a deviation that is nothing but rounding
AT_ONCE = 256  # masks that are counted together
CUT = "`resized_crop` cuts out of the files; `--in-memory on` is faster, and cuts out of the scaled pictures"
LOOKED_AT = 1000  # pictures whose mean level is taken
BRIGHTEST = 255
USABLE = 0.8  # of the free memory; the network and its activations need some too

Say = Callable[[str], None]


class Dataset(NamedTuple):
    """Samples to train on and to test on.

    survey:     what is known of them now: with the names of the classes, as they were prepared.
    validation: what chooses the best epoch; None where the test part does.
    identity:   what they are made of, before any of it is scaled or held out.
    """

    survey: Survey
    train: Images
    test: Images
    validation: Images | None = None
    identity: DataIdentity = DataIdentity()

    @property
    def name(self) -> str:
        return self.survey.name

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; of numbers to be found, theirs."""
        classes = self.survey.classes
        return classes if isinstance(classes, tuple) else tuple(map(str, range(classes)))

    @property
    def sample(self) -> Shape:
        """Shape of one sample, channels first."""
        return self.train.sample

    @property
    def note(self) -> str:
        """What was decided about the data that their owner did not say; or empty."""
        return self.survey.note

    @property
    def targets(self) -> Targets:
        """What is known of the training samples besides themselves."""
        return counted_targets(self.survey.targets._replace(names=self.classes), self.train.y)

    def described(self, scaling: Scaling | None) -> DataDescription:
        """What weights say of the samples that they were trained on."""
        mean, deviation = (None, None) if scaling is None else (tuple(part.flatten().tolist()) for part in scaling)
        targets = self.targets
        return DataDescription(
            name=self.name, classes=self.classes, sample=self.sample, mean=mean, deviation=deviation,
            target=targets.kind, target_mean=targets.mean, target_deviation=targets.deviation,
            brightness=_brightness(self.train), proportions=self.survey.proportions,
        )  # fmt: skip

    def on(self, device: torch.device, workers: int | None = 0) -> Dataset:
        """The same on a device. Args: workers, processes that read files; None is as many as are useful."""
        from specc.data.images import placed

        every = [self.train, self.test, *([] if self.validation is None else [self.validation])]
        train, test, *validation = placed(every, device, workers)
        return self._replace(train=train, test=test, validation=validation[0] if validation else None)


class Read(NamedTuple):
    """A recipe's data without torch.

    parts: samples and targets of each; no samples of pictures that stay in their files, nor their masks.
    """

    survey: Survey
    source: DataSource
    parts: dict[str, tuple[NDArray[Any] | None, NDArray[Any] | None]]
    identity: DataIdentity


def load_dataset(
    recipe: Recipe,
    report: Report = silent,
    source: DataSource | None = None,
    say: Say = lambda line: None,
    way_out: str = "",
) -> Dataset:
    """The recipe's data: limited, in grey or RGB, scaled, a part held out for validation.

    They are in memory; pictures of which there are too many for it stay in their files.

    Args:   report, is told of a download's progress. source, the recipe's, where it has been found already. say, is
            told of what else takes long. way_out, from pictures of different sizes.
    Raises: Problem E601 to E604, E607 to E611, E619.
    """
    return dataset_of(read(recipe, report, source, say, way_out), recipe)


def read(
    recipe: Recipe,
    report: Report = silent,
    source: DataSource | None = None,
    say: Say = lambda line: None,
    way_out: str = "",
) -> Read:
    """What `load_dataset` loads, without torch. Args and raises: as there."""
    source = source or data_source(recipe)
    source.fetch(report)
    survey = source.survey()
    if not isinstance(source, ArraySource):
        return _read_files(source, survey, recipe, say, way_out)
    parts = {name: _with_targets(*source.take(name, slice(None))) for name in survey.splits}
    names = survey.classes if isinstance(survey.classes, tuple) else ()
    return Read(survey, source, {**parts}, identity_of_arrays(names, parts))


def _with_targets(samples: Any, targets: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Zeros where there is nothing to be found."""
    import numpy as np

    return samples, np.zeros(len(samples), np.int64) if targets is None else targets


def _read_files(source: DataSource, survey: Survey, recipe: Recipe, say: Say, way_out: str) -> Read:
    from specc.data.sources.picture_files import PictureFiles

    assert isinstance(source, PictureFiles)  # noqa: S101 - there are two kinds
    classes = survey.classes
    source = source.read_as(survey.shape(recipe, way_out), scaled=recipe.resize is not None, fit=recipe.fit)
    assert source.reader is not None and isinstance(classes, tuple)  # noqa: S101 - pictures of known classes
    shape = source.reader.shape
    cuts = _cuts(survey, shape, recipe)
    keep = _in_memory(survey, shape, recipe)
    if cuts and not keep and recipe.in_memory == "auto":
        survey = survey._replace(notes=(*survey.notes, CUT))
    looked = source.look(keep=keep, say=say)
    targets = {name: source.targets.get(name, one.masks) for name, one in looked.items()}
    identity = identity_of_files(
        classes,
        # A mask is in its picture's digest.
        {name: (one.digests, source.targets.get(name, one.digests[:, :0])) for name, one in looked.items()},
    )
    return Read(survey, source, {name: (one.samples, targets[name]) for name, one in looked.items()}, identity)


def dataset_of(found: Read, recipe: Recipe) -> Dataset:
    """Tensors of what was read, prepared as the recipe says. Raises: Problem E611."""
    import numpy as np
    import torch

    from specc.data.images import InMemory, Streamed
    from specc.data.pool import Pool

    parts: dict[str, Images] = {}
    pool: Pool | None = None
    for name, (samples, targets) in found.parts.items():
        y = None if targets is None else torch.from_numpy(targets)
        if samples is None:
            pool = pool or Pool(found.source)
            places = np.arange(found.survey.splits[name])
            parts[name] = Streamed(pool, name, places, found.survey.shape(recipe), y)
        else:
            assert y is not None  # noqa: S101 - masks are kept with their pictures
            parts[name] = InMemory(torch.from_numpy(samples), y)
    if isinstance(found.source, ArraySource) and (recipe.resize or recipe.channels):
        masks = found.survey.target == "mask"
        parts = {name: _transformed(images, recipe, masks=masks) for name, images in parts.items()}
    if recipe.fold and TRAINING in parts:
        found, parts = _folded(found, parts, recipe.fold)
    if recipe.validation and TRAINING in parts:
        parts |= _held_out(parts[TRAINING], recipe.validation)
    return _dataset(found, parts)


def _transformed(images: Images, recipe: Recipe, *, masks: bool) -> Images:
    from specc.data.images import InMemory
    from specc.data.transform import prepared, prepared_masks

    size, y = size_of(recipe.resize), images.y
    if len(images.sample) == 3 and size is not None:
        require_memory(len(images), (recipe.channels or images.sample[0], *size), images.dtype.itemsize)
    if masks and len(images.sample) == 3:
        y = prepared_masks(y, size, recipe.fit)
    return InMemory(prepared(images.x, size, recipe.channels, recipe.fit), y)


def _held_out(images: Images, share: float) -> dict[str, Images]:
    """The training part without a share of its samples, and these; each class in proportion, where each has one."""
    labels = images.labels
    train, held_out = stratified(labels, share)
    return {TRAINING: images.pick(train), VALIDATION: images.pick(held_out)}


def _folded(found: Read, parts: dict[str, Images], fold: str) -> tuple[Read, dict[str, Images]]:
    """All samples but those of a fold to train on, and these to test on. Raises: Problem E690 where it has none."""
    number, count = map(int, fold.split("/"))
    whole = parts[TRAINING].joined(parts[TEST]) if TEST in parts else parts[TRAINING]
    if count > len(whole):
        noun = called(whole.sample)
        raise Problem.of(
            "E690", f"{found.survey.name} has {counted(len(whole), noun)}, too few for {count} folds",
            help=f"ask for {min(len(whole), 5)} folds, or for fewer" if len(whole) > 1 else f"add {noun}s",
        )  # fmt: skip
    every = folds(whole.labels, count)
    tested = every.pop(number - 1)
    note = f"tested on fold {number} of {count} of all samples"
    found = found._replace(survey=found.survey._replace(notes=(*found.survey.notes, note)))
    trained = [place for part in every for place in part]
    return found, {**parts, TRAINING: whole.pick(trained), TEST: whole.pick(tested)}


def _dataset(found: Read, parts: dict[str, Images]) -> Dataset:
    some = next(iter(parts.values()))
    splits = {name: len(parts[name]) for name in PARTS if name in parts}
    survey = found.survey._replace(sample=some.sample, splits=splits)
    nothing = some.pick([])
    return Dataset(
        survey, parts.get(TRAINING, nothing), parts.get(TEST, nothing), parts.get(VALIDATION), found.identity
    )


def _cuts(survey: Survey, shape: Shape, recipe: Recipe) -> bool:
    """Whether parts of larger pictures are wanted."""
    return recipe.resized_crop is not None and {size[:2] for size in survey.sizes} != {shape[1:]}


def _in_memory(survey: Survey, shape: Shape, recipe: Recipe) -> bool:
    """Whether the pictures of files stay in memory, in a shape. Raises: Problem E611."""
    count = sum(survey.splits.values())
    if recipe.in_memory == "on":
        require_memory(count, shape)
        return True
    return recipe.in_memory == "auto" and not _cuts(survey, shape, recipe) and fits(count, shape)


def reads_on(source: DataSource, survey: Survey, recipe: Recipe) -> bool:
    """Whether other processes would read pictures while training goes on, as far as that is known before torch."""
    if isinstance(source, ArraySource) or recipe.in_memory == "on" or recipe.workers == 0:
        return False
    return recipe.in_memory == "off" or not _in_memory(survey, survey.shape(recipe), recipe)


def require_memory(count: int, shape: Shape, size: int = 1) -> None:
    """Raise Problem E611 where so many samples do not fit in the free memory. size: bytes of a value."""
    needed = count * prod(shape) * size
    free = free_bytes()
    if free is not None and not fits(count, shape, size):
        raise Problem.of(
            "E611",
            f"{count:,} {called(shape)}s of {spelled(shape)} need {in_bytes(needed)} of memory, "
            f"and {in_bytes(free)} are free",
            help="`--resize 64` makes them smaller\n`--limit 10000` takes fewer\n"
            "a folder's need not be kept in memory: leave `--in-memory on` out",
        )


def fits(count: int, shape: Shape, size: int = 1) -> bool:
    """Whether so many samples of a shape go into the free memory; yes where the system does not tell it."""
    free = free_bytes()
    return free is None or count * prod(shape) * size <= USABLE * free


def counted_targets(targets: Targets, y: torch.Tensor) -> Targets:
    """The same with what training targets tell: how many there are of each class, or mean and deviation.

    Args: y, as `Survey.target` describes them. A number that is the same in all samples keeps its scale.
    """
    if targets.kind == "numbers":
        wide = y.cpu().double().reshape(len(y), -1)
        deviation = wide.std(0, correction=0)
        deviation[deviation <= SAME * wide.abs().amax(0)] = 1
        mean, spread = tuple(wide.mean(0).tolist()), tuple(deviation.tolist())
        return targets._replace(mean=mean, deviation=spread, samples=len(y))
    if targets.kind == "classes":
        return targets._replace(counts=tuple(y.cpu().long().sum(0).tolist()), samples=len(y))
    if targets.kind in ("class", "mask"):
        counts = [0] * targets.number
        for start in range(0, len(y), AT_ONCE):
            part = y[start : start + AT_ONCE]
            known = part[(part >= 0) & (part < targets.number)].long()
            found = known.flatten().bincount(minlength=targets.number).tolist()
            counts = [one + more for one, more in zip(counts, found, strict=True)]
        return targets._replace(counts=tuple(counts), samples=len(y))
    return targets


def _brightness(images: Images) -> float | None:
    """The mean level of pictures in memory, by an even part of them."""
    from specc.data.images import InMemory

    if not isinstance(images, InMemory) or images.x.element_size() > 1 or images.x.dim() != 4 or not len(images):
        return None
    return float(images.x[:: -(-len(images) // LOOKED_AT)].double().mean().cpu()) / BRIGHTEST
