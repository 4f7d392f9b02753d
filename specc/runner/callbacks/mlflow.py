"""MLflow, as its own settings say: `MLFLOW_TRACKING_URI`, `MLFLOW_EXPERIMENT_NAME`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from specc.diagnostics.diagnostic import Problem
from specc.runner.callbacks.base import Ended, Started
from specc.runner.callbacks.logger import Logger, flat_recipe

STATUS = {"done": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
KEPT = ("spec.cnn", "recipe.json", "report.html")


class MLflow(Logger):
    """A run in the experiment `specc`, unless `MLFLOW_EXPERIMENT_NAME` names another; weights are not copied."""

    def prepare(self) -> None:
        mlflow: Any = import_module("mlflow")
        try:
            self._client = mlflow.MlflowClient()
            self._experiment = self._found(os.environ.get("MLFLOW_EXPERIMENT_NAME", "specc"))
        except Exception as error:  # each kind of store fails in its own way
            reason = " ".join(str(error).split())[:300]
            raise Problem.of("E645", f"MLflow's store {mlflow.get_tracking_uri()} cannot be used: {reason}",
                help="`MLFLOW_TRACKING_URI` names the server or the store") from error  # fmt: skip

    def _found(self, name: str) -> str:
        known = self._client.get_experiment_by_name(name)
        return str(known.experiment_id if known else self._client.create_experiment(name))

    def start(self, started: Started) -> None:
        if self.identity is None:
            run = self._client.create_run(self._experiment, run_name=started.folder.resolve().name)
            self.identity = run.info.run_id
            for name, value in {**flat_recipe(started.recipe), "parameters": started.parameters}.items():
                self._client.log_param(self.identity, name, value)
        else:
            self._client.update_run(self.identity, status="RUNNING")

    def log(self, values: Mapping[str, float], epoch: int) -> None:
        for name, value in values.items():
            self._client.log_metric(self.identity, name, value, step=epoch)

    def end(self, ended: Ended) -> None:
        for name in KEPT:
            if (ended.folder / name).is_file():
                self._client.log_artifact(self.identity, str(ended.folder / name))
        self._client.set_terminated(self.identity, STATUS[ended.state])
