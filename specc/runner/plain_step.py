"""An optimizer's step without torch's compiler, which it would import, and without hooks that nobody has set."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import partial

import torch
from torch.optim import optimizer as torch_optimizer

from specc.runner.process import COMPILER

Step = Callable[[], object]

# torch's names for where the hooks of a step are kept: those of every optimizer, and an optimizer's own.
OF_ALL = ("_global_optimizer_pre_hooks", "_global_optimizer_post_hooks")
OWN = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")


def step_of(optimizer: torch.optim.Optimizer) -> Callable[[], Step]:
    """Gives the step to be taken now: the optimizer's own; where torch's compiler is not there, the plain one for as
    long as no hook is set.

    A hook may be set at any time. Where a torch keeps them elsewhere nobody can tell, so that its own `step` is taken.
    """
    kept = [getattr(torch_optimizer, name, None) for name in OF_ALL] + [getattr(optimizer, name, None) for name in OWN]
    if COMPILER in sys.modules or None in kept:
        return lambda: optimizer.step
    plain = plain_step_of(optimizer)
    return lambda: optimizer.step if any(kept) else plain


def plain_step_of(optimizer: torch.optim.Optimizer) -> Step:
    """What the optimizer's class has written as its `step`, and nothing that torch has wrapped around it."""
    return partial(torch.no_grad()(inspect.unwrap(type(optimizer).step)), optimizer)
