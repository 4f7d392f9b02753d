"""Pictures answered one at a time in a thread of their own, within bounds of number and time."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import IO, TYPE_CHECKING, NamedTuple

import torch

from specc.data.picture import UnreadablePicture, opened
from specc.diagnostics.diagnostic import Problem
from specc.evaluate.named import Named
from specc.evaluate.pictures import taker_of
from specc.evaluate.predict import Answered, mask_png, require_answers
from specc.evaluate.trained import Trained

if TYPE_CHECKING:
    from torch import Tensor


class Limits(NamedTuple):
    """What is taken: bytes of a request, pixels of a picture, pictures that wait, seconds for a request to arrive and
    for its answer."""

    size: int = 16 << 20
    pixels: int = 1 << 26
    waiting: int = 16
    seconds: float = 30.0


UNNAMED = "the picture"  # that comes without a name


class Posted(NamedTuple):
    """A picture that somebody asks about. name: as they call it. top: classes that are told at most."""

    content: bytes
    name: str = UNNAMED
    top: int = 5
    invert: bool = False


class Busy(Exception):
    """More pictures wait than may, or one took too long."""


class Answers:
    """Answers for pictures. The network computes one at a time: torch uses all cores for it.

    Raises: Problem E646 where it says nothing, E647 where it takes no pictures.
    """

    def __init__(self, trained: Trained, device: torch.device, limits: Limits, *, fit: bool) -> None:
        require_answers(trained)
        data = trained.data
        self.trained, self.limits = trained, limits
        self._taker = taker_of(data.sample, data.scaling(), trained.recipe, convert=fit)
        self._goal, self._device = trained.goal(), device
        self._thread = ThreadPoolExecutor(1, "specc-answers")
        self._waiting = 0

    async def answer(self, posted: Posted) -> dict[str, object]:
        """What `specc predict --format json` prints of a picture; a mask as a PNG in base64. Raises: Busy."""
        if self._waiting >= self.limits.waiting:
            raise Busy(f"{self._waiting} pictures are waiting already")
        self._waiting += 1
        task = asyncio.wrap_future(self._thread.submit(self._answered, posted))
        task.add_done_callback(self._done)
        try:
            return await asyncio.wait_for(asyncio.shield(task), self.limits.seconds)
        except TimeoutError:
            raise Busy(f"the picture was not answered within {self.limits.seconds:g} seconds") from None

    def _done(self, task: asyncio.Future[dict[str, object]]) -> None:
        """One less waits, whether or not anybody still asks for it."""
        self._waiting -= 1
        if not task.cancelled():
            task.exception()

    def close(self) -> None:
        """Answer no more; what is being computed ends."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    @torch.inference_mode()
    def _answered(self, posted: Posted) -> dict[str, object]:
        one = Answered(posted.name, self.trained.task.answers)
        try:
            image = self._taker._replace(invert=posted.invert).look(Named(posted.name, self._opening(posted))).image
        except Problem as problem:
            return one._replace(problem=problem.diagnostic).values
        (answer,) = self._goal.answers(self.trained.model(image.unsqueeze(0).to(self._device)), posted.top)
        values = one._replace(answer=answer).values
        return values if answer.mask is None else {**values, "mask": _encoded(answer.mask)}

    def _opening(self, posted: Posted) -> Callable[[], IO[bytes]]:
        """The picture's bytes, once its head has said that it is not too large."""

        def content() -> IO[bytes]:
            with opened(posted.name, BytesIO(posted.content)) as picture:
                pixels = picture.width * picture.height
            if pixels > self.limits.pixels:
                raise UnreadablePicture(f"has {pixels:,} pixels; at most {self.limits.pixels:,} are decoded here")
            return BytesIO(posted.content)

        return content


def _encoded(mask: Tensor) -> str:
    return base64.b64encode(mask_png(mask)).decode()
