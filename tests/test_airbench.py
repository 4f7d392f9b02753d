"""A step of airbench's network and recipe against one that is written out by hand."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from specc.data.images import InMemory
from specc.data.load import Dataset
from specc.data.survey import Survey
from specc.pipeline import analyse
from specc.reading import read_source
from specc.recipe.reading import overridden
from specc.runner.distributed.world import Group
from specc.runner.loop import make_step
from specc.runner.session import Session

pytestmark = pytest.mark.usefixtures("one_thread")

SPEC = "gallery:small/airbench"
BATCH, STEPS = 8, 3


@pytest.fixture(scope="module")
def hand() -> Any:
    """The loop by hand, of benchmarks/airbench.py."""
    folder = str(Path(__file__).parent.parent / "benchmarks")
    sys.path.insert(0, folder)
    yield importlib.import_module("airbench")
    sys.path.remove(folder)


@pytest.fixture
def session() -> Session:
    """With the recipe of the spec, but for the size of a batch and the number of epochs."""
    chance = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (BATCH * STEPS, 3, 32, 32), dtype=torch.uint8, generator=chance)
    samples = InMemory(images, torch.arange(len(images)) % 10)
    analysis = analyse(read_source(SPEC))
    assert analysis.model is not None and not analysis.diagnostics
    settings = {
        "batch": BATCH,
        "epochs": 2,
        "precision": "fp32",
        "device": "cpu",
        "seed": 7,
        "freeze_after": "whiten=1",
    }
    dataset = Dataset(Survey("noise", 10, {}, (3, 32, 32)), samples, samples)
    return Session(analysis.model, dataset, overridden(analysis.recipe, settings), Group(torch.device("cpu")))


def like(session: Session, hand: Any) -> Any:
    """The network by hand with the weights of the session's."""
    network = hand.Network()
    own, theirs = network.state_dict(), session.model.state_dict()
    assert [tensor.shape for tensor in own.values()] == [tensor.shape for tensor in theirs.values()]
    network.load_state_dict(dict(zip(own, (tensor.clone() for tensor in theirs.values()), strict=True)))
    network.whiten.weight.requires_grad_(False)
    return network


def test_it_begins_as_it_is_written(session: Session, hand: Any) -> None:
    """Whitened patches of the pictures, up to the signs of eigenvectors; filters that pass on what arrives."""
    network = like(session, hand)
    wanted = hand.whitened(hand.scaled(session.dataset.train.x), 24).flatten(1)
    signs = (network.whiten.weight.flatten(1) * wanted).sum(1, keepdim=True).sign()
    torch.testing.assert_close(network.whiten.weight.flatten(1) * signs, wanted, rtol=1e-3, atol=1e-4)
    for kernel in network.kernels:
        first = kernel[: kernel.shape[1]].flatten(1)
        assert (
            first.count_nonzero() == len(first) and kernel[len(first) :].count_nonzero() == kernel[len(first) :].numel()
        )
    assert float(network.head.weight.detach().std()) == pytest.approx(1, rel=0.1)
    learn = {name for name, weight in session.model.named_parameters() if weight.requires_grad}
    assert "whiten.weight" not in learn and not any("bn" in name and name.endswith("weight") for name in learn)
    assert len(learn) == 1 + 6 + 6 + 1  # a bias, kernels, biases of normalisations, the last matrix


@pytest.mark.parametrize("epoch", [0, 1])
def test_the_whole_step(epoch: int, session: Session, hand: Any) -> None:
    """Batch, mirroring, translation, forward, loss, backward, Muon, SGD, rates: three steps of an epoch, each from the
    same weights.

    In the second epoch the bias of the first layer learns no more. The Newton-Schulz steps are in bfloat16, whose last
    digits differ with those of a gradient.
    """
    network, images, labels = like(session, hand), session.dataset.train.x, session.dataset.train.y
    loop = hand.Loop(network.train(), 2000, 2 * STEPS, STEPS)
    mirrored = (torch.rand(len(images), generator=torch.Generator().manual_seed(7)) < 0.5) ^ bool(epoch)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(7)).split(BATCH)  # type: ignore[no-untyped-call] # torch leaves it untyped
    session.state.position.epoch = epoch
    step = make_step(*session.start_training())
    batches = session.train.shuffled(session.state.sampler.begin(0), epoch=epoch)
    still = {"whiten.weight"} | ({"whiten.bias"} if epoch else set())
    for number, places in enumerate(order, epoch * STEPS):
        before = {name: tensor.clone() for name, tensor in session.model.state_dict().items()}
        network.load_state_dict(dict(zip(network.state_dict(), before.values(), strict=True)))
        chance = torch.get_rng_state()
        found = float(step(number, [next(batches)], [BATCH])[0])
        torch.set_rng_state(chance)
        x = torch.where(mirrored[places].view(-1, 1, 1, 1), images[places].flip(-1), images[places])
        assert found == pytest.approx(float(loop.step(number, hand.scaled(hand.shifted(x)), labels[places])), rel=1e-5)
        for (name, tensor), wanted in zip(
            session.model.state_dict().items(), network.state_dict().values(), strict=True
        ):
            moved, apart = float((wanted - before[name]).float().norm()), float((tensor - wanted).float().norm())
            assert apart <= (0.03 if "conv" in name else 1e-5) * moved, name
            assert (moved == 0) == (name in still or ("bn" in name and name.endswith(".weight"))), name
