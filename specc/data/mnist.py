"""MNIST and Fashion-MNIST, in the folders where torchvision keeps them."""

from __future__ import annotations

from pathlib import Path

from specc.data.archives import PUBLISHED
from specc.data.catalogue import DIGITS, FASHION
from specc.data.dataset import Dataset, LoadRequest, Split
from specc.data.fetch import ensure_files
from specc.data.idx import read_idx
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted

CLASSES = {"mnist": DIGITS, "fashion-mnist": FASHION}


def load(request: LoadRequest) -> Dataset:
    """Either data set from `<data_dir>/MNIST/raw` or `<data_dir>/FashionMNIST/raw`, downloaded if missing.

    Raises: Problem E602, E603.
    """
    name = request.entry.name
    folder = ensure_files(name, request.data_dir, PUBLISHED[name], request.report)
    return Dataset(name, CLASSES[name], read_split(folder, "train"), read_split(folder, "t10k"))


def read_split(folder: Path, prefix: str) -> Split:
    """The pictures and labels of one part. Raises: Problem E603."""
    import torch

    images = read_idx(folder / f"{prefix}-images-idx3-ubyte", rank=3)
    labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte", rank=1)
    if len(images) != len(labels) or not len(labels) or labels.max() > 9:
        raise Problem.of("E603", f"the files {folder / prefix}-… do not belong together: "
            f"{counted(len(images), 'picture')}, {counted(len(labels), 'label')}, the largest {labels.max(initial=0)}",
            help="delete the files and run the command again, which downloads them")  # fmt: skip
    return Split(torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels).long())
