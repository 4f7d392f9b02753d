"""What stops a picture."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from run_cases import Scene, case
from specc.emit.draw.picture import draw_png
from specc.emit.draw.png import to_png
from specc.ir.shaped import ShapedModel
from specc.pipeline import analyse
from specc.source import Source


def model_of(text: str) -> ShapedModel:
    model = analyse(Source("net.cnn", text)).model
    assert model is not None
    return model


SMALL = "input 1x8x8\nconv 4 k3 -> relu\n"


@case("E655")
def a_chain_that_is_written_out(scene: Scene) -> None:
    draw_png(model_of("input 4x8x8\n" + "conv 5 k1 -> conv 4 k1\n" * 1600))


@case("E656")
def no_resvg(scene: Scene) -> None:
    scene.patch.setitem(sys.modules, "resvg_py", None)
    draw_png(model_of(SMALL))


@case("E657")
def a_machine_without_fonts(scene: Scene) -> None:
    resvg = pytest.importorskip("resvg_py")
    render = resvg.svg_to_bytes

    def without_fonts(**options: Any) -> Any:
        return render(**{**options, "skip_system_fonts": True})

    scene.patch.setattr(resvg, "svg_to_bytes", without_fonts)
    scene.patch.setattr("specc.emit.draw.png._matplotlib_fonts", list)
    draw_png(model_of(SMALL))


@case("E658")
def too_many_pixels(scene: Scene) -> None:
    pytest.importorskip("resvg_py")
    to_png('<svg xmlns="http://www.w3.org/2000/svg" width="900" height="2000"/>', scale=10)
