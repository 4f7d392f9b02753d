"""MNIST and Fashion-MNIST: torchvision's files, folders and readers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from specc.data.catalogue import DIGITS, FASHION
from specc.data.dataset import Dataset, LoadRequest, Split
from specc.data.fetch import ensure_files

# MD5 of the unpacked files; torchvision knows those of the archives and only looks whether these exist.
DIGESTS = {
    "mnist": {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    },
}
CLASSES = {"mnist": DIGITS, "fashion-mnist": FASHION}


def load(request: LoadRequest) -> Dataset:
    """Either data set from `<data_dir>/MNIST/raw` or `<data_dir>/FashionMNIST/raw`, downloaded if missing.

    Raises: Problem E602, E603.
    """
    name = request.entry.name
    source = _source(name)
    folder = request.data_dir / source.__name__ / "raw"
    ensure_files(name, folder, DIGESTS[name], partial(_download, source))
    return Dataset(name, CLASSES[name], _split(folder, "train"), _split(folder, "t10k"))


def _source(name: str) -> Any:
    """torchvision's class, which is without types."""
    from torchvision import datasets

    return datasets.MNIST if name == "mnist" else datasets.FashionMNIST


def _download(source: Any, beside: Path) -> Path:
    return Path(source(beside, download=True).raw_folder)


def _split(folder: Path, prefix: str) -> Split:
    from torchvision.datasets.mnist import read_image_file, read_label_file

    images = read_image_file(str(folder / f"{prefix}-images-idx3-ubyte"))
    return Split(images.unsqueeze(1), read_label_file(str(folder / f"{prefix}-labels-idx1-ubyte")))
