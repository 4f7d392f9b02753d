"""Convolutions: ordinary, depthwise and transposed, at every rank."""

from math import prod
from typing import TYPE_CHECKING, Any, Literal

from specc.diagnostics.proposal import AsTorchCounts, Enlarge, LeaveOut, SetFields
from specc.layers.base import (
    Shape,
    ShapeError,
    require_divisible,
    require_spatial,
    spread,
    written,
)
from specc.layers.fields import Count, Margin, Padding, Size, field
from specc.layers.padding import check_mode
from specc.layers.torch_call import IN, NoWord, call
from specc.layers.weighted import Bias, Weighted
from specc.layers.windows import (
    Proposals,
    Window,
    same_padding,
    to_fit,
    transposed_formula,
    transposed_size,
    window_count,
    window_formula,
)

Mode = Literal["zeros", "reflect", "replicate", "circular"]


class _Convolution(Weighted):
    """What an ordinary and a depthwise convolution share; a subclass says its channels and groups."""

    family = "convolution"
    filters = True
    gathers = "sum"
    torch = call(
        "Conv{rank}d", bare=3, in_channels=IN, out_channels="out", kernel_size="kernel", stride="stride",
        padding="padding", dilation="dilation", groups="groups", bias="bias", padding_mode="mode",
    )  # fmt: skip

    if TYPE_CHECKING:  # declared by the subclasses, each in the order of its own positional arguments
        kernel: Size
        stride: Size
        padding: Padding
        dilation: Size
    bias: Bias = field(True, doc="add a learned number to each output channel")
    mode: Mode = field("zeros", doc="what the padding is filled with")

    def channels(self, x: Shape) -> tuple[int, int]:
        """Output channels and groups."""
        raise NotImplementedError

    def output(self, x: Shape) -> Shape:
        rank = require_spatial(self.keyword, x)
        out, groups = self.channels(x)
        require_divisible(self.keyword, {"input channels": x[0], "output channels": out}, groups)
        return (out, *self._spatial(x, rank))

    def _spatial(self, x: Shape, rank: int) -> Shape:
        kernel = spread(self.kernel, rank, "kernel")
        stride = spread(self.stride, rank, "stride")
        dilation = spread(self.dilation, rank, "dilation")
        padding = self._margins(kernel, stride, dilation, rank)
        for size, sides in zip(x[1:], padding, strict=True):
            check_mode(self.mode, size, max(sides), self.keyword, x, "padding")
        if self.padding == "same":
            return x[1:]
        sizes = zip(x[1:], kernel, stride, [before for before, _ in padding], dilation, strict=True)
        return tuple(self._fit(x, *numbers) for numbers in sizes)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        rank = len(x) - 1
        kernel, dilation = spread(self.kernel, rank, "kernel"), spread(self.dilation, rank, "dilation")
        stride = spread(self.stride, rank, "stride")
        margins = self._margins(kernel, stride, dilation, rank)
        return tuple(map(Window, kernel, stride, [before for before, _ in margins], dilation))

    def formulas(self, x: Shape) -> tuple[str, ...]:
        if self.padding == "same":
            return ()
        return tuple(
            window_formula(size, window.kernel, int(window.stride), window.padding, window.dilation)
            for size, window in zip(x[1:], self.windows(x), strict=True)
        )

    def _margins(self, kernel: Shape, stride: Shape, dilation: Shape, rank: int) -> list[tuple[int, int]]:
        """The pixels added before and after, for each spatial dimension."""
        if self.padding == "valid":
            return [(0, 0)] * rank
        if self.padding != "same":
            return [(size, size) for size in spread(self.padding, rank, "padding")]
        if any(step != 1 for step in stride):
            given = written(self.stride) if isinstance(self.stride, tuple) else self.stride
            raise ShapeError(
                "E305",
                f"`same` padding needs stride 1, and the stride here is {given}",
                help=f"give the padding as a number: `p{kernel[0] // 2}`",
                proposals=self._instead_of_same(kernel[0], stride[0]),
            )
        return [same_padding(size, step) for size, step in zip(kernel, dilation, strict=True)]

    def _instead_of_same(self, kernel: int, stride: int) -> Proposals:
        """A padding in numbers that comes to the same for sizes that the stride divides; no stride."""
        margin = max(0, -(-(kernel - stride) // 2))
        return SetFields({"padding": margin}), SetFields({"stride": None})

    def _fit(self, x: Shape, size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
        count = window_count(size, kernel, stride, padding, dilation)
        if count < 1:
            reach = dilation * (kernel - 1) + 1
            enough, largest = -(-(reach - size) // 2), (size + 2 * padding - 1) // dilation + 1
            raise ShapeError(
                "E301",
                f"`{self.keyword}` kernel {reach} does not fit its {written(x[1:])} input"
                + (f" padded by {padding}" if padding else ""),
                label=window_formula(size, kernel, stride, padding, dilation),
                help=f"`p{enough}` makes room for it, or use a kernel of at most {largest}",
                proposals=self._to_fit(x),
            )
        return count

    def _to_fit(self, x: Shape) -> Proposals:
        torch = (AsTorchCounts(),) if self.channels(x)[0] == x[0] else ()  # whose first number is what arrives
        return (*torch, LeaveOut(), *to_fit(self.windows(x), x[1:], 3, 1, pads=True))

    def weights(self, x: Shape) -> dict[str, Shape]:
        out, groups = self.channels(x)
        shapes = {"weight": (out, x[0] // groups, *spread(self.kernel, len(x) - 1, "kernel"))}
        return {**shapes, "bias": (out,)} if self.bias is not False else shapes

    @classmethod
    def from_torch(cls, name: str, given: dict[str, Any], x: Shape) -> dict[str, Any]:
        fields = super().from_torch(name, given, x)
        return {**fields, "padding": 0} if fields["padding"] == "valid" else fields

    def macs(self, x: Shape) -> int:
        return prod(self.output(x)) * prod(self.weights(x)["weight"][1:])


class Conv(_Convolution):
    """A convolution: every output channel is a learned filter slid over all input channels."""

    keyword = "conv"
    example = "input 3x32x32 ; conv 64 k3 p1"

    out: Count = field(positional=True, doc="output channels: the number of filters")
    kernel: Size = field(positional=True, short="k", doc="height and width of a filter, in pixels")
    stride: Size = field(1, positional=True, short="s", doc="pixels from one window to the next")
    padding: Padding = field(0, positional=True, short="p", doc="pixels added on each side")
    dilation: Size = field(1, positional=True, short="d", doc="distance between the pixels that a filter reads")
    groups: Count = field(1, positional=True, short="g", doc="cut the channels into groups that do not mix")

    def channels(self, x: Shape) -> tuple[int, int]:
        return self.out, self.groups


class DepthwiseConv(_Convolution):
    """A convolution that treats every channel on its own: as many groups as channels."""

    keyword = "dwconv"
    example = "input 32x14x14 ; dwconv k3 p1"

    kernel: Size = field(positional=True, short="k", doc="height and width of a filter, in pixels")
    stride: Size = field(1, positional=True, short="s", doc="pixels from one window to the next")
    padding: Padding = field(0, positional=True, short="p", doc="pixels added on each side")
    dilation: Size = field(1, positional=True, short="d", doc="distance between the pixels that a filter reads")
    mult: Count = field(1, positional=True, doc="output channels for each input channel")

    def channels(self, x: Shape) -> tuple[int, int]:
        return x[0] * self.mult, x[0]

    def torch_argument(self, source: str, x: Shape) -> Any:
        computed = dict(zip(("out", "groups"), self.channels(x), strict=True))
        return computed[source] if source in computed else super().torch_argument(source, x)

    @classmethod
    def from_torch(cls, name: str, given: dict[str, Any], x: Shape) -> dict[str, Any]:
        fields = super().from_torch(name, given, x)
        out, groups = fields.pop("out"), fields.pop("groups")
        if not (groups == x[0] > 1 and out % groups == 0):
            raise NoWord(f"`{name}` whose groups are more than a channel")
        return {**fields, "mult": out // groups}

    @classmethod
    def is_bare(cls, field: str) -> bool:
        return field == "mult"


class TransposedConv(Weighted):
    """A transposed convolution: every input pixel paints a learned patch; with stride 2 it doubles the size."""

    keyword = "convtranspose"
    family = "convolution"
    gathers = "sum"
    example = "input 64x7x7 ; convtranspose 32 k2 s2"
    torch = call(
        "ConvTranspose{rank}d", bare=3, in_channels=IN, out_channels="out", kernel_size="kernel", stride="stride",
        padding="padding", output_padding="output_padding", groups="groups", bias="bias", dilation="dilation",
    )  # fmt: skip

    out: Count = field(positional=True, doc="output channels")
    kernel: Size = field(positional=True, short="k", doc="height and width of a patch, in pixels")
    stride: Size = field(1, positional=True, short="s", doc="pixels of the output for each pixel of the input")
    padding: Margin = field(0, positional=True, short="p", doc="pixels cut off on each side")
    output_padding: Margin = field(0, positional=True, doc="pixels added at the far end")
    dilation: Size = field(1, positional=True, short="d", doc="distance between the pixels that a patch paints")
    groups: Count = field(1, positional=True, short="g", doc="cut the channels into groups that do not mix")
    bias: Bias = field(True, doc="add a learned number to each output channel")

    def numbers(self, rank: int) -> list[Any]:
        """Kernel, stride, padding, output padding and dilation, each for every dimension."""
        names = ("kernel", "stride", "padding", "output_padding", "dilation")
        return [spread(getattr(self, name), rank, name.replace("_", " ")) for name in names]

    def formulas(self, x: Shape) -> tuple[str, ...]:
        return tuple(transposed_formula(*each) for each in zip(x[1:], *self.numbers(len(x) - 1), strict=True))

    def output(self, x: Shape) -> Shape:
        rank = require_spatial(self.keyword, x)
        require_divisible(self.keyword, {"input channels": x[0], "output channels": self.out}, self.groups)
        each = self.numbers(rank)
        for stride, extra, dilation in zip(each[1], each[3], each[4], strict=True):
            self._check_output_padding(extra, stride, dilation)
        return (self.out, *(self._grow(*numbers) for numbers in zip(x[1:], *each, strict=True)))

    def _check_output_padding(self, extra: int, stride: int, dilation: int) -> None:
        if extra >= max(stride, dilation):
            raise ShapeError(
                "E305",
                f"an output padding of {extra} needs a stride or a dilation above it; they are {stride} and {dilation}",
                help=f"use `output_padding={max(stride, dilation) - 1}` or less",
                proposals=(SetFields({"output_padding": max(stride, dilation) - 1}),),
            )

    def _grow(self, size: int, kernel: int, stride: int, padding: int, extra: int, dilation: int) -> int:
        grown = transposed_size(size, kernel, stride, padding, extra, dilation)
        if grown < 1:
            most = (transposed_size(size, kernel, stride, 0, extra, dilation) - 1) // 2
            raise ShapeError(
                "E301",
                f"a padding of {padding} cuts off the whole output of `convtranspose`",
                label=transposed_formula(size, kernel, stride, padding, extra, dilation),
                help=f"use a padding of at most {most}",
                proposals=(SetFields({"padding": max(most, 0)}), SetFields({"padding": 0}), Enlarge()),
            )
        return grown

    def weights(self, x: Shape) -> dict[str, Shape]:
        kernel = spread(self.kernel, len(x) - 1, "kernel")
        shapes = {"weight": (x[0], self.out // self.groups, *kernel)}
        return {**shapes, "bias": (self.out,)} if self.bias is not False else shapes

    def windows(self, x: Shape) -> tuple[Window, ...]:
        names = ("kernel", "stride", "dilation")
        each: list[Any] = [spread(getattr(self, name), len(x) - 1, name) for name in names]
        return tuple(_gathered(*numbers) for numbers in zip(*each, strict=True))

    def macs(self, x: Shape) -> int:
        return prod(x) * prod(self.weights(x)["weight"][1:])


def _gathered(kernel: int, stride: int, dilation: int) -> Window:
    """The input pixels whose patches meet in one output pixel."""
    return Window(-(-Window(kernel, 1, 0, dilation).reach // stride), 1 / stride)
