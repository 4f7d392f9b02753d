"""Optimizers without torch's compiler: it would be imported with the first one, for two seconds, and never used.

torch wraps some of an optimizer's methods so that its compiler leaves them alone, and for that imports the compiler.
Where a torch has no such wrappers, nothing is changed.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable

import torch

COMPILER = "torch._dynamo"
MARK = "__dynamo_disable"  # where a wrapper of torch keeps what it calls instead, once it knows


def leave_compiler_alone() -> None:
    """Let the methods of torch's optimizers be called as they are; to be done before the first one is made."""
    if COMPILER in sys.modules:
        return
    for method in vars(torch.optim.Optimizer).values():
        plain = getattr(method, "__wrapped__", None)
        if plain is not None and inspect.isfunction(plain) and not hasattr(plain, MARK):
            setattr(plain, MARK, plain)


def step_of(optimizer: torch.optim.Optimizer) -> Callable[[], object]:
    """The optimizer's `step`, without the hooks that nobody has set."""
    if COMPILER in sys.modules:
        return optimizer.step
    step = inspect.unwrap(type(optimizer).step)

    def plain() -> object:
        with torch.no_grad():
            return step(optimizer)

    return plain
