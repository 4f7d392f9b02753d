"""Everything that the next step of a run depends on, in parts.

Each part gives its tensors (`state_dict`), says why others cannot be its own (`objection`), and takes them
(`load_state_dict`). All parts are asked before one loads, so that a state that is refused changes nothing. Where a run
goes on with another network, weights, their average and the optimizer's memory adopt what fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn

from specc.build.stored import are_alike, listed, misfit, plain_tensors
from specc.runner.device import random_states, set_random_states
from specc.runner.metrics import Metrics
from specc.runner.optim import layout_of_memory, memory_of, set_memory
from specc.runner.sampler import Sampler, not_random

if TYPE_CHECKING:
    from specc.recipe.recipe import Recipe
    from specc.runner.distributed.world import Group
    from specc.runner.precision import Precision

Tensors = dict[str, Tensor]


@dataclass
class Position:
    """A place between two steps of a run.

    epoch:   finished epochs. step: finished steps of the epoch that runs.
    seconds: spent in that epoch before this process went on with it.
    metrics: of each finished epoch.
    """

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    metrics: list[Metrics] = field(default_factory=list)

    def next_epoch(self, metrics: Metrics) -> None:
        """The running epoch is finished."""
        self.metrics.append(metrics)
        self.epoch, self.step, self.seconds = self.epoch + 1, 0, 0.0

    def become(self, other: Position) -> None:
        """Stand where another one does."""
        vars(self).update(vars(other))


class Part(Protocol):
    """A part of a run's state."""

    def state_dict(self) -> Tensors:
        """Its tensors by name, on any device. Every process of a run takes part."""

    def objection(self, state: Tensors, step: int) -> str | None:
        """Why the tensors cannot be this part's, as half a sentence; None where they can.

        Args: step, finished ones of the epoch that runs.
        """

    def load_state_dict(self, state: Tensors, step: int) -> None:
        """Take the tensors, to which there was no objection."""


class Slow(Part, Protocol):
    """Weights that the network's go back to."""

    def restart(self) -> None:
        """They are where the network's are."""


def misfit_of(part: str, wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str | None:
    """As `misfit`, in the names that tensors have in the whole state."""
    return misfit(*({_named(part, name): tensor for name, tensor in one.items()} for one in (wanted, state)))


class Weights:
    """A network's weights and the statistics of its normalisations."""

    def __init__(self, model: nn.Module, name: str) -> None:
        self.model, self.name = model, name

    def state_dict(self) -> Tensors:
        return self.model.state_dict()

    def objection(self, state: Tensors, step: int) -> str | None:
        return misfit_of(self.name, self.state_dict(), state)

    def load_state_dict(self, state: Tensors, step: int) -> None:
        self.model.load_state_dict(state)

    def adopt(self, state: Tensors) -> list[str]:
        """Take what fits by name and shape. Returns: what begins anew and what was left out, a line each."""
        own = self.state_dict()
        fitting = {name: tensor for name, tensor in state.items() if name in own and are_alike(own[name], tensor)}
        self.model.load_state_dict(fitting, strict=False)
        fresh, unused = own.keys() - fitting.keys(), state.keys() - fitting.keys()
        notes = [f"starts from fresh values: {listed(fresh)}"] if fresh else []
        return notes + ([f"not used of the old weights: {listed(unused)}"] if unused else [])


class Memory:
    """What the optimizer keeps, as `WEIGHT/SLOT`."""

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, recipe: Recipe, *, skips_steps: bool
    ) -> None:
        """skips_steps: whether a step may leave the weights as they are, as a loss's scaler does."""
        self.model, self.optimizer, self.recipe, self.skips_steps = model, optimizer, recipe, skips_steps

    def state_dict(self) -> Tensors:
        return memory_of(self.model, self.optimizer)

    def objection(self, state: Tensors, step: int) -> str | None:
        """After a step every weight has its table's slots; before one those weights, in whole, that were adopted."""
        wanted, state = layout_of_memory(self.model, self.recipe), self._of_learners(state)
        owners = {_owner(name) for name in state}
        if not step or (self.skips_steps and not owners):
            wanted = {name: tensor for name, tensor in wanted.items() if _owner(name) in owners}
        return misfit_of("optimizer", wanted, state)

    def load_state_dict(self, state: Tensors, step: int) -> None:
        set_memory(self.model, self.optimizer, self._of_learners(state))

    def _of_learners(self, state: Tensors) -> Tensors:
        """Without that of weights that have learned and do so no more."""
        still = {name for name, weight in self.model.named_parameters() if not weight.requires_grad}
        return {name: tensor for name, tensor in state.items() if _owner(name) not in still}

    def adopt(self, state: Tensors) -> None:
        """Take that of each weight which is there as a whole."""
        layout = layout_of_memory(self.model, self.recipe)
        unfit = {
            _owner(name)
            for name in state.keys() | layout.keys()
            if name not in state or name not in layout or not are_alike(layout[name], state[name])
        }
        set_memory(self.model, self.optimizer, {k: v for k, v in state.items() if _owner(k) not in unfit})


def _owner(name: str) -> str:
    """The weight that a tensor of the optimizer's belongs to."""
    return name.rpartition("/")[0]


class Scaler:
    """What the scaler of fp16's loss has learned; nothing in other precisions."""

    def __init__(self, precision: Precision) -> None:
        self.precision = precision

    def state_dict(self) -> Tensors:
        return self.precision.memory()

    def objection(self, state: Tensors, step: int) -> str | None:
        return misfit_of("scaler", self.state_dict(), state)

    def load_state_dict(self, state: Tensors, step: int) -> None:
        self.precision.set_memory(state)


class Random:
    """torch's random state in each process; those of further ones as `RANK/…`."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self._own = f"{group.place.rank}/" if group.place.rank else ""

    def state_dict(self) -> Tensors:
        return {
            f"{rank}/{name}" if rank else name: state
            for name, own in random_states(self.group.device).items()
            for rank, state in enumerate(self.group.all_gather(own.contiguous()))
        }

    def objection(self, state: Tensors, step: int) -> str | None:
        generators = {"torch": "cpu", f"{self._own}torch": "cpu"}
        if self.group.device.type == "cuda" and f"{self._own}cuda" in state:
            generators[f"{self._own}cuda"] = str(self.group.device)
        faults = (not_random(_named("random", name), where, state.get(name)) for name, where in generators.items())
        return next((fault for fault in faults if fault), None)

    def load_state_dict(self, state: Tensors, step: int) -> None:
        """A run that goes on on another kind of device begins that one's random state anew."""
        own = {name.removeprefix(self._own): one for name, one in state.items() if name.startswith(self._own)}
        set_random_states(self.group.device, own)


class Losses:
    """Of each step of the running epoch the loss, then what the task counts: (steps, 1 + counts), on the device.

    shared: how many of the rows are those of all processes, and not of this one's part of the samples. is_counted: not
            where the epoch goes on from a state of when nothing was counted: there the losses are kept alone.
    """

    def __init__(self, samples: Sequence[int], position: Position, group: Group, counts: int = 0) -> None:
        """samples: of each step. position: says how many steps of the epoch are done, and have their row here. counts:
        numbers that the task counts besides the loss."""
        self.samples, self.position, self.group = samples, position, group
        self.values = torch.zeros(len(samples), 1 + counts, device=group.device)
        self.restart()

    def restart(self) -> None:
        """Another epoch begins."""
        self.shared, self.is_counted = 0, True

    def so_far(self) -> Tensor:
        """Those of the steps that are done, as all processes together have them."""
        done, size = self.position.step, self.group.place.size
        part = self.values[self.shared : done]
        if size > 1 and len(part):
            part.copy_(self.group.all_reduce(part) / size)
        self.shared = done
        return self.values[:done]

    def recent(self, most: int) -> float:
        """The mean loss of the latest steps, at most so many; waits for the device."""
        done = self.position.step
        return float(self.values[max(0, done - most) : done, 0].mean())

    def mean(self) -> float:
        """The loss of the mean sample of an epoch whose steps are done."""
        done = self.position.step
        return mean_loss(self.values[:done, 0], self.samples[:done])

    def means(self, names: Sequence[str]) -> dict[str, float | None]:
        """What was counted of the mean sample, as `train_NAME`."""
        done = self.position.step
        sums = self.values[:done, 1:].cpu().double().sum(0) / sum(self.samples[:done])
        return {f"train_{name}": one for name, one in zip(names, sums.tolist(), strict=True) if self.is_counted}

    def state_dict(self) -> Tensors:
        rows = self.so_far()
        return {"": (rows if self.is_counted else rows[:, 0]).clone()}

    def objection(self, state: Tensors, step: int) -> str | None:
        if step > len(self.values):
            return f"it stands at step {step} of an epoch that has {len(self.values)}"
        is_counted = any(rows.dim() > 1 for rows in state.values())
        wanted = self.values[:step] if is_counted else self.values[:step, 0]
        return misfit_of("losses", {"": wanted}, state)

    def load_state_dict(self, state: Tensors, step: int) -> None:
        rows = state[""].to(self.values.device)
        self.shared, self.is_counted = step, rows.dim() > 1
        self.values[:step] = rows if self.is_counted else rows.unsqueeze(1)


def mean_loss(losses: Tensor, samples: Sequence[int]) -> float:
    """The loss of the mean sample: each step's loss counts by the samples in it."""
    weights = torch.tensor(samples, dtype=torch.float64)
    return float(losses.cpu().double() @ weights / weights.sum())


class State:
    """A run's state: what training changes, and how far it has come."""

    def __init__(
        self,
        model: nn.Module,
        average: Weights | None,
        lookahead: Slow | None,
        optimizer: torch.optim.Optimizer,
        precision: Precision,
        order: torch.Generator,
        losses: Losses,
        recipe: Recipe,
    ) -> None:
        self.position, self.losses = losses.position, losses
        self.weights, self.average, self.lookahead = Weights(model, "model"), average, lookahead
        self.memory = Memory(model, optimizer, recipe, skips_steps=precision.scaler is not None)
        self.random = Random(losses.group)
        self.sampler = Sampler(order, exact=recipe.exact)
        self._parts: dict[str, Part] = {
            "model": self.weights, "optimizer": self.memory, "scaler": Scaler(precision), "random": self.random,
            "sampler": self.sampler, "losses": self.losses,
        }  # fmt: skip
        if average is not None:
            self._parts["average"] = average
        if lookahead is not None:
            self._parts["slow"] = lookahead

    def follow_weights(self) -> None:
        """What follows the network's weights begins where these are now, which no step has led to."""
        if self.average is not None:
            self.average.model.load_state_dict(self.weights.state_dict())
        if self.lookahead is not None:
            self.lookahead.restart()

    def state_dict(self) -> Tensors:
        """All tensors by name, on the CPU; every process of a run takes part, and has the random states of all."""
        return plain_tensors(
            {_named(part, name): tensor
             for part, one in self._parts.items() for name, tensor in one.state_dict().items()}
        )  # fmt: skip

    def objection(self, tensors: Mapping[str, Tensor], step: int) -> str | None:
        """Why the tensors cannot be this run's, None where they can."""
        state = _by_part(tensors)
        strange = state.keys() - self._parts.keys()
        if strange:
            return f"its tensors are not the network's: {listed(strange)}"
        faults = (part.objection(state.get(name, {}), step) for name, part in self._parts.items())
        return next((fault for fault in faults if fault), None)

    def load_state_dict(self, tensors: Mapping[str, Tensor], position: Position) -> None:
        """Put the run where the tensors were taken; there was no objection to them."""
        state = _by_part(tensors)
        for name, part in self._parts.items():
            part.load_state_dict(state.get(name, {}), position.step)
        self.position.become(position)

    def adopt(self, tensors: Mapping[str, Tensor], position: Position) -> list[str]:
        """Take what fits of another network's state; the epoch that was running begins again, since its pictures may be
        others.

        Returns: what was left out, a line each.
        """
        state = _by_part(tensors)
        notes = self.weights.adopt(state.get("model", {}))
        self.memory.adopt(state.get("optimizer", {}))
        self.follow_weights()
        if self.average is not None:
            self.average.adopt(state.get("average", {}))
        chance: tuple[tuple[str, Part], ...] = (("random", self.random), ("sampler", self.sampler))
        if not any(part.objection(state.get(name, {}), 0) for name, part in chance):
            for name, part in chance:
                part.load_state_dict(state[name], 0)
        self.position.become(Position(position.epoch, metrics=position.metrics))
        return notes


# Where a tensor stands in a file under another name than its part's.
_NAMES = {"sampler/order": "random/order", "losses/": "losses"}
_PLACES = {name: place for place, name in _NAMES.items()}


def _named(part: str, name: str) -> str:
    """What a tensor of a part is called in the whole state."""
    return _NAMES.get(f"{part}/{name}", f"{part}/{name}")


def _by_part(tensors: Mapping[str, Tensor]) -> dict[str, Tensors]:
    parts: dict[str, Tensors] = {}
    for name, tensor in tensors.items():
        part, _, inside = _PLACES.get(name, name).partition("/")
        parts.setdefault(part, {})[inside] = tensor
    return parts
