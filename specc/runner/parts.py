"""Parts of a network by their names: what is not trained, and until when, and what learns at rates of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.ir.analysis.unreached import unreached
from specc.ir.parts import layers_of, names_of
from specc.recipe.parts import factors

if TYPE_CHECKING:
    from torch import nn

    from specc.ir.shaped import ShapedModel
    from specc.recipe.recipe import Recipe
    from specc.tasks.task import Task


def frozen_layers(shaped: ShapedModel, names: str) -> list[str]:
    """The layers in the parts that are named, as in `named_modules()`.

    Args:   names, parted by commas: of layers, blocks and labels, `stage*` for all that begin so.
    Raises: Problem E637 for a name that nothing has.
    """
    return list(dict.fromkeys(layer for layers in layers_of(shaped, names_of(names)) for layer in layers))


def layer_factors(shaped: ShapedModel, text: str) -> dict[str, float]:
    """The factor of each layer that is named, of two for one layer the later one. Raises: Problem E637."""
    named = factors(text)
    found = layers_of(shaped, [name for name, _ in named])
    return {layer: factor for (_, factor), layers in zip(named, found, strict=True) for layer in layers}


class Frozen:
    """What is not trained, for ever or for some epochs.

    modules: kept in evaluation mode meanwhile: a normalisation in them goes on using the statistics that it has.
    layers:  their names. later: the weights that learn once the epochs are over.
    """

    def __init__(self, model: nn.Module, layers: list[str], epochs: int | None) -> None:
        """Freeze layers for ever; those that are to learn after so many epochs not before `stand` is called."""
        self.layers = frozenset(layers)
        self.modules = [model.get_submodule(name) for name in layers]
        own = {id(weight): weight for module in self.modules for weight in module.parameters() if weight.requires_grad}
        self.epochs = epochs
        self.later = list(own.values()) if epochs is not None else []
        if epochs is None:
            for weight in own.values():
                weight.requires_grad_(False)

    def stand(self, epoch: int) -> bool:
        """Let be trained what is trained after so many epochs. Returns: whether anything else was before."""
        if not self.later or self.is_over(epoch) == self.later[0].requires_grad:
            return False
        for weight in self.later:
            weight.requires_grad_(self.is_over(epoch))
        return True

    def is_over(self, epoch: int) -> bool:
        """Whether nothing is frozen any more after so many epochs."""
        return self.epochs is not None and epoch >= self.epochs


def leave_alone(model: nn.Module, shaped: ShapedModel, task: Task) -> None:
    """Freeze what no gradient reaches: an optimizer would keep nothing for it, or pull it towards 0."""
    for name in unreached(shaped, [name for name, weight in task.weighed if weight]):
        model.get_submodule(name).requires_grad_(False)


def weight_factors(model: nn.Module, shaped: ShapedModel, recipe: Recipe) -> dict[int, tuple[float, float]]:
    """What the learning rate and the weight decay of a weight are multiplied by, by its `id`; most need no entry.

    With `layer_decay` a rate is also multiplied for each layer between the weight's and the last one.
    """
    rates, decays = (
        {id(weight): factor for layer, factor in layer_factors(shaped, text or "").items()
         for weight in model.get_submodule(layer).parameters()}
        for text in (recipe.rates, recipe.decays)
    )  # fmt: skip
    if recipe.layer_decay != 1:
        steps = levels(model)
        for below, weights in enumerate(reversed(steps)):
            for weight in weights:
                rates[id(weight)] = rates.get(id(weight), 1.0) * recipe.layer_decay**below
    return {one: (rates.get(one, 1.0), decays.get(one, 1.0)) for one in rates.keys() | decays.keys()}


def levels(model: nn.Module) -> list[list[nn.Parameter]]:
    """The weights of each step of the network's main chain that has a kernel or a matrix, from the first on; what has
    weights of one dimension alone, a normalisation, belongs to the step before it."""
    steps = [child for child in model.children() if next(child.parameters(), None) is not None]
    if len(steps) == 1 and next(steps[0].children(), None) is not None:
        return levels(steps[0])
    found: list[list[nn.Parameter]] = []
    for step in steps:
        weights = list(step.parameters())
        if not found or any(weight.dim() > 1 for weight in weights):
            found.append([])
        found[-1] += weights
    return found
