"""The training recipe: one model is the truth for `train { }`, for `specc train` and for the reference.

A field's name is the setting's and, with `-` for `_`, the option's; its description is the line in both
references. `read_recipe` takes the settings of a block, `overridden` the options of the command line and of
Python; `judging` judges values and words the errors, `conflicts` judges settings together. Nothing here opens a file or
imports torch.
"""

# No `from __future__ import annotations` here: pydantic would have to compile each field's annotation out of a text,
# which every command that reads a spec would wait for.

from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from pydantic import Field

from specc.recipe.optimizers import OPTIMIZERS, argument_description, optimizer_description
from specc.recipe.parts import Epochs, Factors, by_part
from specc.recipe.samples import Fraction, SampleSettings
from specc.recipe.schedules import SCHEDULES, schedule_description, used_by
from specc.source import Span

if TYPE_CHECKING:
    OptimizerName: TypeAlias = str
    ScheduleName: TypeAlias = str
else:  # the words of the tables
    OptimizerName = Literal[tuple(OPTIMIZERS)]
    ScheduleName = Literal[tuple(SCHEDULES)]
# Settings under the names that they once had, which specs and the folders of runs may still say.
RENAMED = {"objective": "task"}


def _schedules(setting: str) -> str:
    *words, last = used_by(setting)
    return f"schedule {', '.join(words)} or {last}" if words else f"schedule {last}"


class Recipe(SampleSettings):
    """How to train: what `train { }` says, then what the command line says, else these defaults.

    None stands for "not said": the optimizer's own default, or the data set as it is.
    """

    from_weights: str | None = Field(
        None,
        min_length=1,
        examples=['"runs/digits-1"'],
        description="Begin with the weights of a run, of a .safetensors, .pt or .pth file, or of `torchvision:NAME`: "
        "those that fit by name or order; as an option, `--from`.",
    )
    freeze: str | None = Field(
        None,
        min_length=1,
        examples=["stem", '"stem,stage1"'],
        description="Leave parts of the network as they are, by the names of labels, blocks or layers, parted by "
        "commas; `stage*` is all that begin so.",
    )
    unfreeze_after: int | None = Field(
        None, ge=1, examples=[5], description="With freeze: let the frozen parts learn, too, after so many epochs."
    )
    freeze_after: Epochs | None = by_part(
        "Parts of the network that learn for so many epochs and then stay as they are; names as for freeze.",
        "stem=3", accepts="names of parts with a number of epochs each, such as stem=3",
    )  # fmt: skip
    rates: Factors | None = by_part(
        "Learning rates of parts of the network, as factors of `lr`; names as for freeze, or of weights: bias, "
        "head.weight.",
        "head=10x stem=0.1x", "bias=64x", '"stage*=0.1x"',
    )  # fmt: skip
    layer_decay: float = Field(
        1.0, gt=0, le=1, examples=[0.75],
        description="What the learning rate is multiplied by for each layer between a weight's own and the last one.",
    )  # fmt: skip
    decays: Factors | None = by_part(
        "Weight decay of parts of the network, as factors of `weight_decay`; names as for rates.", "head=0x"
    )
    epochs: int | float = Field(
        10, gt=0, examples=[30],
        description="Passes over the training pictures; of 9.9 the last one is nine tenths of a pass.",
        json_schema_extra={"accepts": "a number above 0"},
    )  # fmt: skip
    batch: int = Field(128, ge=1, examples=[128], description="Pictures per training step.")
    sampling: Literal["all", "balanced"] = Field(
        "all",
        examples=["balanced"],
        description="Which training samples an epoch has: all of them, or as many of each class, those of rare classes "
        "several times (balanced; classify).",
    )
    drop_last: bool = Field(
        False, examples=[True], description="Leave out the last batch of an epoch where it is not full."
    )
    accumulate: int = Field(
        1, ge=1, examples=[4], description="Batches whose gradients are averaged for one update of the weights."
    )
    optimizer: OptimizerName = Field("adam", examples=["sgd lr=0.1 momentum=0.9"], description=optimizer_description())
    lr: float | None = Field(None, gt=0, examples=[0.001], description=argument_description("lr", "Learning rate"))
    schedule: ScheduleName = Field("constant", examples=["cosine"], description=schedule_description())
    step_epochs: int | None = Field(
        None,
        ge=1,
        examples=[30],
        description="Epochs between two falls of the learning rate (schedule step; if not given, a third of all "
        "epochs), or without a better result before one (plateau; if not given, 10).",
    )
    step_factor: float = Field(
        0.1, gt=0, lt=1, examples=[0.1],
        description=f"What each fall multiplies the learning rate by ({_schedules('step_factor')}).",
    )  # fmt: skip
    floor: Fraction = Field(
        0.0, examples=[0.01],
        description=f"What the learning rate falls to, as a part of `lr` ({_schedules('floor')}).",
    )  # fmt: skip
    power: float = Field(
        0.9, gt=0, le=100, examples=[2.0],
        description=f"The power of the share of the run that is left ({_schedules('power')}); 1 is a straight line.",
    )  # fmt: skip
    warmup: float = Field(
        0.0, ge=0, examples=[5], description="Epochs over which the learning rate first rises linearly from 0."
    )
    warmup_ratio: Fraction = Field(
        0.0, examples=[0.1], description="The same as a share of the whole run, in place of epochs."
    )
    momentum: Fraction | None = Field(
        None, examples=[0.9],
        description=argument_description("momentum", "Share of the last step that the next one keeps"),
    )  # fmt: skip
    nesterov: bool | None = Field(
        None, examples=[True], description=argument_description("nesterov", "Nesterov's form of momentum")
    )
    betas: tuple[Fraction, Fraction] | None = Field(
        None, examples=["[0.9 0.999]"],
        description=argument_description("betas", "Memory of the mean and of the mean square"),
        json_schema_extra={"accepts": "two numbers from 0 below 1, such as [0.9 0.999]"},
    )  # fmt: skip
    muon_lr: float | None = Field(
        None, gt=0, examples=[0.02],
        description="Muon's own learning rate, of steps that are not scaled to the size of AdamW's (muon); if not "
        "given, `lr` and steps that are.",
    )  # fmt: skip
    ns_steps: int | None = Field(
        None, ge=1, le=100, examples=[3],
        description=argument_description("ns_steps", "Newton-Schulz steps by which a change is made orthogonal"),
    )  # fmt: skip
    renormalize: bool | None = Field(
        None, examples=[True],
        description=argument_description(
            "renormalize", "Give each weight that Muon changes the norm of the root of its rows before each step, in "
            "place of weight decay",
        ),
    )  # fmt: skip
    rest_optimizer: Literal["adamw", "sgd"] | None = Field(
        None, examples=["sgd"],
        description=argument_description("rest_optimizer", "The rule that changes the weights that Muon leaves"),
    )  # fmt: skip
    rest_momentum: Fraction | None = Field(
        None, examples=[0.9], description=argument_description("rest_momentum", "Momentum of these where it is sgd")
    )
    alpha: Fraction | None = Field(
        None, examples=[0.99], description=argument_description("alpha", "Memory of the mean square")
    )
    eps: float | None = Field(
        None, gt=0, examples=[1e-8], description=argument_description("eps", "Keeps a divisor away from zero")
    )
    weight_decay: float | None = Field(
        None, ge=0, examples=[0.0005],
        description=argument_description("weight_decay", "Pull of the weights towards zero"),
    )  # fmt: skip
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
    swa_from: int | None = Field(
        None,
        ge=1,
        examples=[20],
        description="Test and keep the mean of the weights that each epoch from this one on ended with, the statistics "
        "of its batch normalisations renewed over the training samples.",
    )
    lookahead: int | None = Field(
        None,
        ge=1,
        examples=[5],
        description="After so many steps go back towards where they began; `lookahead_alpha` says how far.",
    )
    lookahead_alpha: float = Field(
        0.5, gt=0, le=1, examples=[0.5],
        description="With lookahead: the share of the way that the steps have made which is kept.",
    )  # fmt: skip
    lookahead_schedule: Literal["constant", "cubic"] = Field(
        "constant",
        examples=["cubic"],
        description="With lookahead: `lookahead_alpha` from the beginning to the end of the run (constant), or all of "
        "the way at first, falling with the cube of the run's progress to `lookahead_alpha` (cubic).",
    )
    patience: int | None = Field(
        None, ge=1, examples=[10], description="Stop after this many epochs without a better result."
    )
    checkpoint_steps: int | None = Field(
        None,
        ge=1,
        examples=[1000],
        description="Steps between two saves of the state to resume from, besides those after each epoch.",
    )
    checkpoint_minutes: float = Field(
        5.0,
        gt=0,
        examples=[10.0],
        description="Minutes between two saves of the state to resume from, besides those after each epoch.",
    )
    seed: int = Field(
        0,
        ge=0,
        le=2**32 - 1,
        examples=[777],
        description="Seed of the initial weights, the order of the pictures, their augmentation and dropout.",
    )
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|mps|cuda(:[0-9]{1,3})?)$",
        examples=["cpu", '"cuda:1"'],
        description="Where to train: auto takes cuda, else mps, else cpu.",
        json_schema_extra={"accepts": "auto, cpu, mps, cuda or a numbered one such as cuda:1"},
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto",
        examples=["fp32"],
        description="Number format to compute in; weights are always float32. auto takes bf16 where the hardware "
        "multiplies in it and that is faster, else fp32; fp16 scales the loss, and needs CUDA.",
    )
    channels_last: Literal["auto", "on", "off"] = Field(
        "auto",
        examples=["off"],
        description="Lay pictures and kernels out with their channels last in memory; auto does so on CPUs and on "
        "CUDA, unless the run is exact.",
    )
    cudnn_benchmark: Literal["auto", "on", "off"] = Field(
        "auto",
        examples=["off"],
        description="Let cuDNN try its kernels on the first batch of each size and keep the fastest, which need not be "
        "the same in another run (CUDA); auto does so, unless the run is exact or torch is to be deterministic.",
    )
    compile: Literal["auto", "on", "off"] = Field(
        "auto",
        examples=["off"],
        description="Compile the network with torch.compile, on CUDA into one graph; auto does so where it was "
        "measured to pay, which is nowhere yet.",
    )
    exact: bool = Field(
        False,
        examples=[True],
        description="The same weights, bit for bit, as a plain loop over a shuffled DataLoader with `ToTensor`, in "
        "float32 and with torch's own optimizer after `torch.manual_seed(seed)`; slower than without.",
    )
    exact_evaluation: bool = Field(
        False,
        examples=[True],
        description="With exact: the plain loop evaluates after each epoch over a DataLoader of the test pictures, "
        "which moves the random state on.",
    )

    def optimizer_arguments(self) -> dict[str, object]:
        """The optimizer's arguments by torch's names, its defaults filled in.

        >>> Recipe(optimizer="sgd", momentum=0.9).optimizer_arguments()
        {'lr': 0.01, 'momentum': 0.9, 'nesterov': False, 'weight_decay': 0.0}
        """
        defaults = OPTIMIZERS[self.optimizer].arguments
        said = {name: getattr(self, name) for name in defaults}
        return {name: default if said[name] is None else said[name] for name, default in defaults.items()}

    @property
    def whole_epochs(self) -> int:
        """How many epochs there are, a last part of one among them."""
        return ceil(self.epochs)

    def steps(self, of_epoch: int) -> int:
        """Of the whole run, where a whole epoch has so many.

        >>> Recipe(epochs=1.1).steps(10), Recipe(epochs=0.01).steps(10), Recipe(epochs=3).steps(10)
        (11, 1, 30)
        """
        return ceil(Decimal(str(self.epochs)) * of_epoch)

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
