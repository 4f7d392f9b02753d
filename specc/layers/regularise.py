"""Regularisation: layers that throw values away while training and do nothing while evaluating."""

from typing import TYPE_CHECKING

from specc.layers.base import Layer, Shape, module_class
from specc.layers.fields import Probability, field

if TYPE_CHECKING:
    from torch import nn


class _Dropout(Layer):
    """The shape stays as it is."""

    family = "regularisation"

    def output(self, x: Shape) -> Shape:
        return x


class Dropout(_Dropout):
    """Sets individual values to 0 at random, and scales up the rest."""

    keyword = "dropout"
    example = "input 128 ; dropout 0.5"
    torch_name = "Dropout"

    p: Probability = field(0.5, positional=True, doc="probability that a value is dropped")

    def build(self, x: Shape) -> "nn.Module":
        from torch import nn

        return nn.Dropout(self.p)


class ChannelDropout(_Dropout):
    """Sets whole channels to 0 at random, and scales up the rest; a vector's channels are its features."""

    keyword = "dropout2d"
    example = "input 64x32x32 ; dropout2d 0.1"
    torch_name = "Dropout1d Dropout2d Dropout3d"

    p: Probability = field(0.5, positional=True, doc="probability that a channel is dropped")

    def build(self, x: Shape) -> "nn.Module":
        from torch import nn

        # torch reads two dimensions as one sample without a batch, so a vector takes the class for single values.
        module: nn.Module = module_class("Dropout", len(x) - 1)(self.p) if len(x) > 1 else nn.Dropout(self.p)
        return module


class DropPath(_Dropout):
    """Sets whole samples to 0 at random, and scales up the rest: stochastic depth, inside a residual branch."""

    keyword = "droppath"
    example = "input 64x32x32 ; droppath 0.1"
    torch_name = "specc.build.modules.DropPath"

    p: Probability = field(positional=True, doc="probability that a sample is dropped")

    def build(self, x: Shape) -> "nn.Module":
        from specc.build.modules import DropPath as Module

        return Module(self.p)
