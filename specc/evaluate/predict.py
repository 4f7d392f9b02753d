"""What a trained network says to single pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch

from specc import files
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.evaluate.named import Named
from specc.evaluate.pictures import TakenPicture, Taker
from specc.evaluate.trained import Trained
from specc.report.pictures import as_png, picture_of
from specc.tasks.review import Answer
from specc.tasks.segment import colour_of, coloured
from specc.tasks.task import Goal

if TYPE_CHECKING:
    from torch import Tensor

BATCH = 64
STRENGTH = 0.5  # of a mask over its picture


class Answered(NamedTuple):
    """A picture with what the network says to it, or with what is wrong with it.

    many: what is said, as a plural. files: what was written of it, by its kind.
    """

    picture: str
    many: str
    answer: Answer | None = None
    problem: Diagnostic | None = None
    files: dict[str, str] = {}  # noqa: RUF012 - never changed

    @property
    def values(self) -> dict[str, object]:
        """All of it, for JSON."""
        said = self.answer.values if self.answer else {self.many: []}
        return {"picture": self.picture, **said, **self.files, "error": self.problem and self.problem.message}


def predict(
    trained: Trained,
    names: Iterable[Named],
    taker: Taker,
    top: int,
    device: torch.device,
    out: Path = Path("predicted"),
    watch: Callable[[str, TakenPicture], None] = lambda name, taken: None,
) -> Iterator[Answered]:
    """An answer for each picture, in order.

    Args:   top, classes that are told of a picture at most. out, the folder that masks are written into. watch, is told
            of each picture as it was read.
    Raises: Problem E646 where the network was not trained to say anything.
    """
    require_answers(trained)
    rest, goal, masks = iter(names), trained.goal(), WrittenMasks(out, taker)
    while some := _read(trained, islice(rest, BATCH), taker, watch):
        yield from _answered(trained, goal, some, top, device, masks)


def require_answers(trained: Trained) -> None:
    """Raises: Problem E646 where a network was not trained to say anything."""
    if not trained.task.answers:
        raise Problem.of("E646", f"{trained.name} was trained to {trained.recipe.task} pictures, not to tell classes",
            help="`specc peek` shows what it makes of a picture")  # fmt: skip


def _read(
    trained: Trained, names: Iterable[Named], taker: Taker, watch: Callable[[str, TakenPicture], None]
) -> list[tuple[Answered, Tensor | None]]:
    """Each picture when its name is taken: what lies in an archive is there until then."""
    found: list[tuple[Answered, Tensor | None]] = []
    for one in names:
        answered = Answered(one.name, trained.task.answers)
        try:
            taken = taker.look(one)
        except Problem as problem:
            found.append((answered._replace(problem=problem.diagnostic), None))
            continue
        watch(one.name, taken)
        found.append((answered, taken.image))
    return found


@torch.inference_mode()
def _answered(
    trained: Trained,
    goal: Goal,
    pictures: Sequence[tuple[Answered, Tensor | None]],
    top: int,
    device: torch.device,
    masks: WrittenMasks,
) -> list[Answered]:
    images = [image for _, image in pictures if image is not None]
    if not images:
        return [one for one, _ in pictures]
    said = iter(goal.answers(trained.model(torch.stack(images).to(device)), top))
    return [one if image is None else masks.written(one, next(said), image) for one, image in pictures]


class WrittenMasks:
    """Writes the mask of a picture, and the picture with the mask over it, into a folder."""

    def __init__(self, folder: Path, taker: Taker) -> None:
        self._folder, self._taker = folder, taker
        self._names: set[str] = set()

    def written(self, one: Answered, answer: Answer, image: Tensor) -> Answered:
        """The picture with its answer. Raises: Problem E643 where its files cannot be written."""
        if answer.mask is None:
            return one._replace(answer=answer)
        name = self._free(Path(one.picture).stem.strip("-") or "standard-input")
        files_of = {"mask": f"{name}-mask.png", "overlay": f"{name}-overlay.png"}
        contents = (mask_png(answer.mask), overlay_png(self._taker.unscaled(image), answer.mask))
        paths = {kind: self._folder / file for kind, file in files_of.items()}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for path, content in zip(paths.values(), contents, strict=True):
                files.write(path, content)
        except OSError as error:
            raise Problem.of("E643", f"the mask of {one.picture} cannot be written: {files.reason(error)}",
                help="`--out DIR` names another folder") from None  # fmt: skip
        return one._replace(answer=answer, files={kind: str(path) for kind, path in paths.items()})

    def _free(self, stem: str) -> str:
        """A name that no other picture of this call has."""
        names = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
        name = next(name for name in names if name not in self._names)
        self._names.add(name)
        return name


def mask_png(mask: Tensor) -> bytes:
    """Classes as a picture with a palette, whose numbers they are."""
    from PIL import Image

    height, width = mask.shape
    picture = Image.frombytes("P", (width, height), mask.byte().contiguous().numpy().tobytes())
    picture.putpalette([level for number in range(256) for level in colour_of(number)])
    return as_png(picture)


def overlay_png(image: Tensor, mask: Tensor) -> bytes:
    """A picture, (1 or 3, height, width), from 0 to 1, under the colours of its classes but for the first one."""
    colours = coloured(mask).float() / 255
    blended = torch.where(mask > 0, (1 - STRENGTH) * image + STRENGTH * colours, image.expand(3, -1, -1))
    return as_png(picture_of(blended))
