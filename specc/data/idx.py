"""The file format of MNIST: a header of big-endian numbers, then bytes.

Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", section "File formats".
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from specc import files
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, spelled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UINT8 = 0x08


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
