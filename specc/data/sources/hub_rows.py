"""Some rows of a large table: taken as they arrive, and kept in a file, so that the rest is never downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from specc.data.survey import HOLDOUT_SEED

ENDING = ".arrow"
AT_ONCE = 100  # rows that are written together
MIXED = 1000  # rows among which the next one is drawn: tables may be sorted
LARGEST = 1 << 28  # bytes of a picture that lies in a file of its own


def some_rows(place: Path, name: str, count: int, streams: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """The same rows of each table always, as many as are wanted, and no more are asked for.

    Args:   place, the folder of what is kept. name, says which data are meant, and how many rows. streams, of the parts
            by name; called where nothing is kept.
    Raises: what the package `datasets` raises.
    """
    import datasets

    folder = place / sha256(name.encode()).hexdigest()[:24]
    if not folder.is_dir():
        _keep(folder, streams(), count)
    return {path.stem: datasets.Dataset.from_file(str(path)) for path in sorted(folder.glob(f"*{ENDING}"))}


def _keep(folder: Path, streams: Mapping[str, Any], count: int) -> None:
    """All parts or none: a folder that is there is complete."""
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    beside.mkdir(parents=True, exist_ok=True)
    try:
        for part, stream in streams.items():
            _write(beside / f"{part}{ENDING}", stream, count)
        with suppress(OSError):  # another process was first, with the same rows
            beside.replace(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write(path: Path, stream: Any, count: int) -> None:
    """So many rows, drawn from those that arrive; pictures as the bytes of their files."""
    from datasets import Features, Image
    from datasets.arrow_writer import ArrowWriter

    features = dict(stream.features or stream._resolve_features().features)
    pictures = [column for column, kind in features.items() if isinstance(kind, Image)]
    for column in pictures:
        features[column] = Image(decode=False)
        stream = stream.cast_column(column, features[column])
    drawn = stream.shuffle(seed=HOLDOUT_SEED, buffer_size=MIXED)
    with ArrowWriter(features=Features(features), path=str(path), writer_batch_size=AT_ONCE) as writer:
        for row in islice(drawn, count):
            writer.write({**row, **{column: _with_bytes(row[column]) for column in pictures}})
        writer.finalize()


def _with_bytes(picture: Any) -> Any:
    """A picture that a row only names, with its bytes; one that is too large stays without, and is told of then."""
    if not picture or picture.get("bytes") or not picture.get("path"):
        return picture
    import fsspec

    with fsspec.open(picture["path"], "rb") as file:
        content = file.read(LARGEST + 1)
    return {"path": picture["path"], "bytes": content if len(content) <= LARGEST else b""}
