"""The training recipe: one model is the truth for `train { }`, for `specc train` and for the reference.

A field's name is the setting's and, with `-` for `_`, the option's; its description is the line in both
references. `read_recipe` takes the settings of a block, `overridden` the options of the command line and of
Python; `specc.ir.accepted` judges values and words the errors. Nothing here opens a file or imports torch.
"""

# No `from __future__ import annotations` here: pydantic would have to compile each field's annotation out of a text,
# which every command that reads a spec would wait for.

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from specc.diagnostics.diagnostic import Diagnostic, Label, Problem
from specc.source import Source, Span

# What each optimizer takes, with its default: torch's own, but for sgd's rate, which is too low there.
OPTIMIZERS: dict[str, dict[str, object]] = {
    "adam": {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0},
    "adamw": {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 1e-2},
    "sgd": {"lr": 1e-2, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0},
    "rmsprop": {"lr": 1e-2, "alpha": 0.99, "eps": 1e-8, "momentum": 0.0, "weight_decay": 0.0},
}
OPTIMIZER_SETTINGS = frozenset(name for arguments in OPTIMIZERS.values() for name in arguments)

Fraction = Annotated[float, Field(ge=0, lt=1)]
Side = Annotated[int, Field(ge=1, le=16384)]


class Recipe(BaseModel):
    """How to train: what `train { }` says, then what the command line says, else these defaults.

    None stands for "not said": the optimizer's own default, or the data set as it is.
    """

    # Built on first use: `specc check` of a spec without a `train` block never needs the validator.
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True, allow_inf_nan=False)

    data: str = Field(
        "digits",
        min_length=1,
        description="Data set: a name or a folder of class folders.",
        examples=["fashion-mnist"],
    )
    data_dir: str | None = Field(
        None,
        min_length=1,
        examples=['"~/data"'],
        description="Folder that holds the named data sets' files; missing ones are downloaded into it.",
    )
    limit: int | None = Field(
        None,
        ge=1,
        examples=[1000],
        description="At most this many training pictures, and as many test pictures.",
    )
    validation: Fraction = Field(
        0.0,
        examples=[0.1],
        description="Share of the training pictures that is held out, to choose the best epoch by.",
    )
    resize: Side | tuple[Side, Side] | None = Field(
        None,
        examples=[32, "32x48"],
        description="Scale the pictures to this height and width, in pixels.",
        json_schema_extra={"accepts": "a side in pixels such as 32, or height and width such as 32x48"},
    )
    channels: Literal[1, 3] | None = Field(
        None, examples=[3], description="Turn grey pictures into RGB (3), or colour pictures into grey (1)."
    )
    normalize: bool = Field(
        False,
        examples=[True],
        description="Shift and scale each channel to mean 0 and deviation 1 over the training pictures.",
    )
    flip: bool = Field(False, examples=[True], description="Mirror half of the training pictures, others each epoch.")
    crop: Side | None = Field(
        None,
        examples=[4],
        description="Shift each training picture at random, by up to this many pixels; black comes in.",
    )
    cutout: Side | None = Field(
        None,
        examples=[8],
        description="Blank a square of this side at a random place of each training picture.",
    )
    mixup: float | None = Field(
        None,
        gt=0,
        examples=[0.2],
        description="Blend each training picture and its class with another one's; the share is drawn from Beta(a, a).",
    )
    epochs: int = Field(10, ge=1, examples=[30], description="Passes over the training pictures.")
    batch: int = Field(128, ge=1, examples=[128], description="Pictures in a training step.")
    drop_last: bool = Field(
        False, examples=[True], description="Leave out the last batch of an epoch where it is not full."
    )
    accumulate: int = Field(
        1, ge=1, examples=[4], description="Batches whose gradients are averaged for one change of the weights."
    )
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = Field(
        "adam",
        examples=["sgd lr=0.1 momentum=0.9"],
        description="The rule that changes the weights; in a spec its arguments may follow it.",
    )
    lr: float | None = Field(
        None,
        gt=0,
        examples=[0.001],
        description="Learning rate; if not given 0.001 (adam, adamw), 0.01 (sgd, rmsprop).",
    )
    schedule: Literal["constant", "step", "cosine", "onecycle"] = Field(
        "constant",
        examples=["cosine"],
        description="The learning rate over the run: constant, falling in steps, falling to 0 along half a cosine, "
        "or rising to it for 30 % of the run and then falling (one-cycle).",
    )
    step_epochs: int | None = Field(
        None, ge=1, examples=[30], description="Epochs between two falls (schedule step); if not given a third of all."
    )
    step_factor: float = Field(
        0.1, gt=0, lt=1, examples=[0.1], description="What each fall multiplies the learning rate by (schedule step)."
    )
    warmup: float = Field(
        0.0, ge=0, examples=[5], description="Epochs in which the learning rate first rises from 0 in a line."
    )
    momentum: Fraction | None = Field(
        None,
        examples=[0.9],
        description="Share of the last step that the next one keeps (sgd, rmsprop); if not given 0.",
    )
    nesterov: bool | None = Field(None, examples=[True], description="Nesterov's form of momentum (sgd).")
    betas: tuple[Fraction, Fraction] | None = Field(
        None,
        examples=["[0.9 0.999]"],
        description="Memory of the mean and of the mean square (adam, adamw); if not given 0.9 and 0.999.",
        json_schema_extra={"accepts": "two numbers from 0 below 1, such as [0.9 0.999]"},
    )
    alpha: Fraction | None = Field(
        None, examples=[0.99], description="Memory of the mean square (rmsprop); if not given 0.99."
    )
    eps: float | None = Field(
        None,
        gt=0,
        examples=[1e-8],
        description="Keeps a division from zero (adam, adamw, rmsprop); if not given 1e-8.",
    )
    weight_decay: float | None = Field(
        None,
        ge=0,
        examples=[0.0005],
        description="Pull of the weights towards zero; if not given 0.01 for adamw, else 0.",
    )
    decay_weights_only: bool = Field(
        False,
        examples=[True],
        description="Weight decay for kernels and matrices only: biases and normalisations are left alone.",
    )
    clip: float | None = Field(
        None, gt=0, examples=[1.0], description="Shorten a gradient whose norm over all weights is above this."
    )
    label_smoothing: Fraction = Field(
        0.0, examples=[0.1], description="Share of the target that is spread over all classes in training."
    )
    average: Fraction | None = Field(
        None,
        examples=[0.999],
        description="Test and keep a moving average of the weights; this share of it stays in each step.",
    )
    patience: int | None = Field(
        None, ge=1, examples=[10], description="Stop after this many epochs without a better accuracy."
    )
    checkpoint_steps: int | None = Field(
        None, ge=1, examples=[1000], description="Save the state to resume from after this many steps, too."
    )
    checkpoint_minutes: float = Field(
        5.0, gt=0, examples=[10.0], description="Save the state to resume from this often, beside each epoch's end."
    )
    seed: int = Field(
        0,
        ge=0,
        le=2**32 - 1,
        examples=[777],
        description="Seed of the first weights, the order of the pictures, their changes and dropout.",
    )
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|mps|cuda(:[0-9]{1,3})?)$",
        examples=["cpu", '"cuda:1"'],
        description="Where to train: auto takes cuda, else mps, else cpu.",
        json_schema_extra={"accepts": "auto, cpu, mps, cuda or a numbered one such as cuda:1"},
    )

    def optimizer_arguments(self) -> dict[str, object]:
        """The optimizer's arguments by torch's names, its defaults filled in.

        >>> Recipe(optimizer="sgd", momentum=0.9).optimizer_arguments()
        {'lr': 0.01, 'momentum': 0.9, 'nesterov': False, 'weight_decay': 0.0}
        """
        defaults = OPTIMIZERS[self.optimizer]
        said = {name: getattr(self, name) for name in defaults}
        return {name: default if said[name] is None else said[name] for name, default in defaults.items()}

    def resolved(self) -> "Recipe":
        """The same recipe with the optimizer's defaults written out."""
        return self.model_copy(update=self.optimizer_arguments())


Plain: TypeAlias = "int | float | bool | str | tuple[Plain, ...]"


class PlainValue(NamedTuple):
    """A value with its place; words arrive as text, sizes and lists as tuples."""

    value: Plain
    span: Span


class PlainSetting(NamedTuple):
    """A line of `train { }` without unknown names in it: `optimizer sgd lr=0.1`.

    options: each `key=value` as key, the key's place, value.
    """

    name: str
    name_span: Span
    positional: tuple[PlainValue, ...]
    options: tuple[tuple[str, Span, PlainValue], ...]
    span: Span


def read_recipe(settings: Sequence[PlainSetting], source: Source) -> tuple[Recipe, tuple[Diagnostic, ...]]:
    """The recipe that a `train` block describes, and every error in it.

    A setting with an error keeps its default, so that one mistake is one error.
    """
    if not settings:
        return Recipe.model_construct(), ()
    block = _Block(source)
    for setting in settings:
        block.read(setting)
    block.check_conflict()
    return block.recipe(), tuple(block.diagnostics)


class _Block:
    """The settings of one block as far as they have been read."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.diagnostics: list[Diagnostic] = []
        self.said: dict[str, PlainValue] = {}
        self.places: dict[str, Span] = {}

    def recipe(self) -> Recipe:
        return Recipe.model_validate({name: plain.value for name, plain in self.said.items()})

    def read(self, setting: PlainSetting) -> None:
        if setting.name not in Recipe.model_fields:
            self._unknown(setting.name, setting.name_span)
            return
        for name, place, plain in self._assignments(setting):
            self._take(name, place, plain)

    def check_conflict(self) -> None:
        if {"optimizer", "momentum"} & self.places.keys() - self.said.keys():
            return  # that one is reported; what does not go with its default may go with what was meant
        found = conflict(self.recipe(), frozenset(self.said))
        if found:
            self._error("E221", found.message, self.places[found.name], found.help)
            del self.said[found.name]

    def _assignments(self, setting: PlainSetting) -> Iterator[tuple[str, Span, PlainValue]]:
        """Each name and value on the line; what has no place on it is reported."""
        from specc.ir.accepted import surplus_option, surplus_value, value_of_line

        plain, surplus = value_of_line(setting)
        yield setting.name, setting.span, plain
        for extra in surplus:
            if setting.name == "optimizer" and extra.value == "nesterov":
                yield "nesterov", extra.span, PlainValue(True, extra.span)
            else:
                message, help = surplus_value(setting.name)
                self._error("E221", message, extra.span, help)
                break
        for name, place, value in setting.options:
            if setting.name == "optimizer" and name in OPTIMIZER_SETTINGS:
                yield name, place.to(value.span), value
            else:
                message, help = surplus_option(setting.name, name)
                self._error("E220", message, place, help)

    def _take(self, name: str, place: Span, plain: PlainValue) -> None:
        from specc.ir.accepted import explain_wrong, whole

        if name in self.places:
            first = Label(self.places[name], "first given here")
            self._error("E222", f"`{name}` is given twice", place, "keep one of the two", (first,))
            return
        self.places[name] = place
        value = whole(plain.value)
        wrong = explain_wrong(name, value)
        if wrong:
            self._error("E221", wrong.message, plain.span, wrong.help)
        else:
            self.said[name] = PlainValue(value, plain.span)

    def _unknown(self, name: str, place: Span) -> None:
        from specc.ir.accepted import unknown_setting

        message, help = unknown_setting(name)
        self._error("E220", message, place, help)

    def _error(
        self, code: str, message: str, place: Span, help: str | None = None, others: tuple[Label, ...] = ()
    ) -> None:
        self.diagnostics.append(Diagnostic(code, message, source=self.source, span=place, others=others, help=help))


class Conflict(NamedTuple):
    """Two settings that cannot both hold: the one to point at, why, and what to do."""

    name: str
    message: str
    help: str


def conflict(recipe: Recipe, said: frozenset[str]) -> Conflict | None:
    """The first setting among `said` that the recipe's optimizer cannot use, or None."""
    accepted = OPTIMIZERS[recipe.optimizer]
    for name in sorted(OPTIMIZER_SETTINGS & said - accepted.keys()):
        users = [optimizer for optimizer, arguments in OPTIMIZERS.items() if name in arguments]
        return Conflict(
            name,
            f"the optimizer `{recipe.optimizer}` has no `{name}`; it is a setting of {_listed(users)}",
            f"leave `{name}` out, or choose another optimizer; `{recipe.optimizer}` takes {_listed(list(accepted))}",
        )
    if recipe.nesterov and not recipe.momentum:
        return Conflict("nesterov", "`nesterov` needs a momentum above 0", "add `momentum 0.9`")
    return _schedule_conflict(recipe, said)


def _schedule_conflict(recipe: Recipe, said: frozenset[str]) -> Conflict | None:
    if recipe.schedule != "step":
        for name in sorted(said & {"step_epochs", "step_factor"}):
            return Conflict(name, f"the schedule `{recipe.schedule}` has no `{name}`", "add `schedule step`")
    if recipe.schedule == "onecycle" and recipe.warmup and "warmup" in said:
        return Conflict("warmup", "the schedule `onecycle` has a warm-up of its own", "leave `warmup` out")
    return None


def overridden(recipe: Recipe, options: dict[str, object]) -> Recipe:
    """The recipe with other values for some settings.

    A change of optimizer drops the arguments in the recipe that only the old one has.

    Args:    options by field name, None for what was not given.
    Returns: a new, validated recipe.
    Raises:  Problem E220 for an unknown setting, E221 for a value or a pair of settings that cannot be.
    """
    from specc.ir.accepted import explain_wrong, unknown_setting, whole

    said = {name: whole(value) for name, value in options.items() if value is not None}
    for name, value in said.items():
        if name not in Recipe.model_fields:
            raise Problem.of("E220", *unknown_setting(name))
        wrong = explain_wrong(name, value)
        if wrong:
            raise Problem.of("E221", wrong.message, wrong.help)
    kept = recipe.model_dump()
    usable = OPTIMIZERS[str(said.get("optimizer", recipe.optimizer))]
    kept |= dict.fromkeys(OPTIMIZER_SETTINGS - usable.keys())
    changed = Recipe.model_validate({**kept, **said})
    found = conflict(changed, frozenset(said))
    if found:
        raise Problem.of("E221", found.message, found.help)
    return changed


def _listed(words: list[str]) -> str:
    quoted = [f"`{word}`" for word in words]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
