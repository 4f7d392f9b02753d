"""Every optimizer, killed and continued on a network with each kind of weight, alone and in two processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from callbacks import Stop
from ranks import Ranks
from safetensors.torch import load_file

from specc.diagnostics.diagnostic import Problem
from specc.pipeline import analyse
from specc.recipe.optimizers import OPTIMIZERS
from specc.runner.checkpoint import checkpoint_bytes, read_checkpoint
from specc.runner.optim import layout_of_memory, make_optimizer, memory_of
from specc.runner.resume import resume
from specc.runner.run import train
from specc.runner.run_folder import STATE
from specc.source import Source

pytestmark = pytest.mark.usefixtures("one_thread")

# Kernels, a grouped one, biases, two kinds of norms, an activation with a weight, matrices, and a layer that is not
# trained; muon takes the inner kernels and matrices.
KINDS = """\
input 1x8x8
conv 4 k3 -> bn -> relu
conv 8 k3 -> groupnorm 2 -> prelu -> conv 8 k1 frozen
dwconv k3 p1 -> conv 8 k1 -> relu
flatten -> linear 16 -> layernorm -> relu -> linear 10
train { epochs 2 ; batch 256 ; precision fp32 ; lr 0.002 }
"""
ALL_MUONS = "input 1x8x8\nconv 8 k3 -> relu\nconv 8 k3 -> relu\nflatten -> linear 10\ntrain { batch 256 }\n"
STEPS = 6  # of the digits' 1438 training pictures in batches of 256

LATER: dict[str, Any] = {"freeze": "conv*,bn1", "unfreeze_after": 1, "average": 0.9, "rates": "conv1=0.1x"}
RECIPES: dict[str, dict[str, Any]] = {
    **{name: {"optimizer": name} for name in OPTIMIZERS},
    "sgd with momentum": {"optimizer": "sgd", "momentum": 0.9, "nesterov": True},
    "rmsprop with momentum": {"optimizer": "rmsprop", "momentum": 0.5},
    "muon without momentum": {"optimizer": "muon", "momentum": 0.0, "nesterov": False, "decay_weights_only": True},
    "muon and sgd": {
        "optimizer": "muon",
        "muon_lr": 0.02,
        "ns_steps": 3,
        "renormalize": True,
        "rest_optimizer": "sgd",
        "rest_momentum": 0.9,
        "rates": "bias=4x",
    },
    "muon and sgd without momentum": {"optimizer": "muon", "rest_optimizer": "sgd", "average": 0.9},
    "adam as in a plain loop": {"optimizer": "adam", "exact": True},
    "sgd as in a plain loop": {"optimizer": "sgd", "momentum": 0.9, "exact": True},
    "rates by part": {"rates": "conv*=0.1x linear2=10x", "decays": "linear1=0x", "weight_decay": 0.1},
    "layer decay": {"optimizer": "muon", "layer_decay": 0.8, "decay_weights_only": True},
    **{f"{name}, some of it later": {"optimizer": name, **LATER} for name in ("adam", "muon")},
    "swa": {"optimizer": "sgd", "momentum": 0.9, "swa_from": 1, "lookahead": 2, "freeze": "bn1"},
    "muon and sgd, some of it later": {"optimizer": "muon", "rest_optimizer": "sgd", "rest_momentum": 0.9, **LATER},
    "adam, some of it not for long": {"optimizer": "adam", "freeze_after": "conv1=1 linear1=1"},
    "sgd, some of it later": {"optimizer": "sgd", "momentum": 0.9, **LATER},
}


@pytest.fixture(scope="module")
def ranks() -> Iterator[Ranks]:
    found = Ranks(2)
    yield found
    found.close()


class Cut(BaseException):
    """Ends a run as a power cut would: nothing is written after it."""


def cut() -> None:
    raise Cut


def trained(after: int = -1, **arguments: Any) -> int | None:
    return train(callback=Stop(after), **arguments).stopped


def resumed(after: int = -1, **arguments: Any) -> int | None:
    return resume(callback=Stop(after), **arguments).stopped


def same_files(first: Path, second: Path) -> bool:
    """Whether both runs hold the same weights and states, bit for bit."""
    return all(_same(load_file(first / name), load_file(second / name)) for name in ("last.safetensors", STATE))


def _same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)


@pytest.mark.parametrize("name", RECIPES)
def test_killed_and_continued(name: str, tmp_path: Path) -> None:
    """Before the first step, in the middle of an epoch, at the end of one, and by one more epoch."""
    recipe = RECIPES[name]
    train(KINDS, tmp_path / "whole", **recipe)
    for kind, after, epochs in (("start", 1, 2), ("middle", 4, 2), ("end", -1, 1)):
        run = tmp_path / kind
        if after < 0:
            train(KINDS, run, **recipe, epochs=epochs)
        else:
            with pytest.raises(Cut):
                train(KINDS, run, **recipe, callback=Stop(after, cut), checkpoint_steps=3)
        resume(run, epochs=2)
        assert same_files(tmp_path / "whole", run), kind


@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if "exact" not in recipe])
def test_killed_and_continued_in_two_processes(name: str, ranks: Ranks, tmp_path: Path) -> None:
    def call(function: Any, **arguments: Any) -> None:
        answers = ranks.call(function, [{**arguments, "after": after} for after in (stop, -1)])
        assert all(answer.kind == "value" for answer in answers), answers

    stop, recipe = -1, RECIPES[name]
    call(trained, spec=KINDS, out=tmp_path / "whole", **recipe)
    stop = 4
    call(trained, spec=KINDS, out=tmp_path / "run", **recipe)
    stop = STEPS
    call(resumed, run=tmp_path / "run")
    stop = -1
    call(resumed, run=tmp_path / "run")
    assert same_files(tmp_path / "whole", tmp_path / "run")


def test_muon_on_the_smallest_network_that_has_its_weights(tmp_path: Path) -> None:
    train(ALL_MUONS, tmp_path / "whole", optimizer="muon", epochs=2)
    train(ALL_MUONS, tmp_path / "run", optimizer="muon", epochs=1)
    resume(tmp_path / "run", epochs=2)
    assert same_files(tmp_path / "whole", tmp_path / "run")


@pytest.mark.parametrize("name", RECIPES)
def test_the_layout_is_what_a_step_leaves(name: str) -> None:
    """What is checked when a run goes on is what torch's optimizer keeps; before the first step it is nothing."""
    from specc.build.compile import build
    from specc.recipe.reading import overridden

    analysis = analyse(Source("net.cnn", KINDS))
    assert analysis.model is not None
    model, recipe = build(analysis.model), overridden(analysis.recipe, RECIPES[name])
    optimizer = make_optimizer(model, recipe)
    assert not memory_of(model, optimizer)
    model(torch.rand(4, 1, 8, 8)).sum().backward()
    optimizer.step()
    found, wanted = memory_of(model, optimizer), layout_of_memory(model, recipe)
    assert found.keys() == wanted.keys()
    for slot, tensor in found.items():
        assert (tensor.shape, tensor.dtype) == (wanted[slot].shape, wanted[slot].dtype), slot


@pytest.mark.parametrize("slot", ["step", "exp_avg", "exp_avg_sq", "all"])
def test_memory_that_lacks_a_part_is_refused(slot: str, tmp_path: Path) -> None:
    """torch would meet it in the middle of a step, or begin that weight's memory anew."""
    path = train(KINDS, tmp_path / "run", callback=Stop(4)).folder / STATE
    facts, tensors = read_checkpoint(path), load_file(path)
    for name in [name for name in tensors if name.startswith("optimizer/")]:
        if slot == "all" or name == f"optimizer/linear1.weight/{slot}":
            del tensors[name]
    path.write_bytes(checkpoint_bytes(facts, tensors))
    with pytest.raises(Problem, match="optimizer") as caught:
        resume(tmp_path / "run")
    assert caught.value.diagnostic.code == "E621"
