"""Weights & Biases, as its own settings say: `WANDB_PROJECT`, `WANDB_MODE=offline` and the like."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from specc.diagnostics.diagnostic import Problem
from specc.runner.callbacks.base import Ended, Started
from specc.runner.callbacks.logger import Logger, flat_recipe

UPLOADED = ("report.html",)
UNATTENDED = ("offline", "disabled", "dryrun")


class WeightsAndBiases(Logger):
    """A run in the project `specc`, unless `WANDB_PROJECT` names another."""

    def prepare(self) -> None:
        self._wandb: Any = import_module("wandb")
        if os.environ.get("WANDB_MODE") not in UNATTENDED and not self._wandb.api.api_key:
            raise Problem.of("E645", "Weights & Biases has no API key of yours, so nothing could be sent",
                help="`wandb login` stores one; `WANDB_MODE=offline` keeps the run on this machine")  # fmt: skip

    def start(self, started: Started) -> None:
        self._run: Any = self._wandb.init(
            project=os.environ.get("WANDB_PROJECT", "specc"), name=started.folder.resolve().name,
            config={**flat_recipe(started.recipe), "parameters": started.parameters},
            dir=str(started.folder), id=self.identity, resume="allow" if self.identity else None,
            settings=self._wandb.Settings(silent=True, console="off"),
        )  # fmt: skip
        self.identity = self._run.id
        self._run.define_metric("*", step_metric="epoch")

    def log(self, values: Mapping[str, float], epoch: int) -> None:
        self._run.log({"epoch": epoch, **values})

    def end(self, ended: Ended) -> None:
        for name in UPLOADED:
            if (ended.folder / name).is_file():
                shutil.copy(ended.folder / name, self._run.dir)  # what lies there at the end is sent
        self._run.finish(exit_code=0 if ended.state == "done" else 1)
