"""Which part of every batch is one process's."""

from __future__ import annotations

from typing import NamedTuple


class Shard(NamedTuple):
    """One of so many parts, counted from 0; whole where there is one.

    Every process draws the same order of pictures and cuts the same batches, and takes its part of each: together they
    see the pictures that one process would have seen.
    """

    number: int = 0
    parts: int = 1

    def of(self, size: int) -> slice:
        """This part of so many pictures: parts differ by one picture at most, and some are empty where there are more
        parts than pictures.

        >>> [Shard(number, 3).of(7) for number in range(3)]
        [slice(0, 3, None), slice(3, 5, None), slice(5, 7, None)]
        """
        return slice(self._start(self.number, size), self._start(self.number + 1, size))

    def _start(self, number: int, size: int) -> int:
        return -(-size * number // self.parts)


WHOLE = Shard()
