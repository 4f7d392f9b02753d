"""The settings of a recipe about samples: what is learned from which, how they are prepared, how they are changed.

They are the first fields of `Recipe`, in the order of the reference; augmentations of a kind are applied in theirs.
"""

# No `from __future__ import annotations` here: pydantic would have to compile each field's annotation out of a text,
# which every command that reads a spec would wait for.

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field

from specc.recipe.augmentations import augmentation
from specc.recipe.parts import Heads, by_part
from specc.tasks.names import LEARNED

if TYPE_CHECKING:
    TaskName: TypeAlias = str
else:  # the words of the table
    TaskName = Literal[tuple(LEARNED)]


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
Magnitude = Annotated[int, Field(ge=0, le=30)]
MOST_CHANNELS = 4096
Fit: TypeAlias = Literal["stretch", "crop", "pad"]
Levels = float | Annotated[tuple[float, ...], Field(min_length=1, max_length=MOST_CHANNELS)]  # of each, or one for all
Positive = Annotated[float, Field(gt=0)]
Spreads = Positive | Annotated[tuple[Positive, ...], Field(min_length=1, max_length=MOST_CHANNELS)]


class SampleSettings(BaseModel):
    """What a recipe says of its samples. None stands for "not said": the data set as it is."""

    # Built on first use: `specc check` of a spec without a `train` block never needs the validator.
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True, allow_inf_nan=False)

    task: TaskName = Field(
        "classify",
        examples=["reconstruct"],
        validation_alias=AliasChoices("task", "objective"),
        description=f"What is learned: {'; '.join(LEARNED.values())}.",
    )
    heads: Heads | None = by_part(
        "What the loss of each output counts in the sum that is learned, for a network with `outputs`; accuracy and "
        "answers are those of the first one (classify).",
        "main=1 aux=0.3", accepts="names of outputs with a number each, the first above 0, such as main=1 aux=0.3",
    )  # fmt: skip
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
        description="Data set: a name, a folder of class folders, a CSV file of pictures, an .npz file, tar shards "
        "(x-{000..009}.tar), or hf:NAME of Hugging Face's hub.",
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
    skip_damaged: bool = Field(
        False, examples=[True], description="Leave out pictures in files that cannot be read, and say how many."
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
        "cuts", "moves:cut_out", None,
        gt=0, le=1, examples=[0.08],
        description="Cut a part of at least this share of the area out of each training picture, its sides stretched "
        "by up to 4/3, and scale it to the picture's size; 0.08 is usual for photographs.",
    )  # fmt: skip
    rotate: float | None = augmentation(
        "warps", "warps:rotated", None,
        ge=0, le=180, examples=[15.0],
        description="Turn each training picture at random, by up to this many degrees either way; black fills the "
        "corners.",
    )  # fmt: skip
    translate: float | None = augmentation(
        "warps", "warps:translated", None,
        ge=0, le=1, examples=[0.1],
        description="Shift each training picture at random, by up to this share of its height and width; black fills "
        "the gap.",
    )  # fmt: skip
    zoom: float | None = augmentation(
        "warps", "warps:zoomed", None,
        ge=0, lt=1, examples=[0.2],
        description="Make each training picture larger or smaller, by a factor from 1 - x to 1 + x.",
    )  # fmt: skip
    shear: float | None = augmentation(
        "warps", "warps:slanted", None,
        ge=0, lt=90, examples=[10.0],
        description="Slant each training picture sideways, by up to this many degrees either way.",
    )  # fmt: skip
    flip: bool = augmentation(
        "moves", "moves:flipped", False,
        options=("flip_mode",), examples=[True],
        description="Mirror half of the training pictures, left for right; `flip_mode` says which.",
    )  # fmt: skip
    flip_mode: Literal["random", "alternate"] = Field(
        "random",
        examples=["alternate"],
        description="Which pictures `flip` mirrors: each with probability one half, drawn again in each epoch "
        "(random), or those that it did not mirror in the epoch before, the first ones drawn by the seed (alternate).",
    )
    flip_vertical: bool = augmentation(
        "moves", "moves:turned_over", False,
        examples=[True],
        description="Mirror each training picture top for bottom with probability one half.",
    )  # fmt: skip
    crop: Side | None = augmentation(
        "moves", "moves:shifted", None,
        options=("crop_padding",), examples=[4],
        description="Shift each training picture at random, by up to this many pixels; `crop_padding` fills the gap.",
    )  # fmt: skip
    crop_padding: Literal["zeros", "reflect"] = Field(
        "zeros",
        examples=["reflect"],
        description="What fills the gap that `crop` leaves: black, or the picture mirrored at its border.",
    )
    randaugment: Magnitude | tuple[Annotated[int, Field(ge=1, le=14)], Magnitude] | None = augmentation(
        "moves", "policies:randomly_augmented", None,
        examples=[9, "[2 9]"],
        description="Change each training picture twice, by changes drawn from a list, with this strength; or so many "
        "times, and the strength.",
        accepts="a strength from 0 to 30, or how many changes and their strength such as [2 9]",
    )  # fmt: skip
    trivialaugment: bool = augmentation(
        "moves", "policies:trivially_augmented", False,
        examples=[True],
        description="Change each training picture once, by a change drawn from a list, with a strength that is drawn, "
        "too.",
    )  # fmt: skip
    color_jitter: Strength | tuple[Strength, Strength, Strength] | None = augmentation(
        "colours", "colours:jittered", None,
        examples=[0.4, "[0.4 0.4 0.2]"],
        description="Change brightness, contrast and saturation of each training picture by a factor from 1 - x to "
        "1 + x; one x for all three, or one for each.",
        accepts="a number from 0 to 10, or three for brightness, contrast and saturation",
    )  # fmt: skip
    hue: float | None = augmentation(
        "colours", "colours:tinted", None,
        ge=0, le=0.5, examples=[0.05],
        description="Turn the hues of each training picture by up to this share of the circle of colours.",
    )  # fmt: skip
    blur: float | None = augmentation(
        "colours", "colours:blurred", None,
        ge=0, le=100, examples=[1.0],
        description="Blur each training picture by a Gaussian of up to this deviation, in pixels.",
    )  # fmt: skip
    cutout: Side | None = augmentation(
        "fills", "mixing:with_hole", None,
        examples=[8],
        description="Blank out a square of this side at a random place in each training picture.",
    )  # fmt: skip
    erase: float | None = augmentation(
        "fills", "mixing:erased", None,
        ge=0, le=1, examples=[0.25],
        description="Blank out a rectangle of 2 to 33 % of the area in this share of the training pictures.",
    )  # fmt: skip
    mixup: float | None = augmentation(
        "mixes", "mixing:mixed", None,
        gt=0, examples=[0.2],
        description="Blend each training picture and its class with those of another; the share is drawn from "
        "Beta(a, a).",
    )  # fmt: skip
    cutmix: float | None = augmentation(
        "mixes", "mixing:patched", None,
        gt=0, examples=[1.0],
        description="Put a rectangle of another picture into each training picture, and its class in the same share, "
        "drawn from Beta(a, a); with mixup one of both is drawn for each batch.",
    )  # fmt: skip
