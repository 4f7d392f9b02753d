"""Pickles of plain data, read without running what is in them."""

from __future__ import annotations

import codecs
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from specc import files
from specc.diagnostics.diagnostic import Problem

# All that a pickled numpy array names; an empty array tells where this numpy keeps its constructor.
_RECONSTRUCT = np.empty(0).__reduce__()[0]
ARRAY_PARTS: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): codecs.encode,
}


class _PlainUnpickler(pickle.Unpickler):
    """Knows arrays beside Python's literals; any other name is refused before anything is imported."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ARRAY_PARTS:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return ARRAY_PARTS[module, name]


def read_plain_pickle(path: Path) -> Any:
    """The value in a pickle of dicts, lists, texts, numbers and numpy arrays.

    Raises: Problem E604 where the pickle names anything else or cannot be read.
    """
    try:
        with files.open_regular(path) as file:
            return _PlainUnpickler(file, encoding="latin1").load()
    except Exception as error:  # a broken pickle fails in many ways, all of which mean the same
        raise Problem.of(
            "E604",
            f"the file {path} was not read: it is not a pickle of plain data ({error})",
            help="delete the file, which may be hostile, and run the command again, which downloads it",
        ) from error
