"""What is done with a finished run, and loggers: E640 to E647, E693, E694."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import torch

from run_cases import TINY, Scene, case
from specc.data.identity import DataDescription
from specc.evaluate.activations import outputs_of
from specc.evaluate.named import Named
from specc.evaluate.pictures import Taker, taker_of
from specc.evaluate.predict import predict
from specc.evaluate.score import Wanted, evaluate
from specc.evaluate.trained import load_trained
from specc.pipeline import analyse
from specc.recipe.recipe import Recipe
from specc.runner.callbacks.others import others
from specc.runner.callbacks.registry import ready
from specc.runner.listing import run_at
from specc.runner.run import train
from specc.source import Source

CPU = torch.device("cpu")
AUTOENCODER = "input 1x8x8\nflatten -> linear 64 -> unflatten 1x8x8\ntrain { task reconstruct ; epochs 1 ; limit 8 }\n"


def trained(scene: Scene) -> Path:
    return train(TINY, "run", epochs=1, limit=8).folder


@case("E640")
def a_run_that_is_not_there(scene: Scene) -> None:
    load_trained(Path("runs/lenet5-mnist-1"))


@case("E640")
def a_folder_without_a_run(scene: Scene) -> None:
    Path("notes").mkdir()
    run_at(Path("notes"))


@case("E641")
def weights_of_another_program(scene: Scene) -> None:
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(3)}, "theirs.safetensors")
    load_trained(Path("theirs.safetensors"))


@case("E641")
def weights_that_are_cut_off(scene: Scene) -> None:
    path = trained(scene) / "last.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    load_trained(path)


@case("E642")
def other_classes(scene: Scene) -> None:
    evaluate(load_trained(trained(scene)), Wanted(data="cifar100"), CPU)


@case("E642")
def pictures_of_another_size(scene: Scene) -> None:
    evaluate(load_trained(trained(scene)), Wanted(data="mnist"), CPU)


@case("E643")
def a_picture_of_another_size(scene: Scene) -> None:
    scene.picture("leaf.png")
    Taker((1, 8, 8), None).read("leaf.png")


@case("E643")
def no_picture(scene: Scene) -> None:
    scene.write("leaf.png", "not a picture")
    Taker((1, 8, 8), None).read("leaf.png")


@case("E644")
def a_package_that_is_not_there(scene: Scene) -> None:
    scene.patch.setitem(sys.modules, "tensorboard", None)
    ready("tensorboard")


@case("E645")
def a_server_that_does_not_answer(scene: Scene) -> None:
    client = SimpleNamespace(check_connection=lambda timeout_seconds: False)
    scene.patch.setitem(sys.modules, "visdom", SimpleNamespace(Visdom=lambda **_: client))
    scene.patch.delenv("VISDOM_SERVER", raising=False)
    ready("visdom")


@case("E646")
def a_network_without_classes(scene: Scene) -> None:
    run = load_trained(train(AUTOENCODER, "run").folder)
    list(predict(run, [Named("leaf.png")], Taker((1, 8, 8), None), 5, CPU))


@case("E647")
def a_network_for_vectors(scene: Scene) -> None:
    taker_of(DataDescription(name="numbers", classes=("a", "b"), sample=(64,)).sample, None, Recipe())


@case("E647")
def a_layer_that_is_not_there(scene: Scene) -> None:
    from specc.build.compile import build

    model = analyse(Source("net.cnn", TINY)).model
    assert model is not None
    outputs_of(build(model), model, torch.zeros(1, 8, 8), ["conv2"])


@case("E693")
def mirror_images_for_an_autoencoder(scene: Scene) -> None:
    evaluate(load_trained(train(AUTOENCODER, "run").folder), Wanted(tta="flip"), CPU)


@case("E694")
def a_callback_that_nothing_brings(scene: Scene) -> None:
    others("bell")
