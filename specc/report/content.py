"""What a report tells: everything that the page needs, gathered before a line of it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from specc.ir.shaped import ShapedModel
from specc.tasks.confusion import Confusion
from specc.tasks.rows import Rows


class Figure(NamedTuple):
    """Pictures side by side as PNG, each with what it shows, and a caption: texts with "true", "wrong" or nothing for
    how each is marked."""

    pictures: tuple[tuple[bytes, str], ...]
    caption: tuple[tuple[str, str], ...]


class Shown(NamedTuple):
    """Samples under a title. said: a sentence about them. is_wide: whether each has several pictures; is_small: whether
    they are tiny."""

    title: str
    said: str
    figures: tuple[Figure, ...] = ()
    is_wide: bool = False
    is_small: bool = False


class Content(NamedTuple):
    """One run.

    name:        of its folder. state: how it ended, in words. resume: the command that goes on with it, None where
                 nothing is left to do.
    rows:        the lines of `metrics.jsonl`; best: the number of the best epoch, None where
                 none of them is of the network that the run has now.
    weights:     with which the answers were given, and how they were chosen, as a sentence; empty where nothing was
                 asked.
    recipe, environment: what their files hold.
    samples:     in the test split. confusion: of it, None where there are no classes or nothing could be tested.
    scores:      of each class or number. gallery: pictures of it. views: further pictures.
    curves:      SVG for the page, a chart each.
    """

    name: str
    state: str
    resume: str | None
    spec: str
    model: ShapedModel
    data: str
    rows: tuple[Mapping[str, Any], ...]
    best: int | None
    recipe: Mapping[str, Any]
    environment: Mapping[str, Any]
    weights: str = ""
    samples: int = 0
    confusion: Confusion | None = None
    scores: Rows | None = None
    gallery: Shown | None = None
    views: tuple[Shown, ...] = ()
    curves: tuple[str, ...] = ()
