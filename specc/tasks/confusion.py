"""Which classes are taken for which: counts, and what follows from them. Without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from specc.tasks.measure import Measure
from specc.tasks.rows import Rows

PRECISION, RECALL, F1 = Measure("precision", "precision"), Measure("recall", "recall"), Measure("f1", "F1")
MACRO_F1, WEIGHTED_F1 = Measure("macro_f1", "macro F1"), Measure("weighted_f1", "weighted F1")


class ClassScore(NamedTuple):
    """One class. precision: share of the answers with this class that are right, None where it was never the answer;
    recall: share of its pictures that were found, None where it has none; f1: their harmonic mean."""

    name: str
    pictures: int
    precision: float | None
    recall: float | None

    @property
    def f1(self) -> float | None:
        if self.precision is None or self.recall is None:
            return None
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


class Mixup(NamedTuple):
    """So many pictures of one class that were taken for another."""

    true: str
    predicted: str
    pictures: int
    share: float  # of the pictures of the true class


class Confusion(NamedTuple):
    """counts[true][predicted] pictures, classes in the order of the network's outputs."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def pictures(self) -> int:
        return sum(map(sum, self.counts))

    @property
    def right(self) -> int:
        return sum(row[index] for index, row in enumerate(self.counts))

    @property
    def accuracy(self) -> float:
        return self.right / self.pictures if self.pictures else 0.0

    def by_class(self) -> list[ClassScore]:
        """Precision and recall of each class.

        >>> cats = Confusion(("cat", "dog"), ((3, 1), (0, 4))).by_class()[0]
        >>> cats.precision, cats.recall
        (1.0, 0.75)
        """
        answers = [sum(column) for column in zip(*self.counts, strict=True)]
        return [
            ClassScore(name, sum(row), _share(row[index], answers[index]), _share(row[index], sum(row)))
            for index, (name, row) in enumerate(zip(self.classes, self.counts, strict=True))
        ]

    def mean_f1(self) -> tuple[float | None, float | None]:
        """F1 of the mean class, and of the mean class that counts by its pictures; classes without pictures and without
        answers have none and do not count.

        >>> Confusion(("cat", "dog"), ((3, 1), (0, 4))).mean_f1()[0]
        0.873015873015873
        """
        found = [(one.pictures, one.f1 or 0.0) for one in self.by_class() if one.pictures or one.precision is not None]
        if not self.pictures:
            return None, None
        return sum(f1 for _, f1 in found) / len(found), sum(count * f1 for count, f1 in found) / self.pictures

    def rows(self, counted: str) -> Rows:
        """The scores of each class. Args: counted, what the counts are of."""
        scores = tuple((one.name, one.pictures, (one.precision, one.recall, one.f1)) for one in self.by_class())
        return Rows("class", counted, (PRECISION, RECALL, F1), scores)

    def most_frequent(self, count: int) -> list[Mixup]:
        """The commonest mistakes, at most so many."""
        found = [
            Mixup(self.classes[true], self.classes[predicted], number, number / sum(row))
            for true, row in enumerate(self.counts)
            for predicted, number in enumerate(row)
            if number and predicted != true
        ]
        return sorted(found, key=lambda one: -one.pictures)[:count]


def shares(row: Sequence[int]) -> list[float]:
    """Each count as a part of the row's sum; zeros where that is zero."""
    total = sum(row)
    return [count / total if total else 0.0 for count in row]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
