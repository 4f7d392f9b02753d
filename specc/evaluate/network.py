"""A trained network as Python uses it: `specc.load`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, spelled
from specc.evaluate.trained import Trained, load_trained
from specc.tasks.review import Answer

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from specc.evaluate.pictures import Taker
    from specc.runner.run import Run

BATCH = 64


class LoadedNetwork:
    """A network with its weights and what it was trained to say; shows itself in a notebook.

    model: in evaluation mode. classes: their names, in the order of its outputs; empty where its task has none.
    name: of the run or of the file. weights: the file that they are from.
    """

    def __init__(self, trained: Trained) -> None:
        self._trained = trained
        self.model: nn.Module = trained.model
        self.classes: tuple[str, ...] = tuple(trained.data.classes)
        self.name, self.weights = trained.name, trained.weights

    def predict(self, samples: Any, *, top: int = 5, fit: bool = False) -> Any:
        """What the network says to a sample, or to each of a list, prepared as in training and in `specc predict`.

        Args:    samples, a path, a picture of Pillow's, or an array or tensor: of the shape of the network's input, in
                 bytes or in numbers as the data had them; or bytes of a picture, (height, width) or with its channels
                 first or last; or a list of these. top, classes that are told at most. fit, whether pictures of other
                 sizes are scaled where the recipe does not say so.
        Returns: an `Answer`, or a list of them: `.values` by name, `.words` in lines.
        Raises:  Problem E643 for a sample that cannot be used, E646 where the network says nothing, E647.
        """
        if not self._trained.task.answers:
            task = self._trained.recipe.task
            raise Problem.of("E646", f"{self.name} was trained to {task} pictures, and says nothing of them",
                help="`.model` is the network itself")  # fmt: skip
        if not isinstance(samples, list | tuple):
            return next(self._answers([samples], top, fit))
        return list(self._answers(samples, top, fit))

    def _answers(self, samples: Sequence[Any], top: int, fit: bool) -> Iterator[Answer]:
        import torch

        goal, place = self._trained.goal(), next(self.model.parameters()).device
        for start in range(0, len(samples), BATCH):
            ready = torch.stack([self._prepared(one, fit) for one in samples[start : start + BATCH]])
            with torch.inference_mode():
                said = goal.answers(self.model(ready.to(place)), top)
            yield from said

    def _prepared(self, sample: Any, fit: bool) -> Tensor:
        """A sample as the network takes it, (channels, …)."""
        from PIL import Image

        if isinstance(sample, str | os.PathLike):
            return self._taker(fit).read(os.fspath(sample))
        if isinstance(sample, Image.Image):
            return self._taker(fit).take(sample)
        return self._of_array(sample, fit)

    def _taker(self, fit: bool) -> Taker:
        from specc.evaluate.pictures import taker_of

        trained = self._trained
        return taker_of(trained.data.sample, trained.data.scaling(), trained.recipe, convert=fit)

    def _of_array(self, given: Any, fit: bool) -> Tensor:
        import numpy as np
        import torch
        from PIL import Image

        array = given.detach().cpu().numpy() if isinstance(given, torch.Tensor) else np.asarray(given)
        shape, sample = array.shape, self._trained.data.sample
        if shape == sample and (array.dtype == np.uint8 or np.issubdtype(array.dtype, np.floating)):
            values = torch.tensor(array).float()
            values = values.div_(255) if array.dtype == np.uint8 else values
            scaling = self._trained.data.scaling()
            return values if scaling is None else (values - scaling.mean) / scaling.deviation
        picture = _picture_of(array)
        if picture is None:
            found = f"an array of {array.dtype} and of shape {spelled(shape) or 'no size'}"
            raise Problem.of("E643", f"{found} is no sample for the network, which takes {spelled(sample)}",
                help="give numbers of that shape, or a picture in uint8 such as height x width x 3")  # fmt: skip
        return self._taker(fit).take(Image.fromarray(picture))

    def __repr__(self) -> str:
        shaped = self._trained.shaped
        return f"<{self.name}: {counted(shaped.params, 'parameter')}, {counted(len(self.classes), 'class')}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: which network this is, its picture and its layers."""
        from specc.emit.html import report_html

        trained = self._trained
        epoch = f", epoch {trained.epoch}" if trained.epoch else ""
        classes = ", ".join(self.classes[:20]) + " …" * (len(self.classes) > 20)
        said = f"<p>{escape(classes)}</p>" if classes else ""
        return f"<h4>{escape(self.name)}{epoch}</h4>{said}{report_html((), trained.shaped)}"


def _picture_of(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """An array as Pillow takes a picture, with its channels last; None for one that is no picture."""
    import numpy as np

    if array.dtype != np.uint8 or not array.size:
        return None
    if array.ndim == 3 and array.shape[-1] not in (1, 3, 4) and array.shape[0] in (1, 3, 4):
        array = np.moveaxis(array, 0, -1)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    is_picture = array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in (3, 4))
    return np.ascontiguousarray(array) if is_picture else None


def load(run: str | os.PathLike[str] | Run, *, weights: str | None = None, device: str = "cpu") -> LoadedNetwork:
    """The trained network of a run, or of a weights file that a run wrote.

    Args:   run, a run's folder or a `Run`, or the file; weights, "best" or "last" of a folder's, by default the best
            ones that there are; device, where the network is put.
    Raises: Problem E640, E641.
    """
    path = run if isinstance(run, str | os.PathLike) else run.folder
    return LoadedNetwork(load_trained(Path(path), weights, device))
