"""A trained network out of a run folder or of a weights file.

The file says itself which network it belongs to: its header holds the spec, the recipe and what the pictures were. It
may be damaged, or made by somebody hostile; nothing in it can run, and what it says is checked before it is used.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from specc import gallery
from specc.data.fit import misfit_of
from specc.data.identity import DataDescription, read_description
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import typed
from specc.ir.names.overrides import UnknownParameter
from specc.ir.shaped import ShapedModel
from specc.pipeline import analyse
from specc.recipe.recipe import Recipe
from specc.runner.listing import way_to_a_run
from specc.runner.run_folder import RECIPE, WEIGHTS
from specc.source import Source
from specc.tasks.registry import task_of
from specc.tasks.task import Goal, Task

if TYPE_CHECKING:
    import torch
    from torch import nn

SUFFIX = ".safetensors"
WHAT_IS_MEANT = (
    "name the folder of a run, such as `runs/lenet5-mnist-1`, or a weights file; `specc runs` lists the runs"
)
SMALLEST = 1  # bytes of a stored number of any kind
WRONG_SPEC = "what it says about its network cannot be right"


class Trained(NamedTuple):
    """A network with its weights, in evaluation mode.

    name: of the run, or of the file. weights: the file. shaped: the checked spec. epoch: after which the weights are
    these, None where the file does not say. chosen_on: the split that the epoch was chosen on, empty where none was.
    """

    name: str
    weights: Path
    model: nn.Module
    shaped: ShapedModel
    recipe: Recipe
    data: DataDescription
    epoch: int | None = None
    chosen_on: str = ""

    @property
    def task(self) -> Task:
        """What it was trained to do."""
        return task_of(self.recipe)

    def goal(self) -> Goal:
        """The half of its task that computes."""
        return self.task.start(self.data.targets)


class StoredSpec(NamedTuple):
    """The spec in a header, and the input and the parameters that it was given in place of its own."""

    text: str
    input: tuple[int, ...] | None
    params: dict[str, Any]


class Stored(NamedTuple):
    """What a header says."""

    shaped: ShapedModel
    recipe: Recipe
    data: DataDescription
    epoch: int | None
    chosen_on: str


def weights_of(path: Path, kind: str | None = None) -> Path:
    """The weights file that is meant.

    Args:   path, a run folder or the file itself; kind, "best" or "last" of a folder's; None is the best ones, or the
            last ones of a run that was stopped in its first epoch.
    Raises: Problem E640; E691 for a damaged series.
    """
    if not path.is_dir():
        if path.exists():
            return path
        raise _nothing(f"there is no run or file {path}", way_to_a_run(path))
    for name in (kind,) if kind else WEIGHTS:
        if os.path.lexists(path / f"{name}{SUFFIX}"):
            return path / f"{name}{SUFFIX}"
    if kind is None and (path / RECIPE).is_file():
        raise Problem.of("E640", f"the run in {path} has no weights yet: it ended before its first epoch was finished",
            help=f"`specc train --resume {typed(path)}` goes on with it")  # fmt: skip
    raise _nothing(f"{path} holds no `{kind or 'last'}{SUFFIX}`", way_to_a_run(path))


def load_trained(path: Path, kind: str | None = None, device: torch.device | str = "cpu") -> Trained:
    """The network of a run folder or a weights file, on the device.

    Raises: Problem E640, E641.
    """
    weights = weights_of(path, kind)
    stored = read_stored(weights)
    from specc.build.compile import build

    model = build(stored.shaped)
    _fill(model, weights)
    name = weights.resolve().parent.name if weights.stem in WEIGHTS else weights.stem
    return Trained(name, weights, model.to(device).eval(), *stored)


def read_stored(path: Path) -> Stored:
    """The header's texts, checked; without torch. Raises: Problem E641."""
    texts = _header(path)
    if "spec" not in texts:
        raise Problem.of("E641", f"{path} holds weights, but no spec: it was not written by specc",
            help="`specc.load_weights` loads weights of other programs, in Python")  # fmt: skip
    spec = _spec_of(texts, path)
    try:
        analysis = analyse(Source(str(path), spec.text), spec.input, spec.params)
        recipe = Recipe.model_validate_json(texts["recipe"])
    except (ValueError, LookupError, TypeError, UnknownParameter):
        raise _unusable(path, WRONG_SPEC) from None
    data = read_description(texts.get("data", ""))
    if analysis.model is None or data is None or data.sample != analysis.model.input:
        raise _unusable(path, "what it says about its network or its pictures cannot be right")
    if misfit_of(task_of(recipe), analysis.model, data.targets) is not None:
        raise _unusable(path, "its network does not give what its task needs, such as a number for each of its classes")
    if SMALLEST * analysis.model.params > path.stat().st_size:
        raise _unusable(path, "it is too small for the network that it describes")
    epoch = texts.get("epoch", "")
    chosen_on = texts.get("chosen_on", "")
    return Stored(
        analysis.model, recipe, data, int(epoch) if re.fullmatch("[0-9]{1,9}", epoch) else None,
        chosen_on if chosen_on in ("test", "validation") else "",
    )  # fmt: skip


def stored_spec(path: Path) -> StoredSpec | None:
    """The spec that a weights file says it belongs to; None where it says nothing of one. Raises: Problem E641."""
    texts = _header(path)
    return _spec_of(texts, path) if "spec" in texts else None


def _spec_of(texts: Mapping[str, str], path: Path) -> StoredSpec:
    try:
        overrides: dict[str, Any] = json.loads(texts["overrides"])
        shape, params = overrides["input"], dict(overrides["set"])
        return StoredSpec(texts["spec"], tuple(int(size) for size in shape.split("x")) if shape else None, params)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise _unusable(path, WRONG_SPEC) from None


def _header(path: Path) -> dict[str, str]:
    from specc.build.stored import load_texts

    try:
        return load_texts(path)
    except ValueError as error:
        raise _unusable(path, str(error)) from None


def _fill(model: nn.Module, path: Path) -> None:
    from specc.build.stored import load_stored

    try:
        load_stored(model, path)
    except ValueError as error:
        raise _unusable(path, str(error)) from None


def _nothing(message: str, help: str | None = None) -> Problem:
    return Problem.of("E640", message, help=help or WHAT_IS_MEANT)


def _unusable(path: Path, reason: str) -> Problem:
    if path.suffix == gallery.SUFFIX:
        return Problem.of("E641", f"{path} is a spec, and the weights of a run are needed here",
            help=f"`specc train {typed(path)}` trains it; `specc runs` lists the runs")  # fmt: skip
    if path.suffix != SUFFIX:  # a picture, say, named where the run belongs
        return Problem.of("E641", f"{path} cannot be used: {reason}", help=WHAT_IS_MEANT)
    return Problem.of("E641", f"{path} cannot be used: {reason}",
        help="nothing was loaded; copy the file again, or take the run's other weights with `--weights`")  # fmt: skip
