"""Other programs that a run can be told to: a file for each, which alone imports that program's package.

A logger is added by a class in a file here and its line in `LOGGERS`; options, messages and the reference follow.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import nearest

if TYPE_CHECKING:
    from specc.runner.loggers.logger import Logger

# The word after `--log`, the class, and how the package that it needs is installed.
LOGGERS = {
    "tensorboard": ("specc.runner.loggers.tensorboard:TensorBoard", "pip install tensorboard"),
    "wandb": ("specc.runner.loggers.wandb:WeightsAndBiases", "pip install wandb"),
    "mlflow": ("specc.runner.loggers.mlflow:MLflow", "pip install mlflow-skinny"),
    # Its own build asks for pkg_resources and does not say so: that left setuptools with version 81.
    "visdom": (
        "specc.runner.loggers.visdom:Visdom",
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
