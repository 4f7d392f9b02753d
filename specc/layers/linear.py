"""The fully connected layer."""

from math import prod
from typing import TYPE_CHECKING

from specc.diagnostics.spelling import counted
from specc.layers.base import Shape, ShapeError, kind_of, rank_of
from specc.layers.fields import Count, field
from specc.layers.weighted import Bias, Weighted

if TYPE_CHECKING:
    from torch import nn


class Linear(Weighted):
    """Every output is a learned weighted sum of all inputs."""

    keyword = "linear"
    family = "linear"
    example = "input 784 ; linear 10"
    torch_name = "Linear"

    out: Count = field(positional=True, doc="output features")
    bias: Bias = field(True, doc="add a learned number to each output")

    def output(self, x: Shape) -> Shape:
        if rank_of(x):
            raise ShapeError(
                "E302",
                f"`linear` takes a vector, but {kind_of(x)} arrives",
                help=f"put `flatten` before it: a vector of {counted(prod(x), 'feature', 'd')}",
            )
        return (self.out,)

    def output_anyway(self) -> Shape:
        return (self.out,)

    def weights(self, x: Shape) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {"weight": (self.out, x[0])}
        return {**shapes, "bias": (self.out,)} if self.bias is not False else shapes

    def macs(self, x: Shape) -> int:
        return x[0] * self.out

    def build(self, x: Shape) -> "nn.Module":
        from torch import nn

        return nn.Linear(x[0], self.out, bias=self.bias is not False)
