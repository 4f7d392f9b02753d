"""What somebody who is given an exported network needs to know of it: what it was trained for, and on what samples."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from specc.data.fit import misfit_of
from specc.data.identity import DataDescription
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.spelling import spelled
from specc.emit.python.prediction import Prediction
from specc.evaluate.pictures import taker_of
from specc.evaluate.trained import read_stored, stored_spec
from specc.ir.shaped import ShapedModel
from specc.reading import Unreadable
from specc.recipe.recipe import Recipe
from specc.tasks.registry import task_of
from specc.tasks.task import Goal, Task

if TYPE_CHECKING:
    from torch import Tensor


class Purpose(NamedTuple):
    """What a network was trained for."""

    recipe: Recipe
    data: DataDescription

    @property
    def task(self) -> Task:
        return task_of(self.recipe)

    @property
    def levels(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and deviation that samples from 0 to 1 were scaled by, a number for each channel; 0 and 1 where they
        were left as they are."""
        channels = self.data.sample[0]
        given = (self.data.mean or (0.0,), self.data.deviation or (1.0,))
        mean, deviation = (part * channels if len(part) == 1 else part for part in given)
        return mean, deviation


def purpose_of(weights: Path | None, model: ShapedModel) -> Purpose | None:
    """What weights say of their purpose; None where they say nothing, or belong to another network.

    Raises: Problem E641 where what they say cannot be right.
    """
    if weights is None or weights.suffix != ".safetensors" or stored_spec(weights) is None:
        return None
    stored = read_stored(weights)
    purpose = Purpose(stored.recipe, stored.data)
    fits = purpose.data.sample == model.input and misfit_of(purpose.task, model, purpose.data.targets) is None
    return purpose if fits else None


def metadata_of(model: ShapedModel, purpose: Purpose | None) -> dict[str, str]:
    """The texts that an exported file carries, by name: `spec` and `input`, and of a trained network the task, what it
    learned and how its samples are scaled. What is no text is JSON."""
    about: dict[str, object] = {"spec": model.source.text, "input": spelled(model.input)}
    if purpose is not None:
        mean, deviation = purpose.levels
        about |= {**purpose.task.metadata(purpose.data.targets), "mean": mean, "deviation": deviation}
        about["fit"] = purpose.recipe.fit
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in about.items()
    }


class ScaledPictures(nn.Module):
    """Pictures as programs hold them, bytes (size, height, width, channels), as a network takes them."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, purpose: Purpose) -> None:
        super().__init__()
        mean, deviation = (torch.tensor(part).view(-1, 1, 1) for part in purpose.levels)
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

    def forward(self, pictures: Tensor) -> Tensor:
        x = pictures.permute(0, 3, 1, 2).float() / 255
        return (x - self.mean) / self.deviation


class ToldOutputs(nn.Module):
    """What a network gives as what its task tells."""

    def __init__(self, purpose: Purpose) -> None:
        super().__init__()
        self._goal: Goal = purpose.task.start(purpose.data.targets)

    def forward(self, outputs: Any) -> Tensor:
        return self._goal.told(outputs)


def of_pictures(network: nn.Module, purpose: Purpose) -> nn.Module:
    """A network from pictures as bytes at its size to what its task tells."""
    parts = (("picture", ScaledPictures(purpose)), ("network", network), ("told", ToldOutputs(purpose)))
    return nn.Sequential(OrderedDict(parts)).eval()


def require_trained(purpose: Purpose | None, name: str) -> Purpose:
    """What is known of a network. Args: name, what is exported, as it was called.

    Raises: Unreadable E700 where it was not trained.
    """
    if purpose is None:
        raise Unreadable(Diagnostic("E700", f"nothing says what pictures {name} was trained on",
            help="name a run's folder, or with `--weights` a file that a run of this spec wrote"))  # fmt: skip
    return purpose


def require_pictures(purpose: Purpose | None, name: str) -> Purpose:
    """What is known of a network that is to take pictures as bytes. Args: as above.

    Raises: Unreadable E700 where it was not trained, or says nothing of pictures; Problem E647 where it takes none.
    """
    purpose = require_trained(purpose, name)
    if not purpose.task.answers:
        what = f"{name} was trained to {purpose.task.keyword} pictures, and says nothing of them"
        raise Unreadable(Diagnostic("E700", what,
            help="leave out `--pictures`: the program then gives what the network gives"))  # fmt: skip
    taker_of(purpose.data.sample, None, purpose.recipe)
    return purpose


def prediction_of(purpose: Purpose, weights: Path, folder: Path) -> Prediction | None:
    """What a file's `predict` needs; None where nothing is said of pictures.

    Args: folder, of the file.
    """
    sample, task = purpose.data.sample, purpose.task
    if not task.python or len(sample) != 3 or sample[0] not in (1, 3):
        return None
    try:
        seen = Path(os.path.relpath(weights, folder))
    except ValueError:  # on another drive
        seen = weights.absolute()
    mean, deviation = purpose.levels
    known = {name: value for name, value in task.metadata(purpose.data.targets).items() if name != "task"}
    constants = {**known, "mean": mean, "deviation": deviation, "weights": seen.as_posix()}
    told = f'outputs = outputs["{task.weighed[0][0]}"]\n' if task.weighed else ""
    return Prediction(sample, purpose.recipe.fit if purpose.recipe.resize else "", constants, told + task.python)
