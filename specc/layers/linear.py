"""The fully connected layer."""

from math import prod
from typing import Any, Literal

from specc.diagnostics.spelling import counted
from specc.layers.base import Shape, ShapeError, kind_of, rank_of, strung_out, written
from specc.layers.fields import Count, field
from specc.layers.torch_call import IN, NoWord, call
from specc.layers.weighted import Bias, Weighted


class Linear(Weighted):
    """Every output is a learned weighted sum of all inputs."""

    keyword = "linear"
    family = "linear"
    example = "input 784 ; linear 10"
    filters = True
    torch = call("Linear", bare=2, in_features=IN, out_features="out", bias="bias")

    out: Count = field(positional=True, doc="output features")
    bias: Bias = field(True, doc="add a learned number to each output")

    def output(self, x: Shape) -> Shape:
        if rank_of(x):
            raise ShapeError(
                "E302",
                f"`linear` takes a vector, but {kind_of(x)} arrives",
                help=f"put `flatten` before it: a vector of {counted(prod(x), 'feature', 'd')}",
                proposals=strung_out(x),
            )
        return (self.out,)

    def output_anyway(self) -> Shape:
        return (self.out,)

    @property
    def features(self) -> Literal["as many", "fixed"] | None:
        return None if self.literals() else "fixed"

    def weights(self, x: Shape) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {"weight": (self.out, x[0])}
        return {**shapes, "bias": (self.out,)} if self.bias is not False else shapes

    @classmethod
    def from_torch(cls, name: str, given: dict[str, Any], x: Shape) -> dict[str, Any]:
        if rank_of(x):
            raise NoWord(f"a linear layer over the last dimension of {written(x)}")
        return super().from_torch(name, given, x)

    def macs(self, x: Shape) -> int:
        return x[0] * self.out
