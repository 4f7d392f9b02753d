"""Pooling: a window slid over each channel, or a grid of windows of the size that is asked for."""

from collections.abc import Sequence
from math import gcd
from typing import TYPE_CHECKING, Any

from specc.diagnostics.proposal import LeaveOut, SetFields
from specc.layers.base import Layer, Shape, ShapeError, require_spatial, spread, written
from specc.layers.fields import Flag, Margin, Size, field
from specc.layers.torch_call import FixedValue, call, compact
from specc.layers.windows import Proposals, Window, to_fit, window_count, window_formula


class _Pool(Layer):
    """What max and average pooling share: the shape rule."""

    family = "pooling"

    if TYPE_CHECKING:  # declared by the subclasses, each in the order of its own positional arguments
        kernel: Size
        stride: Size | None
        padding: Margin
        ceil: Flag

    @classmethod
    def from_torch(cls, name: str, given: dict[str, Any], x: Shape) -> dict[str, Any]:
        fields = super().from_torch(name, given, x)
        own = fields["stride"] or fields["kernel"]  # a function gives an empty list for none
        return {**fields, "stride": None if own == fields["kernel"] else own}

    def torch_argument(self, source: str, x: Shape) -> Any:
        value = super().torch_argument(source, x)
        return None if source == "stride" and value == compact(self.kernel) else value

    def dilations(self, rank: int) -> Shape:
        return (1,) * rank

    def output(self, x: Shape) -> Shape:
        rank = require_spatial(self.keyword, x)
        kernel = spread(self.kernel, rank, "kernel")
        stride = spread(self.kernel if self.stride is None else self.stride, rank, "stride")
        padding = spread(self.padding, rank, "padding")
        for window, margin in zip(kernel, padding, strict=True):
            self._check_padding(window, margin)
        numbers = zip(x[1:], kernel, stride, padding, self.dilations(rank), strict=True)
        return (x[0], *(self._fit(x, *each) for each in numbers))

    def windows(self, x: Shape) -> tuple[Window, ...]:
        rank = len(x) - 1
        kernel = spread(self.kernel, rank, "kernel")
        stride = spread(self.kernel if self.stride is None else self.stride, rank, "stride")
        return tuple(map(Window, kernel, stride, spread(self.padding, rank, "padding"), self.dilations(rank)))

    def formulas(self, x: Shape) -> tuple[str, ...]:
        return tuple(
            window_formula(size, window.kernel, int(window.stride), window.padding, window.dilation, ceil=self.ceil)
            for size, window in zip(x[1:], self.windows(x), strict=True)
        )

    def _check_padding(self, window: int, margin: int) -> None:
        if margin > window // 2:
            raise ShapeError(
                "E305",
                f"a padding of {margin} is more than half of the `{self.keyword}` window of {window}",
                label=f"at most ⌊{window} / 2⌋ = {window // 2}",
                help=f"use `p{window // 2}`, or `pad {margin}` before it",
                proposals=self._other_margins(margin),
            )

    def _other_margins(self, margin: int) -> Proposals:
        """What may be meant by a padding of more than half the window; windows side by side have none."""
        if not isinstance(self.kernel, int):
            return ()
        none = (SetFields({"padding": None}),) if self.kernel == (self.stride or self.kernel) else ()
        return (*none, SetFields({"padding": self.kernel // 2}), SetFields({"kernel": 2 * margin}))

    def _fit(self, x: Shape, size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
        count = window_count(size, kernel, stride, padding, dilation, ceil=self.ceil)
        if count < 1:
            raise ShapeError(
                "E301",
                f"`{self.keyword}` window {written(spread(self.kernel, len(x) - 1, 'kernel'))} "
                f"does not fit its {written(x[1:])} input",
                label=window_formula(size, kernel, stride, padding, dilation),
                help=self._smaller_windows(x),
                proposals=self._to_fit(self.windows(x), x, pads=self.stride is not None),
            )
        return count

    @staticmethod
    def _to_fit(windows: Sequence[Window], x: Shape, *, pads: bool) -> Proposals:
        return (LeaveOut(), LeaveOut(and_later=True), *to_fit(windows, x[1:], 2, 2, pads=pads))

    def _smaller_windows(self, x: Shape) -> str | None:
        """Windows that fit, each with the shape that it gives; with torch's own stride, padding and dilation."""
        smallest = min(x[1:])
        fitting = sorted({n for n in (smallest, 2) if 1 < n <= smallest}, reverse=True)
        if not fitting:
            return f"the picture is {written(x[1:])} already: leave out this `{self.keyword}`"
        plain: Any = type(self)
        return ", ".join(f"`{self.keyword} {n}` gives {written(plain(kernel=n).output(x))}" for n in fitting)


class MaxPool(_Pool):
    """The largest value under a sliding window."""

    keyword = "maxpool"
    gathers = "largest"
    example = "input 64x32x32 ; maxpool 2"
    torch = call(
        "MaxPool{rank}d", "F.max_pool{rank}d", kernel_size="kernel", stride="stride", padding="padding",
        dilation="dilation", ceil_mode="ceil",
    )  # fmt: skip

    kernel: Size = field(positional=True, short="k", doc="the window, in pixels")
    stride: Size | None = field(
        None, positional=True, short="s", doc="pixels from one window to the next; the kernel if not given"
    )
    padding: Margin = field(0, positional=True, short="p", doc="pixels of −∞ on each side")
    dilation: Size = field(1, positional=True, short="d", doc="distance between the pixels that a window reads")
    ceil: Flag = field(False, positional=True, doc="keep a last window that reaches beyond the edge")

    def dilations(self, rank: int) -> Shape:
        return spread(self.dilation, rank, "dilation")


class AvgPool(_Pool):
    """The mean of the values under a sliding window."""

    keyword = "avgpool"
    gathers = "mean"
    example = "input 64x32x32 ; avgpool 2"
    torch = call(
        "AvgPool{rank}d", "F.avg_pool{rank}d", kernel_size="kernel", stride="stride", padding="padding",
        ceil_mode="ceil", count_include_pad="count_include_pad",
    )  # fmt: skip

    kernel: Size = field(positional=True, short="k", doc="the window, in pixels")
    stride: Size | None = field(
        None, positional=True, short="s", doc="pixels from one window to the next; the kernel if not given"
    )
    padding: Margin = field(0, positional=True, short="p", doc="pixels of zeros on each side")
    ceil: Flag = field(False, positional=True, doc="keep a last window that reaches beyond the edge")
    count_include_pad: Flag = field(True, positional=True, doc="include the zeros of the padding in the mean")

    def output(self, x: Shape) -> Shape:
        kernel = spread(self.kernel, len(x) - 1, "kernel") if len(x) == 4 else ()
        for size, window in zip(x[1:], kernel, strict=False):
            if window > size:  # torch.nn.AvgPool3d alone counts without the padding
                raise ShapeError(
                    "E301",
                    f"`avgpool` window {written(kernel)} is larger than the volume of {written(x[1:])}",
                    label=f"{window} > {size}: padding does not count for volumes",
                    help=self._smaller_windows(x),
                    proposals=self._to_fit([each._replace(padding=0) for each in self.windows(x)], x, pads=False),
                )
        return super().output(x)


class ToSize(Layer):
    """A pool whose output has a size that does not depend on the input's."""

    family = "pooling"

    def fixes_size(self) -> bool:
        return True

    @classmethod
    def from_torch(cls, name: str, given: dict[str, Any], x: Shape) -> dict[str, Any]:
        sizes = spread(compact(given.pop("output_size")), len(x) - 1, "size")
        filled = tuple(size if wanted is None else wanted for wanted, size in zip(sizes, x[1:], strict=True))
        return super().from_torch(name, {"output_size": filled}, x)


class _AdaptivePool(ToSize):
    """As many windows as the output needs, spread evenly."""

    if TYPE_CHECKING:  # declared by the subclasses
        size: Size

    def output(self, x: Shape) -> Shape:
        rank = require_spatial(self.keyword, x)
        return (x[0], *spread(self.size, rank, "size"))

    def windows(self, x: Shape) -> tuple[Window, ...]:
        sizes = zip(x[1:], spread(self.size, len(x) - 1, "size"), strict=True)
        return tuple(Window(_widest(size, count), size / count) for size, count in sizes)


def _widest(size: int, count: int) -> int:
    """The widest of `count` windows, from floor(i·size / count) to ceil((i + 1)·size / count), in pixels.

    >>> _widest(14, 7), _widest(7, 5)
    (2, 3)
    """
    return -(-(size + count - gcd(size, count)) // count)


class AdaptiveAvgPool(_AdaptivePool):
    """The mean over windows chosen so that the output has the size that is asked for."""

    keyword = "adaptiveavgpool"
    gathers = "mean"
    example = "input 512x7x7 ; adaptiveavgpool 2"
    torch = call("AdaptiveAvgPool{rank}d", "F.adaptive_avg_pool{rank}d", output_size="size")

    size: Size = field(positional=True, doc="size of the output, in pixels")


class AdaptiveMaxPool(_AdaptivePool):
    """The largest value over windows chosen so that the output has the size that is asked for."""

    keyword = "adaptivemaxpool"
    gathers = "largest"
    example = "input 512x7x7 ; adaptivemaxpool 2"
    torch = call("AdaptiveMaxPool{rank}d", "F.adaptive_max_pool{rank}d", output_size="size")

    size: Size = field(positional=True, doc="size of the output, in pixels")


class _GlobalPool(ToSize):
    """One number for each channel: every spatial dimension becomes 1."""

    def output(self, x: Shape) -> Shape:
        return (x[0], *(1,) * require_spatial(self.keyword, x))

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return tuple(Window(size, size) for size in x[1:])


class GlobalAvgPool(_GlobalPool):
    """The mean of each channel over the whole picture."""

    keyword = "gap"
    gathers = "mean"
    example = "input 512x7x7 ; gap"
    torch = call("AdaptiveAvgPool{rank}d", "F.adaptive_avg_pool{rank}d", output_size=FixedValue(1))


class GlobalMaxPool(_GlobalPool):
    """The largest value of each channel in the whole picture."""

    keyword = "gmp"
    gathers = "largest"
    example = "input 512x7x7 ; gmp"
    torch = call("AdaptiveMaxPool{rank}d", "F.adaptive_max_pool{rank}d", output_size=FixedValue(1))
