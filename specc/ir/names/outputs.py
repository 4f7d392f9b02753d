"""The names at the head of the branches of `outputs`, which stand where a label would, and are none."""

from __future__ import annotations

from typing import NamedTuple

from specc.source import Span
from specc.syntax import tree


class OutputsSeen(NamedTuple):
    """Where the outputs stand, and whether it was told that something follows."""

    span: Span
    told: bool = False


def heading_of(branch: tree.Chain) -> tree.Word | None:
    """The name of an output."""
    return branch.items[0].label if branch.items else None


def without_heading(branch: tree.Chain) -> tree.Chain:
    """A branch of `outputs` without its name."""
    if not branch.items:
        return branch
    return branch._replace(items=(branch.items[0]._replace(label=None), *branch.items[1:]))
