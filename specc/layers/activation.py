"""Activations: a function of each value; the last two, of each position's channels."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from specc.diagnostics.proposal import SetFields
from specc.diagnostics.spelling import counted
from specc.layers.base import Layer, Shape, ShapeError
from specc.layers.fields import Count, Real, field
from specc.layers.torch_call import FixedValue, NoWord, call
from specc.layers.weighted import Weighted


class Activation(Layer):
    """A function of each value: the shape stays as it is."""

    family = "activation"
    pointwise = True
    if TYPE_CHECKING:  # as in `Layer`
        is_idempotent: ClassVar[bool]  # applying it once more changes nothing
        cuts: ClassVar[bool]  # off everything below zero, or nearly
        bounds: ClassVar[bool]  # every value to a narrow range
    is_idempotent = cuts = bounds = False


class ReLU(Activation):
    """max(0, x)"""

    keyword = "relu"
    example = "input 64x32x32 ; relu"
    torch = call("ReLU", "F.relu")
    is_idempotent = True
    cuts = True


class ReLU6(Activation):
    """min(max(0, x), 6)"""

    keyword = "relu6"
    example = "input 64x32x32 ; relu6"
    torch = call("ReLU6", "F.relu6")
    is_idempotent = True
    cuts = True


class LeakyReLU(Activation):
    """x where it is positive, a small multiple of x elsewhere"""

    keyword = "leakyrelu"
    example = "input 64x32x32 ; leakyrelu 0.2"
    torch = call("LeakyReLU", "F.leaky_relu", negative_slope="negative_slope")

    negative_slope: Real = field(0.01, positional=True, doc="factor for negative values")


class PReLU(Weighted):
    """x where it is positive, a learned multiple of x elsewhere"""

    keyword = "prelu"
    family = "activation"
    example = "input 64x32x32 ; prelu (in)"
    torch = call("PReLU", num_parameters="num_parameters")

    num_parameters: Count = field(1, positional=True, doc="1 factor for all channels, or `(in)`: one for each")

    def output(self, x: Shape) -> Shape:
        if self.num_parameters not in (1, x[0]):
            raise ShapeError(
                "E303",
                f"`prelu` has {counted(self.num_parameters, 'factor', 'd')} for {counted(x[0], 'channel', 'd')}",
                help=f"use `prelu` for one factor, or `prelu {x[0]}` for one per channel",
                proposals=(SetFields({"num_parameters": x[0]}),),
            )
        return x

    def weights(self, x: Shape) -> dict[str, Shape]:
        return {"weight": (self.num_parameters,)}

    @property
    def features(self) -> Literal["as many", "fixed"] | None:
        return super().features if self.num_parameters == 1 else None


class ELU(Activation):
    """x where it is positive, α·(exp(x) − 1) elsewhere"""

    keyword = "elu"
    example = "input 64x32x32 ; elu"
    torch = call("ELU", "F.elu", bare=0, alpha="alpha")

    alpha: Real = field(1.0, positional=True, doc="the value that large negative inputs approach, negated")


class CELU(Activation):
    """x where it is positive, α·(exp(x/α) − 1) elsewhere"""

    keyword = "celu"
    example = "input 64x32x32 ; celu"
    torch = call("CELU", "F.celu", bare=0, alpha="alpha")

    alpha: Real = field(1.0, positional=True, doc="the value that large negative inputs approach, negated; not 0")

    def output(self, x: Shape) -> Shape:
        if self.alpha == 0:
            raise ShapeError(
                "E204", "`celu` divides by its alpha, which is 0", help="use `relu`, or an alpha such as 1"
            )
        return x


class SELU(Activation):
    """The self-normalising ELU, with the constants of Klambauer et al. 2017"""

    keyword = "selu"
    example = "input 784 ; selu"
    torch = call("SELU", "F.selu")


class GELU(Activation):
    """x times the probability that a standard normal variable is below x"""

    keyword = "gelu"
    example = "input 64x32x32 ; gelu"
    torch = call("GELU", "F.gelu", bare=0, approximate="approximate")
    cuts = True

    approximate: Literal["none", "tanh"] = field("none", doc="`tanh` for the faster approximation")


class SiLU(Activation):
    """x · sigmoid(x), also called swish"""

    keyword = "silu"
    example = "input 64x32x32 ; silu"
    torch = call("SiLU", "F.silu")
    cuts = True


class Mish(Activation):
    """x · tanh(softplus(x))"""

    keyword = "mish"
    example = "input 64x32x32 ; mish"
    torch = call("Mish", "F.mish")
    cuts = True


class Hardswish(Activation):
    """x · relu6(x + 3) / 6"""

    keyword = "hardswish"
    example = "input 64x32x32 ; hardswish"
    torch = call("Hardswish", "F.hardswish")
    cuts = True


class Hardsigmoid(Activation):
    """relu6(x + 3) / 6"""

    keyword = "hardsigmoid"
    example = "input 64x1x1 ; hardsigmoid"
    torch = call("Hardsigmoid", "F.hardsigmoid")
    bounds = True


class Hardtanh(Activation):
    """x, cut off below and above"""

    keyword = "hardtanh"
    example = "input 64x32x32 ; hardtanh"
    torch = call("Hardtanh", "F.hardtanh", bare=0, min_val="min_val", max_val="max_val")
    is_idempotent = True
    bounds = True

    min_val: Real = field(-1.0, positional=True, doc="smallest output")
    max_val: Real = field(1.0, positional=True, doc="largest output")

    def output(self, x: Shape) -> Shape:
        if self.min_val >= self.max_val:
            raise ShapeError(
                "E204",
                f"`hardtanh` needs a smallest output below the largest; they are {self.min_val:g} and {self.max_val:g}",
                help=f"`hardtanh {self.max_val:g} {self.min_val:g}`" if self.min_val > self.max_val else None,
            )
        return x


class Sigmoid(Activation):
    """1 / (1 + exp(−x))"""

    keyword = "sigmoid"
    example = "input 64x1x1 ; sigmoid"
    torch = call("Sigmoid", "torch.sigmoid")
    bounds = True


class Tanh(Activation):
    """The hyperbolic tangent"""

    keyword = "tanh"
    example = "input 6x28x28 ; tanh"
    torch = call("Tanh", "torch.tanh")
    bounds = True


class Softplus(Activation):
    """log(1 + exp(β·x)) / β"""

    keyword = "softplus"
    example = "input 64x32x32 ; softplus"
    torch = call("Softplus", "F.softplus", bare=0, beta="beta", threshold="threshold")
    cuts = True

    beta: Real = field(1.0, positional=True, doc="sharpness of the bend")
    threshold: Real = field(20.0, positional=True, doc="above this the function is taken to be x")


class Softsign(Activation):
    """x / (1 + |x|)"""

    keyword = "softsign"
    example = "input 64x32x32 ; softsign"
    torch = call("Softsign", "F.softsign")
    bounds = True


class _OverChannels(Activation):
    """A function of all channels of a position."""

    pointwise = False

    @classmethod
    def from_torch(cls, name: str, given: dict[str, Any], x: Shape) -> dict[str, Any]:
        dim = given.pop("dim", 1)
        channels = len(x) != 2 if dim is None else dim % (len(x) + 1) == 1  # torch picks 0 for signals
        if not channels:
            raise NoWord(f"`{cls.keyword}` over dimension {dim}, not over the channels")
        return {}


class Softmax(_OverChannels):
    """exp(x) over the sum of exp over all channels: positive values that sum to 1"""

    keyword = "softmax"
    example = "input 10 ; softmax"
    torch = call("Softmax", "F.softmax", bare=0, also=("Softmax2d",), dim=FixedValue(1))


class LogSoftmax(_OverChannels):
    """The logarithm of softmax, over all channels"""

    keyword = "logsoftmax"
    example = "input 10 ; logsoftmax"
    torch = call("LogSoftmax", "F.log_softmax", bare=0, dim=FixedValue(1))
    is_idempotent = True
