"""What is found over a whole split, and what is said to a single sample: for `eval`, `predict` and the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from specc.tasks.confusion import Confusion
from specc.tasks.measure import Measure
from specc.tasks.rows import Rows

if TYPE_CHECKING:
    from torch import Tensor


class Example(NamedTuple):
    """A sample that people are shown.

    images:  as the network sees them, (channels, height, width), each with what it shows.
    caption: texts, each with "true", "wrong" or nothing for how it is marked.
    answer:  the number of the class that was said, where it is one of several.
    """

    images: tuple[tuple[Tensor, str], ...]
    caption: tuple[tuple[str, str], ...]
    answer: int | None = None


class Gallery(NamedTuple):
    """Samples under a title. said: a sentence about all of them. is_wide: whether each is several images."""

    title: str
    said: str
    examples: tuple[Example, ...] = ()
    is_wide: bool = False


class Review(NamedTuple):
    """A split, looked at closely. loss: of the mean sample. numbers: what else is told of the whole."""

    loss: float
    numbers: tuple[tuple[Measure, float | None], ...] = ()
    rows: Rows | None = None
    confusion: Confusion | None = None
    gallery: Gallery | None = None


Cells: TypeAlias = tuple[tuple[str, object], ...]
"""Of a table, under the names of their columns."""


class Answer(NamedTuple):
    """What a network says to a sample.

    values: for JSON; cells: for a table, under the names of its columns.
    words:  in lines, of which a single one stands beside the sample's name.
    brief:  as the end of a sentence that begins with the sample; empty where nothing can be said so shortly.
    mask:   the class of each pixel, (height, width), on the CPU, where there is one.
    """

    values: dict[str, object]
    words: tuple[str, ...]
    brief: str = ""
    cells: Cells = ()
    mask: Tensor | None = None

    def __str__(self) -> str:
        return "\n".join(self.words)
