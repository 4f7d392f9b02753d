"""Data sets: E601 to E611, E619, E680 to E684."""

from __future__ import annotations

import os
import pickle
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from run_cases import Scene, case
from specc.data import download, load
from specc.data.archives import PUBLISHED, Archive, Published
from specc.data.download import ensure_files
from specc.data.fit import require_input, require_output
from specc.data.load import load_dataset
from specc.data.sources import Entry, Request, find
from specc.data.sources.cifar import read_plain_pickle
from specc.data.sources.package import Package
from specc.pipeline import analyse
from specc.recipe.recipe import Recipe
from specc.source import Source
from specc.tasks.classify import Classify
from specc.tasks.regress import Regress
from specc.tasks.task import Targets


def folder_of(name: str | Path, **settings: Any) -> Any:
    return load_dataset(Recipe(data=str(name), **settings))


@case("E601")
def a_name_with_a_slip(scene: Scene) -> None:
    find("mnst")


@case("E601")
def a_folder_that_is_not_there(scene: Scene) -> None:
    find("./pictures")


@case("E602")
def a_server_that_does_not_answer(scene: Scene) -> None:
    def refuse(*arguments: Any, **more: Any) -> Any:
        raise ConnectionRefusedError("Connection refused")

    scene.patch.setattr(download, "urlopen", refuse)
    ensure_files("mnist", Path("data"), PUBLISHED["mnist"])


@case("E603")
def a_file_with_another_digest(scene: Scene) -> None:
    scene.write("data/labels", b"cut o")
    ensure_files("mnist", Path(), Published("data", (Archive("labels.gz", 9, "", (), {"labels": "0" * 32}),)))


class _Hostile:
    """Pickles as a call of os.mkdir."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("owned",)


@case("E604")
def a_pickle_that_would_run_something(scene: Scene) -> None:
    scene.hide(f"{os.name}.mkdir", "posix.mkdir")
    read_plain_pickle(scene.write("data_batch_1", pickle.dumps(_Hostile())))


@case("E605")
def pictures_of_another_size(scene: Scene) -> None:
    require_input("cifar10", (3, 32, 32), (1, 28, 28), lambda shape: True)


@case("E606")
def another_number_of_classes(scene: Scene) -> None:
    model = analyse(Source("net.cnn", "input 784\nlinear 10\n")).model
    assert model is not None
    require_output(Classify(), model, Targets("cifar100", 100))


@case("E638")
def classes_where_numbers_are_learned(scene: Scene) -> None:
    model = analyse(Source("net.cnn", "input 784\nlinear 10\n")).model
    assert model is not None
    require_output(Regress(), model, Targets("mnist", 10))


@case("E607")
def a_picture_that_is_cut_off(scene: Scene) -> None:
    folder = scene.pictures("pets/train", "cat", "dog").parent
    scene.pictures("pets/test", "cat", "dog")
    scene.write("pets/train/cat/0.png", b"\x89PNG\r\n\x1a\n")
    folder_of(folder)


@case("E608")
def a_folder_without_class_folders(scene: Scene) -> None:
    scene.picture("pets/0.png")
    folder_of("pets")


@case("E609")
def other_classes_in_the_test_folder(scene: Scene) -> None:
    scene.pictures("pets/train", "cat", "dog")
    scene.pictures("pets/test", "cat", "dogs")
    folder_of("pets")


@case("E610")
def pictures_of_two_sizes(scene: Scene) -> None:
    scene.pictures("pets", "cat", "dog")
    scene.picture("pets/dog/1.png", width=9, height=9)
    folder_of("pets")


@case("E611")
def more_pictures_than_memory(scene: Scene) -> None:
    scene.patch.setattr(load, "free_bytes", lambda: 8 * 10**9)
    load.require_memory(1_281_167, (3, 224, 224))


@case("E619")
def a_package_whose_loader_fails(scene: Scene) -> None:
    _package("no_such_module:load").fetch()


@case("E619")
def a_loader_that_gives_something_else(scene: Scene) -> None:
    _package("builtins:repr").fetch()


def _package(loader: str) -> Package:
    return Package(Request("leaves", Path("data"), Entry("leaves", (3, 5, 5), 2, "", loader)))


@case("E680")
def a_table_with_a_picture_that_is_not_there(scene: Scene) -> None:
    scene.picture("pictures/001.png")
    scene.write("leaves.csv", b"file,label\npictures/001.png,oak\npictures/002.png,birch\n")
    folder_of("leaves.csv")


@case("E680")
def a_table_with_a_number_that_is_none(scene: Scene) -> None:
    scene.picture("001.png")
    scene.write("ages.csv", b"file,age\n001.png,12.5\n001.png,old\n")
    folder_of("ages.csv")


@case("E681")
def arrays_of_objects(scene: Scene) -> None:
    np.savez("sounds.npz", x=np.array([[1], [1, 2]], dtype=object), y=np.arange(2))
    folder_of("sounds.npz")


@case("E682")
def a_picture_without_a_mask(scene: Scene) -> None:
    scene.picture("discs/images/1.png")
    scene.picture("discs/images/2.png")
    scene.picture("discs/masks/1.png")
    folder_of("discs")


@case("E682")
def a_mask_of_another_size(scene: Scene) -> None:
    for number in (1, 2):
        scene.picture(f"discs/images/{number}.png")
        grey = Image.new("L", (6, 4))
        grey.paste(1, (0, 0, 3, 3))
        (Path("discs") / "masks").mkdir(exist_ok=True)
        grey.resize((6, 4) if number == 1 else (3, 2)).save(f"discs/masks/{number}.png")
    folder_of("discs", task="segment")


@case("E683")
def a_tar_with_a_link_in_it(scene: Scene) -> None:
    info = tarfile.TarInfo("0001.jpg")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open("flowers.tar", "w") as tar:
        tar.addfile(info)
    folder_of("flowers.tar")


@case("E684")
def a_hub_without_its_package(scene: Scene) -> None:
    scene.patch.setitem(sys.modules, "datasets", None)
    folder_of("hf:mnist")
