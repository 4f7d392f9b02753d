"""Segmentation: a class for each pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from specc.diagnostics.amounts import percent
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import spelled
from specc.tasks.confusion import PRECISION, RECALL, Confusion
from specc.tasks.constants import tensor_like
from specc.tasks.measure import ACCURACY, Best, Measure
from specc.tasks.review import Answer, Cells, Example, Gallery, Review
from specc.tasks.rows import Rows
from specc.tasks.task import ALONE, Goal, Kind, Meter, Misfit, Processes, Reviewer, Shape, Targets, Task, classes_of
from specc.tasks.weights import Weights, refused, weights_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

IOU = Measure("iou", "IoU")
SHOWN = "The first test pictures, each beside its mask and what the network makes of it; ignored pixels are white."
SMOOTH = 1.0  # keeps the Dice of a class that is not there away from 0 / 0


@dataclass(frozen=True)
class Segment(Task):
    """A class for each pixel: the cross-entropy in nats, its mean over the pixels of a picture, and the Dice loss where
    `dice` gives it a share.

    The network's outputs are (size, classes, height, width); targets are classes (size, height, width). A pixel whose
    target is no class is ignored.
    """

    keyword: ClassVar[str] = "segment"
    target: ClassVar[Kind] = "mask"
    moves: ClassVar[bool] = True
    measures: ClassVar[tuple[Measure, ...]] = (ACCURACY, IOU)
    best: ClassVar[Best] = Best(IOU.name, "max")
    answers: ClassVar[str] = "classes of pixels"
    python: ClassVar[str] = """\
return outputs[0].argmax(0)  # the place in CLASSES of each pixel, (height, width)"""

    label_smoothing: float = 0.0
    class_weights: Weights = None
    dice: float = 0.0

    def accepts(self, targets: Targets) -> Problem | None:
        return super().accepts(targets) or refused(self.class_weights, targets)

    def objection(self, input: Shape, output: Shape, targets: Targets | None) -> Misfit | None:
        said = f"the network gives {spelled(output)}"
        if len(input) < 2 or len(output) != len(input) or output[1:] != input[1:]:
            classes = targets.number if targets else output[0]
            message = f"`task segment` takes a class for each pixel of {spelled(input)}, but {said}"
            return Misfit("E606", message, (classes, *input[1:]))
        if targets is None or output[0] == targets.number:
            return None
        return Misfit("E606", f"{classes_of(targets)}, but {said}", (targets.number, *input[1:]), check="W511")

    def start(self, targets: Targets) -> Goal:
        return PixelCrossEntropy(self, targets)


class PixelCrossEntropy:
    """What is computed."""

    counted: tuple[str, ...] = ()

    def __init__(self, task: Segment, targets: Targets) -> None:
        self._task, self._classes = task, targets.named
        self._weights = weights_of(task.class_weights, targets)

    def loss(self, outputs: Tensor, x: Tensor, y: Tensor) -> Tensor:
        loss = pixel_losses(outputs, y, self._task.label_smoothing, self._weights).mean()
        return loss + self._task.dice * dice_losses(outputs, y).mean() if self._task.dice else loss

    def count(self, outputs: Tensor, y: Tensor) -> Tensor:
        return outputs.new_zeros(0)

    def meter(self, device: torch.device) -> Meter:
        return Pixels(device, len(self._classes))

    def reviewer(self, device: torch.device, examples: int = 0) -> Reviewer:
        return Masks(device, self._classes, examples)

    def told(self, outputs: Tensor) -> Tensor:
        return outputs.argmax(1)

    def answers(self, outputs: Tensor, most: int) -> list[Answer]:
        found = []
        for mask in self.told(outputs).cpu():
            shares = self._shares(mask)
            likely = sorted(zip(self._classes, shares, strict=True), key=lambda one: -one[1])
            there = [(name, share) for name, share in likely if share][:most]
            values: dict[str, object] = {"classes": [{"class": name, "share": share} for name, share in there]}
            words = tuple(f"{percent(share, 2):>8}  {name}" for name, share in there)
            cells = tuple(zip(self._classes, shares, strict=True))
            found.append(Answer(values, words, cells=cells, mask=mask))
        return found

    def truths(self, y: Tensor) -> list[Cells]:
        """The share of each class in the pixels that are not ignored."""
        valid = [mask[known_pixels(mask, len(self._classes))[1]] for mask in y.cpu().long()]
        return [
            tuple((f"true {name}", share) for name, share in zip(self._classes, self._shares(one), strict=True))
            for one in valid
        ]

    def _shares(self, pixels: Tensor) -> list[float]:
        counts = pixels.flatten().bincount(minlength=len(self._classes))
        found: list[float] = (counts / max(1, pixels.numel())).tolist()
        return found


def pixel_losses(
    outputs: Tensor, y: Tensor, smoothing: float = 0.0, weights: tuple[float, ...] | None = None
) -> Tensor:
    """The mean cross-entropy over the pixels of each picture that are not ignored, (size,); 0 where all of them are.

    Args: weights, what a pixel of each class counts in the mean.
    """
    import torch
    from torch.nn.functional import cross_entropy

    y, valid = known_pixels(y, outputs.shape[1])
    losses = cross_entropy(outputs, y, reduction="none", label_smoothing=smoothing)
    counts = valid.to(losses.dtype)
    if weights is not None:
        counts = counts * tensor_like(weights, losses)[y]
    return (losses * counts).flatten(1).sum(1) / counts.flatten(1).sum(1).clamp_min(torch.finfo(losses.dtype).tiny)


def dice_losses(outputs: Tensor, y: Tensor) -> Tensor:
    """1 minus the soft Dice of each picture, the mean over the classes, (size,).

    Source: Milletari, Navab and Ahmadi 2016, "V-Net", with the sums unsquared as in nnU-Net.
    """
    import torch

    y, valid = known_pixels(y, outputs.shape[1])
    shares = outputs.float().softmax(1) * valid.unsqueeze(1)
    true = torch.zeros_like(shares).scatter_(1, y.unsqueeze(1), 1.0) * valid.unsqueeze(1)
    both, each = ((part.flatten(2).sum(2)) for part in (shares * true, shares + true))
    return 1 - ((2 * both + SMOOTH) / (each + SMOOTH)).mean(1)


def known_pixels(y: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Targets as int64, 0 where they are ignored, and where they are not."""
    wide = y.long()
    valid = (wide >= 0) & (wide < classes)
    return wide * valid, valid


class Pixels:
    """The loss without smoothing, weights and Dice, and how often the pixels of each class are taken for each."""

    def __init__(self, device: torch.device, classes: int) -> None:
        import torch

        self._loss, self._classes = torch.zeros((), device=device), classes
        self._counts = torch.zeros(classes * classes, dtype=torch.int64, device=device)

    def update(self, outputs: Tensor, x: Tensor, y: Tensor) -> None:
        self._loss += pixel_losses(outputs.float(), y).sum()
        true, valid = known_pixels(y, self._classes)
        pairs = true * self._classes + outputs.argmax(1)
        # Those that are ignored are counted in a place behind all others, which is left out.
        pairs = pairs.masked_fill(~valid, self._classes**2).flatten()
        self._counts += pairs.bincount(minlength=self._classes**2 + 1)[:-1]

    def counts(self, processes: Processes = ALONE) -> list[list[int]]:
        found: list[list[int]] = processes.all_reduce(self._counts).view(self._classes, self._classes).tolist()
        return found

    def result(self, samples: int, processes: Processes = ALONE) -> dict[str, float | None]:
        counts = self.counts(processes)
        pixels, known = sum(map(sum, counts)), [one for one in overlaps(counts) if one is not None]
        return {
            "loss": float(processes.all_reduce(self._loss)) / samples,
            ACCURACY.name: sum(row[place] for place, row in enumerate(counts)) / pixels if pixels else None,
            IOU.name: sum(known) / len(known) if known else None,
        }


def overlaps(counts: list[list[int]]) -> list[float | None]:
    """Intersection over union of each class; None where it is neither there nor said."""
    said = [sum(column) for column in zip(*counts, strict=True)]
    pairs = [(row[place], sum(row) + said[place] - row[place]) for place, row in enumerate(counts)]
    return [both / union if union else None for both, union in pairs]


class Masks:
    """The overlap of each class, and the first pictures beside their masks."""

    def __init__(self, device: torch.device, classes: tuple[str, ...], most: int) -> None:
        self._meter, self._classes, self._most = Pixels(device, len(classes)), classes, most
        self._examples: list[Example] = []

    def update(self, outputs: Tensor, x: Tensor, y: Tensor) -> None:
        self._meter.update(outputs, x, y)
        for place in range(min(self._most - len(self._examples), len(x)) if x.dim() == 4 else 0):
            said, true = outputs[place].argmax(0).cpu(), y[place].cpu().long()
            _, valid = known_pixels(true, len(self._classes))
            right = (said == true)[valid]
            share = f"{percent(float(right.float().mean()), 2)} of the pixels" if len(right) else ""
            images = ((x[place].float().cpu().clone(), "picture"), (coloured(true), "mask"), (coloured(said), "answer"))
            self._examples.append(Example(images, ((share, ""),)))

    def result(self, samples: int) -> Review:
        found, counts = self._meter.result(samples), self._meter.counts()
        confusion = Confusion(self._classes, tuple(tuple(row) for row in counts))
        scores = zip(confusion.by_class(), overlaps(counts), strict=True)
        rows = tuple((one.name, one.pictures, (iou, one.precision, one.recall)) for one, iou in scores)
        shown = tuple(self._examples)
        return Review(
            found["loss"] or 0.0, ((ACCURACY, found["accuracy"]), (IOU, found["iou"])),
            Rows("class", "pixels", (IOU, PRECISION, RECALL), rows), confusion,
            Gallery("Masks", SHOWN, shown, is_wide=True) if shown else None,
        )  # fmt: skip


def coloured(mask: Tensor) -> Tensor:
    """A mask as a picture: a colour for each class, black for the first, white for what is no class.

    Args:    mask, (height, width), whole numbers.
    Returns: uint8, (3, height, width).
    """
    import torch

    colours = torch.tensor([colour_of(number) for number in range(255)] + [(255, 255, 255)], dtype=torch.uint8)
    places = mask.clamp(-1, 255).where(mask >= 0, torch.tensor(255)).long()
    return colours[places].permute(2, 0, 1)


def colour_of(number: int) -> tuple[int, int, int]:
    """The colour of a class, as the PASCAL VOC challenge gives them out: three bits of the number at a time."""
    red = green = blue = 0
    for place in range(8):
        red |= (number >> 3 * place & 1) << 7 - place
        green |= (number >> 3 * place + 1 & 1) << 7 - place
        blue |= (number >> 3 * place + 2 & 1) << 7 - place
    return red, green, blue
