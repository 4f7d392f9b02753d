"""A learned or a constant factor or summand, and the layer that does nothing."""

from specc.layers.base import Layer, Shape
from specc.layers.fields import Real, field
from specc.layers.torch_call import IN, call
from specc.layers.weighted import Weighted


class Learned(Weighted):
    """A number for every channel that is learned."""

    family = "scale"

    def weights(self, x: Shape) -> dict[str, Shape]:
        return {"weight": (x[0],)}


class LayerScale(Learned):
    """Multiplies every channel by a learned factor that starts small (Touvron et al. 2021)."""

    keyword = "layerscale"
    example = "input 64x7x7 ; layerscale 1e-6"
    torch = call("LayerScale", own=True, bare=2, channels=IN, value="value")

    value: Real = field(1e-6, positional=True, doc="initial factor")


class Scale(Layer):
    """Multiplies every value by a constant."""

    keyword = "scale"
    family = "scale"
    example = "input 64x7x7 ; scale 0.1"
    torch = call("Scale", "{value} * {x}", own=True, value="value")

    value: Real = field(positional=True, doc="the factor")


class LayerShift(Learned):
    """Adds a learned number to every channel."""

    keyword = "layershift"
    example = "input 64x7x7 ; layershift"
    torch = call("LayerShift", own=True, bare=2, channels=IN, value="value")

    value: Real = field(0.0, positional=True, doc="initial summand")


class Shift(Layer):
    """Adds a constant to every value."""

    keyword = "shift"
    family = "scale"
    example = "input 64x7x7 ; shift 0.5"
    torch = call("Shift", "{x} + {value}", own=True, value="value")

    value: Real = field(positional=True, doc="the summand")


class Identity(Layer):
    """Passes everything on as it is: an empty branch."""

    keyword = "id"
    family = "identity"
    example = "input 64x7x7 ; id"
    torch = call("Identity", "{x}")
    pointwise = True
