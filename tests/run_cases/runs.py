"""Training and run folders: E612 to E618, E620 to E624."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import Any

import torch

from run_cases import TINY, Scene, case
from specc.runner.device import choose_device, explained
from specc.runner.resume import resume
from specc.runner.run import train
from specc.runner.run_folder import RunFolder, locked

SHORT: dict[str, Any] = {"epochs": 1, "limit": 8}


@case("E612")
def a_graphics_card_that_is_not_there(scene: Scene) -> None:
    scene.patch.setattr(torch.cuda, "is_available", lambda: False)
    choose_device("cuda")


@case("E613")
def a_folder_with_files(scene: Scene) -> None:
    scene.write("run/notes.txt", "keep me")
    train(TINY, "run", **SHORT)


@case("E614")
def a_full_disk(scene: Scene) -> None:
    class Usage:
        free = 20_000

    scene.patch.setattr(shutil, "disk_usage", lambda folder: Usage)
    RunFolder(Path("run")).require_space(4_800_000)


@case("E614")
def a_folder_that_is_a_file(scene: Scene) -> None:
    scene.write("run")
    RunFolder(Path("run")).write("last.safetensors", b"weights")


@case("E615")
def a_rate_that_is_too_high(scene: Scene) -> None:
    train(TINY, "run", optimizer="sgd", lr=1e30, epochs=3)


@case("E616")
def a_batch_of_one(scene: Scene) -> None:
    train("input 1x8x8\nflatten -> linear 4 -> bn -> linear 10", "run", batch=1, **SHORT)


@case("E617")
def a_network_without_weights(scene: Scene) -> None:
    train("input 1x8x8\nmaxpool 2 -> flatten -> slice 0 10", "run", **SHORT)


@case("E618")
def a_batch_beyond_memory(scene: Scene) -> None:
    with explained():
        raise torch.OutOfMemoryError("CUDA out of memory.")


@case("E620")
def a_run_that_is_not_there(scene: Scene) -> None:
    resume("runs/lenet5-mnist-1")


@case("E621")
def a_state_that_is_cut_off(scene: Scene) -> None:
    train(TINY, "run", **SHORT)
    state = Path("run/state.safetensors")
    state.write_bytes(state.read_bytes()[:500])
    resume("run")


@case("E622")
def a_spec_that_was_edited(scene: Scene) -> None:
    spec = scene.write("net.cnn")
    train(spec, "run", **SHORT)
    scene.write("net.cnn", TINY.replace("conv 4", "conv 8"))
    resume("run", epochs=2)


@case("E623")
def another_rate(scene: Scene) -> None:
    train(TINY, "run", **SHORT)
    resume("run", lr=0.5)


@case("E623")
def pictures_that_were_changed(scene: Scene) -> None:
    pets = scene.pictures("pets", "cat", "dog", "owl", count=4)
    train("input 3x4x6\nflatten -> linear 3\n", "run", data=str(pets), **{**SHORT, "epochs": 1})
    scene.pictures("pets", "cat", count=9)
    (pets / "owl" / "0.png").write_bytes(scene.picture("pets/dog/9.png", height=4).read_bytes())
    resume("run", epochs=2)


@case("E624")
def a_folder_in_use(scene: Scene) -> None:
    scene.patch.setattr(os, "getpid", lambda: 4711)
    scene.patch.setattr(socket, "gethostname", lambda: "workstation")
    Path("run").mkdir()
    with locked(Path("run")):
        train(TINY, "run", **SHORT)


@case("E634")
def weights_that_are_not_there(scene: Scene) -> None:
    train(TINY, from_weights="runs/lenet5-mnist-1", **SHORT)


@case("E635")
def weights_that_cannot_be_downloaded(scene: Scene) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError("the server does not answer")

    scene.patch.setattr(torch.hub, "load_state_dict_from_url", refused)
    scene.patch.setattr("torchvision.models._api.load_state_dict_from_url", refused)
    train(TINY, from_weights="torchvision:resnet18", **SHORT)


@case("E636")
def weights_of_another_network(scene: Scene) -> None:
    train("input 1x8x8\nflatten -> linear 20 -> relu -> linear 10\n", "other", **SHORT)
    train(TINY, from_weights="other", **SHORT)


@case("E637")
def a_part_that_is_not_there(scene: Scene) -> None:
    train(TINY, freeze="cnov1", **SHORT)
