"""What a data set is before a picture is decoded: found once, from names and files' heads, without torch.

`check --data`, `train`, `eval` and `data info` go by it alike, so that they cannot differ.
"""

from __future__ import annotations

from statistics import median_low
from typing import TYPE_CHECKING, NamedTuple

from specc.data.catalogue import find, path_of
from specc.data.transform import shape_after, size_of
from specc.diagnostics.diagnostic import Problem
from specc.recipe.recipe import Recipe

if TYPE_CHECKING:
    from specc.data.folder import FolderContents
    from specc.data.kept import Manifest
    from specc.data.pictures import Fault
    from specc.data.walk import PassedOver

Shape = tuple[int, ...]

SUGGESTED = (32, 224)  # sides of pictures that are proposed, at least and at most


class Size(NamedTuple):
    """So many pictures of one size, in pixels. first: one of them; empty where the pictures are in no files."""

    height: int
    width: int
    pictures: int
    first: str = ""

    def __str__(self) -> str:
        return f"{self.height}x{self.width}"


class Survey(NamedTuple):
    """A data set without its pictures.

    classes:     their names, or how many there are, where the data must be loaded to know them.
    splits:      pictures of each part.
    sample:      shape of one of a named data set, channels first; None of a folder, where these say it:
    sizes:       of all pictures, as they are read, the commonest first.
    kinds:       pictures of each kind, as Pillow names it. is_grey: whether all have one channel.
    unreadable:  files whose heads cannot be read.
    passed_over: what looks like pictures and is not taken. notes: what was decided that the owner did not say.
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

    @property
    def class_count(self) -> int:
        return self.classes if isinstance(self.classes, int) else len(self.classes)

    def shape(self, recipe: Recipe, way_out: str = "") -> Shape:
        """Shape of one picture as the network would get it, channels first.

        Args:   recipe, for its `resize` and `channels`; way_out, from pictures of different sizes.
        Raises: Problem E607 where heads cannot be read, E610 for different sizes.
        """
        if self.sample is not None:
            return shape_after(self.sample, recipe.resize, recipe.channels)
        if self.unreadable:
            from specc.data.pictures import damaged

            raise damaged(self.unreadable, sum(self.splits.values()))
        size = size_of(recipe.resize)
        if size is None and len(self.sizes) > 1:
            raise self._different(way_out)
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
        help = way_out or f"`--resize {self.usual_size}` scales all of them as they are read"
        return Problem.of(
            "E610",
            f"the pictures of {self.name} have {len(self.sizes):,} different sizes: {first.first} is {first} (height x "
            f"width), {second.first} is {second}",
            help=help,
        )  # fmt: skip


class Surveyed(NamedTuple):
    """A survey, and of a folder the pictures that it is about, with their manifest."""

    survey: Survey
    contents: FolderContents | None = None
    files: Manifest | None = None


def survey(recipe: Recipe) -> Surveyed:
    """The recipe's data set: what the catalogue says of a named one, what the heads of a folder's files say.

    Raises: Problem E601, E608, E609, E619.
    """
    entry = find(recipe.data)
    if entry is not None:
        return Surveyed(Survey(entry.name, entry.classes, {}, tuple(entry.sample)))
    from specc.data.folder import list_folder
    from specc.data.heads import survey_of_folder

    root = path_of(recipe.data)
    contents = list_folder(root).at_most(recipe.limit)
    if recipe.validation:
        contents = contents._replace(validation=None)
    return survey_of_folder(root, contents)
