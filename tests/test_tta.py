"""What a network says to a picture and to its mirror image, together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import specc as command
from made import SIDE, name_all
from torch import Tensor, nn

from specc.diagnostics.diagnostic import Problem
from specc.evaluate.flipped import Flipped, Tta
from specc.evaluate.score import Wanted, evaluate
from specc.evaluate.trained import Trained, load_trained
from specc.runner.run import train

pytestmark = pytest.mark.usefixtures("one_thread")

SPEC = "input 1x8x8\nconv 4 k3 -> relu -> flatten -> linear 10\ntrain { epochs 2 ; limit 200 ; precision fp32 }\n"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(SPEC, tmp_path_factory.mktemp("tta") / "run").folder


def network_of(run: Path, task: str) -> Flipped:
    trained = load_trained(run)
    return Flipped(trained.model, trained._replace(recipe=trained.recipe.model_copy(update={"task": task})))


def _flat(outputs: Tensor) -> Tensor:
    return outputs


def _turned(outputs: Tensor) -> Tensor:
    return outputs.flip(-1)


@pytest.mark.parametrize(
    ("task", "shape", "probabilities", "turned"),
    [
        ("classify", (3, 10), lambda outputs: outputs.softmax(1), _flat),
        ("multilabel", (3, 10), torch.sigmoid, _flat),
        ("segment", (3, 5, 4, 6), lambda outputs: outputs.softmax(1), _turned),
    ],
)
def test_it_is_the_mean_of_the_probabilities(
    task: str, shape: tuple[int, ...], probabilities: Callable[[Tensor], Tensor], turned: Callable[[Tensor], Tensor],
    run: Path,
) -> None:  # fmt: skip
    """Whatever the outputs are, large ones among them."""
    answers = iter([4 * torch.randn(shape), 200 * torch.randn(shape)] * 2)
    asked: list[Tensor] = []

    class Made(nn.Module):
        def forward(self, samples: Tensor) -> Tensor:
            asked.append(samples)
            return next(answers)

    flipped = network_of(run, task)
    flipped.network = Made()
    samples = torch.rand(3, 1, 8, 8)
    found = probabilities(flipped(samples))
    one, other = next(answers), next(answers)
    assert torch.equal(asked[0], samples) and torch.equal(asked[1], samples.flip(-1))
    torch.testing.assert_close(found, (probabilities(one) + probabilities(turned(other))) / 2, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize(
    ("task", "probabilities"), [("classify", lambda o: o.softmax(1)), ("multilabel", torch.sigmoid)]
)
def test_moved_pictures_count_half(task: str, probabilities: Callable[[Tensor], Tensor], run: Path) -> None:
    """Six views: as it is and mirrored a quarter each, both moved up and left, and down and right, an eighth each."""
    trained = load_trained(run)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    shifted = Flipped(network, trained._replace(recipe=trained.recipe.model_copy(update={"task": task})), "shift")
    samples = torch.rand(3, 1, 8, 8)
    wanted = torch.zeros(3, 10)
    for share, by in ((1 / 4, 0), (1 / 8, -1), (1 / 8, 1)):
        # The pixel at y is the one at y + by of the picture before, which goes on mirrored: -1 is 1, and 8 is 6.
        places = [abs(place + by) if place + by < 8 else 6 for place in range(8)]
        moved = samples[:, :, places][..., places]
        for view in (moved, moved.flip(-1)):
            wanted += share * probabilities(network(view))
    torch.testing.assert_close(probabilities(shifted(samples)), wanted, atol=1e-6, rtol=1e-4)


def test_a_mask_has_no_moved_views(run: Path) -> None:
    trained = load_trained(run)
    trained = trained._replace(recipe=trained.recipe.model_copy(update={"task": "segment"}))
    with pytest.raises(Problem, match="`--tta shift` has no meaning for `task segment`"):
        Flipped(trained.model, trained, "shift")


@pytest.mark.parametrize("asked", ["flip", "shift"])
def test_eval_tells_both(asked: Tta, run: Path, tmp_path: Path) -> None:
    trained = load_trained(run)
    plain, both = (evaluate(trained, Wanted(tta=tta), CPU) for tta in (None, asked))
    assert both.plain == plain.review != both.review
    done = command("eval", str(run), "--tta", asked, cwd=tmp_path)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("without `--tta`: loss ")]
    numbers = dict(json.loads(command("eval", str(run), "--tta", asked, "--json", cwd=tmp_path).stdout))
    assert numbers["without_tta"]["loss"] == plain.review.loss
    assert f"accuracy {100 * numbers['without_tta']['accuracy']:.2f} %" in line


def test_predict_says_the_same(run: Path, tmp_path: Path) -> None:
    from PIL import Image

    picture = tmp_path / "picture.png"
    Image.effect_noise((8, 8), 90).convert("L").save(picture)
    mirrored = tmp_path / "mirrored.png"
    Image.open(picture).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(mirrored)
    said = [
        json.loads(command("predict", str(run), name, "--json", "--tta", "flip", cwd=tmp_path).stdout)["classes"]
        for name in ("picture.png", "mirrored.png")
    ]
    for one, other in zip(*said, strict=True):
        assert one["class"] == other["class"]
        assert one["probability"] == pytest.approx(other["probability"], rel=1e-5)


AS_LARGE = f"linear {SIDE**2} -> unflatten 1x{SIDE}x{SIDE}"


@pytest.mark.parametrize(("task", "spec"), [("regress", "linear 2"), ("reconstruct", AS_LARGE)])
def test_where_it_means_nothing(task: str, spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name_all(monkeypatch)
    text = f"input 1x{SIDE}x{SIDE}\nflatten -> {spec}\n"
    settings: dict[str, Any] = {"data": "centres", "task": task, "epochs": 1, "limit": 8}
    run = train(text, tmp_path / "run", **settings).folder
    done = command("eval", str(run), "--tta", "flip", cwd=tmp_path)
    assert done.returncode == 2
    assert "error[E693]: `--tta flip` has no meaning for `task " in done.stderr


def test_a_trained_network_is_untouched(run: Path) -> None:
    trained: Trained = load_trained(run)
    before = {name: tensor.clone() for name, tensor in trained.model.state_dict().items()}
    evaluate(trained, Wanted(tta="flip"), CPU)
    assert all(torch.equal(before[name], tensor) for name, tensor in trained.model.state_dict().items())
