"""Multiplication by a learned or a constant factor, and the layer that does nothing."""

from typing import TYPE_CHECKING

from specc.layers.base import Layer, Shape
from specc.layers.fields import Real, field
from specc.layers.weighted import Weighted

if TYPE_CHECKING:
    from torch import nn


class LayerScale(Weighted):
    """Multiplies every channel by a learned factor that starts small (Touvron et al. 2021)."""

    keyword = "layerscale"
    family = "scale"
    example = "input 64x7x7 ; layerscale 1e-6"
    torch_name = "specc.build.modules.LayerScale"

    value: Real = field(1e-6, positional=True, doc="initial factor")

    def output(self, x: Shape) -> Shape:
        return x

    def weights(self, x: Shape) -> dict[str, Shape]:
        return {"weight": (x[0],)}

    def build(self, x: Shape) -> "nn.Module":
        from specc.build.modules import LayerScale as Module

        return Module(x[0], self.value)


class Scale(Layer):
    """Multiplies every value by a constant."""

    keyword = "scale"
    family = "scale"
    example = "input 64x7x7 ; scale 0.1"
    torch_name = "specc.build.modules.Scale"

    value: Real = field(positional=True, doc="the factor")

    def output(self, x: Shape) -> Shape:
        return x

    def build(self, x: Shape) -> "nn.Module":
        from specc.build.modules import Scale as Module

        return Module(self.value)


class Identity(Layer):
    """Passes everything on as it is: an empty branch."""

    keyword = "id"
    family = "identity"
    example = "input 64x7x7 ; id"
    torch_name = "Identity"

    def output(self, x: Shape) -> Shape:
        return x

    def build(self, x: Shape) -> "nn.Module":
        from torch import nn

        return nn.Identity()
