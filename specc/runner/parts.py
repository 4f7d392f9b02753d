"""Parts of a network by their names: what is not trained, and until when, and what learns at rates of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted
from specc.ir.analysis.unreached import unreached
from specc.ir.parts import NetworkParts, layers_of, names_of
from specc.recipe.parts import epochs_by_part, factors

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


def stopping_layers(shaped: ShapedModel, text: str) -> dict[str, int]:
    """The layers that learn for some epochs, with their number, of two for one layer the later one. Raises: E637."""
    named = epochs_by_part(text)
    found = layers_of(shaped, [name for name, _ in named])
    return {layer: epochs for (_, epochs), layers in zip(named, found, strict=True) for layer in layers}


class Frozen:
    """What is not trained, for ever or for some epochs.

    later: the weights that begin to learn once some epochs are over.
    """

    def __init__(self, model: nn.Module, layers: list[str], unfreeze: int | None, stops: Mapping[str, int]) -> None:
        """Freeze layers for ever; those that are to learn after so many epochs, and those that stop to, not before
        `stand` is called.

        Args:   layers, frozen from the beginning; unfreeze, the epochs for which they are, None for ever. stops, layers
                that learn for so many epochs.
        Raises: Problem E617 where nothing would learn any more.
        """
        self._spans = [(layer, 0, unfreeze) for layer in layers] + [(layer, end, None) for layer, end in stops.items()]
        self._weights = {
            layer: [weight for weight in model.get_submodule(layer).parameters() if weight.requires_grad]
            for layer, _, _ in self._spans
        }
        first = list({id(weight): weight for layer in layers for weight in self._weights[layer]}.values())
        self.later = [] if unfreeze is None else first
        for weight in first if unfreeze is None else ():
            weight.requires_grad_(False)
        learning = {id(weight) for weight in model.parameters() if weight.requires_grad}
        for epochs in sorted(set(stops.values())):
            if learning and learning <= self._frozen(epochs):
                message = f"after {counted(epochs, 'epoch')} the network has no weights to train any more"
                raise Problem.of("E617", message, help="leave something out of `freeze_after`")

    def layers(self, epoch: int) -> list[str]:
        """Those that are frozen in an epoch, counted from 0."""
        return [layer for layer, first, end in self._spans if first <= epoch and (end is None or epoch < end)]

    def stand(self, epoch: int) -> bool:
        """Let be trained what is trained in an epoch. Returns: whether anything else was before."""
        frozen, changed = self._frozen(epoch), False
        for weight in (weight for weights in self._weights.values() for weight in weights):
            if weight.requires_grad == (id(weight) in frozen):
                weight.requires_grad_(not weight.requires_grad)
                changed = True
        return changed

    def _frozen(self, epoch: int) -> set[int]:
        return {id(weight) for layer in self.layers(epoch) for weight in self._weights[layer]}


def leave_alone(model: nn.Module, shaped: ShapedModel, task: Task) -> None:
    """Freeze what no gradient reaches: an optimizer would keep nothing for it, or pull it towards 0."""
    for name in unreached(shaped, [name for name, weight in task.weighed if weight]):
        model.get_submodule(name).requires_grad_(False)


def weight_factors(model: nn.Module, shaped: ShapedModel, recipe: Recipe) -> dict[int, tuple[float, float]]:
    """What the learning rate and the weight decay of a weight are multiplied by, by its `id`; most need no entry.

    With `layer_decay` a rate is also multiplied for each layer between the weight's and the last one.
    """
    rates, decays = (dict(_factors(model, shaped, text or "")) for text in (recipe.rates, recipe.decays))
    if recipe.layer_decay != 1:
        steps = levels(model)
        for below, weights in enumerate(reversed(steps)):
            for weight in weights:
                rates[id(weight)] = rates.get(id(weight), 1.0) * recipe.layer_decay**below
    return {one: (rates.get(one, 1.0), decays.get(one, 1.0)) for one in rates.keys() | decays.keys()}


def _factors(model: nn.Module, shaped: ShapedModel, text: str) -> Iterator[tuple[int, float]]:
    """The `id` of each weight that is named with its factor; of two for one weight the later one comes last."""
    parts = NetworkParts(shaped) if text else None
    for name, factor in factors(text):
        assert parts is not None  # noqa: S101 - something is named
        layers = [model.get_submodule(layer) for layer in parts.layers(name)]
        weights = [model.get_parameter(weight) for weight in parts.weights(name)] if not layers else []
        if not layers and not weights:
            raise Problem(parts.unknown(name))
        yield from ((id(weight), factor) for layer in layers for weight in layer.parameters())
        yield from ((id(weight), factor) for weight in weights)


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
