"""What an imported model calls the tensors of a spec: a file beside the spec, so that its weights load by name.

The spec itself says nothing of its weights' origin, and a comment in it would mean something, which no comment does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from specc import files

ENDING = ".names.json"
ATTRIBUTE = "names_of_weights"  # of a compiled network: the file with the names


def names_beside(spec: Path) -> Path:
    """The file with the names for a spec: `net.names.json` for `net.cnn`."""
    return spec.parent / f"{spec.stem}{ENDING}"


def names_text(source: str, names: Mapping[str, str]) -> str:
    """The content of such a file. Args: source, what was imported; names, of its tensors by the spec's names."""
    return json.dumps({"imported": source, "tensors": dict(names)}, indent=2) + "\n"


def read_names(path: Path) -> dict[str, str]:
    """The source's names by the spec's. Raises: OSError; ValueError where it is no such file."""
    found = files.read_json(path)
    tensors = found.get("tensors") if isinstance(found, dict) else None
    if not isinstance(tensors, dict) or not all(isinstance(name, str) for name in tensors.values()):
        raise ValueError(f"{path} does not say which tensor is which: write it again with `specc import`")
    return tensors
