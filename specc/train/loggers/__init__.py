"""Other programs that a run can be told to: a file for each, which alone imports that program's package.

A logger is added by a class in a file here and its line in `LOGGERS`; options, messages and the reference follow.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import nearest

if TYPE_CHECKING:
    from specc.train.loggers.logger import Logger

# The word after `--log`, the class, and the package that it needs.
LOGGERS = {
    "tensorboard": ("specc.train.loggers.tensorboard:TensorBoard", "tensorboard"),
    "wandb": ("specc.train.loggers.wandb:WeightsAndBiases", "wandb"),
    "mlflow": ("specc.train.loggers.mlflow:MLflow", "mlflow-skinny"),
    "visdom": ("specc.train.loggers.visdom:Visdom", "visdom"),
}


def named(text: str) -> tuple[str, ...]:
    """The loggers in `tensorboard,wandb`, each once; none in "none".

    Raises: ValueError with what is wrong, in words.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in LOGGERS and names != ["none"]:
            guess = nearest(name, LOGGERS)
            meant = f"did you mean `{guess}`?" if guess else f"there are {', '.join(LOGGERS)}"
            raise ValueError(f"there is no logger `{name}`; {meant}")
    return () if names == ["none"] else tuple(dict.fromkeys(names))


def ready(name: str) -> Logger:
    """A logger that can log: to be called before anything is loaded.

    Raises: Problem E644 where its package is missing or cannot be imported, E645 where a server does not answer.
    """
    path, package = LOGGERS[name]
    module, _, kind = path.partition(":")
    logger: Logger = getattr(import_module(module), kind)(name)
    try:
        logger.prepare()
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError)
        reason = "is not installed" if missing else f"cannot be imported: {error}"
        raise Problem.of("E644", f"`--log {name}` needs the package `{package}`, which {reason}",
            help=f"`pip install {package}`, or leave `--log {name}` away") from None  # fmt: skip
    return logger
