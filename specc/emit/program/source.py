"""The written Python beside the network, before it is kept: the same names, initial weights and outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from specc.build.compile import build
from specc.diagnostics.diagnostic import Problem
from specc.emit.program.compared import by_name, reason
from specc.emit.program.quiet import quiet
from specc.ir.shaped import ShapedModel

if TYPE_CHECKING:
    from torch import Tensor, nn

    from specc.emit.python.trials import ClassTrial

MOST_BYTES = 8 * 10**9  # of what one sample takes; a larger network is compared in names and shapes alone
MOST_MACS = 2 * 10**11
BATCH = 2
TOLERANCE = 1e-5  # relative: the same operations in the same order, so that they most often agree to the bit


class _Differs(Exception):
    """The text is what differs."""


def require_same(text: str, model: ShapedModel) -> bool:
    """Runs an exported file's network beside the compiled one, both made from the same seed.

    Args:    text, of the file; model, what it was written from.
    Returns: whether values were compared; False where the network is so large that only names and shapes were.
    Raises:  Problem E662 where the file does not run, or gives something else.
    """
    import torch

    whole = model.memory <= MOST_BYTES and model.macs <= MOST_MACS
    with quiet(), torch.random.fork_rng(devices=[]), torch.device("cpu" if whole else "meta"):
        ours = _seeded(lambda: build(model))
        try:
            theirs = _seeded(lambda: _network(text))
            _compare(ours, theirs)
            _run_both(ours, theirs, model.input)
        except Exception as error:  # of any kind: it is generated code that runs here
            raise _refused(error) from error
    return whole


def require_general(text: str, trials: Iterable[ClassTrial]) -> None:
    """Makes an exported file's classes with arguments that its spec does not use, beside what the checker says of them.

    Raises: Problem E662 where one does not run, or has other names or shapes.
    """
    import torch

    with quiet(), torch.random.fork_rng(devices=[]), torch.device("meta"):
        space = _run(text)
        for trial in trials:
            ours = build(trial.model)[0].eval()
            try:
                theirs = space[trial.name](**trial.arguments).eval()
                _compare(ours, theirs)
                x = torch.rand(BATCH, *trial.model.input)
                shapes = tuple(theirs(x).shape), tuple(ours(x).shape)
                if shapes[0] != shapes[1]:
                    raise _Differs(f"gives {shapes[0]} for a batch of two, the network {shapes[1]}")
            except Exception as error:  # as above
                raise _refused(error) from error


def _refused(error: Exception) -> Problem:
    how = str(error) if isinstance(error, _Differs) else f"does not run: {type(error).__name__}, {reason(error)}"
    return Problem.of(
        "E662",
        f"the Python that was written for this network {how}, so it was not kept",
        help="`--to pt2` exports the network without its source\nplease report the spec, so that this can be mended",
    )


def _network(text: str) -> nn.Module:
    """The network of an exported file: its last class."""
    made = [value for value in _run(text).values() if isinstance(value, type) and value.__module__ == "exported"]
    module: nn.Module = made[-1]()
    return module


def _run(text: str) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "exported"}
    exec(compile(text, "exported.py", "exec"), space)  # noqa: S102 - specc wrote it, from names and numbers alone
    return space


def _seeded(make: Callable[[], Any]) -> Any:
    import torch

    torch.manual_seed(0)
    return make()


def _compare(ours: nn.Module, theirs: nn.Module) -> None:
    mine, its = ours.state_dict(), theirs.state_dict()
    for own, other in zip([*mine, ""], [*its, ""], strict=False):
        if own != other:
            raise _Differs(f"has a tensor `{other or own}` where the network has {f'`{own}`' if own else 'none left'}")
    for name, tensor in mine.items():
        if tensor.shape != its[name].shape:
            raise _Differs(f"has `{name}` of shape {tuple(its[name].shape)}, the network {tuple(tensor.shape)}")
        if not _agree(tensor, its[name]):
            raise _Differs(f"begins with different values in `{name}`")
    frozen = {name for name, parameter in ours.named_parameters() if not parameter.requires_grad}
    if frozen != {name for name, parameter in theirs.named_parameters() if not parameter.requires_grad}:
        raise _Differs("has different frozen weights")


def _run_both(ours: nn.Module, theirs: nn.Module, input: tuple[int, ...]) -> None:
    import torch

    x = torch.rand(BATCH, *input)
    for training in (False, True):
        with torch.no_grad():
            wanted, got = (by_name(_seeded(partial(net.train(training), x))) for net in (ours, theirs))
        if wanted.keys() != got.keys():
            raise _Differs(f"gives {', '.join(got)}, the network {', '.join(wanted)}")
        for name, tensor in wanted.items():
            if tensor.shape != got[name].shape:
                shapes = tuple(got[name].shape), tuple(tensor.shape)
                raise _Differs(f"gives {shapes[0]} for a batch of two, the network {shapes[1]}")
            if not _agree(tensor, got[name]):
                raise _Differs(f"gives a different output in {'training' if training else 'evaluation'}")


def _agree(one: Tensor, other: Tensor) -> bool:
    import torch

    return one.is_meta or torch.allclose(one, other, rtol=TOLERANCE, atol=1e-6, equal_nan=True)
