"""The training recipe: one model is the truth for `train { }`, for `specc train` and for the reference.

A field's name is the setting's and, with `-` for `_`, the option's; its description is the line in both
references. `read_recipe` takes the settings of a block, `overridden` the options of the command line and of
Python; `judging` judges values and words the errors, `conflicts` judges settings together. Nothing here opens a file or
imports torch.
"""

# No `from __future__ import annotations` here: pydantic would have to compile each field's annotation out of a text,
# which every command that reads a spec would wait for.

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, TypeAlias

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field

from specc.recipe.augmentations import augmentation
from specc.recipe.optimizers import OPTIMIZERS, argument_description, optimizer_description
from specc.recipe.parts import Factors, by_part
from specc.recipe.schedules import SCHEDULES, schedule_description, used_by
from specc.source import Span
from specc.tasks.registry import TASKS

if TYPE_CHECKING:
    TaskName: TypeAlias = str
    OptimizerName: TypeAlias = str
    ScheduleName: TypeAlias = str
else:  # the words of the tables
    TaskName = Literal[tuple(TASKS)]
    OptimizerName = Literal[tuple(OPTIMIZERS)]
    ScheduleName = Literal[tuple(SCHEDULES)]
# Settings under the names that they once had, which specs and the folders of runs may still say.
RENAMED = {"objective": "task"}


def fold_of(text: str) -> str:
    """The same. Raises: ValueError where there is no such part."""
    number, _, count = text.partition("/")
    if not 1 <= int(number) <= int(count) or int(count) < 2:
        raise ValueError("no such part")
    return text


Fraction = Annotated[float, Field(ge=0, lt=1)]
Side = Annotated[int, Field(ge=1, le=16384)]
ClassWeights = Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=1)]
Fold = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}/[1-9][0-9]{0,3}$"), AfterValidator(fold_of)]
Strength = Annotated[float, Field(ge=0, le=10)]
MOST_CHANNELS = 4096
Fit: TypeAlias = Literal["stretch", "crop", "pad"]
Levels = float | Annotated[tuple[float, ...], Field(min_length=1, max_length=MOST_CHANNELS)]  # of each, or one for all
Positive = Annotated[float, Field(gt=0)]
Spreads = Positive | Annotated[tuple[Positive, ...], Field(min_length=1, max_length=MOST_CHANNELS)]


def _schedules(setting: str) -> str:
    *words, last = used_by(setting)
    return f"schedule {', '.join(words)} or {last}" if words else f"schedule {last}"


class Recipe(BaseModel):
    """How to train: what `train { }` says, then what the command line says, else these defaults.

    None stands for "not said": the optimizer's own default, or the data set as it is.
    """

    # Built on first use: `specc check` of a spec without a `train` block never needs the validator.
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True, allow_inf_nan=False)

    task: TaskName = Field(
        "classify",
        examples=["reconstruct"],
        validation_alias=AliasChoices("task", "objective"),
        description=f"What is learned: {'; '.join(task.what for task in TASKS.values())}.",
    )
    class_weights: Literal["balanced"] | ClassWeights | None = Field(
        None,
        examples=["balanced", "[1 5]"],
        description="What a sample counts in the loss by its class: balanced, so that each class counts alike, or a "
        "number for each class in the order of their names (classify, multilabel, segment).",
        json_schema_extra={"accepts": "balanced, or a number for each class such as [1 5]"},
    )
    threshold: float = Field(
        0.5,
        gt=0,
        lt=1,
        examples=[0.3],
        description="Probability from which a picture is said to have a label (multilabel).",
    )
    error: Literal["mse", "mae", "huber"] = Field(
        "mse",
        examples=["huber"],
        description="The loss of numbers: squared, absolute or Huber's error, in units of the targets' deviation "
        "(regress).",
    )
    dice: float = Field(
        0.0,
        ge=0,
        le=1000,
        examples=[0.5],
        description="What the Dice loss counts beside the cross-entropy (segment).",
    )
    data: str = Field(
        "digits",
        min_length=1,
        description="Data set: a name, a folder of class folders, a CSV file of pictures or an .npz file.",
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
    fold: Fold | None = Field(
        None,
        examples=['"2/5"'],
        description="Test on one of so many equal parts of all pictures, each class in proportion, and train on the "
        "others; --folds goes through all of them.",
        json_schema_extra={"accepts": "which of how many parts, such as 2/5"},
    )
    in_memory: Literal["auto", "on", "off"] = Field(
        "auto",
        examples=["off"],
        description="Decode a folder's pictures once and keep them (on), or read them again in each epoch (off); "
        "auto keeps them where they fit.",
    )
    workers: int | None = Field(
        None,
        ge=0,
        le=1024,
        examples=[8],
        description="Processes that read pictures that are not kept in memory; if not given, one for each core, "
        "at most 8.",
    )
    resize: Side | tuple[Side, Side] | None = Field(
        None,
        examples=[32, "32x48"],
        description="Scale the pictures to this height and width, in pixels.",
        json_schema_extra={"accepts": "a side in pixels such as 32, or height and width such as 32x48"},
    )
    fit: Fit = Field(
        "stretch",
        examples=["crop"],
        description="How pictures of other proportions come to the size of `resize`: stretched to it; crop scales the "
        "shorter side and cuts out the middle; pad scales the longer side and fills the rest with black.",
    )
    channels: Literal[1, 3] | None = Field(
        None, examples=[3], description="Turn grey pictures into RGB (3), or colour pictures into grey (1)."
    )
    normalize: bool = Field(
        False,
        examples=[True],
        description="Shift and scale each channel to mean 0 and deviation 1 over the training pictures.",
    )
    mean: Levels | None = Field(
        None,
        examples=[0.5, "[0.485 0.456 0.406]"],
        description="With normalize: the mean of each channel, as parts of full brightness, in place of that of the "
        "training pictures.",
        json_schema_extra={"accepts": "a number for each channel, or one for all"},
    )
    deviation: Spreads | None = Field(
        None,
        examples=[0.25, "[0.229 0.224 0.225]"],
        description="With mean: the deviation of each channel.",
        json_schema_extra={"accepts": "a number above 0 for each channel, or one for all"},
    )
    # Augmentations, in the order in which they are applied.
    resized_crop: float | None = augmentation(
        "cuts", "cut_out", None,
        gt=0, le=1, examples=[0.08],
        description="Cut a part of at least this share of the area out of each training picture, its sides stretched "
        "by up to 4/3, and scale it to the picture's size; 0.08 is usual for photographs.",
    )  # fmt: skip
    flip: bool = augmentation(
        "moves", "flipped", False,
        examples=[True],
        description="Mirror each training picture with probability one half, drawn again in each epoch.",
    )  # fmt: skip
    crop: Side | None = augmentation(
        "moves", "shifted", None,
        examples=[4],
        description="Shift each training picture at random, by up to this many pixels; black fills the gap.",
    )  # fmt: skip
    color_jitter: Strength | tuple[Strength, Strength, Strength] | None = augmentation(
        "colours", "jittered", None,
        examples=[0.4, "[0.4 0.4 0.2]"],
        description="Change brightness, contrast and saturation of each training picture by a factor from 1 - x to "
        "1 + x; one x for all three, or one for each.",
        accepts="a number from 0 to 10, or three for brightness, contrast and saturation",
    )  # fmt: skip
    cutout: Side | None = augmentation(
        "fills", "with_hole", None,
        examples=[8],
        description="Blank out a square of this side at a random place in each training picture.",
    )  # fmt: skip
    mixup: float | None = augmentation(
        "mixes", "mixed", None,
        gt=0, examples=[0.2],
        description="Blend each training picture and its class with those of another; the share is drawn from "
        "Beta(a, a).",
    )  # fmt: skip
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
    rates: Factors | None = by_part(
        "Learning rates of parts of the network, as factors of `lr`; names as for freeze.",
        "head=10x stem=0.1x", '"stage*=0.1x"',
    )  # fmt: skip
    layer_decay: float = Field(
        1.0, gt=0, le=1, examples=[0.75],
        description="What the learning rate is multiplied by for each layer between a weight's own and the last one.",
    )  # fmt: skip
    decays: Factors | None = by_part("Weight decay of parts of the network, as factors of `weight_decay`.", "head=0x")
    epochs: int = Field(10, ge=1, examples=[30], description="Passes over the training pictures.")
    batch: int = Field(128, ge=1, examples=[128], description="Pictures per training step.")
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
