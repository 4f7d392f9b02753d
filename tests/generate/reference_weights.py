"""Initial weights as the language page says, set by torch's own functions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from generate.plan import Call, Rows
from generate.reference_layers import Refusal

WEIGHTED = ("conv", "dwconv", "convtranspose", "linear", "bn", "groupnorm", "instancenorm", "layernorm", "prelu",
            "layerscale", "layershift", "grn")  # fmt: skip
NORMS = ("bn", "groupnorm", "instancenorm", "layernorm", "grn")
KNOWN_AT_FIRST = (*NORMS, "prelu", "layerscale", "layershift")  # torch fills their weights with constants
KNOWN_INITIALIZERS = ("zeros", "ones", "constant", "dirac")
MOST_ARGUMENTS = {
    "xavier_uniform": 1, "xavier_normal": 1, "kaiming_uniform": 3, "kaiming_normal": 3, "orthogonal": 1,
    "trunc_normal": 4, "normal": 2, "zeros": 0, "ones": 0, "constant": 1, "dirac": 1,
    "partial_dirac": 0, "whiten": 1,
}  # fmt: skip
_FIELDS = ("init", "frozen", "weight", "gamma", "beta")


def take_weight_fields(word: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Parts what concerns initial weights from a step's fields."""
    if word not in WEIGHTED:
        return {}
    mine = [*_FIELDS[:3], *(_FIELDS[3:] if word == "bn" else [])]
    if word in NORMS and word != "layernorm":  # there it is a switch as well
        mine.append("bias")
    taken = {name: fields.pop(name) for name in mine if name in fields}
    if isinstance(fields.get("bias"), Rows):
        taken["bias"] = fields["bias"]
    return taken


def set_weights(word: str, module: nn.Module, given: dict[str, Any]) -> set[str]:
    """Fills and freezes a module's tensors. Returns: those whose values are known, for they are not random."""
    known = set(dict(module.named_parameters())) if word in KNOWN_AT_FIRST else set()
    with torch.no_grad():
        for name, rivals in (("weight", ("weight", "init", "gamma")), ("bias", ("bias", "beta"))):
            values = [(rival, given[rival]) for rival in rivals if rival in given]
            if len(values) > 1:
                raise Refusal("two arguments set the same values")
            for rival, value in values:
                _set(module, _tensor(module, name), rival, value)
                if rival != "init" or _initializer(value).name in KNOWN_INITIALIZERS:
                    known.add(name)
                else:
                    known.discard(name)
    _freeze(module, given.get("frozen", False))
    return known


def _tensor(module: nn.Module, name: str) -> Tensor:
    tensor = getattr(module, name, None)
    if not isinstance(tensor, Tensor):
        raise Refusal(f"there is no {name} here")
    return tensor


def _set(module: nn.Module, tensor: Tensor, name: str, value: Any) -> None:
    if name == "init":
        _initialise(module, tensor, _initializer(value))
    elif name in ("gamma", "beta") and isinstance(value, int | float) and not isinstance(value, bool):
        tensor.fill_(value)
    else:
        tensor.copy_(_literal(value, tensor))


def _initializer(value: Any) -> Call:
    found = Call(value, ()) if isinstance(value, str) else value
    if not isinstance(found, Call) or found.name not in MOST_ARGUMENTS:
        raise Refusal("no such initializer")
    return found


def _initialise(module: nn.Module, tensor: Tensor, init: Call) -> None:
    if len(init.arguments) > MOST_ARGUMENTS[init.name] or (init.name == "constant" and not init.arguments):
        raise Refusal(f"{init.name} takes other arguments")
    if init.name == "whiten":
        _require_whitening(module, tensor, init.arguments)
    elif init.name == "partial_dirac":
        if tensor.dim() < 3:
            raise Refusal("no channels that a filter could pass on")
        nn.init.dirac_(tensor[: tensor.size(1)])
    else:
        getattr(nn.init, f"{init.name}_")(tensor, *init.arguments)


def _require_whitening(module: nn.Module, tensor: Tensor, arguments: tuple[Any, ...]) -> None:
    """Two filters at most for each number in a patch of all channels; what they are the training pictures say."""
    if not isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d) or getattr(module, "groups", 1) > 1:
        raise Refusal("no filters over all channels")
    if not len(tensor) <= 2 * tensor[0].numel() <= 8192:
        raise Refusal("as many filters as directions, and bounded patches")
    if arguments and (isinstance(arguments[0], bool) or not arguments[0] > 0):
        raise Refusal("eps is above 0")


def _literal(value: Any, tensor: Tensor) -> Tensor:
    """A literal's numbers; leading dimensions of size 1 may be left out."""
    if not isinstance(value, Rows):
        raise Refusal("a literal is a list")
    literal = torch.tensor(_nested(value))  # torch refuses rows of different lengths
    missing = tensor.dim() - literal.dim()
    if missing < 0 or tuple(tensor.shape) != (1,) * missing + tuple(literal.shape):
        raise Refusal("a literal has the shape of the tensor that it fills")
    return literal


def _nested(value: Any) -> Any:
    return [_nested(item) for item in value.items] if isinstance(value, Rows) else float(value)


def _freeze(module: nn.Module, frozen: Any) -> None:
    if not isinstance(frozen, bool) and frozen not in ("weight", "bias"):
        raise Refusal("frozen is true, false, weight or bias")
    for name, parameter in module.named_parameters():
        if frozen in (True, name):
            parameter.requires_grad_(False)
