"""CIFAR-10 and CIFAR-100, in the folders where torchvision keeps them, read by an unpickler that runs nothing."""

from __future__ import annotations

import codecs
import pickle
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from specc import files
from specc.data.archives import PUBLISHED
from specc.data.sources import Arrays, ArraySource, Report, silent
from specc.data.survey import TEST, TRAINING
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


class Cifar(ArraySource):
    """Either data set from `cifar-10-batches-py` or `cifar-100-python`, downloaded if missing."""

    def fetch(self, report: Report = silent) -> None:
        from specc.data.download import fetched

        self.folder = fetched(self.known().name, self.request.data_dir, report)
        super().fetch(report)

    def load(self) -> Arrays:
        name, folder = self.known().name, self.folder
        meta, names, labels = KEYS[name]
        classes = _class_names(folder / meta, names)
        paths = [folder / file for file in PUBLISHED[name].digests if file != meta]
        return Arrays(classes, {
            part: _part([path for path in paths if path.name.startswith("test") is tested], labels, len(classes))
            for part, tested in ((TRAINING, False), (TEST, True))
        })  # fmt: skip


def _class_names(path: Path, key: str) -> tuple[str, ...]:
    content = read_plain_pickle(path)
    names = content.get(key) if isinstance(content, dict) else None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise _damaged(path, "holds no class names")
    return tuple(names)


def _part(paths: list[Path], key: str, classes: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    import numpy as np

    batches = [read_batch(path, key, classes) for path in paths]
    return (
        np.concatenate([pixels for pixels, _ in batches]),
        np.array([label for _, labels in batches for label in labels], np.int64),
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


def plain_unpickler(file: IO[bytes]) -> pickle.Unpickler:
    """Knows arrays beside Python's literals; any other name is refused before anything is imported."""
    import numpy as np

    # All that a pickled numpy array names; an empty array tells where this numpy keeps its constructor.
    reconstruct = np.empty(0).__reduce__()[0]
    array_parts: dict[tuple[str, str], Any] = {
        ("numpy.core.multiarray", "_reconstruct"): reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): reconstruct,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): codecs.encode,
    }

    class PlainUnpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if (module, name) not in array_parts:
                raise pickle.UnpicklingError(f"it names {module}.{name}")
            return array_parts[module, name]

    return PlainUnpickler(file, encoding="latin1")


def read_plain_pickle(path: Path) -> Any:
    """The value in a pickle of dicts, lists, texts, numbers and numpy arrays; nothing in it is run.

    Raises: Problem E604 where the pickle names anything else or cannot be read.
    """
    try:
        with files.open_regular(path) as file:
            return plain_unpickler(file).load()
    except Exception as error:  # a broken pickle fails in many ways, all of which mean the same
        raise Problem.of(
            "E604",
            f"the file {path} was not read: it is not a pickle of plain data ({error})",
            help="delete the file, which may be hostile, and run the command again, which downloads it",
        ) from error
