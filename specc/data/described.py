"""What weights say of the pictures that they were trained on: enough to use them where those pictures are not."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

if TYPE_CHECKING:
    from specc.data.batches import Scaling
    from specc.data.dataset import Dataset

Count = Annotated[int, Field(ge=1, le=2**31)]
MOST_NUMBERS = 3 * 16384**2  # in a sample: a colour picture of the largest size that a recipe scales to
Positive = Annotated[float, Field(gt=0)]


class DataDescription(BaseModel):
    """A data set without its pictures.

    sample:    shape of one picture as the network gets it, channels first.
    mean, deviation: of each channel, as fractions of full brightness; None where the recipe does not normalise.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    name: str
    classes: tuple[str, ...]
    sample: Annotated[tuple[Count, ...], Field(min_length=1, max_length=4)]
    mean: tuple[float, ...] | None = None
    deviation: tuple[Positive, ...] | None = None

    def scaling(self) -> Scaling | None:
        """What training shifted and scaled each channel by, as `Batches` takes it."""
        if self.mean is None or self.deviation is None:
            return None
        import torch

        from specc.data.batches import Scaling

        shape = (-1, *[1] * (len(self.sample) - 1))
        return Scaling(torch.tensor(self.mean).view(shape), torch.tensor(self.deviation).view(shape))

    @property
    def is_sound(self) -> bool:
        """Whether a sample can be made, and there is a mean and a deviation for each channel, or none at all."""
        return prod(self.sample) <= MOST_NUMBERS and all(
            part is None or len(part) in (1, self.sample[0]) for part in (self.mean, self.deviation)
        )


def describe(dataset: Dataset, scaling: Scaling | None) -> DataDescription:
    """The description of what a session trains on."""
    mean, deviation = (None, None) if scaling is None else (tuple(part.flatten().tolist()) for part in scaling)
    return DataDescription(
        name=dataset.name, classes=dataset.classes, sample=dataset.sample, mean=mean, deviation=deviation
    )


def read_description(text: str) -> DataDescription | None:
    """The description in a text that may have been written by anybody; None where it is none."""
    try:
        found = DataDescription.model_validate_json(text)
    except (ValidationError, RecursionError):
        return None
    return found if found.is_sound else None
