"""What an answer rests on, against plain transcriptions of the formulas, and the views of it in the report."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn
from torch.nn.functional import interpolate

from specc.api import compile as compile_spec
from specc.cli.main import main
from specc.evaluate.peek import of_trained, why_section
from specc.evaluate.trained import load_trained
from specc.ir.shaped import ShapedModel
from specc.pipeline import analyse
from specc.report.pictures import heated, kernels_as_levels
from specc.runner import ending, views
from specc.runner.run import train
from specc.runner.why import grad_cam, occlusion, occlusion_is_cheap
from specc.source import Source

TWO_SIGNS = """
input 1x4x4
conv 2 k1 nobias weight=[[[[1]]] [[[-1]]]] -> gap -> flatten -> linear 2 nobias weight=[[1 0] [0 1]]
"""
DEEP = "input 3x8x8\nconv 4 k3 p1 -> relu -> maxpool 2 -> conv 6 k3 p1 -> bn -> relu -> flatten -> linear 5\n"
TINY = "input 1x8x8\nconv 4 k3 p1 -> relu -> maxpool 2 -> flatten -> linear 10\n"


def shaped_of(spec: str) -> ShapedModel:
    shaped = analyse(Source("net", spec)).model
    assert shaped is not None
    return shaped


@pytest.mark.parametrize(("wanted", "sign"), [(0, 1), (1, -1)])
def test_grad_cam_of_a_network_whose_answer_is_known(wanted: int, sign: int) -> None:
    """A score is the mean of a map, so the map's weight is 1/16, and the map is the picture or its negative."""
    image = torch.linspace(-1, 1, 16).view(1, 4, 4)
    found = grad_cam(compile_spec(TWO_SIGNS), shaped_of(TWO_SIGNS), image, wanted)
    assert found is not None
    torch.testing.assert_close(found, (sign * image[0]).clamp(min=0) / 16)


def by_the_formula(model: nn.Sequential, image: Tensor, wanted: int) -> Tensor:
    """Equations 1 and 2 of Selvaraju et al., for the maps after the sixth layer."""
    maps = model[:6](image.unsqueeze(0)).detach().requires_grad_()
    model[6:](maps)[0, wanted].backward()
    assert maps.grad is not None
    total = torch.zeros(maps.shape[2:])
    for number in range(maps.shape[1]):
        weight = sum(float(slope) for slope in maps.grad[0, number].flatten()) / maps[0, number].numel()
        total += weight * maps[0, number].detach()
    larger = interpolate(total.clamp(min=0)[None, None], (8, 8), mode="bilinear", align_corners=False)
    return larger[0, 0]


@pytest.mark.parametrize("wanted", range(5))
def test_grad_cam_is_the_formula(wanted: int) -> None:
    torch.manual_seed(wanted)
    model = compile_spec(DEEP).eval()
    image = torch.rand(3, 8, 8)
    found = grad_cam(model, shaped_of(DEEP), image, wanted)
    assert found is not None
    torch.testing.assert_close(found, by_the_formula(model, image, wanted))


def test_grad_cam_goes_through_residuals_and_the_first_of_several_outputs() -> None:
    spec = "input 1x6x6\nresidual { conv 4 k3 p1 } shortcut auto\noutputs { a: flatten -> linear 3 | b: conv 2 k3 }\n"
    found = grad_cam(compile_spec(spec), shaped_of(spec), torch.rand(1, 6, 6), 2)
    assert found is not None
    assert found.shape == (6, 6)


def test_a_network_without_maps_has_none() -> None:
    spec = "input 1x4x4\nflatten -> linear 3\n"
    assert grad_cam(compile_spec(spec), shaped_of(spec), torch.rand(1, 4, 4), 0) is None


def covered_by_hand(model: nn.Module, image: Tensor, wanted: int) -> Tensor:
    """Zeiler and Fergus: a square moves over the picture; a side of 8 has squares of 2, a pixel apart."""
    drops, counts = torch.zeros(8, 8), torch.zeros(8, 8)
    whole = float(model(image.unsqueeze(0)).softmax(1)[0, wanted])
    for top in range(7):
        for left in range(7):
            changed = image.clone()
            for channel in range(len(image)):
                changed[channel, top : top + 2, left : left + 2] = float(image[channel].mean())
            drop = whole - float(model(changed.unsqueeze(0)).softmax(1)[0, wanted])
            drops[top : top + 2, left : left + 2] += drop
            counts[top : top + 2, left : left + 2] += 1
    return drops / counts


def test_occlusion_is_what_covering_by_hand_gives() -> None:
    torch.manual_seed(0)
    model, image = compile_spec(DEEP).eval(), torch.rand(3, 8, 8)
    with torch.no_grad():
        expected = covered_by_hand(model, image, 3)
    torch.testing.assert_close(occlusion(model, image, 3), expected, rtol=1e-4, atol=1e-6)


def test_an_answer_that_rests_on_one_pixel() -> None:
    model = compile_spec("input 1x8x8\nflatten -> linear 2\n").eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        next(model.parameters())[0, 8 * 3 + 5] = 4.0
    image = torch.zeros(1, 8, 8)
    image[0, 3, 5] = 1.0
    found = occlusion(model, image, 0)
    assert found.argmax() == 8 * 3 + 5
    assert (found > 1e-6).nonzero().tolist() == [[y, x] for y in (2, 3, 4) for x in (4, 5, 6)]


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2), (28, 5)])
def test_every_pixel_is_covered_by_some_window(size: tuple[int, int]) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(size[0] * size[1], 2)).eval()
    assert occlusion(model, torch.rand(1, *size), 0).isfinite().all()


def test_the_network_and_chance_stay_as_they_were() -> None:
    model = compile_spec("input 3x8x8\nconv 4 k3 -> bn -> relu -> dropout 0.5 -> flatten -> linear 2\n").train()
    spec = shaped_of("input 3x8x8\nconv 4 k3 -> bn -> relu -> dropout 0.5 -> flatten -> linear 2\n")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch_state, state = torch.get_rng_state(), random.getstate()
    grad_cam(model, spec, torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(1)), 0)
    occlusion(model, torch.ones(3, 8, 8), 0)
    assert torch.get_rng_state().equal(torch_state)
    assert random.getstate() == state
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())
    assert model.training
    assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


def test_large_networks_are_not_covered() -> None:
    assert occlusion_is_cheap(shaped_of(TINY), 6)
    assert not occlusion_is_cheap(shaped_of("input 3x224x224\nconv 512 k7 p3 -> conv 512 k7 p3\n"))


# As pictures


def test_heat_lies_on_the_picture_where_the_map_is_large() -> None:
    heat = torch.zeros(4, 4)
    heat[1, 2] = 2.0
    found = heated(torch.full((1, 4, 4), 0.5), heat)
    assert found.shape == (3, 4, 4)
    red, green, blue = found[:, 1, 2].tolist()
    assert red > 0.75
    assert red > green > blue
    assert float(found[0, 0, 0]) == float(found[1, 0, 0]) == float(found[2, 0, 0])
    assert heated(torch.rand(3, 4, 4), torch.zeros(4, 4)).isfinite().all()
    assert heated(torch.rand(3, 4, 4), torch.full((4, 4), torch.nan)).isfinite().all()


def test_kernels_share_a_scale_with_zero_in_its_middle() -> None:
    values = torch.tensor([[[[2.0, 0.0]]], [[[-1.0, 1.0]]]])
    assert kernels_as_levels(values).flatten().tolist() == [1.0, 0.5, 0.25, 0.75]
    assert kernels_as_levels(torch.rand(5, 7, 3, 3)).shape == (5, 1, 3, 3)


# In the report, and in `peek`


def page_of(folder: Path, **settings: Any) -> str:
    train(TINY, folder, limit=200, epochs=1, **settings)
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_report_has_views(tmp_path: Path) -> None:
    page = page_of(tmp_path / "run", crop=1, seed=3)
    for title in ("Why the worst mistakes were made", "Augmented pictures", "Filters of the first layer"):
        assert f"<h2>{title}</h2>" in page
    assert page.count('alt="Grad-CAM"') == page.count('alt="occlusion"') == views.EXPLAINED
    assert page.count('alt="a training picture"') == views.LEARNED
    assert page.count('alt="filter ') == 4
    assert len(page) < 300_000


def test_what_is_not_there_has_no_view(tmp_path: Path) -> None:
    assert "Augmented pictures" not in page_of(tmp_path / "run")


def test_a_view_that_fails_leaves_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("no gradient")

    monkeypatch.setattr(views, "grad_cam", refuse)
    page = page_of(tmp_path / "run")
    assert "<h2>Worst mistakes</h2>" in page
    assert "Why the worst" not in page
    assert ending.REPORT == "report.html"


def test_the_views_are_the_same_for_a_run_that_was_resumed(tmp_path: Path) -> None:
    """They are made with the weights and a seed of the recipe, of no state that a resumed run lacks."""
    pages = [page_of(tmp_path / name, crop=1) for name in ("one", "two")]
    views_of = [page.partition("<h2>Why")[2].partition("<h2>Network")[0] for page in pages]
    assert views_of[0] == views_of[1] != ""


def test_peek_shows_what_the_answer_rests_on(tmp_path: Path) -> None:
    train(TINY, tmp_path / "run", limit=200, epochs=1)
    subject = of_trained(load_trained(tmp_path / "run"), fit=False, invert=False)
    section = why_section(subject, torch.rand(1, 8, 8))
    assert section is not None
    assert section.title == "Grad-CAM, occlusion"
    assert len(section.tiles) == 2
    done = CliRunner().invoke(main, ["peek", str(tmp_path / "run"), "--sample", "0", "-o", str(tmp_path / "p.png")])
    assert done.exit_code == 0, done.output


def test_a_run_names_what_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.cnn").write_text(TINY)
    arguments = ["train", "net.cnn", "--limit", "50", "--epochs", "1", "--out", "a run"]
    done = CliRunner().invoke(main, arguments)
    assert done.output.splitlines()[-4:] == [
        "next: specc eval 'a run'",
        "      specc predict 'a run' PICTURE",
        "      specc peek 'a run' --sample 0",
        "      specc play 'a run'",
    ]
