"""What somebody who was given an exported Python file has."""

from __future__ import annotations

from typing import Any

from torch import nn


def made(text: str, **arguments: Any) -> nn.Module:
    """The network of an exported file: its last class."""
    space: dict[str, Any] = {"__name__": "exported"}
    exec(compile(text, "exported.py", "exec"), space)
    classes = [value for value in space.values() if isinstance(value, type) and value.__module__ == "exported"]
    module = classes[-1](**arguments)
    assert isinstance(module, nn.Module)
    return module
