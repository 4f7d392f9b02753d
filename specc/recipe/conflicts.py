"""Settings of a recipe that cannot hold together."""

from __future__ import annotations

from typing import NamedTuple

from specc.recipe.augmentations import known
from specc.recipe.optimizers import OPTIMIZER_SETTINGS, OPTIMIZERS, idle
from specc.recipe.recipe import Recipe
from specc.recipe.schedules import SCHEDULES, schedule_settings, used_by
from specc.tasks.names import SETTINGS


class Conflict(NamedTuple):
    """Two settings that cannot both hold: the one to point at, why, and what to do."""

    name: str
    message: str
    help: str


def conflict(recipe: Recipe, said: frozenset[str]) -> Conflict | None:
    """The first setting among `said` that the recipe's optimizer cannot use, or None."""
    accepted = OPTIMIZERS[recipe.optimizer].arguments
    for name in sorted(OPTIMIZER_SETTINGS & said - accepted.keys()):
        users = [optimizer for optimizer, one in OPTIMIZERS.items() if name in one.arguments]
        return Conflict(
            name,
            f"the optimizer `{recipe.optimizer}` has no `{name}`; it is a setting of {_listed(users)}",
            f"leave `{name}` out, or choose another optimizer; `{recipe.optimizer}` takes {_listed(list(accepted))}",
        )
    if recipe.nesterov and not recipe.optimizer_arguments()["momentum"]:
        return Conflict("nesterov", "`nesterov` needs a momentum above 0", "add `momentum 0.9`")
    checks = (
        _rest_conflict,
        _schedule_conflict, _part_conflict, _task_conflict, _sampling_conflict, _size_conflict, _scaling_conflict,
        _exact_conflict,
    )  # fmt: skip
    return next((found for check in checks if (found := check(recipe, said))), None)


def _rest_conflict(recipe: Recipe, said: frozenset[str]) -> Conflict | None:
    """Arguments of a rule that changes none of the weights that Muon leaves."""
    arguments = recipe.optimizer_arguments()
    rest = arguments.get("rest_optimizer")
    if rest == "sgd":
        for name in sorted(idle(arguments) & said):
            return Conflict(name, f"`{name}` is AdamW's, and `rest_optimizer` is sgd", f"leave `{name}` out")
    if rest == "adamw" and recipe.rest_momentum:
        return Conflict("rest_momentum", "`rest_momentum` means nothing without `rest_optimizer=sgd`",
            "add `rest_optimizer sgd`")  # fmt: skip
    return None


def _schedule_conflict(recipe: Recipe, said: frozenset[str]) -> Conflict | None:
    chosen = SCHEDULES[recipe.schedule]
    for name in sorted(schedule_settings() & said - set(chosen.settings)):
        takers = " or ".join(f"`schedule {taker}`" for taker in used_by(name))
        return Conflict(name, f"the schedule `{recipe.schedule}` has no `{name}`", f"add {takers}")
    for name in ("warmup", "warmup_ratio"):
        if chosen.warms and name in said and getattr(recipe, name):
            message = f"the schedule `{recipe.schedule}` has a warm-up of its own"
            return Conflict(name, message, f"leave `{name}` out")
    if recipe.warmup and recipe.warmup_ratio:
        message = "`warmup` and `warmup_ratio` both say how long the rate rises"
        return Conflict("warmup_ratio", message, "leave one of them out")
    return None


def _part_conflict(recipe: Recipe, said: frozenset[str]) -> Conflict | None:
    if recipe.swa_from is not None and recipe.average is not None:
        return Conflict("swa_from", "`swa_from` and `average` are two means of the weights", "leave one of them out")
    for name in ("lookahead_alpha", "lookahead_schedule"):
        if name in said and recipe.lookahead is None and getattr(recipe, name) != Recipe.model_fields[name].default:
            return Conflict(name, f"`{name}` means nothing without `lookahead`", "add `lookahead 5`")
    if recipe.unfreeze_after is None or recipe.freeze:
        return None
    return Conflict(
        "unfreeze_after", "`unfreeze_after` means nothing without `freeze`", "say what is frozen, such as `freeze stem`"
    )


def _task_conflict(recipe: Recipe, said: frozenset[str]) -> Conflict | None:
    """A setting of other tasks that is not left at what means nothing."""
    chosen = sorted(name for name in said & SETTINGS if getattr(recipe, name))
    if not chosen:
        return None
    from specc.tasks.registry import TASKS, settings_of

    for name in chosen:
        owners = [task for task, cls in TASKS.items() if name in settings_of(cls)]
        if recipe.task not in owners:
            return Conflict(
                name, f"`{name}` is a setting of {_listed([f'task {one}' for one in owners])}; "
                f"`task {recipe.task}` has none", f"leave `{name}` out",
            )  # fmt: skip
    return None


def _size_conflict(recipe: Recipe, said: frozenset[str]) -> Conflict | None:
    if recipe.fit != "stretch" and recipe.resize is None:
        return Conflict("fit", "`fit` means nothing without `resize`", "add the size, such as `resize 224`")
    if recipe.crop_padding != "zeros" and not recipe.crop:
        return Conflict("crop_padding", "`crop_padding` means nothing without `crop`", "add `crop 4`")
    if recipe.flip_mode != "random" and not recipe.flip:
        return Conflict("flip_mode", "`flip_mode` means nothing without `flip`", "add `flip`")
    return None


def _sampling_conflict(recipe: Recipe, said: frozenset[str]) -> Conflict | None:
    if recipe.sampling == "all":
        return None
    from specc.tasks.registry import TASKS

    if TASKS[recipe.task].target == "class":
        return None
    return Conflict(
        "sampling", f"`sampling balanced` needs one class for each sample, which `task {recipe.task}` has not",
        "leave `sampling` out",
    )  # fmt: skip


def _scaling_conflict(recipe: Recipe, said: frozenset[str]) -> Conflict | None:
    """A mean without a deviation, or either without anything that is normalised."""
    given = [name for name in ("mean", "deviation") if getattr(recipe, name) is not None]
    if not given:
        return None
    if len(given) == 1:
        other = "deviation" if given == ["mean"] else "mean"
        return Conflict(given[0], f"`{given[0]}` means nothing without `{other}`", f"give `{other}` as well")
    if recipe.normalize:
        return None
    return Conflict("mean", "`mean` and `deviation` mean nothing without `normalize`", "add `normalize`")


# What a plain loop would do to each picture by itself, or not at all: with these no plain loop gives the same bits.
NOT_EXACT = (
    *known(Recipe), "normalize", "resize", "accumulate", "average",
    "swa_from", "lookahead", "decay_weights_only", "sampling",
)  # fmt: skip


def _exact_conflict(recipe: Recipe, said: frozenset[str]) -> Conflict | None:
    if recipe.exact_evaluation and not recipe.exact:
        return Conflict("exact_evaluation", "`exact_evaluation` means nothing without `exact`", "add `exact`")
    if not recipe.exact:
        return None
    changed = [name for name in NOT_EXACT if getattr(recipe, name) != Recipe.model_fields[name].default]
    changed += ["precision"] if recipe.precision in ("bf16", "fp16") else []
    changed += [name for name in ("channels_last", "cudnn_benchmark", "compile") if getattr(recipe, name) == "on"]
    changed += [] if OPTIMIZERS[recipe.optimizer].exact else ["optimizer"]
    if not changed:
        return None
    return Conflict(
        next((name for name in changed if name in said), "exact"),
        f"`exact` gives a plain loop's result bit for bit, which `{changed[0]}` changes",
        f"leave `{changed[0]}` out, or `exact`",
    )


def _listed(words: list[str]) -> str:
    quoted = [f"`{word}`" for word in words]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
