"""The torch call that a layer becomes, declared once in its class.

It is read three ways: called to build the module, written out as Python, and recognised in a model that is imported.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

IN = "in"  # in place of a field: the channels, or features, that arrive


class Verbatim(str):
    """A value that is code already."""

    __slots__ = ()


class FixedValue(NamedTuple):
    """An argument that is the same for every use of the layer."""

    value: Any


Source: TypeAlias = str | FixedValue
"""Where an argument's value comes from: a field's name, `IN`, or a value that is always the same."""

TRAINING = FixedValue(Verbatim("self.training"))


class NoWord(Exception):
    """The language cannot say it; the text is what `it` is."""


class TorchCall(NamedTuple):
    """A class of `torch.nn`, or of `specc.build.modules` where `own`, and its arguments.

    name: `{rank}` stands for the number of spatial dimensions. arguments: by torch's names, in torch's order.
    bare: how many of them people write without a name. also: further classes that mean the same layer.
    function: what does the same without a module, `F.relu`, or code with `{x}` and the arguments in it; empty for a
    layer with weights. function_arguments: those of the function, where they are not the class's.
    """

    name: str
    function: str
    arguments: Mapping[str, Source]
    bare: int = 1
    also: tuple[str, ...] = ()
    own: bool = False
    function_arguments: Mapping[str, Source] | None = None

    @property
    def of_function(self) -> Mapping[str, Source]:
        return self.arguments if self.function_arguments is None else self.function_arguments

    def classes(self) -> tuple[str, ...]:
        """`Conv1d`, `Conv2d`, `Conv3d`."""
        return tuple(dict.fromkeys(name for stem in (self.name, *self.also) for name in at_every_rank(stem)))

    def functions(self) -> tuple[str, ...]:
        """`max_pool1d`, `max_pool2d`, `max_pool3d`; none where it is code of another kind."""
        return () if "{x}" in self.function else at_every_rank(self.function.rpartition(".")[2])


def call(
    name: str,
    function: str = "",
    *,
    bare: int = 1,
    also: tuple[str, ...] = (),
    own: bool = False,
    function_arguments: Mapping[str, Source] | None = None,
    **arguments: Source,
) -> TorchCall:
    """A layer's call: `call("Dropout", "F.dropout", p="p")`."""
    return TorchCall(name, function, arguments, bare, also, own, function_arguments)


def at_every_rank(stem: str) -> tuple[str, ...]:
    """A name for signals, images and volumes.

    >>> at_every_rank("Conv{rank}d"), at_every_rank("ReLU")
    (('Conv1d', 'Conv2d', 'Conv3d'), ('ReLU',))
    """
    if not stem:
        return ()
    return tuple(stem.format(rank=rank) for rank in (1, 2, 3)) if "{rank}" in stem else (stem,)


def compact(value: Any) -> Any:
    """A size of equal numbers as one of them: `(3, 3)` as 3."""
    if not isinstance(value, tuple | list):
        return value
    return value[0] if len(set(value)) == 1 else tuple(value)


def class_of(name: str) -> Any:
    """The class of that name in `torch.nn`, or among the few that torch lacks."""
    from torch import nn

    found = getattr(nn, name, None)
    if found is None:
        from specc.build import modules

        found = getattr(modules, name)
    return found
