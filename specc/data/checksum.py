"""One number for some tensors, which tells whether a file gave them back as they were written."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def checksum(tensors: Mapping[str, Tensor]) -> int:
    """CRC-32 of all tensors in the order of their names; they are on the CPU and contiguous."""
    import torch

    value = 0
    for name in sorted(tensors):
        value = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy().data, value)
    return value
