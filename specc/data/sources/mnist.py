"""MNIST and Fashion-MNIST, in the folders where torchvision keeps them, and the format of their files: a header of
big-endian numbers, then bytes.

Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", section "File formats".
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from specc import files
from specc.data.sources import Arrays, ArraySource, Report, silent
from specc.data.survey import TEST, TRAINING, Survey
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, spelled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
}  # fmt: skip
UINT8 = 0x08


class Mnist(ArraySource):
    """Either data set from `<data_dir>/MNIST/raw` or `<data_dir>/FashionMNIST/raw`, downloaded if missing."""

    def known(self) -> Survey:
        known = super().known()
        return known._replace(classes=CLASSES[known.name])

    def fetch(self, report: Report = silent) -> None:
        from specc.data.download import fetched

        self.folder = fetched(self.known().name, self.request.data_dir, report)
        super().fetch(report)

    def load(self) -> Arrays:
        name, folder = self.known().name, self.folder
        return Arrays(CLASSES[name], {TRAINING: read_part(folder, "train"), TEST: read_part(folder, "t10k")})


def read_part(folder: Path, prefix: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The pictures, (count, 1, 28, 28), and labels of one part. Raises: Problem E603."""
    import numpy as np

    images = read_idx(folder / f"{prefix}-images-idx3-ubyte", rank=3)
    labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte", rank=1)
    if len(images) != len(labels) or not len(labels) or labels.max() > 9:
        raise Problem.of("E603", f"the files {folder / prefix}-… do not belong together: "
            f"{counted(len(images), 'picture')}, {counted(len(labels), 'label')}, the largest {labels.max(initial=0)}",
            help="delete the files and run the command again, which downloads them")  # fmt: skip
    return images[:, None], labels.astype(np.int64)


def read_idx(path: Path, rank: int) -> NDArray[np.uint8]:
    """The array of bytes in a file, which has so many dimensions.

    Raises: Problem E603 where the header is not such a file's, or the file has not as many bytes as it says.
    """
    import numpy as np

    start = 4 + 4 * rank
    try:
        with files.open_regular(path) as file:
            head = file.read(start)
            length = path.stat().st_size
    except OSError as error:
        raise _damaged(path, f"it cannot be read: {error.strerror}") from error
    if len(head) < start or head[:4] != bytes([0, 0, UINT8, rank]):
        raise _damaged(path, f"it does not begin as an idx file of bytes in {counted(rank, 'dimension')} does")
    shape = tuple(int.from_bytes(head[at : at + 4], "big") for at in range(4, start, 4))
    if length != start + prod(shape):
        told = spelled(shape)
        raise _damaged(path, f"its header announces {told} bytes and has {length - start:,}")
    return np.fromfile(path, np.uint8, offset=start).reshape(shape)


def _damaged(path: Path, reason: str) -> Problem:
    return Problem.of("E603", f"the file {path} is damaged: {reason}",
        help="delete the file and run the command again, which downloads it")  # fmt: skip
