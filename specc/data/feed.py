"""A data set's splits as batches for a device, from memory or from files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specc.data.batches import Batches, Scaling, scaling_of
from specc.data.dataset import Dataset, Split

if TYPE_CHECKING:
    import torch

    from specc.data.files import FileSplit


class Feed:
    """Gives out the splits of one data set; those in files share the processes that read them.

    scaling: of the training pictures, where they are to be normalised.
    """

    def __init__(self, dataset: Dataset, device: torch.device, *, normalize: bool, workers: int | None) -> None:
        """workers: processes that read files; None is as many as are useful."""
        self.device = device
        self.scaling: Scaling | None = None
        train = dataset.train
        if isinstance(train, Split):
            if normalize:
                self.scaling = scaling_of(train.images)
            return
        from specc.data.stream import pool_of, scaling_of_files

        self.pool = pool_of(train, workers, device)
        if normalize:
            self.scaling = scaling_of_files(train, self.pool)

    def batches(self, split: Split | FileSplit, size: int, **options: Any) -> Batches:
        """A split in batches of so many pictures. Args: options of `Batches`."""
        if isinstance(split, Split):
            return Batches(split, size, self.device, self.scaling, **options)
        from specc.data.stream import StreamedBatches

        return StreamedBatches(split, size, self.device, self.scaling, self.pool, **options)
