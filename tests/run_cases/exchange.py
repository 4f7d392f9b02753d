"""What stops an export or an import."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from run_cases import Scene, case
from specc.build.compile import build
from specc.cli.output import deliver
from specc.diagnostics.memory import no_memory
from specc.emit.program import onnx
from specc.emit.program.compared import Given, require_equal
from specc.emit.python.program import write_python
from specc.exchange.importing.importer import import_model, import_source
from specc.exchange.purpose import require_pictures
from specc.exchange.subject import fill, read_run
from specc.ir.shaped import ShapedLayer, ShapedModel
from specc.layers.base import Layer, Shape
from specc.pipeline import analyse
from specc.serve import serving
from specc.source import Source


def model_of(text: str) -> ShapedModel:
    model = analyse(Source("net.cnn", text)).model
    assert model is not None
    return model


SMALL = "input 1x8x8\nconv 4 k3 -> relu\n"


class Foreign(Layer):
    """A layer that another package offers."""

    keyword: ClassVar[str] = "wavelet"

    def output(self, x: Shape) -> Shape:
        return x


@case("E660")
def a_word_of_another_package(scene: Scene) -> None:
    model = model_of(SMALL)
    name, node = model.chain.steps[1]
    assert isinstance(node, ShapedLayer)
    foreign = node._replace(layer=Foreign())
    chain = model.chain._replace(steps=(model.chain.steps[0], (name, foreign)))
    write_python(model._replace(chain=chain))


@case("E661")
def no_onnx(scene: Scene) -> None:
    scene.patch.setattr(onnx, "find_spec", lambda name: None)
    onnx.require_packages()


@case("E662")
def a_program_that_is_off(scene: Scene) -> None:
    require_equal(nn.Identity(), lambda x: x + 0.5, Given((2,)), "ONNX file")


@case("E663")
def weights_that_one_file_cannot_hold(scene: Scene) -> None:
    onnx.require_small(600_000_000)


@case("E664")
def weights_of_another_network(scene: Scene) -> None:
    save_file({"conv1.weight": torch.zeros(8, 1, 3, 3)}, "other.safetensors")
    fill(build(model_of(SMALL)), scene.folder / "other.safetensors")


@case("E664")
def a_folder_without_a_run(scene: Scene) -> None:
    read_run(scene.folder, scene.folder / "best.safetensors")


@case("E665")
def a_model_with_a_slip(scene: Scene) -> None:
    pytest.importorskip("torchvision")
    import_source("torchvision:resnet81", None)


class Attentive(nn.Module):
    """Three things that have no word."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cumsum(self.conv(x), dim=1) + 1.0
        return x.flip(2)


@case("E666")
def parts_without_a_word(scene: Scene) -> None:
    first = Attentive.forward.__code__.co_firstlineno
    scene.hidden += [(f"exchange.py:{first + number}", f"nets.py:{number}") for number in (1, 2)]
    import_model(Attentive(), "net:Attentive", (3, 8, 8))


@case("E667")
def a_line_that_is_no_option(scene: Scene) -> None:
    scene.write("net.cfg", "[net]\nwidth=8\nheight=8\nchannels=3\n\n[convolutional]\nfilters 16\n")
    import_source("net.cfg", None)


class Restless(nn.Module):
    """It counts how often it is run, which no graph shows."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)
        nn.init.ones_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self.linear.register_forward_hook(lambda module, given, output: output + 1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.linear(x)
        return result


@case("E668")
def a_model_with_a_hook(scene: Scene) -> None:
    import_model(Restless(), "net:Restless", (2,))


@case("E669")
def no_such_folder(scene: Scene) -> None:
    deliver(b"", scene.folder / "none" / "net.onnx")


@case("E700")
def pictures_for_a_spec(scene: Scene) -> None:
    require_pictures(None, "net")


@case("E701")
def no_starlette(scene: Scene) -> None:
    scene.patch.setattr(serving, "find_spec", lambda name: None)
    serving.require_packages()


@case("E740")
def no_copy_of_pyodide(scene: Scene) -> None:
    pytest.importorskip("pygls")
    from specc.play import site
    from specc.play.opening import Opened

    scene.patch.setattr(site, "version", lambda name: "2.50.5")
    site.write_site(Opened(Source("net.cnn", "input 8\nlinear 2\n")), scene.folder / "public", scene.folder)


@case("E741")
def a_file_where_the_page_is_to_be(scene: Scene) -> None:
    pytest.importorskip("pygls")
    from specc.play.opening import Opened
    from specc.play.site import write_site

    (scene.folder / "public").write_text("")
    write_site(
        Opened(Source("net.cnn", "input 8\nlinear 2\n")), scene.folder.joinpath("public").relative_to(scene.folder)
    )


@case("E702")
def a_port_that_is_taken(scene: Scene) -> None:
    with serving.bound("127.0.0.1", 0).socket as taken:
        port = taken.getsockname()[1]
        scene.hide(port, "8000")
        serving.bound("127.0.0.1", port)


@case("E674")
def a_network_beyond_memory(scene: Scene) -> None:
    raise no_memory()
