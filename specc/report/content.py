"""What a report tells: everything that the page needs, gathered before a line of it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from specc.ir.shaped import ShapedModel
from specc.report.confusion import Confusion


class Shown(NamedTuple):
    """A picture as PNG with two words: of a mistake the true class and the answer with its probability."""

    png: bytes
    true: str
    predicted: str
    confidence: float


class Pair(NamedTuple):
    """A picture and what an autoencoder made of it, as PNG; loss: their mean squared error."""

    original: bytes
    made: bytes
    loss: float


class Content(NamedTuple):
    """One run.

    name:        of its folder. state: how it ended, in words. resume: the command that goes on with it, None where
                 nothing is left to do.
    rows:        the lines of `metrics.jsonl`; best: the number of the best epoch, None where
                 none of them is of the network that the run has now.
    weights:     with which the answers were given, and how they were chosen, as a sentence; empty where nothing was
                 asked.
    recipe, environment: what their files hold.
    confusion:   of the test split, None where the objective has no classes or nothing could be tested.
    mistakes, pairs: pictures of it.
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
    confusion: Confusion | None = None
    mistakes: tuple[Shown, ...] = ()
    pairs: tuple[Pair, ...] = ()
    curves: tuple[str, ...] = ()
