"""Regularisation: layers that throw values away while training and do nothing while evaluating."""

from specc.layers.base import Layer, Shape
from specc.layers.fields import Probability, field
from specc.layers.torch_call import TRAINING, Source, call

DRAWN: dict[str, Source] = {"p": "p", "training": TRAINING}


class Dropout(Layer):
    """Sets individual values to 0 at random, and scales up the rest."""

    keyword = "dropout"
    family = "regularisation"
    example = "input 128 ; dropout 0.5"
    torch = call("Dropout", "F.dropout", function_arguments=DRAWN, p="p")
    pointwise = True

    p: Probability = field(0.5, positional=True, doc="probability that a value is dropped")


class ChannelDropout(Layer):
    """Sets whole channels to 0 at random, and scales up the rest; a vector's channels are its features."""

    keyword = "dropout2d"
    family = "regularisation"
    example = "input 64x32x32 ; dropout2d 0.1"
    torch = call("Dropout{rank}d", "F.dropout{rank}d", also=("Dropout2d",), function_arguments=DRAWN, p="p")

    p: Probability = field(0.5, positional=True, doc="probability that a channel is dropped")

    def torch_name(self, stem: str, x: Shape) -> str:
        # torch reads two dimensions as one sample without a batch, so a vector takes the class for single values.
        return super().torch_name(stem, x) if len(x) > 1 else stem.removesuffix("{rank}d")


class DropPath(Layer):
    """Sets whole samples to 0 at random, and scales up the rest: stochastic depth, inside a residual branch."""

    keyword = "droppath"
    family = "regularisation"
    example = "input 64x32x32 ; droppath 0.1"
    torch = call("DropPath", own=True, p="p")

    p: Probability = field(positional=True, doc="probability that a sample is dropped")
