"""Other programs that a run can be told to: a file for each, which alone imports that program's package.

A logger is added by a class in a file here and its line in `LOGGERS`; options, messages and the reference follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import nearest
from specc.runner.callbacks.base import Callback
from specc.runner.callbacks.logger import Logger, Logging, identities

# The word after `--log`, the class, and how the package that it needs is installed.
LOGGERS = {
    "tensorboard": ("specc.runner.callbacks.tensorboard:TensorBoard", "pip install tensorboard"),
    "wandb": ("specc.runner.callbacks.wandb:WeightsAndBiases", "pip install wandb"),
    "mlflow": ("specc.runner.callbacks.mlflow:MLflow", "pip install mlflow-skinny"),
    # Its own build asks for pkg_resources and does not say so: that left setuptools with version 81.
    "visdom": (
        "specc.runner.callbacks.visdom:Visdom",
        "pip install 'setuptools<81' wheel && pip install --no-build-isolation visdom",
    ),
}


def named(text: str) -> tuple[str, ...]:
    """The loggers in `tensorboard,wandb`, each once; none in "none".

    Raises: ValueError with what is wrong, in words.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in LOGGERS and names != ["none"]:
            guess = nearest(name, LOGGERS)
            meant = f"did you mean `{guess}`?" if guess else f"the loggers are {', '.join(LOGGERS)}"
            raise ValueError(f"there is no logger `{name}`; {meant}")
    return () if names == ["none"] else tuple(dict.fromkeys(names))


def ready(name: str) -> Logger:
    """A logger that can log: to be called before anything is loaded.

    Raises: Problem E644 where its package is missing or cannot be imported, E645 where a server does not answer.
    """
    path, installing = LOGGERS[name]
    module, _, kind = path.partition(":")
    logger: Logger = getattr(import_module(module), kind)(name)
    try:
        logger.prepare()
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError)
        reason = "is not installed" if missing else f"cannot be imported: {error}"
        raise Problem.of("E644", f"`--log {name}` needs the package `{installing.split()[-1]}`, which {reason}",
            help=f"`{installing}`, or leave out `--log {name}`") from None  # fmt: skip
    return logger


def logging(callback: Callback, names: Sequence[str]) -> Callback:
    """The callback with loggers, which are ready to log. Raises: Problem E644, E645."""
    return Logging(callback, [ready(name) for name in names]) if names else callback


def logging_again(callback: Callback, folder: Path) -> Callback:
    """The callback with the loggers of a run that is continued: one that cannot be told keeps no run from going on."""
    found = []
    for name in identities(folder):
        try:
            if name in LOGGERS:
                found.append(ready(name))
        except Problem as problem:
            callback.warn(f"{problem.diagnostic.message}; the run goes on without it")
    return Logging(callback, found) if found else callback
