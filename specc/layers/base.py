"""What a layer is: one class with its fields, its shape rule, its weights, its costs, its module and its example."""

from collections.abc import Iterator, Mapping, Sequence
from math import isqrt, prod
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from specc.diagnostics.proposal import FlattenLater, GiveChannels, LeaveOut, Proposal, PutBefore, SetFields
from specc.diagnostics.spelling import counted, spelled
from specc.layers.fields import role
from specc.layers.torch_call import IN, TRAINING, FixedValue, NoWord, Source, TorchCall, class_of, compact
from specc.layers.windows import Window

if TYPE_CHECKING:
    from torch import nn

Shape: TypeAlias = tuple[int, ...]
"""One sample, channels first, without the batch dimension: `(3, 32, 32)`; `(784,)` is a vector."""


_RANK_NAMES = {0: "a vector", 1: "a signal", 2: "an image", 3: "a volume"}


class ShapeError(Exception):
    """A rule's refusal: what does not fit, with the numbers in it. It knows no place; the driver adds that.

    Args: code, one of the shape codes; what, one sentence; label, the formula with the numbers put in;
          help, what to write instead; field, the argument that is wrong, where it is one alone; proposals, what would
          do, the likeliest first.
    """

    def __init__(
        self, code: str, what: str, label: str = "", help: str | None = None, field: str | None = None,
        proposals: tuple[Proposal, ...] = (),
    ) -> None:  # fmt: skip
        super().__init__(what)
        self.code, self.what, self.label, self.help, self.field = code, what, label, help, field
        self.proposals = proposals


KEEPING = ("activation", "regularisation", "normalisation", "scale", "identity")  # families whose shapes stay


PLAIN = (str, bool, tuple, NoneType, TorchCall)  # of what a class says of its layer, beside the fields


class Layer(BaseModel):
    """A step without branches. Subclasses with a `keyword` are layers of the language."""

    # Schemas are built when a layer is first used: most specs use few of the sixty.
    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", defer_build=True, protected_namespaces=(), ignored_types=PLAIN
    )

    if TYPE_CHECKING:  # pydantic would look at each of these again for each of the sixty
        keyword: ClassVar[str]
        family: ClassVar[str]
        example: ClassVar[str]  # a whole spec in one line, `input 3x32x32 ; conv 64 k3 p1`
        torch: ClassVar[TorchCall | None]  # what it becomes; None where `build` says so
        one_of: ClassVar[tuple[str, ...]]  # fields of which one must be given, and no other beside it
        gathers: ClassVar[Literal["", "sum", "largest", "mean"]]  # what becomes of the values under a window
        pointwise: ClassVar[bool]  # whether it does the same to a position wherever its channels stand
    keyword = family = example = gathers = ""
    torch, one_of, pointwise = None, (), False

    def output(self, x: Shape) -> Shape:
        """The shape that leaves, given the one that arrives: the same in a family that keeps it. Raises: ShapeError."""
        if self.family in KEEPING:
            return x
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

    def formulas(self, x: Shape) -> tuple[str, ...]:
        """How each spatial size of the output comes about, with the numbers put in; empty where it is no calculation.

        Args: x, a shape that `output` accepts.
        """
        return ()

    def build(self, x: Shape) -> "nn.Module":
        """The torch module for an accepted shape."""
        assert self.torch is not None  # noqa: S101 - `require_complete` looked
        cls = class_of(self.torch_name(self.torch.name, x))
        module: nn.Module = cls(**self.torch_arguments(self.torch.arguments, x))
        return module

    # the torch call: a layer whose arguments are more than its fields overrides these

    def torch_name(self, stem: str, x: Shape) -> str:
        """The name of the class, or of the function, for an accepted shape: `Conv{rank}d` as `Conv2d`."""
        return stem.replace("{rank}", str(rank_of(x)))

    def torch_arguments(self, names: Mapping[str, Source], x: Shape) -> dict[str, Any]:
        """The values of torch's arguments for an accepted shape."""
        return {
            name: source.value if isinstance(source, FixedValue) else self.torch_argument(source, x)
            for name, source in names.items()
        }

    def torch_argument(self, source: str, x: Shape) -> Any:
        """The value of one argument, by the field that it comes from."""
        return x[0] if source == IN else compact(getattr(self, source))

    @classmethod
    def from_torch(cls, name: str, given: dict[str, Any], x: Shape) -> dict[str, Any]:
        """The fields of the layer that a call in somebody's model is.

        Args:   name, the class's or the function's; given, the arguments by torch's names.
        Raises: NoWord where the layer does something else.
        """
        assert cls.torch is not None  # noqa: S101 - only declared calls are looked up
        fields = {}
        for argument, source in {**cls.torch.of_function, **cls.torch.arguments}.items():
            value = compact(given.get(argument))
            if argument not in given or source == TRAINING:
                continue
            if isinstance(source, str) and source != IN:
                fields[source] = value
            elif value != (source.value if isinstance(source, FixedValue) else x[0]):
                raise NoWord(f"`{name}` with `{argument}={given[argument]}`")
        return fields

    @classmethod
    def is_bare(cls, field: str) -> bool:
        """Whether people write a field without its key, in a place where it could stand so."""
        info = cls.model_fields[field]
        first = next((name for name, other in cls.model_fields.items() if role(other).positional), None)
        return role(info).positional and (field == first or not role(info).short)

    # sizes: what `ir.analysis` asks, which follows one dimension at a time

    @property
    def separable(self) -> bool:
        """Whether each spatial dimension can be looked at by itself; of another package's layer that is not known."""
        return type(self).__module__.startswith("specc.layers.")

    @property
    def keeps_size(self) -> bool:
        """Whether every size comes out as it went in."""
        return self.separable and self.family in KEEPING

    @property
    def reads_all(self) -> bool:
        """Whether its windows are meant to read every pixel; what scales a picture passes over some on purpose."""
        return self.family in ("convolution", "pooling")

    @property
    def features(self) -> Literal["as many", "fixed"] | None:
        """What leaves for a vector of any number of features; None where some numbers are refused."""
        return "as many" if self.keeps_size else None

    def fixes_size(self) -> bool:
        """Whether the output's spatial size is the same for every input."""
        return False

    def output_anyway(self) -> Shape | None:
        """The output where it does not depend on the input: what the checker goes on with after an error."""
        return None

    def parameter_count(self, x: Shape) -> int:
        """The number of values in all trainable tensors, frozen ones too."""
        return sum(prod(shape) for shape in self.weights(x).values())


def rank_of(x: Shape) -> int:
    """The number of spatial dimensions: 0 for a vector, 2 for an image."""
    return len(x) - 1


def written(x: Shape | Mapping[str, Shape]) -> str:
    """A shape as a message writes it; several with their names.

    >>> written((3, 32, 32)), written({"cls": (10,), "box": (4,)})
    ('3×32×32', 'cls 10, box 4')
    """
    if isinstance(x, Mapping):
        return ", ".join(f"{name} {written(shape)}" for name, shape in x.items())
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
            proposals=as_picture(x),
        )
    return rank_of(x)


def as_picture(x: Shape) -> tuple[Proposal, ...]:
    """What gives a layer the picture that it takes, where a vector arrives."""
    return (FlattenLater(), *_folded(x[0]), LeaveOut()) if rank_of(x) == 0 else ()


def _folded(features: int) -> Iterator[Proposal]:
    """A vector as square images, where it can be some."""
    for channels in (1, 3, 16, 32, 64, 128, 256, 512):
        side = isqrt(features // channels)
        if side > 1 and channels * side * side == features:
            shape = (channels, side, side)
            yield PutBefore(f"unflatten {spelled(shape)}", f": an image of {written(shape)}")


def strung_out(x: Shape) -> tuple[Proposal, ...]:
    """What makes a vector of a picture: all its values in a row, or the mean of each channel."""
    flat = PutBefore("flatten", f": a vector of {counted(prod(x), 'feature', 'd')}")
    if prod(x[1:]) == 1:
        return (flat,)
    mean = f": a vector of {counted(x[0], 'feature', 'd')}, the mean of each channel"
    return flat, PutBefore("gap -> flatten", mean)


def require_divisible(word: str, counts: Mapping[str, int], groups: int) -> None:
    """Raises: ShapeError where channels, counted under what they are, cannot be cut into `groups` equal parts."""
    for what, count in counts.items():
        if count % groups:
            near = _near_divisors([count], groups)[:3]
            raise ShapeError(
                "E303",
                f"`{word}` cannot cut {count} {what} into {groups} equal groups",
                label=f"{count} / {groups} leaves {count % groups}",
                help=f"a number of groups that divides {count}: " + ", ".join(map(str, sorted(near))),
                proposals=tuple(_other_groups(counts, groups)),
            )


def _other_groups(counts: Mapping[str, int], groups: int) -> Iterator[Proposal]:
    """Numbers of groups that divide all counts, 1 where there is no other; outputs that the groups divide."""
    near = sorted(_near_divisors(list(counts.values()), groups), key=lambda number: number == 1)
    yield from other_channels(next(iter(counts.values())), groups)
    yield from (SetFields({"groups": number}) for number in near[:2])
    out = counts.get("output channels")
    if out is not None:
        yield from (SetFields({"out": number}) for number in near_multiples(out, groups))


def other_channels(arriving: int, parts: int, *, anyhow: bool = False) -> tuple[Proposal, ...]:
    """Numbers of channels in front that can be cut into parts. Args: anyhow, as for `GiveChannels`."""
    near = tuple(GiveChannels(count) for count in near_multiples(arriving, parts))
    return (*near, GiveChannels(-(-arriving // parts) * parts, anyhow=True)) if anyhow else near


def _near_divisors(counts: Sequence[int], wanted: int) -> list[int]:
    """Common divisors, the nearest to a number first."""
    found = [number for number in range(1, min(*counts, 4096) + 1) if not any(count % number for count in counts)]
    return sorted(found, key=lambda number: abs(number - wanted))


def near_multiples(count: int, parts: int) -> list[int]:
    """The multiples of `parts` on both sides of a count, the nearer one first.

    >>> near_multiples(10, 4), near_multiples(3, 4), near_multiples(8, 4)
    ([8, 12], [4], [])
    """
    found = {count // parts * parts, -(-count // parts) * parts} - {0, count}
    return sorted(found, key=lambda number: (abs(number - count), number))


def spread(size: int | tuple[Any, ...] | Any, rank: int, what: str, field: str = "") -> tuple[Any, ...]:
    """A size for each spatial dimension: one number stands for all.

    Args:   what, the field's name as it is told; field, its name where that is another.

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
            proposals=(SetFields({field or what.replace(" ", "_"): max(size)}),),
        )
    return size
