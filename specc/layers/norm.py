"""Normalisation: over the batch, over groups of channels, over one picture, over one position."""

from math import prod
from typing import Annotated, Any

from pydantic import Field

from specc.diagnostics.proposal import BecomeStep, LeaveOut
from specc.layers.base import Layer, Shape, ShapeError, require_divisible, require_spatial, written
from specc.layers.fields import Count, Flag, Numbers, Positive, Real, Says, field
from specc.layers.torch_call import IN, NoWord, call
from specc.layers.weighted import Bias, Weighted, WeightError

Start = Annotated[
    Annotated[float, Field(allow_inf_nan=False)] | tuple[Any, ...],
    Says("a number or a list of numbers", "give a number such as 0.01", float),
]


class _Norm(Weighted):
    """A normalisation followed by a learned factor (weight) and a learned shift (bias) for each channel."""

    family = "normalisation"

    eps: Real = field(1e-5, doc="added to the variance, to avoid division by zero")
    affine: Flag = field(True, doc="learn a factor and a shift for each channel")
    bias: Numbers | None = field(None, doc="the shift's values, as a list")

    def weights(self, x: Shape) -> dict[str, Shape]:
        return {"weight": (x[0],), "bias": (x[0],)} if self.affine else {}


class BatchNorm(_Norm):
    """Gives every channel mean 0 and variance 1 over the batch; running averages stand in while evaluating."""

    keyword = "bn"
    example = "input 64x32x32 ; bn"
    torch = call("BatchNorm{rank}d", num_features=IN, eps="eps", momentum="momentum", affine="affine")

    eps: Positive = field(1e-5, doc="added to the variance, to avoid division by zero")
    momentum: Real = field(0.1, doc="weight of the newest batch in the running averages")
    gamma: Start | None = field(None, doc="initial value of the factor; 0 for a residual branch that starts silent")
    beta: Start | None = field(None, doc="initial value of the shift")

    def torch_name(self, stem: str, x: Shape) -> str:
        return super().torch_name(stem, x if len(x) > 1 else (*x, 1))

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
                raise WeightError(f"`{name}=` sets what `noaffine` leaves out", help="keep one of them", field=name)
            if value is not None:
                raise WeightError(f"`{name}=` and another argument set the same values", f"keep `{name}=`")


class GroupNorm(_Norm):
    """Gives every group of channels mean 0 and variance 1 within each picture."""

    keyword = "groupnorm"
    example = "input 64x32x32 ; groupnorm 8"
    torch = call("GroupNorm", bare=2, num_groups="groups", num_channels=IN, eps="eps", affine="affine")

    groups: Count = field(positional=True, short="g", doc="number of groups that the channels are cut into")

    def output(self, x: Shape) -> Shape:
        require_divisible(self.keyword, {"channels": x[0]}, self.groups)
        return x

    @property
    def features(self) -> None:
        return None


class InstanceNorm(_Norm):
    """Gives every channel mean 0 and variance 1 within each picture."""

    keyword = "instancenorm"
    example = "input 64x32x32 ; instancenorm"
    torch = call("InstanceNorm{rank}d", num_features=IN, eps="eps", momentum="momentum", affine="affine")

    affine: Flag = field(False, doc="learn a factor and a shift for each channel")
    momentum: Real = field(0.1, doc="as in torch, where it has no effect without running averages")

    def output(self, x: Shape) -> Shape:
        require_spatial(self.keyword, x)
        if prod(x[1:]) == 1:
            raise ShapeError(
                "E309",
                "`instancenorm` has one value for each channel here, and one value has no variance",
                help="use `groupnorm` or `layernorm`, or normalise before the picture shrinks to one pixel",
                proposals=(BecomeStep("layernorm"), BecomeStep("bn"), LeaveOut(no_loss=True)),
            )
        return x

    @property
    def separable(self) -> bool:
        return False


class LayerNorm(_Norm):
    """Gives every position mean 0 and variance 1 over its channels, as in ConvNeXt; a vector is one position."""

    keyword = "layernorm"
    example = "input 64x32x32 ; layernorm"
    torch = call(
        "LayerNorm",
        also=("ChannelLayerNorm",),
        normalized_shape=IN,
        eps="eps",
        elementwise_affine="affine",
        bias="bias",
    )
    pointwise = True

    bias: Bias = field(True, doc="learn a shift as well as a factor")  # type: ignore[assignment]  # torch has it here alone

    def torch_name(self, stem: str, x: Shape) -> str:
        return f"Channel{stem}" if len(x) > 1 else stem

    @classmethod
    def from_torch(cls, name: str, given: dict[str, Any], x: Shape) -> dict[str, Any]:
        shape = given["normalized_shape"]
        if tuple(shape) != x[:1]:
            raise NoWord(f"layer normalisation over {written(shape)}, not over the channels")
        return super().from_torch(name, given, x)

    def weights(self, x: Shape) -> dict[str, Shape]:
        learned = super().weights(x)
        return {"weight": learned["weight"]} if learned and self.bias is False else learned


class LocalResponseNorm(Layer):
    """Divides by the strength of the neighbouring channels (Krizhevsky et al. 2012, section 3.3)."""

    keyword = "lrn"
    family = "normalisation"
    example = "input 96x27x27 ; lrn 5"
    torch = call("LocalResponseNorm", "F.local_response_norm", size="size", alpha="alpha", beta="beta", k="k")

    size: Count = field(positional=True, doc="number of neighbouring channels that count")
    alpha: Real = field(1e-4, doc="weight of their sum of squares")
    beta: Real = field(0.75, doc="exponent")
    k: Real = field(1.0, doc="added before the power is taken")

    def output(self, x: Shape) -> Shape:
        require_spatial(self.keyword, x)
        return x


class GlobalResponseNorm(Weighted):
    """Strengthens the channels that respond more strongly than others over the whole picture (Woo et al. 2023)."""

    keyword = "grn"
    family = "normalisation"
    example = "input 64x32x32 ; grn"
    torch = call("GlobalResponseNorm", own=True, channels=IN, eps="eps")

    eps: Positive = field(1e-6, doc="added to the mean response, to avoid division by zero")
    bias: Numbers | None = field(None, doc="the shift's values, as a list")

    def output(self, x: Shape) -> Shape:
        require_spatial(self.keyword, x)
        return x

    def weights(self, x: Shape) -> dict[str, Shape]:
        return {"weight": (x[0],), "bias": (x[0],)}
