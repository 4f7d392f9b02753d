"""CIFAR-10 and CIFAR-100: torchvision's files and digests, read by an unpickler that runs nothing."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from specc.data.dataset import Dataset, LoadRequest, Split
from specc.data.fetch import ensure_files
from specc.data.plain_pickle import read_plain_pickle
from specc.diagnostics.diagnostic import Problem

SIDE = 32


def load(request: LoadRequest) -> Dataset:
    """Either data set from `cifar-10-batches-py` or `cifar-100-python`, downloaded if missing.

    Raises: Problem E602, E603; E604 where a file holds more than arrays, lists and texts.
    """
    source = _source(request.entry.name)
    folder = request.data_dir / source.base_folder
    ensure_files(request.entry.name, folder, _digests(source), partial(_download, source))
    meta = read_plain_pickle(folder / source.meta["filename"])
    return Dataset(
        request.entry.name,
        tuple(meta[source.meta["key"]]),
        _split(folder, [name for name, _ in source.train_list]),
        _split(folder, [name for name, _ in source.test_list]),
    )


def _source(name: str) -> Any:
    """torchvision's class, which is without types."""
    from torchvision import datasets

    return datasets.CIFAR10 if name == "cifar10" else datasets.CIFAR100


def _digests(source: Any) -> dict[str, str]:
    batches = dict([*source.train_list, *source.test_list])
    return {**batches, source.meta["filename"]: source.meta["md5"]}


def _download(source: Any, beside: Path) -> Path:
    # Not the class itself: having downloaded, it would unpickle what came.
    from torchvision.datasets.utils import download_and_extract_archive

    download_and_extract_archive(source.url, beside, filename=source.filename, md5=source.tgz_md5)
    return beside / str(source.base_folder)


def _split(folder: Path, files: list[str]) -> Split:
    import torch

    batches = [_batch(folder / file) for file in files]
    return Split(
        torch.cat([torch.from_numpy(pixels) for pixels, _ in batches]),
        torch.tensor([label for _, labels in batches for label in labels]),
    )


def _batch(path: Path) -> tuple[Any, list[int]]:
    content = read_plain_pickle(path)
    try:
        labels = content["labels"] if "labels" in content else content["fine_labels"]
        return content["data"].reshape(len(labels), 3, SIDE, SIDE), list(labels)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Problem.of("E603", f"the file {path} holds no CIFAR pictures",
            help="delete the file and run the command again, which downloads it") from error  # fmt: skip
