"""`specc peek`: from a network and a picture to the sheet that shows what each layer makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

from specc.data.batches import Batches
from specc.data.load import load_dataset
from specc.data.sources import path_of
from specc.data.survey import size_of
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import spelled
from specc.evaluate.activations import outputs_of
from specc.evaluate.pictures import Taker, taker_of
from specc.evaluate.sheet import Section, heat_section, input_section, kernel_section, output_sections, sheet
from specc.ir.shaped import ShapedModel
from specc.recipe.recipe import Recipe
from specc.runner.kernels import first_kernels
from specc.runner.why import grad_cam, occlusion, occlusion_is_cheap, scores_of
from specc.tasks.classify import CrossEntropy
from specc.tasks.task import Goal

if TYPE_CHECKING:
    from torch import Tensor, nn

    from specc.data.load import Dataset
    from specc.evaluate.trained import Trained

COLUMNS = 16  # tiles in a line


class PeekSubject(NamedTuple):
    """A network that pictures are shown to. classes: their names, where it has any. goal: of one that was trained."""

    name: str
    model: nn.Module
    shaped: ShapedModel
    recipe: Recipe
    taker: Taker
    classes: tuple[str, ...] = ()
    goal: Goal | None = None


def of_trained(trained: Trained, *, fit: bool, invert: bool) -> PeekSubject:
    """A run's network. Raises: Problem E647 where it takes no pictures."""
    taker = taker_of(trained.data.sample, trained.data.scaling(), trained.recipe, convert=fit, invert=invert)
    classes = () if trained.task.target == "none" else trained.data.classes
    return PeekSubject(trained.name, trained.model, trained.shaped, trained.recipe, taker, classes, trained.goal())


def of_spec(name: str, shaped: ShapedModel, *, fit: bool, invert: bool) -> PeekSubject:
    """A spec's network with fresh weights out of its recipe's seed. Raises: Problem E647."""
    from specc.build.compile import build

    taker = taker_of(shaped.input, None, shaped.recipe, convert=fit, invert=invert)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(shaped.recipe.seed)
        model = build(shaped)
    return PeekSubject(f"{name}, fresh weights", model, shaped, shaped.recipe, taker)


def from_file(subject: PeekSubject, picture: str) -> Tensor:
    """A picture file as the network gets it. Raises: Problem E643."""
    return subject.taker.read(picture)


def from_data(subject: PeekSubject, number: int, data_dir: str | None) -> Tensor:
    """A test picture of the recipe's data set as the network gets it. Raises: Problem E601 to E611, E642, E643."""
    return picked(subject, dataset_for(subject, data_dir), number)[0]


def dataset_for(subject: PeekSubject, data_dir: str | None) -> Dataset:
    """The recipe's data set, its pictures converted where the subject's are. Raises: Problem E601 to E611, E642."""
    recipe = subject.recipe
    if data_dir:
        recipe = recipe.model_copy(update={"data_dir": str(path_of(data_dir).absolute())})
    sample = subject.taker.sample
    if subject.taker.scaled:
        resize = recipe.resize if size_of(recipe.resize) == sample[1:] else sample[1:]
        recipe = recipe.model_copy(update={"resize": resize, "channels": sample[0]})
    found = load_dataset(recipe)
    if found.test.sample != sample:
        raise Problem.of("E642", f"the pictures of {recipe.data} are {spelled(found.test.sample)}, and the network "
            f"takes {spelled(sample)}", help="`--fit` converts them")  # fmt: skip
    return found


def picked(subject: PeekSubject, dataset: Dataset, number: int) -> tuple[Tensor, str]:
    """A test picture as the network gets it, and its class, empty where it has none. Raises: Problem E643."""
    tested = dataset.test
    if number >= len(tested):
        raise Problem.of("E643", f"there is no test picture {number}: the last one is {len(tested) - 1}")
    one = tested.pick([number])
    images, _ = next(Batches(one, 1).in_order())
    truth = dataset.classes[one.labels[0]] if dataset.survey.targets.kind == "class" else ""
    return subject.taker.scale(1 - images[0] if subject.taker.invert else images[0]), truth


def peek(subject: PeekSubject, image: Tensor, title: str, maps: int, layers: Sequence[str] = ()) -> bytes:
    """The sheet as PNG.

    Args:   image, as the network gets it. title, what the picture is called. maps, shown of each layer at most.
    Raises: Problem E647.
    """
    outputs = outputs_of(subject.model, subject.shaped, image, layers)
    columns = min(COLUMNS, max(maps, 6))
    sections = [input_section(subject.taker.unscaled(image))]
    if not layers and (why := why_section(subject, image)) is not None:
        sections.append(why)
    kernels = first_kernels(subject.model, subject.shaped)
    if kernels is not None and (not layers or kernels.name in (one.name for one in outputs)):
        sections.append(kernel_section(kernels, maps))
    sections += output_sections(outputs, maps, columns, subject.classes if outputs and not layers else ())
    return sheet(f"{subject.name}: {title}{_answer(subject, image)}", sections, columns)


def why_section(subject: PeekSubject, image: Tensor) -> Section | None:
    """What the answer of a trained network rests on; None where it is not one class of several."""
    if subject.goal is None or not isinstance(subject.goal, CrossEntropy):
        return None
    with torch.inference_mode():
        answer = int(scores_of(subject.model(image.unsqueeze(0))).argmax(1))
    maps = {"Grad-CAM": grad_cam(subject.model, subject.shaped, image, answer)}
    if occlusion_is_cheap(subject.shaped):
        maps["occlusion"] = occlusion(subject.model, image, answer)
    found = {name: heat.cpu() for name, heat in maps.items() if heat is not None}
    return heat_section(subject.taker.unscaled(image), found, subject.classes[answer]) if found else None


@torch.inference_mode()
def _answer(subject: PeekSubject, image: Tensor) -> str:
    if subject.goal is None:
        return ""
    (answer,) = subject.goal.answers(subject.model(image.unsqueeze(0)), 1)
    return f" {answer.brief}" if answer.brief else ""
