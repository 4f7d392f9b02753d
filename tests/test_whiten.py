"""Weights that begin as the training pictures say, and filters of which the first ones pass on what arrives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from callbacks import Stop
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import nn

import specc
from specc.pipeline import analyse
from specc.recipe.reading import overridden
from specc.runner.before import subject_of
from specc.runner.checkpoint import Checkpointer
from specc.runner.resume import resume
from specc.runner.run import make_session, train
from specc.runner.session import Session
from specc.source import Source

pytestmark = pytest.mark.usefixtures("one_thread")

Array = NDArray[np.float64]
SHORT: dict[str, Any] = {"data": "digits", "limit": 96, "batch": 32, "precision": "fp32", "normalize": True}
SPEC = "input 1x8x8\nwhiten: conv 8 k2 init=whiten frozen=weight -> relu\nconv 16 k3 init=partial_dirac -> bn -> relu\n"
SPEC += "flatten -> linear 10\n"


def session(text: str, **options: Any) -> Session:
    analysis = analyse(Source("net.cnn", text))
    assert analysis.ok, analysis.diagnostics
    return make_session(subject_of(analysis, frozenset()), overridden(analysis.recipe, {**SHORT, **options}))


def weight(made: Session, layer: str) -> nn.Parameter:
    return made.model.get_parameter(f"{layer}.weight")


def by_hand(rows: Array, count: int, eps: float) -> Array:
    """The formula: v / √(λ + ε) for the largest λ of the covariance of rows, then the negatives."""
    values, vectors = np.linalg.eigh(np.cov(rows.T, bias=True))
    order = np.argsort(values)[::-1][: (count + 1) // 2]
    found = [vectors[:, place] / np.sqrt(values[place] + eps) for place in order]
    return np.array([*found, *(-one for one in found)][:count])


def patches(images: Array, size: int, dilation: int = 1) -> Array:
    """Each window of each picture as a row: channels, then rows, then columns."""
    reach = dilation * (size - 1) + 1
    return np.array([
        image[:, top : top + reach : dilation, left : left + reach : dilation].ravel()
        for image in images
        for top in range(image.shape[1] - reach + 1)
        for left in range(image.shape[2] - reach + 1)
    ])  # fmt: skip


def pictures(made: Session) -> Array:
    found: Array = torch.cat([x for x, _ in made.train.in_order()]).double().numpy()
    return found


def same_up_to_signs(weight: torch.Tensor, wanted: Array) -> None:
    """Of an eigenvector only the line is given; the second half are the first one's negatives."""
    rows = weight.detach().double().numpy().reshape(len(weight), -1)
    half = (len(rows) + 1) // 2
    signs = np.sign((rows * wanted).sum(1, keepdims=True))
    np.testing.assert_allclose(rows * signs, wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(rows[half:], -rows[: len(rows) - half])


@pytest.mark.parametrize(
    ("layer", "size", "count", "eps", "dilation"),
    [
        ("conv 8 k2 init=whiten", 2, 8, 5e-4, 1),
        ("conv 5 k2 nobias init=whiten(0.1)", 2, 5, 0.1, 1),
        ("conv 6 k3 s2 p1 d2 init=whiten", 3, 6, 5e-4, 2),
    ],
)
def test_eigenvectors_of_patches_by_the_formula(layer: str, size: int, count: int, eps: float, dilation: int) -> None:
    made = session(f"input 1x8x8\n{layer} -> flatten -> linear 10\n")
    same_up_to_signs(weight(made, "conv1"), by_hand(patches(pictures(made), size, dilation), count, eps))


def test_of_a_vector_and_of_what_another_layer_gives() -> None:
    made = session("input 1x8x8\navgpool 4 -> flatten -> linear 3 init=whiten -> linear 10\n")
    arriving = pictures(made).reshape(-1, 2, 4, 2, 4).mean((2, 4)).reshape(-1, 4)
    same_up_to_signs(weight(made, "linear1"), by_hand(arriving, 3, 5e-4))
    text = "conv 8 k2 init=whiten -> bn -> relu -> conv 6 k1 init=whiten -> flatten -> linear 10"
    made = session(f"input 1x8x8\n{text}\n")
    with torch.no_grad():
        found = made.model[:3].eval()(torch.from_numpy(pictures(made)).float()).double().numpy()
    same_up_to_signs(weight(made, "conv2"), by_hand(patches(found, 1), 6, 5e-4))


def test_what_leaves_has_directions_of_one_size() -> None:
    """Large pictures are looked at in part, evenly."""
    made = session("input 1x64x64\nconv 6 k3 nobias init=whiten -> gap -> flatten -> linear 10\n", resize=64)
    images = torch.from_numpy(pictures(made)).float()
    with torch.no_grad():
        found = made.model[0](images)[:, :3].movedim(1, 0).flatten(1)
    torch.testing.assert_close(torch.cov(found), torch.eye(3), atol=0.1, rtol=0)


def test_the_seed_says_which_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more pictures than are looked at; the same chance as ever falls to everything else."""
    monkeypatch.setattr("specc.runner.whiten.PICTURES", 20)
    one, again, other = (session(SPEC, seed=seed).model.state_dict() for seed in (1, 1, 2))
    assert one["whiten.weight"].equal(again["whiten.weight"])
    assert not one["whiten.weight"].equal(other["whiten.weight"])
    plain = session(SPEC.replace(" init=whiten", ""), seed=1).model.state_dict()
    assert [name for name in one if not one[name].equal(plain[name])] == ["whiten.weight"]


def test_without_pictures_the_weight_is_torchs() -> None:
    torch.manual_seed(3)
    model = specc.compile("input 1x8x8\nconv 8 k2 init=whiten\n")
    torch.manual_seed(3)
    assert model.get_parameter("conv1.weight").equal(nn.Conv2d(1, 8, 2).weight)


@pytest.mark.parametrize("layer", ["conv 8 k3", "conv 3 k3", "conv 8 k1 d2", "convtranspose 8 k3"])
def test_the_first_filters_pass_on_what_arrives(layer: str) -> None:
    """Filter i is 1 in the middle of channel i, for as many as there are channels; the others are torch's."""
    torch.manual_seed(3)
    plain, _ = specc.compile(f"input 4x8x8\n{layer}\n").parameters()
    torch.manual_seed(3)
    weight, _ = specc.compile(f"input 4x8x8\n{layer} init=partial_dirac\n").parameters()
    channels, middle = weight.shape[1], weight.shape[2] // 2
    wanted = plain.detach().clone()
    for number in range(min(channels, len(weight))):
        wanted[number] = 0
        wanted[number, number, middle, middle] = 1
    assert weight.equal(wanted)
    assert weight.requires_grad and weight.is_leaf


def test_what_is_frozen_keeps_its_bits(tmp_path: Path) -> None:
    made = session(SPEC)
    run = train(SPEC, tmp_path / "run", epochs=2, **SHORT)
    assert load_file(run.folder / "last.safetensors")["whiten.weight"].equal(made.model.state_dict()["whiten.weight"])


@pytest.mark.parametrize("frozen", [" frozen=weight", ""])
@pytest.mark.parametrize("after", [1, 3, 4])
def test_stopped_anywhere(after: int, frozen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same weights as of a run that never stopped, and nothing is made from pictures again."""
    text = SPEC.replace(" frozen=weight", frozen)
    train(text, tmp_path / "whole", epochs=2, average=0.9, lookahead=2, **SHORT)
    train(text, tmp_path / "run", epochs=2, average=0.9, lookahead=2, callback=Stop(after), **SHORT)
    monkeypatch.setattr("specc.runner.session.whiten", None)
    resume(tmp_path / "run")
    assert_same(tmp_path / "whole", tmp_path / "run")


@pytest.mark.parametrize("begun", [False, True])
def test_killed_before_its_first_state(begun: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins as it would have: with whitened filters, and with the weights that it was to begin with."""
    options: dict[str, Any] = {**SHORT, "epochs": 1}
    if begun:
        options["from_weights"] = str(train(SPEC, tmp_path / "first", **options, seed=5).folder)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    train(SPEC, tmp_path / "whole", **options)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Checkpointer, "begin", killed)
        train(SPEC, tmp_path / "run", **options)
    resume(tmp_path / "run")
    assert_same(tmp_path / "whole", tmp_path / "run")


def assert_same(one: Path, other: Path) -> None:
    for name in ("last", "best"):
        first, second = (load_file(run / f"{name}.safetensors") for run in (one, other))
        assert all(tensor.equal(second[key]) for key, tensor in first.items())
