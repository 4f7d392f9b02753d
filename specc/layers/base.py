"""What a layer is: one class with its fields, its shape rule, its weights, its costs, its module and its example."""

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict

from specc.diagnostics.spelling import counted
from specc.layers.windows import Window

if TYPE_CHECKING:
    from torch import nn

Shape: TypeAlias = tuple[int, ...]
"""One sample, channels first, without the batch dimension: `(3, 32, 32)`; `(784,)` is a vector."""


_RANK_NAMES = {0: "a vector", 1: "a signal", 2: "an image", 3: "a volume"}


class ShapeError(Exception):
    """A rule's refusal: what does not fit, with the numbers in it. It knows no place; the driver adds that.

    Args: code, one of the shape codes; what, one sentence; label, the formula with the numbers put in;
          help, what to write instead; field, the argument that is wrong, where it is one alone.
    """

    def __init__(
        self, code: str, what: str, label: str = "", help: str | None = None, field: str | None = None
    ) -> None:
        super().__init__(what)
        self.code, self.what, self.label, self.help, self.field = code, what, label, help, field


class Layer(BaseModel):
    """A step without branches. Subclasses with a `keyword` are layers of the language."""

    # Schemas are built when a layer is first used: most specs use few of the sixty.
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)

    keyword: ClassVar[str] = ""
    family: ClassVar[str] = ""
    example: ClassVar[str] = ""  # a whole spec in one line, `input 3x32x32 ; conv 64 k3 p1`
    torch_name: ClassVar[str] = ""  # what it becomes, for the reference: `Conv1d Conv2d Conv3d`

    def output(self, x: Shape) -> Shape:
        """The shape that leaves, given the shape that arrives. Raises: ShapeError."""
        raise NotImplementedError

    def weights(self, x: Shape) -> dict[str, Shape]:
        """The shape of each trainable tensor, under torch's name; x is a shape that `output` accepts."""
        return {}

    def macs(self, x: Shape) -> int:
        """Multiply-accumulates for one sample, without bias."""
        return 0

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """What is slid along each spatial dimension of an accepted shape; empty where each pixel stands for itself."""
        return ()

    def build(self, x: Shape) -> "nn.Module":
        """The torch module for an accepted shape."""
        raise NotImplementedError

    def output_anyway(self) -> Shape | None:
        """The output where it does not depend on the input: what the checker goes on with after an error."""
        return None

    def parameter_count(self, x: Shape) -> int:
        """The number of values in all trainable tensors, frozen ones too."""
        return sum(prod(shape) for shape in self.weights(x).values())


def rank_of(x: Shape) -> int:
    """The number of spatial dimensions: 0 for a vector, 2 for an image."""
    return len(x) - 1


def written(x: Shape) -> str:
    """A shape as a message writes it.

    >>> written((3, 32, 32))
    '3×32×32'
    """
    return "×".join(map(str, x))


def kind_of(x: Shape) -> str:
    """`an image (3×32×32)`"""
    return f"{_RANK_NAMES[rank_of(x)]} ({written(x)})"


def require_spatial(word: str, x: Shape, help: str | None = None) -> int:
    """The rank of a shape that has at least one spatial dimension. Raises: ShapeError for a vector."""
    if rank_of(x) == 0:
        raise ShapeError(
            "E302",
            f"`{word}` needs spatial dimensions, but a vector of {counted(x[0], 'feature', 'd')} arrives",
            help=help or f"put `{word}` before `flatten`, or restore an image with `unflatten`",
        )
    return rank_of(x)


def require_divisible(word: str, count: int, groups: int, what: str) -> None:
    """Raises: ShapeError where `count` channels cannot be cut into `groups` equal parts."""
    if count % groups:
        divisors = [n for n in range(1, min(count, 4096) + 1) if count % n == 0]
        near = sorted(sorted(divisors, key=lambda n: abs(n - groups))[:3])
        raise ShapeError(
            "E303",
            f"`{word}` cannot cut {count} {what} into {groups} equal groups",
            label=f"{count} / {groups} leaves {count % groups}",
            help=f"a number of groups that divides {count}: " + ", ".join(map(str, near)),
        )


def spread(size: int | tuple[Any, ...] | Any, rank: int, what: str) -> tuple[Any, ...]:
    """A size for each spatial dimension: one number stands for all.

    Raises: ShapeError where a size has another number of dimensions than the input.

    >>> spread(3, 2, "kernel"), spread((1, 7), 2, "kernel")
    ((3, 3), (1, 7))
    """
    if not isinstance(size, tuple):
        return (size,) * rank
    if len(size) != rank:
        raise ShapeError(
            "E302",
            f"the {what} {written(size)} has {counted(len(size), 'dimension')}, "
            f"but {_RANK_NAMES[rank]} with {counted(rank, 'spatial dimension')} arrives",
            help=f"one number holds for every dimension: `{size[0]}`",
        )
    return size


def module_class(stem: str, rank: int) -> Any:
    """torch's class for a rank: `Conv` and 2 give `torch.nn.Conv2d`."""
    from torch import nn

    return getattr(nn, f"{stem}{rank}d")
