"""Activations: a function of each value; the last two, of each position's channels."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from specc.diagnostics.spelling import counted
from specc.layers.base import Layer, Shape, ShapeError
from specc.layers.fields import Count, Real, field
from specc.layers.weighted import Weighted

if TYPE_CHECKING:
    from torch import nn


class Activation(Layer):
    """A function of each value: the shape stays as it is."""

    family = "activation"
    arguments: ClassVar[tuple[str, ...]] = ()  # fields that torch's class takes under the same name

    def output(self, x: Shape) -> Shape:
        return x

    def build(self, x: Shape) -> "nn.Module":
        from torch import nn

        given: dict[str, Any] = {name: getattr(self, name) for name in self.arguments}
        module: nn.Module = getattr(nn, self.torch_name)(**given)
        return module


class ReLU(Activation):
    """max(0, x)"""

    keyword = "relu"
    example = "input 64x32x32 ; relu"
    torch_name = "ReLU"


class ReLU6(Activation):
    """min(max(0, x), 6)"""

    keyword = "relu6"
    example = "input 64x32x32 ; relu6"
    torch_name = "ReLU6"


class LeakyReLU(Activation):
    """x where it is positive, a small multiple of x elsewhere"""

    keyword = "leakyrelu"
    example = "input 64x32x32 ; leakyrelu 0.2"
    torch_name = "LeakyReLU"
    arguments = ("negative_slope",)

    negative_slope: Real = field(0.01, positional=True, doc="factor for negative values")


class PReLU(Weighted):
    """x where it is positive, a learned multiple of x elsewhere"""

    keyword = "prelu"
    family = "activation"
    example = "input 64x32x32 ; prelu (in)"
    torch_name = "PReLU"

    num_parameters: Count = field(1, positional=True, doc="1 factor for all channels, or `(in)`: one for each")

    def output(self, x: Shape) -> Shape:
        if self.num_parameters not in (1, x[0]):
            raise ShapeError(
                "E303",
                f"`prelu` has {counted(self.num_parameters, 'factor', 'd')} for {counted(x[0], 'channel', 'd')}",
                help=f"use `prelu` for one factor, or `prelu {x[0]}` for one per channel",
            )
        return x

    def weights(self, x: Shape) -> dict[str, Shape]:
        return {"weight": (self.num_parameters,)}

    def build(self, x: Shape) -> "nn.Module":
        from torch import nn

        return nn.PReLU(self.num_parameters)


class ELU(Activation):
    """x where it is positive, α·(exp(x) − 1) elsewhere"""

    keyword = "elu"
    example = "input 64x32x32 ; elu"
    torch_name = "ELU"
    arguments = ("alpha",)

    alpha: Real = field(1.0, positional=True, doc="the value that large negative inputs approach, negated")


class CELU(Activation):
    """x where it is positive, α·(exp(x/α) − 1) elsewhere"""

    keyword = "celu"
    example = "input 64x32x32 ; celu"
    torch_name = "CELU"
    arguments = ("alpha",)

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
    torch_name = "SELU"


class GELU(Activation):
    """x times the probability that a standard normal variable is below x"""

    keyword = "gelu"
    example = "input 64x32x32 ; gelu"
    torch_name = "GELU"
    arguments = ("approximate",)

    approximate: Literal["none", "tanh"] = field("none", doc="`tanh` for the faster approximation")


class SiLU(Activation):
    """x · sigmoid(x), also called swish"""

    keyword = "silu"
    example = "input 64x32x32 ; silu"
    torch_name = "SiLU"


class Mish(Activation):
    """x · tanh(softplus(x))"""

    keyword = "mish"
    example = "input 64x32x32 ; mish"
    torch_name = "Mish"


class Hardswish(Activation):
    """x · relu6(x + 3) / 6"""

    keyword = "hardswish"
    example = "input 64x32x32 ; hardswish"
    torch_name = "Hardswish"


class Hardsigmoid(Activation):
    """relu6(x + 3) / 6"""

    keyword = "hardsigmoid"
    example = "input 64x1x1 ; hardsigmoid"
    torch_name = "Hardsigmoid"


class Hardtanh(Activation):
    """x, cut off below and above"""

    keyword = "hardtanh"
    example = "input 64x32x32 ; hardtanh"
    torch_name = "Hardtanh"
    arguments = ("min_val", "max_val")

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
    torch_name = "Sigmoid"


class Tanh(Activation):
    """The hyperbolic tangent"""

    keyword = "tanh"
    example = "input 6x28x28 ; tanh"
    torch_name = "Tanh"


class Softplus(Activation):
    """log(1 + exp(β·x)) / β"""

    keyword = "softplus"
    example = "input 64x32x32 ; softplus"
    torch_name = "Softplus"
    arguments = ("beta", "threshold")

    beta: Real = field(1.0, positional=True, doc="sharpness of the bend")
    threshold: Real = field(20.0, positional=True, doc="above this the function is taken to be x")


class Softsign(Activation):
    """x / (1 + |x|)"""

    keyword = "softsign"
    example = "input 64x32x32 ; softsign"
    torch_name = "Softsign"


class Softmax(Activation):
    """exp(x) over the sum of exp over all channels: positive values that sum to 1"""

    keyword = "softmax"
    example = "input 10 ; softmax"
    torch_name = "Softmax"

    def build(self, x: Shape) -> "nn.Module":
        from torch import nn

        return nn.Softmax(dim=1)


class LogSoftmax(Activation):
    """The logarithm of softmax, over all channels"""

    keyword = "logsoftmax"
    example = "input 10 ; logsoftmax"
    torch_name = "LogSoftmax"

    def build(self, x: Shape) -> "nn.Module":
        from torch import nn

        return nn.LogSoftmax(dim=1)
