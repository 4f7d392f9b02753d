"""Weights from elsewhere into a compiled model, whose names for them are others.

In:         a model and a `state_dict()`, with what is known of which tensor is which.
Out:        nothing; the model holds the values.
Guarantees: all of them, or none: nothing is changed unless every tensor fits. Two tensors that only their order tells
            apart are never paired without a word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import zip_longest

import torch
from torch import Tensor, nn

from specc.diagnostics.spelling import counted, shown, spelled

# torch counts the batches of a `bn` in a buffer that weights saved before torch 0.4.1 do not have.
_BATCH_COUNT = "num_batches_tracked"
_WRAPPERS = ("module.", "_orig_mod.")  # DataParallel and torch.compile put these before every name
_SHOWN = 3
_WAY_OUT = "`by_order=True` says that this order is right, `names=` which is which"


class WeightsError(ValueError):
    """Weights that do not fit a model; the text names the first tensor that does not, on both sides."""


class OrderAlone(WeightsError):
    """Nothing but the order tells tensors of one shape apart, and nobody has said that it is right."""


_Pairs = Mapping[str, str]
"""Which tensor goes where: the model's names with the others'."""


def load_weights(
    model: nn.Module,
    weights: Mapping[str, Tensor],
    names: Mapping[str, str] | None = None,
    *,
    by_order: bool = False,
    asked: bool = True,
) -> None:
    """Copies weights into a model: by `names`, by name where both agree, or else by shape and order.

    A compiled model holds its weights in the order in which the spec writes its layers, body before shortcut. They
    are converted to the model's precision and device. Batch counts of `bn` may be missing.

    Args:   model, from `specc.compile`; weights, a `state_dict()` such as `torchvision.models.vgg16().state_dict()`;
            names, of the weights' tensors by the model's names; by_order, whether tensors of one shape may be paired
            in their order; asked, whether the caller gave `names` and they were not found.
    Raises: WeightsError where names that were found and the model's own both fit and say otherwise, where a tensor
            has another shape than its partner, there are too many or too few; OrderAlone where more than one pairing
            would fit. Then the model is as it was.
    """
    own, other = model.state_dict(), _unwrapped(_checked(weights))
    same = _by_name(own, other)
    known = _by_names(own, other, names) if names and (asked or same is None or _covers(names, same)) else None
    if known and same and not asked and known != same:
        raise WeightsError(_told_doubt(same, known))
    pairs = known or same or _by_shape(own, other, by_order)
    with torch.no_grad():
        for mine, theirs in pairs.items():
            own[mine].copy_(other[theirs].reshape(own[mine].shape))


def _checked(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    for name, tensor in weights.items():
        if not isinstance(tensor, Tensor):
            raise WeightsError(
                f"`{name}` is not a tensor but {type(tensor).__name__}; a checkpoint often holds the weights under a "
                'key, such as `checkpoint["state_dict"]`'
            )
    return dict(weights)


def _unwrapped(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The names without those of what is wrapped around the model, each as often as it is there."""
    for wrapper in _WRAPPERS:
        if weights and all(name.startswith(wrapper) for name in weights):
            return _unwrapped({name.removeprefix(wrapper): tensor for name, tensor in weights.items()})
    return weights


def _by_name(own: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> _Pairs | None:
    """Each to its own name, where the names and shapes of both are the same."""
    names = {name: name for name in own if name in other or not _is_count(name)}
    if not names.keys() <= other.keys() or len(names) < len(other):
        return None
    return names if all(own[name].shape == other[name].shape for name in names) else None


def _by_names(own: Mapping[str, Tensor], other: Mapping[str, Tensor], names: Mapping[str, str]) -> _Pairs | None:
    """Each to the name that is known for it; None where the weights have none of those names.

    Raises: WeightsError.
    """
    if not any(name in other for name in names.values()):
        return None
    found = {}
    for name, tensor in own.items():
        theirs = names.get(name) or (_partner_of_count(name, names) if _is_count(name) else None)
        if theirs is None and _is_count(name):
            continue
        if theirs is None:
            raise WeightsError(f"`{name}` of the model is not among the names that are known for these weights")
        if theirs in other:
            if other[theirs].numel() != tensor.numel():
                raise WeightsError(_misfit((name, tensor), (theirs, other[theirs])))
            found[name] = theirs
        elif not _is_count(name):
            raise WeightsError(f"the weights lack `{shown(theirs)}`, which is {_told(name, tensor)} of the model")
    return found


def _covers(names: Mapping[str, str], same: _Pairs) -> bool:
    """Whether known names are all there too where the names of both sides are the same."""
    return all(name in names and (names[name] in same.values() or _is_count(name)) for name in same)


def _told_doubt(same: _Pairs, known: _Pairs) -> str:
    mine = next(name for name, theirs in known.items() if theirs != name)
    return (
        f"these names are the spec's and the imported model's alike, in another order: `{shown(mine)}` is "
        f"`{shown(same[mine])}` by the one and `{shown(known[mine])}` by the other; give `names={{}}` for "
        "weights of the spec, or the file with the names for weights of the model"
    )


def _is_count(name: str) -> bool:
    return name.rpartition(".")[2] == _BATCH_COUNT


def _partner_of_count(name: str, names: Mapping[str, str]) -> str:
    """What a count of batches is called beside the averages that it belongs to; empty where these are not known."""
    mean = names.get(f"{name.removesuffix(_BATCH_COUNT)}running_mean")
    return f"{mean.removesuffix('running_mean')}{_BATCH_COUNT}" if mean else ""


# by shape


def _by_shape(own: Mapping[str, Tensor], other: Mapping[str, Tensor], by_order: bool) -> _Pairs:
    """In order where all shapes agree so, else by kind, the end of a name and the shape. Raises: WeightsError."""
    if not any(map(_is_count, other)):
        own = {name: tensor for name, tensor in own.items() if not _is_count(name)}
    misfit = _first_objection(own, other)
    names = dict(zip(own, other, strict=False)) if misfit is None else _by_kind(own, other)
    if names is None:
        raise WeightsError(str(misfit))
    many = {kind for kind, count in Counter(map(_kind, own.items())).items() if count > 1}
    guessed = {mine: names[mine] for mine in own if _kind((mine, own[mine])) in many and not _is_count(mine)}
    if guessed and not by_order:
        otherwise = f"{misfit}; in another order they would, but " if misfit else ""
        raise OrderAlone(otherwise + _told_guess(guessed))
    return names


def _first_objection(own: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> str | None:
    """Why the tensors are no pairs in their order; None where they are."""
    for position, (mine, theirs) in enumerate(zip_longest(own.items(), other.items()), start=1):
        objection = _objection(position, mine, theirs)
        if objection is not None:
            return objection
    return None


_Named = tuple[str, Tensor]


def _kind(named: _Named) -> tuple[str, torch.Size]:
    """What tells tensors apart beside their order."""
    return named[0].rpartition(".")[2], named[1].shape


def _by_kind(own: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> dict[str, str] | None:
    """Tensors of one kind, each in its order; None where the two sides have other kinds, or not as many of each.

    Counts of batches go where the averages go that they belong to.
    """
    mine, theirs = _kinds(own), _kinds(other)
    if {kind: len(names) for kind, names in mine.items()} != {kind: len(names) for kind, names in theirs.items()}:
        return None
    names = {name: partner for kind, found in mine.items() for name, partner in zip(found, theirs[kind], strict=True)}
    for name in filter(_is_count, own):
        partner = _partner_of_count(name, names)
        if partner in other:
            names[name] = partner
    return names


def _kinds(weights: Mapping[str, Tensor]) -> dict[tuple[str, torch.Size], list[str]]:
    found: dict[tuple[str, torch.Size], list[str]] = {}
    for named in weights.items():
        if not _is_count(named[0]):
            found.setdefault(_kind(named), []).append(named[0])
    return found


# sentences


def _told_guess(guessed: Mapping[str, str]) -> str:
    """Pairs that only their order decides, those of the layers' weights first: a few of them say which layers."""
    pairs = {mine: theirs for mine, theirs in guessed.items() if mine.endswith("weight")} or dict(guessed)
    listed = ", ".join(f"`{shown(mine)}` from `{shown(theirs)}`" for mine, theirs in list(pairs.items())[:_SHOWN])
    more = f" and {len(pairs) - _SHOWN} more" if len(pairs) > _SHOWN else ""
    return f"the order alone tells which of {counted(len(guessed), 'tensor')} is which: {listed}{more}; {_WAY_OUT}"


def _objection(position: int, mine: _Named | None, theirs: _Named | None) -> str | None:
    """Why two tensors in the same place are no pair; None where they are one."""
    if theirs is None:
        assert mine is not None  # noqa: S101 - `zip_longest` fills one side
        return f"tensor {position} is missing: the weights end before {_told(*mine)} of the model"
    if mine is None:
        return f"tensor {position} is one too many: the weights go on with {_told(*theirs)}"
    return f"tensor {position} does not fit: {_misfit(mine, theirs)}" if mine[1].shape != theirs[1].shape else None


def _misfit(mine: _Named, theirs: _Named) -> str:
    return f"the model needs {_told(*mine)}, the weights hold {_told(*theirs)}"


def _told(name: str, tensor: Tensor) -> str:
    return f"`{shown(name)}` of shape {spelled(tensor.shape)}" if tensor.dim() else f"`{shown(name)}`, a single number"
