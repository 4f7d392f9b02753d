"""What a run that goes on with another network, or with other data, keeps of what it has learned.

Weights, their average and the optimizer's memory are taken where name and shape fit. Where the classes are others, what
the last layer has learned of a class goes where that class is now; of a new class nothing is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor, nn

from specc.data.identity import DataIdentity
from specc.diagnostics.spelling import counted, shown
from specc.runner.changed import changes_of_data
from specc.tasks.registry import task_of

if TYPE_CHECKING:
    from specc.runner.checkpoint import Checkpoint
    from specc.runner.session import Session

MOST_NAMED = 8  # classes in a message


def adopt(session: Session, checkpoint: Checkpoint, tensors: dict[str, Tensor]) -> list[str]:
    """Let a session take what fits of a state. Returns: what begins anew and what was left out, a line each."""
    notes, now, before = [], session.dataset.classes, _classes_before(session, checkpoint)
    if task_of(session.recipe).target != "none" and before != now:
        places = {name: place for place, name in enumerate(before)}
        new = [f"`{shown(name)}`" for name in now if name not in places]
        if new:
            more = f" and {len(new) - MOST_NAMED} more" if len(new) > MOST_NAMED else ""
            named = ", ".join(new[:MOST_NAMED]) + more
            notes.append(f"the last layer starts anew for {counted(len(new), 'class')}: {named}")
        tensors = with_rows_moved(session.model, tensors, len(before), [places.get(name) for name in now])
    return notes + session.state.adopt(tensors, checkpoint.position())


def _classes_before(session: Session, checkpoint: Checkpoint) -> tuple[str, ...]:
    """The classes that the rows of the last layer are of; none where it gave something else, or nobody knows."""
    if checkpoint.record.recipe.task != session.recipe.task:
        return ()
    if isinstance(checkpoint.data, DataIdentity):
        return checkpoint.data.classes
    return () if changes_of_data(checkpoint.data, session.dataset) else session.dataset.classes


def with_rows_moved(
    network: nn.Module, tensors: dict[str, Tensor], before: int, places: Sequence[int | None]
) -> dict[str, Tensor]:
    """A state in which what the last layer has learned stands where its classes are now.

    Args:    before, how many classes there were. places, for each class of now, where it was; None where it is new.
    Returns: the tensors; without those of the last layer that have no row for each class.
    """
    own, head, moved = network.state_dict(), head_of(network), {}
    for name, old in tensors.items():
        part, _, inside = name.partition("/")
        weight = inside.rpartition("/")[0] if part == "optimizer" else inside
        if part not in ("model", "average", "optimizer") or weight not in head or old.dim() == 0:
            moved[name] = old
            continue
        fresh = own[weight].detach().cpu().to(old.dtype, copy=True)
        if part == "optimizer":
            fresh.zero_()
        if head[weight] and (old.shape[:1], fresh.shape) == ((before,), (len(places), *old.shape[1:])):
            for row, place in enumerate(places):
                if place is not None:
                    fresh[row] = old[place]
            moved[name] = fresh
    return moved


def head_of(network: nn.Module, inside: str = "") -> dict[str, bool]:
    """The tensors of the last layer with weights, which gives what a network says of each class, and of what stands
    behind it: whether they have a row for each class, if the network's output has."""
    found: dict[str, bool] = {}
    for name, child in reversed(list(network.named_children())):
        if isinstance(child, nn.Sequential):
            found |= head_of(child, f"{inside}{name}.")
        else:  # of branches nobody knows which layer is the last one; a transposed convolution's outputs come second
            has_rows = not list(child.children()) and not getattr(child, "transposed", False)
            found |= {f"{inside}{name}.{tensor}": has_rows for tensor in child.state_dict()}
        if any(weight.dim() > 1 for weight in child.parameters()):
            break
    return found
