"""CIFAR-10 and CIFAR-100, in the folders where torchvision keeps them, read by an unpickler that runs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from specc.data.archives import PUBLISHED
from specc.data.dataset import Dataset, LoadRequest, Split
from specc.data.fetch import ensure_files
from specc.data.plain_pickle import read_plain_pickle
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 32
VALUES = 3 * SIDE * SIDE

# Which file holds the names of the classes, and under which key; that of the labels; what the test files begin with.
KEYS = {
    "cifar10": ("batches.meta", "label_names", "labels"),
    "cifar100": ("meta", "fine_label_names", "fine_labels"),
}


def load(request: LoadRequest) -> Dataset:
    """Either data set from `cifar-10-batches-py` or `cifar-100-python`, downloaded if missing.

    Raises: Problem E602, E603; E604 where a file holds more than arrays, lists and texts.
    """
    name = request.entry.name
    published = PUBLISHED[name]
    folder = ensure_files(name, request.data_dir, published, request.report)
    meta, names, labels = KEYS[name]
    classes = _class_names(folder / meta, names)
    files = [folder / file for file in published.digests if file != meta]
    train, test = (
        _split([file for file in files if file.name.startswith("test") is tested], labels, len(classes))
        for tested in (False, True)
    )
    return Dataset(name, classes, train, test)


def _class_names(path: Path, key: str) -> tuple[str, ...]:
    content = read_plain_pickle(path)
    names = content.get(key) if isinstance(content, dict) else None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise _damaged(path, "holds no class names")
    return tuple(names)


def _split(files: list[Path], key: str, classes: int) -> Split:
    import torch

    batches = [read_batch(file, key, classes) for file in files]
    return Split(
        torch.cat([torch.from_numpy(pixels) for pixels, _ in batches]),
        torch.tensor([label for _, labels in batches for label in labels]),
    )


def read_batch(path: Path, key: str, classes: int) -> tuple[NDArray[np.uint8], list[int]]:
    """The pictures of one file, (count, 3, 32, 32), and their labels. Raises: Problem E603, E604."""
    import numpy as np

    content: Any = read_plain_pickle(path)
    if not isinstance(content, dict):
        raise _damaged(path, "holds no CIFAR pictures")
    pixels, labels = content.get("data"), content.get(key)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or not isinstance(labels, list):
        raise _damaged(path, "holds no CIFAR pictures")
    if pixels.shape != (len(labels), VALUES) or not labels:
        raise _damaged(path, f"holds {counted(len(labels), 'label')} and pixels of the shape {pixels.shape}")
    if not all(type(label) is int and 0 <= label < classes for label in labels):
        raise _damaged(path, f"holds labels that belong to none of its {classes} classes")
    return pixels.reshape(len(labels), 3, SIDE, SIDE), labels


def _damaged(path: Path, reason: str) -> Problem:
    return Problem.of("E603", f"the file {path} {reason}",
        help="delete the file and run the command again, which downloads it")  # fmt: skip
