"""A torch model followed: one real run, in which every call of a layer or a function is written down.

The sizes are those of the run, so code that reckons with them, asks for them or loops over them is followed like any
other. What the run cannot show is code that decides by values: it is refused.

In:         a module in evaluation mode and the shape of one sample.
Out:        `Followed`.
Raises:     ModelFails where the model itself fails on that input; Unfollowable where only following it does.
Leaves:     what the calls mean to `trace`.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention
from torch.overrides import TorchFunctionMode

from specc.exchange.importing.calls import ModelCall, leaves_of, name_of, replaced, tensors_of
from specc.exchange.importing.drops import is_drop_path
from specc.exchange.importing.tensors import is_response_norm
from specc.exchange.importing.words import is_torchs
from specc.layers.base import Shape

BATCH = 2
DROPOUTS = (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout)
MOST_CALLS = 50_000
# Methods that hand a tensor's values to Python, which may decide by them.
_READING = frozenset(
    (
        "__bool__",
        "__int__",
        "__float__",
        "__complex__",
        "__index__",
        "__contains__",
        "__array__",
        "item",
        "tolist",
        "numpy",
        "is_nonzero",
        "equal",
        "allclose",
    )
)
_OPERATORS = {
    "__getitem__": operator.getitem, "__setitem__": operator.setitem, "__floordiv__": operator.floordiv,
}  # fmt: skip


class ModelFails(Exception):
    """The model raises an error of its own, the cause of this one, on the input that it was given."""


class Unfollowable(Exception):
    """A model that runs, but whose code cannot be followed; the text says why."""


class Followed(NamedTuple):
    """The calls of a run, in their order, the input first, the output last.

    changed: the calls whose tensors a call changed in place.
    """

    model: nn.Module
    calls: list[ModelCall]
    changed: dict[ModelCall, tuple[ModelCall, ...]]


def follow(model: nn.Module, input: Shape) -> Followed:
    """Raises: ModelFails, Unfollowable."""
    x = torch.rand(BATCH, *input, generator=torch.Generator().manual_seed(0))
    try:
        with torch.no_grad():
            model(x.clone())
    except Exception as error:  # of any kind: it is the user's code
        raise ModelFails from error
    recorder = _Recorder(model, x)
    try:
        with _marked(model), recorder.watching(), torch.no_grad():
            result = model(x)
    except Unfollowable:
        raise
    except Exception as error:  # of any kind: it ran before, so that watching it is what fails
        raise recorder.refusal or Unfollowable(_line(error)) from error
    if recorder.refusal:  # which the model's code caught
        raise recorder.refusal
    recorder.calls.append(ModelCall("output", None, (replaced(result, recorder.call_of),), {}, result, "output"))
    return Followed(model, _without_unread_items(recorder.calls), recorder.changed)


def _without_unread_items(calls: list[ModelCall]) -> list[ModelCall]:
    """The calls but those of several results that nothing reads."""
    for call in calls:
        if call.kind == "item" and not call.users:
            for source in call.sources():
                source.users.pop(call, None)
    return [call for call in calls if call.kind != "item" or call.users]


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


class _Mode(int):
    """False, as a module's `training` has it, which can be told from a False that is written out."""

    def __repr__(self) -> str:
        return "False"


@contextmanager
def _marked(model: nn.Module) -> Iterator[None]:
    """Marks `training` of every module while the code is followed."""
    modules = list(model.modules())
    try:
        for module in modules:
            module.__dict__["training"] = _Mode(0)
        yield
    finally:
        for module in modules:
            module.__dict__["training"] = False


@contextmanager
def _unmarked(module: nn.Module) -> Iterator[None]:
    """Takes the marks away while a module runs that is one step."""
    for part in module.modules():
        part.__dict__["training"] = False
    yield
    for part in module.modules():
        part.__dict__["training"] = _Mode(0)


class _Recorder(TorchFunctionMode):
    """Writes down what is called with tensors that come from the input.

    held: the calls that gave the tensors, by the tensors' places; a tensor that is changed in place is given by what
    changed it. inside: whether a module runs that is taken as one step. refusal: why the model cannot be followed.
    """

    def __init__(self, model: nn.Module, x: Tensor) -> None:
        super().__init__()
        self.model = model
        self.paths = {id(module): path for path, module in model.named_modules()}
        self.calls = [ModelCall("input", None, (), {}, x, "input")]
        self.held: dict[int, tuple[Tensor, ModelCall]] = {id(x): (x, self.calls[0])}
        self.changed: dict[ModelCall, tuple[ModelCall, ...]] = {}
        self.owners: list[tuple[str, type]] = []
        self.inside = False
        self.refusal: Unfollowable | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Sees every module and function that is called."""
        usual = nn.Module.__call__
        recorder = self

        def called(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            return recorder.module(usual, module, args, kwargs)

        nn.Module.__call__ = called  # type: ignore[method-assign]  # for the one run
        try:
            with self:
                yield
        finally:
            nn.Module.__call__ = usual  # type: ignore[method-assign]  # as it was

    # what is called

    def module(self, usual: Any, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A module's call, as one step where it is a layer, else what its code does."""
        if self.inside or (module is self.model and not _is_step(module)):
            return usual(module, *args, **kwargs)
        self.owners.append((self.paths.get(id(module), ""), type(module)))
        try:
            if not _is_step(module) or not self._tracked((args, kwargs)):
                return usual(module, *args, **kwargs)
            with _unmarked(module):
                return self._step("module", module, lambda: usual(module, *args, **kwargs), args, kwargs)
        finally:
            self.owners.pop()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        plain, given = replaced((args, kwargs or {}), lambda one: False if isinstance(one, _Mode) else one)
        if self.inside or not self._tracked((args, given)):
            return func(*plain, **given)
        kind, target = _kind_of(func)
        if target in _READING or name_of(target) in _READING:
            self.refusal = Unfollowable(f"it reads the values of a tensor, by `{name_of(target)}` at {_place()}")
            raise self.refusal
        if kind == "attribute":
            found = func(*plain, **given)
            if not isinstance(found, Tensor):
                return found
            return self._step("method", "detach" if target == "data" else target, lambda: found, args, given)
        return self._step(kind, target, lambda: func(*plain, **given), args, kwargs or {})

    # what is written down

    def _tracked(self, args: Any) -> bool:
        return any(id(tensor) in self.held for tensor in tensors_of(args))

    def call_of(self, value: Any) -> Any:
        """The call that gave a tensor, in its place; any other value as it is."""
        if not isinstance(value, Tensor) or id(value) not in self.held:
            return value
        return self.held[id(value)][1]

    def _step(self, kind: str, target: Any, run: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs a step and writes it down, unless it gives neither a tensor nor changes one."""
        marks = [one for one in leaves_of((args, kwargs)) if isinstance(one, _Mode)]
        plain = replaced((args, kwargs), lambda one: False if isinstance(one, _Mode) else one)
        given_tensors = tensors_of((args, kwargs))
        before = [(tensor, tensor._version) for tensor in given_tensors]
        was, self.inside = self.inside, True
        try:
            value = run()
        finally:
            self.inside = was
        changed = [tensor for tensor, version in before if tensor._version != version]
        if not changed and not tensors_of(value):
            return value
        given = replaced(plain, self.call_of)
        if kind == "function" and not given[0] and "input" in given[1]:
            named = dict(given[1])  # every function calls its first argument so
            given = ((named.pop("input"),), named)
        call = ModelCall(kind, target, given[0], given[1], value, f"{name_of(target)}_{len(self.calls)}")
        call.follows_mode = bool(marks)
        if not changed and _claims_to_change(call):
            changed = given_tensors[:1]  # a dropout in evaluation mode leaves it as it is, and in training does not
        return self._kept(call, value, changed)

    def _kept(self, call: ModelCall, value: Any, changed: list[Tensor]) -> Any:
        sources = [held[1] for tensor in changed if (held := self.held.get(id(tensor))) is not None]
        if sources:
            self.changed[call] = tuple(dict.fromkeys(sources))
        self._written(call, tuple(self.owners), _place())
        if value is None and changed:  # an item that was set
            call.value = changed[0]
        for tensor in changed:
            self.held[id(tensor)] = (tensor, call)
        if isinstance(value, Tensor):
            if id(value) in self.held and not any(value is tensor for tensor in changed):
                value = _alias(value)  # one and the same in evaluation alone
            self.held[id(value)] = (value, call)
            call.value = _alias(value)  # which has its shape when the memory was given back
        elif isinstance(value, tuple | list):
            for place, part in enumerate(value):
                if isinstance(part, Tensor):
                    item = ModelCall("item", operator.getitem, (call, place), {}, part, f"item_{len(self.calls)}")
                    self.held[id(part)] = (part, self._written(item, call.owners, call.place))
        return value

    def _written(self, call: ModelCall, owners: tuple[tuple[str, type], ...], place: str) -> ModelCall:
        call.owners, call.place = owners, place
        self.calls.append(call)
        if len(self.calls) > MOST_CALLS:
            self.refusal = Unfollowable(f"it takes more than {MOST_CALLS:,} steps")
            raise self.refusal
        return call


def _alias(tensor: Tensor) -> Tensor:
    """The same values as a tensor of its own."""
    with torch._C.DisableTorchFunction(), torch.no_grad():
        return tensor.view_as(tensor)


def _is_step(module: nn.Module) -> bool:
    """Whether a module is one step: a layer of torch's, or stochastic depth, whose code shows nothing."""
    if is_drop_path(module) or is_response_norm(module) or is_torchs(module):
        return True
    if isinstance(module, torch.jit.ScriptModule):
        return True
    own = type(module).__module__
    return own.startswith("torch.nn") and not isinstance(module, nn.Sequential)


def _kind_of(func: Any) -> tuple[str, Any]:
    """Whether something is a function, a method or an attribute of a tensor, and what it is known as."""
    name = name_of(func)
    if name == "__get__":
        return "attribute", getattr(getattr(func, "__self__", None), "__name__", name)
    if name in _OPERATORS:
        return "function", _OPERATORS[name]
    owner = getattr(func, "__qualname__", "").rpartition(".")[0]
    if owner.endswith(("Tensor", "TensorBase")):
        return "method", name
    return "function", getattr(F, name, func)


def _claims_to_change(call: ModelCall) -> bool:
    if call.kind == "module":
        return bool(getattr(call.target, "inplace", False))
    in_fourth_place = call.target in DROPOUTS and len(call.args) > 3 and call.args[3]
    return call.kind == "function" and bool(call.kwargs.get("inplace") or in_fourth_place)


def _place() -> str:
    """The file and line of the model's own code that runs."""
    frame = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if not module.startswith(("torch.", "specc.exchange.")) and module != "torch":
            return f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]  # None at the end
    return ""


def read_again(followed: Followed, call: ModelCall, source: ModelCall) -> list[ModelCall]:
    """The calls before one that changed a tensor in place which share memory with it, and are read after it."""
    order = {other: place for place, other in enumerate(followed.calls)}
    return [
        other
        for other in followed.calls[: order[call]]
        if any(order[user] > order[call] for user in other.users)
        and (other is source or _overlap(other.value, source.value))
    ]


def _overlap(value: Any, changed: Tensor) -> bool:
    """Whether a tensor, or one of several, has memory in common with one that was changed."""
    if isinstance(value, tuple | list):
        return any(_overlap(part, changed) for part in value)
    if not isinstance(value, Tensor) or value.dtype != changed.dtype:
        return False
    memory = changed.untyped_storage()
    if value.untyped_storage().data_ptr() != memory.data_ptr():
        return False
    marks = torch.zeros(memory.nbytes() // changed.element_size(), dtype=torch.bool)
    marks.as_strided(changed.size(), changed.stride(), changed.storage_offset()).fill_(True)
    return bool(marks.as_strided(value.size(), value.stride(), value.storage_offset()).any())
