"""Normalisation: over the batch, over groups of channels, over one picture, over one position."""

from math import prod
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from specc.layers.base import Layer, Shape, ShapeError, module_class, require_divisible, require_spatial
from specc.layers.fields import Count, Flag, Numbers, Positive, Real, Says, field
from specc.layers.weighted import Bias, Weighted

if TYPE_CHECKING:
    from torch import nn

Start = Annotated[Annotated[float, Field(allow_inf_nan=False)] | tuple[Any, ...], Says("a number or a list of numbers")]


class _Norm(Weighted):
    """A normalisation followed by a learned factor (weight) and a learned shift (bias) for each channel."""

    family = "normalisation"

    eps: Real = field(1e-5, doc="added to the variance, to avoid division by zero")
    affine: Flag = field(True, doc="learn a factor and a shift for each channel")
    bias: Numbers | None = field(None, doc="the shift's values, as a list")

    def output(self, x: Shape) -> Shape:
        return x

    def weights(self, x: Shape) -> dict[str, Shape]:
        return {"weight": (x[0],), "bias": (x[0],)} if self.affine else {}


class BatchNorm(_Norm):
    """Gives every channel mean 0 and variance 1 over the batch; running averages stand in while evaluating."""

    keyword = "bn"
    example = "input 64x32x32 ; bn"
    torch_name = "BatchNorm1d BatchNorm2d BatchNorm3d"

    eps: Positive = field(1e-5, doc="added to the variance, to avoid division by zero")
    momentum: Real = field(0.1, doc="weight of the newest batch in the running averages")
    gamma: Start | None = field(None, doc="initial value of the factor; 0 for a residual branch that starts silent")
    beta: Start | None = field(None, doc="initial value of the shift")

    def literals(self) -> dict[str, tuple[Any, ...]]:
        starts = {"weight": self.gamma, "bias": self.beta}
        given = {name: values for name, values in starts.items() if isinstance(values, tuple)}
        return {**given, **super().literals()}

    def constants(self) -> dict[str, float]:
        """Tensors that are filled with one number, and the number."""
        starts = {"weight": self.gamma, "bias": self.beta}
        return {name: value for name, value in starts.items() if isinstance(value, int | float)}

    def check_weights(self, x: Shape) -> None:
        super().check_weights(x)
        for name, start, value in (("gamma", self.gamma, self.weight or self.init), ("beta", self.beta, self.bias)):
            if start is None:
                continue
            if not self.affine:
                raise ShapeError(
                    "E308", f"`{name}=` sets what `noaffine` leaves out", help="keep one of them", field=name
                )
            if value is not None:
                raise ShapeError("E308", f"`{name}=` and another argument set the same values", help=f"keep `{name}=`")

    def build(self, x: Shape) -> "nn.Module":
        module: nn.Module = module_class("BatchNorm", max(len(x) - 1, 1))(
            x[0], eps=self.eps, momentum=self.momentum, affine=self.affine
        )
        return module


class GroupNorm(_Norm):
    """Gives every group of channels mean 0 and variance 1 within each picture."""

    keyword = "groupnorm"
    example = "input 64x32x32 ; groupnorm 8"
    torch_name = "GroupNorm"

    groups: Count = field(positional=True, short="g", doc="number of groups that the channels are cut into")

    def output(self, x: Shape) -> Shape:
        require_divisible(self.keyword, x[0], self.groups, "channels")
        return x

    def build(self, x: Shape) -> "nn.Module":
        from torch import nn

        return nn.GroupNorm(self.groups, x[0], eps=self.eps, affine=self.affine)


class InstanceNorm(_Norm):
    """Gives every channel mean 0 and variance 1 within each picture."""

    keyword = "instancenorm"
    example = "input 64x32x32 ; instancenorm"
    torch_name = "InstanceNorm1d InstanceNorm2d InstanceNorm3d"

    affine: Flag = field(False, doc="learn a factor and a shift for each channel")
    momentum: Real = field(0.1, doc="as in torch, where it has no effect without running averages")

    def output(self, x: Shape) -> Shape:
        require_spatial(self.keyword, x)
        if prod(x[1:]) == 1:
            raise ShapeError(
                "E309",
                "`instancenorm` has one value for each channel here, and one value has no variance",
                help="use `groupnorm` or `layernorm`, or normalise before the picture shrinks to one pixel",
            )
        return x

    def build(self, x: Shape) -> "nn.Module":
        module: nn.Module = module_class("InstanceNorm", len(x) - 1)(
            x[0], eps=self.eps, momentum=self.momentum, affine=self.affine
        )
        return module


class LayerNorm(_Norm):
    """Gives every position mean 0 and variance 1 over its channels, as in ConvNeXt; a vector is one position."""

    keyword = "layernorm"
    example = "input 64x32x32 ; layernorm"
    torch_name = "LayerNorm"

    bias: Bias = field(True, doc="learn a shift as well as a factor")  # type: ignore[assignment]  # torch has it here alone

    def weights(self, x: Shape) -> dict[str, Shape]:
        learned = super().weights(x)
        return {"weight": learned["weight"]} if learned and self.bias is False else learned

    def build(self, x: Shape) -> "nn.Module":
        from torch import nn

        from specc.build.modules import ChannelLayerNorm

        cls = ChannelLayerNorm if len(x) > 1 else nn.LayerNorm
        return cls(x[0], eps=self.eps, elementwise_affine=self.affine, bias=self.bias is not False)


class LocalResponseNorm(Layer):
    """Divides by the strength of the neighbouring channels (Krizhevsky et al. 2012, section 3.3)."""

    keyword = "lrn"
    family = "normalisation"
    example = "input 96x27x27 ; lrn 5"
    torch_name = "LocalResponseNorm"

    size: Count = field(positional=True, doc="number of neighbouring channels that count")
    alpha: Real = field(1e-4, doc="weight of their sum of squares")
    beta: Real = field(0.75, doc="exponent")
    k: Real = field(1.0, doc="added before the power is taken")

    def output(self, x: Shape) -> Shape:
        require_spatial(self.keyword, x)
        return x

    def build(self, x: Shape) -> "nn.Module":
        from torch import nn

        return nn.LocalResponseNorm(self.size, alpha=self.alpha, beta=self.beta, k=self.k)
