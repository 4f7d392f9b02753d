"""Visdom: curves in a browser, drawn by a server of its own (`python -m visdom.server`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from specc.diagnostics.diagnostic import Problem
from specc.runner.callbacks.base import Ended, Started
from specc.runner.callbacks.logger import Logger, measures
from specc.runner.callbacks.tensorboard import grouped

ADDRESS = "http://localhost:8097"


class Visdom(Logger):
    """A window for the losses and one for the accuracies, in an environment that is called like the run.

    `VISDOM_SERVER` is the server's address with its port.
    """

    def prepare(self) -> None:
        package: Any = import_module("visdom")
        address = os.environ.get("VISDOM_SERVER", ADDRESS)
        host, port = _address(address)
        self._client = package.Visdom(server=host, port=port, raise_exceptions=True, use_incoming_socket=False)
        try:
            answers = self._client.check_connection(timeout_seconds=3)
        except Exception as error:  # the package passes on whatever its connection raises
            raise _silent(address) from error
        if not answers:
            raise _silent(address)

    def start(self, started: Started) -> None:
        self._environment = started.folder.resolve().name.replace("_", "-")  # visdom makes folders at underscores
        self._windows: set[str] = set()
        for metrics in started.metrics:  # the server may have forgotten what a continued run has told it
            self.log(measures(metrics), metrics.epoch)

    def log(self, values: Mapping[str, float], epoch: int) -> None:
        for name, value in values.items():
            window, _, line = grouped(name).partition("/")
            update = "append" if window in self._windows else None
            self._client.line(
                X=[epoch], Y=[value], win=window, name=line or window, env=self._environment, update=update,
                opts={"title": window, "xlabel": "epoch", "showlegend": bool(line)},
            )  # fmt: skip
            self._windows.add(window)

    def end(self, ended: Ended) -> None:
        self._client.save([self._environment])


def _address(text: str) -> tuple[str, int]:
    """`http://host:8097` as Visdom takes it."""
    scheme, _, rest = text.rpartition("://")
    host, _, port = rest.rstrip("/").partition(":")
    return f"{scheme or 'http'}://{host}", int(port) if port.isdigit() else 8097


def _silent(address: str) -> Problem:
    return Problem.of("E645", f"no Visdom server answers at {address}",
        help="`python -m visdom.server` starts one\n`VISDOM_SERVER` names one that runs elsewhere")  # fmt: skip
