"""Layers over channels: the mean or the largest of them at every position, and empty ones beside them."""

from typing import Any

from specc.layers.base import Layer, Shape, rank_of
from specc.layers.fields import Index, field
from specc.layers.torch_call import NoWord, call


class _OneChannel(Layer):
    """One number for all channels of a position."""

    family = "channels"

    def output(self, x: Shape) -> Shape:
        return (1, *x[1:])


class ChannelMean(_OneChannel):
    """The mean of all channels at every position: one channel remains."""

    keyword = "channelmean"
    example = "input 64x7x7 ; channelmean"
    torch = call("ChannelMean", "{x}.mean(dim=1, keepdim=True)", own=True)


class ChannelMax(_OneChannel):
    """The largest of all channels at every position: one channel remains."""

    keyword = "channelmax"
    example = "input 64x7x7 ; channelmax"
    torch = call("ChannelMax", "{x}.amax(dim=1, keepdim=True)", own=True)


class ChannelPad(Layer):
    """Adds channels of zeros before and after those that arrive."""

    keyword = "channelpad"
    family = "shape"
    example = "input 16x32x32 ; channelpad 8"
    torch = call(
        "ChannelPad", "F.pad", own=True, bare=2, before="before", after="after", function_arguments={"pad": "sides"}
    )

    before: Index = field(positional=True, doc="channels of zeros before the first")
    after: Index | None = field(None, positional=True, doc="channels of zeros after the last; as many if not given")

    def output(self, x: Shape) -> Shape:
        return (x[0] + self.before + self.torch_argument("after", x), *x[1:])

    def torch_argument(self, source: str, x: Shape) -> Any:
        after = self.before if self.after is None else self.after
        sides = (*(0, 0) * rank_of(x), self.before, after)
        return {"before": self.before, "after": after, "sides": sides}[source]

    @classmethod
    def from_torch(cls, name: str, given: dict[str, Any], x: Shape) -> dict[str, Any]:
        sides, mode, value = tuple(given["pad"]), given.pop("mode"), given.pop("value")
        before, after = sides[-2:]
        if len(sides) != 2 * len(x) or any(sides[:-2]) or min(before, after) < 0 or mode != "constant" or value:
            raise NoWord(f"padding by {sides}")
        return {"before": before, "after": None if before == after else after}
