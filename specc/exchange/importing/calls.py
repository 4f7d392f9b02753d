"""One step of a model's code as it was seen to run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn
from torch.fx.node import map_aggregate


class ModelCall:
    """A module, a function or a method that was called with tensors of the network.

    kind: `input`, `module`, `function`, `method`, or `item`, one of several results. target: the module, the function,
    or the method's name. args, kwargs: as they were given, a `ModelCall` in the place of each of the network's tensors.
    value: what it gave. users: the calls that take it. owners: the modules whose code it stands in, each a path and a
    class, outermost first; for a module itself too. place: the file and line of the code.
    follows_mode: whether one of the arguments is the `training` of a module.
    """

    def __init__(
        self, kind: str, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], value: Any, name: str = ""
    ) -> None:
        self.kind, self.target, self.args, self.kwargs, self.value, self.name = kind, target, args, kwargs, value, name
        self.users: dict[ModelCall, None] = {}
        self.owners: tuple[tuple[str, type], ...] = ()
        self.place = ""
        self.follows_mode = False
        for source in self.sources():
            source.users[self] = None

    def sources(self) -> list[ModelCall]:
        """The calls whose values it takes, each once."""
        return list(dict.fromkeys(one for one in leaves_of((self.args, self.kwargs)) if isinstance(one, ModelCall)))

    def values(self, args: Any) -> Any:
        """Arguments with what was given in the place of calls."""
        return replaced(args, lambda one: one.value if isinstance(one, ModelCall) else one)

    @property
    def given(self) -> Any:
        """What the step works on: its first argument."""
        return self.values((self.args[0],))[0]


def replaced(args: Any, change: Callable[[Any], Any]) -> Any:
    """Arguments, however nested, with each value changed."""
    return map_aggregate(args, change)


def leaves_of(args: Any) -> Iterator[Any]:
    """All values of arguments, however nested."""
    found: list[Any] = []
    replaced(args, found.append)
    yield from found


def tensors_of(args: Any) -> list[Tensor]:
    return [one for one in leaves_of(args) if isinstance(one, Tensor)]


def name_of(target: Any) -> str:
    """What a function, a method or a module's class is called."""
    if isinstance(target, nn.Module):
        return type(target).__name__
    return target if isinstance(target, str) else str(getattr(target, "__name__", target))
