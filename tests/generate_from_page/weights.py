"""What a step says about the first values of its weights, and which of them are trained."""

from __future__ import annotations

from fractions import Fraction

from torch import nn

from generate_from_page.modules import fill
from generate_from_page.values import Layered, Option, Value, WrongError, real

STATIC = ("zeros", "ones", "constant", "dirac")  # these leave nothing to chance
LITERALS = (("weight", "weight"), ("bias", "bias"), ("gamma", "weight"), ("beta", "bias"))


def begun(made: nn.Module, given: dict[str, Value], frozen: bool) -> set[str]:
    """Gives the weights their first values; returns the names of those that the spec says in full."""
    said = initialised(made, given)
    values = [key for key in given if key in ("init", "weight", "gamma")], [
        key for key in ("bias", "beta") if isinstance(given.get(key, False), tuple | Fraction)]  # fmt: skip
    if max(map(len, values)) > 1:
        raise WrongError("first values twice")
    for key, parameter in LITERALS:
        if literal(made, key, parameter, given):
            said.add(parameter)
    chosen = given.get("frozen", False)
    for name, each in made.named_parameters():
        if frozen or chosen is True or chosen == Option(name):
            each.requires_grad_(False)
    return said


def initialised(made: nn.Module, given: dict[str, Value]) -> set[str]:
    init = given.get("init")
    if not isinstance(init, Layered):
        return set()
    assert isinstance(init.target, str)
    try:
        getattr(nn.init, init.target + "_")(made.weight, *(real(value) for _, value in init.items))
    except (ValueError, RuntimeError, AttributeError, TypeError) as problem:
        raise WrongError(str(problem)) from problem
    return {"weight"} if init.target in STATIC else set()


def literal(made: nn.Module, key: str, parameter: str, given: dict[str, Value]) -> bool:
    value = given.get(key)
    if value is None or isinstance(value, bool):
        return False
    weight = getattr(made, parameter, None)
    if weight is None:
        raise WrongError(f"`{key}` without a {parameter}")
    if isinstance(value, tuple):
        fill(weight, value)
    elif key in ("gamma", "beta"):
        nn.init.constant_(weight, real(value))
    else:
        raise WrongError(f"`{key}` is a list")
    return True
