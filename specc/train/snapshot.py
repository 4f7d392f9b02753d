"""Between a session and the tensors of a state file: everything that the next step depends on.

That is the weights, their moving average, the optimizer's memory, torch's random state, the state of the order's
generator at the beginning of the epoch (which gives the order again) and the losses of the epoch so far.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from specc.build.stored import are_alike, listed, misfit
from specc.train.checkpoint import plain_tensors
from specc.train.device import random_states, set_random_states
from specc.train.optim import layout_of_memory, memory_of, set_memory
from specc.train.state import Facts, damaged

if TYPE_CHECKING:
    from torch import Tensor, nn

    from specc.train.distributed.group import Group
    from specc.train.session import Session

Tensors = dict[str, "Tensor"]


def tensors_of(session: Session) -> Tensors:
    """A session's tensors by name, on the CPU; every process of a run takes part, and has the random states of all."""
    found = {
        **_under("model", session.model.state_dict()),
        **_under("optimizer", memory_of(session.model, session.optimizer)),
        **_under("scaler", session.precision.memory()),
        **_under("random", _random_states(session.group)),
        "random/order": session.epoch_order,
        "losses": session.losses[: session.position.step].clone(),
    }
    if session.average is not None:
        found |= _under("average", session.average.model.state_dict())
    return plain_tensors(found)


def restore(session: Session, tensors: Tensors, facts: Facts, path: Path) -> None:
    """Put a session where the tensors were taken.

    Args:   session, not yet trained; facts, of the same state; path, for the message.
    Raises: Problem E621 where they are not this network's and this recipe's; nothing is then changed.
    """
    fault = _fault(session, tensors, facts)
    if fault:
        raise damaged(path, fault)
    session.model.load_state_dict(_below("model", tensors))
    if session.average is not None:
        session.average.model.load_state_dict(_below("average", tensors))
    set_memory(session.model, session.optimizer, _below("optimizer", tensors))
    session.precision.set_memory(_below("scaler", tensors))
    session.losses[: facts.step] = tensors["losses"].to(session.device)
    session.shared = facts.step
    _restore_random(session, tensors)


def adopt(session: Session, tensors: Tensors) -> list[str]:
    """Load what fits by name and shape into a session for a changed spec.

    Returns: what was left out, a line each.
    """
    notes = _load_fitting(session.model, _below("model", tensors))
    set_memory(session.model, session.optimizer, _fitting_memory(session, _below("optimizer", tensors)))
    if session.average is not None:
        session.average.model.load_state_dict(session.model.state_dict())
        _load_fitting(session.average.model, _below("average", tensors))
    if not _random_fault(session.group, tensors):
        _restore_random(session, tensors)
    return notes


def _load_fitting(model: nn.Module, stored: Tensors) -> list[str]:
    own = model.state_dict()
    fitting = {name: tensor for name, tensor in stored.items() if name in own and are_alike(own[name], tensor)}
    model.load_state_dict(fitting, strict=False)
    fresh, unused = own.keys() - fitting.keys(), stored.keys() - fitting.keys()
    notes = [f"starts from fresh values: {listed(fresh)}"] if fresh else []
    return notes + ([f"not used of the old weights: {listed(unused)}"] if unused else [])


def _fault(session: Session, tensors: Tensors, facts: Facts) -> str | None:
    """Why the tensors cannot be this session's, None where they can."""
    if facts.step > len(session.losses):
        return f"it stands at step {facts.step} of an epoch that has {len(session.losses)}"
    wanted = {**tensors_of(session), "losses": session.losses[: facts.step]}
    wanted |= _under("optimizer", _memory_wanted(session, tensors, whole=facts.step > 0))
    fault = misfit(*({name: one[name] for name in one if not name.startswith("random/")} for one in (wanted, tensors)))
    return fault or _random_fault(session.group, tensors)


def _memory_wanted(session: Session, tensors: Tensors, *, whole: bool) -> Tensors:
    """What the optimizer must hold: for every weight after a step, which a loss's scale may have left out; before it
    for those weights, in whole, that were adopted with theirs."""
    layout = layout_of_memory(session.model, session.recipe)
    owners = {_owner(name) for name in _below("optimizer", tensors)}
    if whole and (owners or session.precision.scaler is None):
        return layout
    return {name: tensor for name, tensor in layout.items() if _owner(name) in owners}


def _fitting_memory(session: Session, memory: Tensors) -> Tensors:
    """What the session's optimizer can use of another one's memory: that of a weight as a whole, or nothing of it."""
    layout = layout_of_memory(session.model, session.recipe)
    unfit = {
        _owner(name)
        for name in memory.keys() | layout.keys()
        if name not in memory or name not in layout or not are_alike(layout[name], memory[name])
    }
    return {name: tensor for name, tensor in memory.items() if _owner(name) not in unfit}


def _owner(name: str) -> str:
    """The weight that a tensor of the optimizer's belongs to."""
    return name.rpartition("/")[0]


def _random_states(group: Group) -> Tensors:
    """Of each process, those of the further ones as `RANK/…`."""
    return {
        f"{_of(rank)}{name}": state
        for name, own in random_states(group.device).items()
        for rank, state in enumerate(group.gathered(own.contiguous()))
    }


def _of(rank: int) -> str:
    """What stands before the name of a random state; a run of one process has no number in it."""
    return f"{rank}/" if rank else ""


def _random_fault(group: Group, tensors: Tensors) -> str | None:
    """torch checks a random state where it is set: a generator that nobody uses tells."""
    own = _of(group.place.rank)
    generators = dict.fromkeys(("random/torch", "random/order", f"random/{own}torch"), "cpu")
    if group.device.type == "cuda" and f"random/{own}cuda" in tensors:
        generators[f"random/{own}cuda"] = str(group.device)
    for name, device in generators.items():
        try:
            torch.Generator(device).set_state(tensors[name])
        except (RuntimeError, TypeError, KeyError):
            return f"its random state `{name}` is not a valid one"
    return None


def _restore_random(session: Session, tensors: Tensors) -> None:
    session.order.set_state(tensors["random/order"])
    session.epoch_order = tensors["random/order"].clone()
    own = f"random/{_of(session.group.place.rank)}"
    # A run that goes on on another kind of device begins that one's random state anew.
    set_random_states(
        session.device, {name.removeprefix(own): state for name, state in tensors.items() if name.startswith(own)}
    )


def _under(group: str, tensors: Mapping[str, Tensor]) -> Tensors:
    return {f"{group}/{name}": tensor for name, tensor in tensors.items()}


def _below(group: str, tensors: Tensors) -> Tensors:
    return {name.removeprefix(f"{group}/"): tensor for name, tensor in tensors.items() if name.startswith(f"{group}/")}
