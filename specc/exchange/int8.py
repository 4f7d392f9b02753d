"""A trained network as an ONNX file that computes with bytes, and what that costs it on its test pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from torch import nn

from specc.data.batches import Batches
from specc.data.load import Dataset, load_dataset
from specc.diagnostics.spelling import counted
from specc.emit.program.compared import Given, Quantised
from specc.emit.program.int8 import joined, quantised
from specc.emit.program.onnx import labelled, onnx_content, session_of
from specc.emit.program.quiet import quiet
from specc.evaluate.score import named_alike, require_sample
from specc.evaluate.trained import Trained
from specc.exchange.purpose import Purpose, ScaledPictures, ToldOutputs
from specc.layers.base import Shape
from specc.runner.loop import evaluate
from specc.tasks.registry import MEASURES

if TYPE_CHECKING:
    from torch import Tensor

    from specc.data.images import Images

CALIBRATED, MEASURED = 256, 10_000  # training pictures, test pictures at most, evenly out of all
BATCH = 32


def to_int8(trained: Trained, metadata: Mapping[str, str], data: str | None, *, pictures: bool) -> Quantised:
    """The network in int8, with ranges from training pictures, measured on test pictures beside the network itself.

    Args:   data, in place of the run's own. pictures, whether it takes pictures as bytes.
    Raises: Problem E601 to E611, E642, E663.
    """
    dataset = load_dataset(trained.recipe.model_copy(update={"data": data} if data else {}))
    require_sample(trained, dataset.name, dataset.sample)
    trained, gives = _with_one_output(trained)
    purpose, given = Purpose(trained.recipe, trained.data), Given(trained.shaped.input)
    with quiet():
        whole = onnx_content(trained.model, given)
    with closing(dataset.train), closing(dataset.test):
        small = quantised(whole, _samples(trained, dataset.train))
        told = _told(trained, dataset, labelled(whole, {}), labelled(small, {}))
    if pictures:
        with quiet():
            before = onnx_content(
                ScaledPictures(purpose).eval(), Given((*given.shape[1:], given.shape[0]), is_bytes=True)
            )
            after = onnx_content(ToldOutputs(purpose).eval(), Given(gives))
        small = joined(before, small, after)
    return Quantised(labelled(small, metadata), told)


class OneOutput(nn.Module):
    """A network with several outputs, of which one is wanted."""

    def __init__(self, network: nn.Module, name: str) -> None:
        super().__init__()
        self.network, self._name = network, name

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.network(x)[self._name]
        return found


def _with_one_output(trained: Trained) -> tuple[Trained, Shape]:
    """The network with nothing but the output that is told, and its shape."""
    gives = trained.shaped.gives
    if not isinstance(gives, dict):
        return trained, gives
    name = trained.task.weighed[0][0]
    recipe = trained.recipe.model_copy(update={"heads": None})
    return trained._replace(recipe=recipe, model=OneOutput(trained.model, name).eval()), gives[name]


def _samples(trained: Trained, images: Images) -> Iterator[Tensor]:
    """Training samples as the network takes them."""
    for x, _ in _batches(trained, images, CALIBRATED).in_order():
        yield x


def _batches(trained: Trained, images: Images, most: int) -> Batches:
    step = -(-len(images) // most) or 1
    return Batches(images.pick(range(0, len(images), step)), BATCH, trained.data.scaling())


class OnnxNetwork(nn.Module):
    """A program in onnxruntime as a network."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._run: Callable[[Tensor], dict[str, Tensor]] = session_of(content)

    def forward(self, x: Tensor) -> Tensor:
        return self._run(x)["output"]


def _told(trained: Trained, dataset: Dataset, whole: bytes, small: bytes) -> str:
    images, _ = named_alike(trained, dataset, dataset.test)
    batches, name = _batches(trained, images, MEASURED), trained.task.best.measure
    found = [evaluate(OnnxNetwork(one), batches, _nothing, trained.goal())[name] for one in (whole, small)]
    measure = MEASURES.get(name)
    numbers = [("none" if one is None else measure.text(one) if measure else f"{one:.4g}") for one in found]
    title = measure.title if measure else name
    pictures = counted(len(batches), "test picture")
    few = counted(min(len(dataset.train), CALIBRATED), "training picture")
    return f"float to int8: {title} {numbers[0]} → {numbers[1]} on {pictures} of {dataset.name}; ranges from {few}"


def _nothing() -> None:
    """There is nothing to look after between batches."""
