"""Between a session and the tensors of a state file: everything that the next step depends on.

That is the weights, their moving average, the optimizer's memory, torch's random state, the state of the order's
generator at the beginning of the epoch (which gives the order again) and the losses of the epoch so far.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from specc.diagnostics.spelling import spelled
from specc.train.optim import MEMORY, memory_of, set_memory
from specc.train.state import damaged

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
    return {name: tensor.detach().cpu().contiguous() for name, tensor in found.items()}


def restore(session: Session, tensors: Tensors, steps: int, path: Path) -> None:
    """Put a session where the tensors were taken.

    Args:   session, not yet trained; steps, how many of the running epoch are done; path, for the message.
    Raises: Problem E621 where they are not this network's and this recipe's; nothing is then changed.
    """
    fault = _fault(session, tensors, steps)
    if fault:
        raise damaged(path, fault)
    session.model.load_state_dict(_below("model", tensors))
    if session.average is not None:
        session.average.model.load_state_dict(_below("average", tensors))
    set_memory(session.model, session.optimizer, _below("optimizer", tensors))
    session.precision.set_memory(_below("scaler", tensors))
    session.losses[:steps] = tensors["losses"].to(session.device)
    session.shared = steps
    _restore_random(session, tensors)


def adopt(session: Session, tensors: Tensors) -> list[str]:
    """Load what fits by name and shape into a session for a changed spec.

    Returns: what was left out, a line each.
    """
    notes = _load_fitting(session.model, _below("model", tensors))
    fitting = _memory_faults(session, memory := _below("optimizer", tensors))
    owners = {name.rpartition("/")[0] for name in fitting}
    set_memory(
        session.model, session.optimizer, {n: t for n, t in memory.items() if n.rpartition("/")[0] not in owners}
    )
    if session.average is not None:
        session.average.model.load_state_dict(session.model.state_dict())
        _load_fitting(session.average.model, _below("average", tensors))
    if not _random_fault(session.group, tensors):
        _restore_random(session, tensors)
    return notes


def _load_fitting(model: nn.Module, stored: Tensors) -> list[str]:
    own = model.state_dict()
    fitting = {name: tensor for name, tensor in stored.items() if name in own and _alike(own[name], tensor)}
    model.load_state_dict(fitting, strict=False)
    fresh, unused = sorted(own.keys() - fitting.keys()), sorted(stored.keys() - fitting.keys())
    notes = [f"begins anew: {_listed(fresh)}"] if fresh else []
    return notes + ([f"left out of the old weights: {_listed(unused)}"] if unused else [])


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more


def _fault(session: Session, tensors: Tensors, steps: int) -> str | None:
    """Why the tensors cannot be this session's, None where they can."""
    if steps > len(session.losses):
        return f"it tells of step {steps} of an epoch that has {len(session.losses)}"
    expected = {**tensors_of(session), "losses": session.losses[:steps]}
    fixed = {name: tensor for name, tensor in tensors.items() if not name.startswith(("optimizer/", "random/"))}
    wanted = {name: tensor for name, tensor in expected.items() if not name.startswith("random/")}
    if fixed.keys() != wanted.keys():
        return f"its tensors are not the network's: {_listed(sorted(fixed.keys() ^ wanted.keys()))}"
    for name, tensor in fixed.items():
        if not _alike(wanted[name], tensor):
            return f"its `{name}` is {_kind(tensor)}, and should be {_kind(wanted[name])}"
    faults = _memory_faults(session, _below("optimizer", tensors))
    return f"its optimizer has no such `{next(iter(faults))}`" if faults else _random_fault(session.group, tensors)


def _memory_faults(session: Session, memory: Tensors) -> list[str]:
    """The names under which the session's optimizer would keep nothing, or something else."""
    weights = {name: weight for name, weight in session.model.named_parameters() if weight.requires_grad}
    slots = MEMORY[session.recipe.optimizer]
    faults = []
    for name, tensor in memory.items():
        owner, _, slot = name.rpartition("/")
        shape = () if slot == "step" else weights[owner].shape if owner in weights else None
        if owner not in weights or slot not in slots or tensor.shape != shape or not tensor.is_floating_point():
            faults.append(name)
    return faults


def _random_states(group: Group) -> Tensors:
    """Of each process, those of the further ones as `RANK/…`."""
    states = {"torch": torch.get_rng_state()}
    if group.device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(group.device)
    elif group.device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return {
        f"{_of(rank)}{name}": state
        for name, own in states.items()
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
            return f"its random state `{name}` is none"
    return None


def _restore_random(session: Session, tensors: Tensors) -> None:
    session.order.set_state(tensors["random/order"])
    session.epoch_order = tensors["random/order"].clone()
    own = f"random/{_of(session.group.place.rank)}"
    torch.set_rng_state(tensors[f"{own}torch"])
    # A run that goes on on another kind of device begins that one's random state anew.
    if session.device.type == "cuda" and f"{own}cuda" in tensors:
        torch.cuda.set_rng_state(tensors[f"{own}cuda"], session.device)
    elif session.device.type == "mps" and f"{own}mps" in tensors:
        torch.mps.set_rng_state(tensors[f"{own}mps"])


def _under(group: str, tensors: Mapping[str, Tensor]) -> Tensors:
    return {f"{group}/{name}": tensor for name, tensor in tensors.items()}


def _below(group: str, tensors: Tensors) -> Tensors:
    return {name.removeprefix(f"{group}/"): tensor for name, tensor in tensors.items() if name.startswith(f"{group}/")}


def _alike(first: Tensor, second: Tensor) -> bool:
    return first.shape == second.shape and first.dtype == second.dtype


def _kind(tensor: Tensor) -> str:
    return f"{spelled(tensor.shape) or 'a number'} of {str(tensor.dtype).removeprefix('torch.')}"


def are_finite(tensors: Iterable[Tensor]) -> bool:
    """Whether all floating-point numbers are finite; waits for the device once."""
    flags = [tensor.isfinite().all() for tensor in tensors if tensor.is_floating_point()]
    return not flags or bool(torch.stack(flags).all())
