"""The file that a run is continued from: tensors as safetensors, the rest as JSON in its header, no pickle.

It may be damaged, or made by somebody hostile: it is read by nothing that could run code, and nothing of it is used
before all of it is found to be what specc writes. The facts are read without torch.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from specc import files
from specc.data.checksum import checksum
from specc.data.identity import DataIdentity
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted
from specc.runner.metrics import Count, Metrics, Seconds, are_in_order
from specc.runner.record import Record

if TYPE_CHECKING:
    from torch import Tensor

NAME = "state.safetensors"
KEY = "specc-state"
LARGEST_HEADER = 100_000_000  # safetensors' own limit
LONGEST = 1000  # characters of a text, and texts, that a message may quote


class Facts(BaseModel):
    """Everything about a run's state that is not a tensor.

    epoch:    finished epochs. step: finished steps of the one that runs. seconds: spent in it.
    metrics:  of each finished epoch.
    data:     what the run learns from; of format 1 a line with the numbers of pictures.
    made_with: versions and hardware that the last bits depend on.
    checksum: CRC-32 of the tensors.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1, 2] = 2
    record: Record
    epoch: Count
    step: Count
    seconds: Seconds
    metrics: tuple[Metrics, ...]
    data: DataIdentity | Annotated[str, Field(max_length=LONGEST)]
    made_with: Annotated[dict[str, Annotated[str, Field(max_length=LONGEST)]], Field(max_length=LONGEST)]
    checksum: Count = 0


def state_bytes(facts: Facts, tensors: dict[str, Tensor]) -> bytes:
    """The content of a state file; the tensors are on the CPU and contiguous."""
    from safetensors.torch import save

    sealed = facts.model_copy(update={"checksum": checksum(tensors)})
    return save(tensors, metadata={"format": "pt", KEY: sealed.model_dump_json()})


def read_facts(path: Path) -> Facts:
    """The facts of a state file, without its tensors.

    Raises: Problem E621 where it is none.
    """
    try:
        text = _metadata(path)[KEY]
        facts = Facts.model_validate_json(text)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"]) or "not JSON"
        raise damaged(path, f"what it says about the run cannot be right ({place})") from error
    except OSError as error:
        raise damaged(path, error.strerror or str(error)) from error
    except (ValueError, KeyError, TypeError, RecursionError, MemoryError) as error:
        raise damaged(path, "it is cut off, or specc did not write it") from error
    if facts.epoch != len(facts.metrics) or not are_in_order(facts.metrics):
        raise damaged(path, f"it counts {counted(facts.epoch, 'epoch')}, but has the metrics of other ones")
    return facts


def _metadata(path: Path) -> dict[str, str]:
    """The texts in a safetensors header: eight bytes of length, then JSON."""
    with files.open_regular(path) as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(LARGEST_HEADER, os.fstat(file.fileno()).st_size - 8):
            raise ValueError("no header of such a length")
        metadata: dict[str, str] = json.loads(file.read(length))["__metadata__"]
    return metadata


def read_tensors(path: Path, expected: int) -> dict[str, Tensor]:
    """The tensors of a state file, on the CPU.

    Args:   expected, the checksum that its facts name.
    Raises: Problem E621.
    """
    from specc.build.stored import load_tensors

    try:
        tensors = load_tensors(path)
    except ValueError as error:
        raise damaged(path, str(error)) from error
    if checksum(tensors) != expected:
        raise damaged(path, "its numbers are not those that were written")
    return tensors


def damaged(path: Path, reason: str) -> Problem:
    """The problem that a state cannot be used."""
    return Problem.of("E621", f"the run cannot continue from {path}: {reason}",
        help="nothing was loaded; put the file back from a copy, or start again with another `--out`")  # fmt: skip
