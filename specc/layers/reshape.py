"""Layers that move values without computing new ones, or resize the picture."""

from collections.abc import Iterator, Mapping
from math import isqrt, prod
from typing import Annotated, Any, Literal

from pydantic import Field

from specc.diagnostics.proposal import Enlarge, GiveChannels, LeaveOut, Proposal, SetFields
from specc.diagnostics.spelling import counted, spelled
from specc.layers.base import (
    Layer,
    Shape,
    ShapeError,
    as_picture,
    kind_of,
    other_channels,
    rank_of,
    require_divisible,
    require_spatial,
    spread,
    strung_out,
    written,
)
from specc.layers.fields import LARGEST, Count, Factor, Flag, Index, Label, Says, Size, choices, field
from specc.layers.torch_call import FixedValue, NoWord, Source, call, compact
from specc.layers.windows import Window

Target = Annotated[
    tuple[Annotated[int, Field(ge=1, le=LARGEST)], ...],
    Field(min_length=2, max_length=4),
    Says("a shape such as 16x5x5, channels first", "channels first, such as 16x5x5", int, 1, sizes=True),
]


class Flatten(Layer):
    """Strings all values of a sample into a vector."""

    keyword = "flatten"
    family = "shape"
    example = "input 16x5x5 ; flatten"
    torch = call("Flatten", "torch.flatten", function_arguments={"start_dim": FixedValue(1)})

    @classmethod
    def from_torch(cls, name: str, given: dict[str, Any], x: Shape) -> dict[str, Any]:
        start, end = given.pop("start_dim"), given.pop("end_dim")
        if start != 1 or end not in (-1, len(x)):
            raise NoWord(f"flattening from dimension {start} to {end}")
        return {}

    def output(self, x: Shape) -> Shape:
        return (prod(x),)

    @property
    def features(self) -> Literal["as many"]:
        return "as many"


class Unflatten(Layer):
    """Folds a vector into channels and spatial dimensions."""

    keyword = "unflatten"
    family = "shape"
    example = "input 400 ; unflatten 16x5x5"
    torch = call(
        "Unflatten", "torch.unflatten", bare=2, dim=FixedValue(1), unflattened_size="shape",
        function_arguments={"dim": FixedValue(1), "sizes": "shape"},
    )  # fmt: skip

    shape: Target = field(positional=True, doc="the shape to fold into, channels first")

    def torch_argument(self, source: str, x: Shape) -> Any:
        return self.shape  # not a size, so equal numbers in it are not one

    @classmethod
    def from_torch(cls, name: str, given: dict[str, Any], x: Shape) -> dict[str, Any]:
        dim = given.pop("dim")
        if len(x) > 1 or dim not in (1, -1):
            raise NoWord("unflattening something other than a vector")
        return {"shape": tuple(given["sizes" if "sizes" in given else "unflattened_size"])}

    def output(self, x: Shape) -> Shape:
        if rank_of(x):
            raise ShapeError(
                "E302", f"`unflatten` takes a vector, but {kind_of(x)} arrives", help="put `flatten` before it",
                proposals=(*strung_out(x), LeaveOut()),
            )  # fmt: skip
        if prod(self.shape) != x[0]:
            spatial = prod(self.shape[1:])
            fitting = (x[0] // spatial, *self.shape[1:])
            raise ShapeError(
                "E304",
                f"{counted(x[0], 'feature', 'd')} cannot be folded into {written(self.shape)}",
                label="·".join(map(str, self.shape)) + f" = {prod(self.shape)}",
                help=f"`unflatten {spelled(fitting)}` fits"
                if x[0] % spatial == 0
                else f"let the layer before it give {counted(prod(self.shape), 'feature', 'd')}",
                proposals=(
                    GiveChannels(prod(self.shape)),
                    *(SetFields({"shape": shape}) for shape in self._other_shapes(x[0], spatial)),
                ),
            )
        return self.shape

    def _other_shapes(self, features: int, spatial: int) -> Iterator[Shape]:
        """Shapes that the features fold into: a square with the same channels, then other channels of the same size."""
        side = isqrt(features // self.shape[0])
        if len(self.shape) == 3 and self.shape[0] * side * side == features:
            yield (self.shape[0], side, side)
        if features % spatial == 0:
            yield (features // spatial, *self.shape[1:])

    def output_anyway(self) -> Shape:
        return self.shape


_LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}  # torch's names of `linear`, by rank


class Upsample(Layer):
    """Enlarges the picture by a factor, or to a size."""

    keyword = "upsample"
    family = "shape"
    example = "input 64x7x7 ; upsample 2"
    torch = call(
        "Upsample", "F.interpolate", bare=0, also=("UpsamplingNearest2d", "UpsamplingBilinear2d"),
        size="size", scale_factor="scale", mode="mode", align_corners="corners",
    )  # fmt: skip
    one_of = ("scale", "size", "like")

    scale: Factor | None = field(None, positional=True, doc="size of the output over the size of the input")
    mode: Literal["nearest", "linear", "bicubic"] = field(
        "nearest", positional=True, doc="how new pixels are made; `linear` is bilinear for images"
    )
    size: Size | None = field(None, doc="size of the output, in pixels, in place of a factor")
    like: Label | None = field(None, doc="the step whose height and width the output takes, when the model is called")
    corners: Flag = field(False, doc="let the outermost pixels keep their place, with `linear` and `bicubic`")

    def output(self, x: Shape) -> Shape:
        rank = require_spatial(self.keyword, x)
        if self.mode == "bicubic" and rank != 2:
            message, linear = f"`bicubic` is for images, but {kind_of(x)} arrives", SetFields({"mode": "linear"})
            raise ShapeError("E302", message, help="use `mode=linear`", proposals=(linear,))
        if self.corners and self.mode == "nearest":
            message = "`corners` is for `linear` and `bicubic`, which work new pixels out between old ones"
            raise ShapeError("E204", message, help="add `linear`, or leave out `corners`", field="corners")
        if self.size is not None:
            return (x[0], *spread(self.size, rank, "size"))
        scales = spread(self.scale, rank, "scale")
        sizes = tuple(int(size * scale) for size, scale in zip(x[1:], scales, strict=True))
        if min(sizes) < 1:
            raise ShapeError(
                "E301",
                f"`upsample` by {min(scales):g} leaves nothing of {written(x[1:])} pixels",
                help=f"use a scale of at least 1/{min(x[1:])}",
                proposals=(SetFields({"scale": 1}), Enlarge()),
            )
        return (x[0], *sizes)

    def fixes_size(self) -> bool:
        return self.size is not None

    def torch_arguments(self, names: Mapping[str, Source], x: Shape) -> dict[str, Any]:
        return {name: value for name, value in super().torch_arguments(names, x).items() if value is not None}

    def torch_argument(self, source: str, x: Shape) -> Any:
        if source == "scale":
            scales = () if self.scale is None else spread(self.scale, len(x) - 1, "scale")
            return compact(tuple(map(float, scales))) if scales else None
        if source == "corners":
            return self.corners or None
        if source == "mode":
            return _LINEAR[len(x) - 1] if self.mode == "linear" else self.mode
        return super().torch_argument(source, x)

    @classmethod
    def from_torch(cls, name: str, given: dict[str, Any], x: Shape) -> dict[str, Any]:
        own = "linear" if given["mode"] == _LINEAR.get(len(x) - 1) else given["mode"]
        if own not in choices(cls.model_fields["mode"]):
            raise NoWord(f"upsampling by `{given['mode']}`")
        rest = {"mode": own, "corners": bool(given["align_corners"]) and own != "nearest"}
        if given["scale_factor"] is not None:
            return {"scale": compact(given["scale_factor"]), **rest}
        size = spread(compact(given["size"]), len(x) - 1, "size")
        factor = compact(tuple(wanted / there for wanted, there in zip(size, x[1:], strict=True)))
        if isinstance(factor, float) and factor.is_integer():  # what a network asks for that doubles a picture
            return {"scale": factor, **rest}
        return {"size": compact(size), **rest}

    def windows(self, x: Shape) -> tuple[Window, ...]:
        kernel = {"nearest": 1, "linear": 2, "bicubic": 4}[self.mode]
        return tuple(Window(kernel, size / wanted) for size, wanted in zip(x[1:], self._exact(x), strict=True))

    def _exact(self, x: Shape) -> tuple[float, ...]:
        """The sizes that are asked for, before they are cut to whole pixels."""
        if self.size is not None:
            return spread(self.size, len(x) - 1, "size")
        return tuple(size * scale for size, scale in zip(x[1:], spread(self.scale, len(x) - 1, "scale"), strict=True))


def _no_image(word: str, x: Shape) -> ShapeError:
    return ShapeError("E302", f"`{word}` takes an image, but {kind_of(x)} arrives", proposals=as_picture(x))


class PixelShuffle(Layer):
    """Trades channels for pixels: r² channels become r×r pixels of one (Shi et al. 2016)."""

    keyword = "pixelshuffle"
    family = "shape"
    example = "input 64x7x7 ; pixelshuffle 2"
    torch = call("PixelShuffle", "F.pixel_shuffle", upscale_factor="r")

    r: Count = field(positional=True, doc="factor by which height and width grow")

    def output(self, x: Shape) -> Shape:
        if rank_of(x) != 2:
            raise _no_image(self.keyword, x)
        square = self.r * self.r
        if x[0] % square:
            arriving = f"{x[0]} arrive{'s' * (x[0] == 1)}"
            raise ShapeError(
                "E303",
                f"`pixelshuffle {self.r}` needs a multiple of {square} channels, but {arriving}",
                label=f"{x[0]} / {self.r}² leaves {x[0] % square}",
                help=f"give the convolution before it {-(-x[0] // square) * square} channels",
                proposals=other_channels(x[0], square, anyhow=True),
            )
        return (x[0] // square, x[1] * self.r, x[2] * self.r)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return (Window(1, 1 / self.r),) * 2


class PixelUnshuffle(Layer):
    """Trades pixels for channels: r×r pixels of a channel become r² channels."""

    keyword = "pixelunshuffle"
    family = "shape"
    example = "input 3x32x32 ; pixelunshuffle 2"
    torch = call("PixelUnshuffle", "F.pixel_unshuffle", downscale_factor="r")

    r: Count = field(positional=True, doc="factor by which height and width shrink")

    def output(self, x: Shape) -> Shape:
        if rank_of(x) != 2:
            raise _no_image(self.keyword, x)
        size = next((size for size in x[1:] if size % self.r), None)
        if size is not None:
            raise ShapeError(
                "E304",
                f"`pixelunshuffle {self.r}` needs a height and a width that {self.r} divides, not {written(x[1:])}",
                label=f"{size} / {self.r} leaves {size % self.r}",
                help=f"a picture of {written(_divisible(x[1:], self.r))} fits",
            )
        return (x[0] * self.r * self.r, x[1] // self.r, x[2] // self.r)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return (Window(self.r, self.r),) * 2


def _divisible(sizes: Shape, r: int) -> Shape:
    """The next sizes, not below these, that r divides."""
    return tuple(-(-size // r) * r for size in sizes)


class ChannelShuffle(Layer):
    """Deals the channels of all groups out like cards, so that groups mix (Zhang et al. 2018)."""

    keyword = "channelshuffle"
    family = "shape"
    example = "input 64x7x7 ; channelshuffle 4"
    torch = call("ChannelShuffle", "F.channel_shuffle", groups="groups")

    groups: Count = field(positional=True, short="g", doc="number of groups that the channels are cut into")

    def output(self, x: Shape) -> Shape:
        require_spatial(self.keyword, x)
        require_divisible(self.keyword, {"channels": x[0]}, self.groups)
        return x


class Slice(Layer):
    """Keeps the channels from `start` up to but not including `end`."""

    keyword = "slice"
    family = "shape"
    example = "input 64x7x7 ; slice 0 32"
    torch = call("Slice", "{x}[:, {start}:{end}]", own=True, bare=2, start="start", end="end")

    start: Index = field(positional=True, doc="first channel that is kept, counted from 0")
    end: Count = field(positional=True, doc="first channel that is no longer kept")

    def output(self, x: Shape) -> Shape:
        if not self.start < self.end <= x[0]:
            raise ShapeError(
                "E304",
                f"channels {self.start} to {self.end} cannot be cut out of {x[0]}",
                label=f"0 ≤ start < end ≤ {x[0]} is needed",
                help=f"`slice 0 {x[0] // 2}` keeps the first half" if x[0] > 1 else "one channel cannot be cut",
                proposals=self._other_ends(x[0]),
            )
        return (self.end - self.start, *x[1:])

    def _other_ends(self, channels: int) -> tuple[Proposal, ...]:
        """The cut that ends with the channels that there are; one whose ends are the other way round."""
        if self.start < channels < self.end:
            return (SetFields({"end": channels}),)
        if self.end <= channels and self.start > self.end:
            return (SetFields({"start": self.end, "end": self.start}),)
        return ()
