"""What a data set is before a sample is read: found once, from names and files' heads, without torch.

`check --data`, `train`, `eval`, `predict` and `data info` go by it alike, so that they cannot differ.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import median_low
from typing import Literal, NamedTuple

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted
from specc.recipe.recipe import Recipe
from specc.tasks.task import Kind, Targets

Shape = tuple[int, ...]
Part = Literal["test", "validation", "train"]  # as `--split` names them

TRAINING, TEST, VALIDATION = "training", "test", "validation"
PARTS = (TRAINING, TEST, VALIDATION)
SUGGESTED = (32, 224)  # sides of pictures that are proposed, at least and at most
NAMED_AT_MOST = 5
IGNORED = 255  # in a mask a pixel of no class
# What is held out is the same in every run, whatever the recipe's seed: results stay comparable.
HOLDOUT_SEED = 0


class Size(NamedTuple):
    """So many pictures of one size, in pixels. first: one of them; empty where the pictures are in no files."""

    height: int
    width: int
    pictures: int
    first: str = ""

    def __str__(self) -> str:
        return f"{self.height}x{self.width}"


class Fault(NamedTuple):
    """A picture that cannot be read: reason goes on from its path, as in `is empty`. way: how to make it readable."""

    path: str
    reason: str
    way: str


class PassedOver(NamedTuple):
    """What looks like pictures and is not taken, for one reason. first: one of them."""

    reason: str
    files: int
    first: str

    def __str__(self) -> str:
        more = f" and {counted(self.files - 1, 'more file')}" if self.files > 1 else ""
        return f"passed over: {self.first}{more}: {self.reason}"


class Survey(NamedTuple):
    """A data set without its samples; plain data.

    classes:     their names, or how many there are, where the data must be fetched to know them; of `numbers`, the
                 names of these.
    splits:      samples of each part; empty where the data must be fetched to know.
    sample:      shape of one, channels first; None of pictures in files, where these say it:
    sizes:       of all pictures, as they are read, the commonest first.
    kinds:       pictures of each kind, as Pillow names it. is_grey: whether all have one channel.
    unreadable:  files whose heads cannot be read. left_out: those that cannot be read and are not counted.
    skippable:   whether those that cannot be read may be left out.
    passed_over: what looks like pictures and is not taken. notes: what was decided that the owner did not say.
    dtype:       of the samples, "uint8" (0 to 255) or "float32".
    target:      what there is to be found for each: one class (a whole number), any of the classes (a 0 or a 1 for
                 each), numbers, a mask (a class for each pixel), or nothing.
    """

    name: str
    classes: tuple[str, ...] | int
    splits: dict[str, int]
    sample: Shape | None = None
    sizes: tuple[Size, ...] = ()
    kinds: tuple[tuple[str, int], ...] = ()
    is_grey: bool = False
    unreadable: tuple[Fault, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    notes: tuple[str, ...] = ()
    dtype: str = "uint8"
    target: Kind = "class"
    left_out: tuple[Fault, ...] = ()
    skippable: bool = True

    @property
    def class_count(self) -> int:
        return self.classes if isinstance(self.classes, int) else len(self.classes)

    @property
    def targets(self) -> Targets:
        """What is known of the samples besides themselves."""
        return Targets(self.name, self.classes, self.target)

    @property
    def proportions(self) -> tuple[float, float] | None:
        """The smallest and the largest width over height of pictures in files."""
        found = [size.width / size.height for size in self.sizes]
        return (min(found), max(found)) if found else None

    @property
    def note(self) -> str:
        """All that is to be told of it, in one line."""
        return "; ".join((*self.notes, *map(str, self.passed_over), *_left_out(self.left_out)))

    def shape(self, recipe: Recipe, way_out: str = "") -> Shape:
        """Shape of one sample as the network would get it, channels first.

        Args:   recipe, for its `resize` and `channels`; way_out, from pictures of different sizes.
        Raises: Problem E607 where heads cannot be read, E610 for different sizes.
        """
        if self.sample is not None:
            return shape_after(self.sample, recipe.resize, recipe.channels)
        if self.unreadable:
            raise damaged(self.unreadable, sum(self.splits.values()), skippable=self.skippable)
        size = size_of(recipe.resize)
        if size is None and len(self.sizes) > 1:
            raise self._different(way_out)
        if size is None and not self.sizes:  # of a named data set that has not been fetched
            raise Problem.of("E610", f"the pictures of {self.name} have different sizes",
                help=way_out or "`--resize 224` scales all of them as they are read")  # fmt: skip
        return (recipe.channels or (1 if self.is_grey else 3), *(size or self.sizes[0][:2]))

    @property
    def usual_size(self) -> str:
        """A size that suits the pictures: most have it, or their sides come near to it."""
        common = self.sizes[0]
        if 2 * common.pictures > sum(size.pictures for size in self.sizes):
            return str(common) if common.height != common.width else str(common.height)
        low, high = SUGGESTED
        sides = sorted(side for size in self.sizes for side in [min(size[:2])] * min(size.pictures, 1000))
        return str(max(low, min(high, median_low(sides) // low * low)))

    def _different(self, way_out: str) -> Problem:
        first, second = self.sizes[:2]
        help = way_out or (
            f"`--resize {self.usual_size}` scales all of them as they are read\n"
            "`--fit crop` or `--fit pad` beside it keeps their proportions"
        )
        return Problem.of(
            "E610",
            f"the pictures of {self.name} have {len(self.sizes):,} different sizes: {first.first} is {first} (height x "
            f"width), {second.first} is {second}",
            help=help,
        )  # fmt: skip


def size_of(resize: int | tuple[int, int] | None) -> tuple[int, int] | None:
    """The recipe's `resize` as height and width, in pixels."""
    return (resize, resize) if isinstance(resize, int) else resize


def shape_after(sample: Shape, resize: int | tuple[int, int] | None, channels: int | None) -> Shape:
    """What a sample's shape becomes where the recipe scales pictures, or makes them grey or RGB.

    >>> shape_after((1, 28, 28), 32, 3)
    (3, 32, 32)
    """
    if len(sample) != 3:
        return sample
    return (channels or sample[0], *(size_of(resize) or sample[1:]))


def _left_out(faults: Sequence[Fault]) -> tuple[str, ...]:
    if not faults:
        return ()
    are = "picture is" if len(faults) == 1 else "pictures are"
    return (f"{len(faults):,} damaged {are} left out, such as {faults[0].path}, which {faults[0].reason}",)


def damaged(faults: Sequence[Fault], count: int, *, skippable: bool, lost: Sequence[str] = ()) -> Problem:
    """The problem that some of so many pictures cannot be read.

    Args: skippable, whether they may be left out; lost, of what nothing is left without them.
    """
    first, *others = faults
    more = (f"and {len(faults) - NAMED_AT_MOST:,} more",) if len(faults) > NAMED_AT_MOST else ()
    return Problem.of(
        "E607",
        f"{len(faults):,} of {counted(count, 'picture')} cannot be read; the first is {first.path}: it {first.reason}",
        help="\n".join(
            dict.fromkeys(
                (
                    *(fault.way or "remove or replace what is damaged" for fault in faults),
                    *(["in training `--skip-damaged` leaves them out"] if skippable else []),
                )
            )
        ),
        notes=(
            *(f"without them nothing is left of {what}" for what in lost),
            *(f"{fault.path} {fault.reason}" for fault in others[: NAMED_AT_MOST - 1]),
            *more,
        ),
    )


def stratified_fifth(labels: Sequence[int]) -> tuple[list[int], list[int]]:
    """Indices of four fifths to train on and of the fifth to test on, each class in proportion.

    Args:    labels: the class of each sample; no class may have fewer than two.
    Returns: as `stratified`.
    """
    return stratified(labels, 1 / 5)


def held_out(labels: Sequence[int]) -> dict[str, list[int]]:
    """The same by their parts, each in the order of the samples. Args: labels, as there."""
    train, test = stratified_fifth(labels)
    return {TRAINING: sorted(train), TEST: sorted(test)}


def stratified(labels: Sequence[int], share: float) -> tuple[list[int], list[int]]:
    """Indices of what to train on and of the share that is held out, each class in proportion.

    Not scikit-learn's split: that may leave a small class without a sample in the held-out part. Here every class has
    one in both parts, but for a class of one sample, which is trained on.

    Args:    labels: the class of each sample.
    Returns: both parts shuffled, the same for the same labels always.
    """
    shuffle = random.Random(HOLDOUT_SEED).shuffle  # noqa: S311 - no secret
    train: list[int] = []
    test: list[int] = []
    for indices in _by_class(labels):
        shuffle(indices)
        held_out = min(len(indices) - 1, max(1, round(len(indices) * share)))
        test += indices[:held_out]
        train += indices[held_out:]
    shuffle(train)
    shuffle(test)
    return train, test


def folds(labels: Sequence[int], count: int) -> list[list[int]]:
    """Indices in so many parts of nearly one size, each class in proportion; the same for the same labels always.

    Args: labels: the class of each sample.
    """
    shuffle = random.Random(HOLDOUT_SEED).shuffle  # noqa: S311 - no secret
    dealt: list[int] = []
    for indices in _by_class(labels):
        shuffle(indices)
        dealt += indices
    found = [dealt[start::count] for start in range(count)]
    for part in found:
        shuffle(part)
    return found


def _by_class(labels: Sequence[int]) -> list[list[int]]:
    members: dict[int, list[int]] = {label: [] for label in sorted(set(labels))}
    for index, label in enumerate(labels):
        members[label].append(index)
    return list(members.values())


def sampled(count: int, most: int | None) -> list[int] | None:
    """Places of so many out of all samples, the same ones always, in order; None where all are taken."""
    if most is None or most >= count:
        return None
    return sorted(random.Random(HOLDOUT_SEED).sample(range(count), most))  # noqa: S311 - no secret


def shortened(names: Sequence[str]) -> str:
    """The first of some names, and how many there are besides."""
    shown = ", ".join(f"`{name}`" for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
