"""The optimizers: an entry each, in which everything that is told of one and done with one is said.

Torch-free: classes are named as text, and the runner resolves them.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from specc.recipe.written import as_written

MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class Optimizer(NamedTuple):
    """One rule that changes weights.

    torch:     its class, as `module:name`; one of ours takes groups of weights.
    arguments: settings that it takes under their own names, with its defaults: torch's own, but for sgd's rate, which
               is too low there.
    memory:    what it keeps for a weight: of the weight's shape, but for what `SHAPES` says; a `momentum_buffer` only
               where there is momentum. of_vectors: of a weight of one dimension, where that is something else.
    fused:     whether torch has it in one kernel over all weights.
    parts:     of an optimizer that treats weights differently, our module with the functions `groups(model, weights,
               spared, arguments)`, `memory(model, arguments)` and `note(model, arguments)`.
    exact:     whether a plain loop's optimizer gives the same bits.
    doc:       what a description says of it, after its name.
    """

    torch: str
    arguments: Mapping[str, object]
    memory: tuple[str, ...]
    of_vectors: tuple[str, ...] = ()
    fused: bool = True
    parts: str = ""
    exact: bool = True
    doc: str = ""


OPTIMIZERS: dict[str, Optimizer] = {
    "adam": Optimizer(
        "torch.optim:Adam", {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}, MOMENTS
    ),
    "adamw": Optimizer(
        "torch.optim:AdamW", {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 1e-2}, MOMENTS
    ),
    "sgd": Optimizer(
        "torch.optim:SGD", {"lr": 1e-2, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0}, ("momentum_buffer",)
    ),
    "rmsprop": Optimizer(
        "torch.optim:RMSprop", {"lr": 1e-2, "alpha": 0.99, "eps": 1e-8, "momentum": 0.0, "weight_decay": 0.0},
        ("step", "square_avg", "momentum_buffer"), fused=False,
    ),
    # betas and eps are those of the AdamW that changes the weights which are not Muon's.
    "muon": Optimizer(
        "specc.runner.muon:MuonAndRest",
        {
            "lr": 1e-3, "muon_lr": None, "momentum": 0.95, "nesterov": True, "ns_steps": 5, "renormalize": False,
            "rest_optimizer": "adamw", "rest_momentum": 0.0, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.1,
        },
        ("momentum_buffer",), parts="specc.runner.muon", exact=False,
        doc="takes the kernels and matrices between the first and the last layer, AdamW or SGD the rest",
    ),
    "lion": Optimizer(
        "specc.runner.lion_lamb:Lion", {"lr": 1e-4, "betas": (0.9, 0.99), "weight_decay": 0.0}, ("exp_avg",),
        fused=False, exact=False, doc="takes steps of one size, and wants a tenth of AdamW's rate",
    ),
    "lamb": Optimizer(
        "specc.runner.lion_lamb:Lamb", {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-6, "weight_decay": 1e-2}, MOMENTS,
        fused=False, exact=False, doc="is for large batches",
    ),
    "adafactor": Optimizer(
        "torch.optim:Adafactor", {"lr": 1e-2, "weight_decay": 0.0}, ("step", "row_var", "col_var"),
        ("step", "variance"), fused=False, doc="keeps little: of each kernel its rows and columns",
    ),
}  # fmt: skip
# What the rule for the weights that Muon leaves has no use for.
_IDLE = {"sgd": frozenset({"betas", "eps"}), "adamw": frozenset({"rest_momentum"})}
# Shapes of what is kept, by the weight's, where they are others.
SHAPES: dict[str, Callable[[tuple[int, ...]], tuple[int, ...]]] = {
    "step": lambda shape: (),
    "row_var": lambda shape: (*shape[:-1], 1),
    "col_var": lambda shape: (*shape[:-2], 1, shape[-1]),
}
OPTIMIZER_SETTINGS = frozenset(name for one in OPTIMIZERS.values() for name in one.arguments)


def optimizer_description() -> str:
    """The description of the setting `optimizer`."""
    said = "".join(f" {name} {one.doc}." for name, one in OPTIMIZERS.items() if one.doc)
    return f"The rule that changes the weights; in a spec its arguments may follow it.{said}"


def argument_description(name: str, what: str) -> str:
    """The description of an argument: what it is, which optimizers take it, what each takes where nothing is said."""
    users = [optimizer for optimizer, one in OPTIMIZERS.items() if name in one.arguments]
    values: dict[str, list[str]] = {}
    for optimizer in users:
        values.setdefault(_short(OPTIMIZERS[optimizer].arguments[name]), []).append(optimizer)
    common = max(values, key=lambda value: len(values[value]))
    others = [f"{value} ({', '.join(taken)})" for value, taken in values.items() if value != common]
    who = "" if len(users) == len(OPTIMIZERS) else f" ({', '.join(users)})"
    return f"{what}{who}; if not given, {', '.join([*others, ('else ' if others else '') + common])}."


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else as_written(value)


def idle(arguments: Mapping[str, object]) -> frozenset[str]:
    """The arguments that mean nothing beside the others.

    >>> sorted(idle(OPTIMIZERS["muon"].arguments)), sorted(idle(OPTIMIZERS["sgd"].arguments))
    (['rest_momentum'], [])
    """
    return _IDLE.get(str(arguments.get("rest_optimizer")), frozenset())
