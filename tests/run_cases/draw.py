"""What stops a picture."""

from __future__ import annotations

import sys

from run_cases import Scene, case
from specc.emit.draw.formats import FORMATS
from specc.emit.draw.marks import Sheet
from specc.emit.draw.picture import PLAIN, Options, draw
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
    draw(model_of("input 4x8x8\n" + "conv 5 k1 -> conv 4 k1\n" * 1600))


@case("E656")
def no_matplotlib(scene: Scene) -> None:
    scene.patch.setitem(sys.modules, "matplotlib", None)
    FORMATS["pdf"].write(model_of(SMALL), PLAIN, 1)


@case("E658")
def too_many_pixels(scene: Scene) -> None:
    to_png(Sheet(900, 2000, ()), scale=10)


@case("E775")
def a_label_that_is_not_there(scene: Scene) -> None:
    draw(model_of(SMALL), options=Options(highlight="con1"))


@case("E776")
def a_layer_that_shares_its_box(scene: Scene) -> None:
    draw(model_of(SMALL), options=Options("lecture", highlight="relu1"))
