"""Parts of a network by their names: what is not trained, and until when, and what learns at rates of its own."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import nearest
from specc.recipe.parts import factors

if TYPE_CHECKING:
    from torch import nn

    from specc.ir.shaped import ShapedModel
    from specc.recipe.recipe import Recipe


def require_parts(shaped: ShapedModel, recipe: Recipe) -> None:
    """Raise Problem E637 where a setting names a part that the network does not have."""
    frozen_layers(shaped, recipe.freeze or "")
    for text in (recipe.rates, recipe.decays):
        layer_factors(shaped, text or "")


def frozen_layers(shaped: ShapedModel, names: str) -> list[str]:
    """The layers in the parts that are named, as in `named_modules()`.

    Args:   names, parted by commas: of layers, blocks and labels, `stage*` for all that begin so.
    Raises: Problem E637 for a name that nothing has.
    """
    named = [name for one in names.split(",") if (name := one.strip())]
    return list(dict.fromkeys(layer for layers in _layers(shaped, named) for layer in layers))


def layer_factors(shaped: ShapedModel, text: str) -> dict[str, float]:
    """The factor of each layer that is named, of two for one layer the later one. Raises: Problem E637."""
    named = factors(text)
    found = _layers(shaped, [name for name, _ in named])
    return {layer: factor for (_, factor), layers in zip(named, found, strict=True) for layer in layers}


def _layers(shaped: ShapedModel, names: list[str]) -> list[list[str]]:
    """The layers that each name means; nothing is looked at where nothing is named. Raises: Problem E637."""
    parts = _Parts(shaped) if names else None
    return [] if parts is None else [parts.layers(name) for name in names]


class _Parts:
    """The parts of a network: every layer, and everything that one is in."""

    def __init__(self, shaped: ShapedModel) -> None:
        self._within = {row.name: set(_containers(row.name)) for row in shaped.rows()}
        self._all = dict.fromkeys(part for layer in self._within for part in _containers(layer))

    def layers(self, name: str) -> list[str]:
        """Those in the parts that a name means; a repeated label means all its repeats. Raises: Problem E637."""
        meant = {part for part in self._all if fnmatchcase(part, name)} or {
            part for part in self._all if part.startswith(name) and part.removeprefix(name).isdigit()
        }
        if not meant:
            guess = nearest(name, list(self._all))
            raise Problem.of("E637", f"no part of the network is called `{name}`",
                help=f"did you mean `{guess}`?" if guess else "`specc summary` lists its layers")  # fmt: skip
        return [layer for layer, parts in self._within.items() if meant & parts]


def _containers(layer: str) -> Iterator[str]:
    """`a.b.c` as `a`, `a.b` and `a.b.c`."""
    words = layer.split(".")
    return (".".join(words[: count + 1]) for count in range(len(words)))


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
