"""What is imported, found: one of torchvision's models, one that the user's own code makes, or a Darknet file."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.diagnostics.spelling import nearest
from specc.reading import Unreadable

if TYPE_CHECKING:
    from torch import nn

TORCHVISION = "torchvision"
# Networks whose classifiers have extra outputs, or change the picture first, unless told not to.
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "googlenet": {"aux_logits": False, "transform_input": False, "init_weights": False},
    "inception_v3": {"aux_logits": True, "transform_input": False, "init_weights": False},
}


def is_darknet(source: str) -> bool:
    return source.lower().endswith(".cfg")


def load_model(source: str) -> nn.Module:
    """The model that `module:factory` names, in evaluation mode.

    Raises: Unreadable where the name leads nowhere; Problem E665 where the code fails.
    """
    module, _, name = source.partition(":")
    if not name or not module:
        raise Unreadable(
            Diagnostic(
                "E665", f"`{source}` is not something to import",
                help="write `torchvision:resnet18`, `package.module:factory`, or the name of a `.cfg` file",
            )
        )  # fmt: skip
    made = _torchvision(name) if module == TORCHVISION else _made(_found(module, name), source)
    return made.eval()


def _torchvision(name: str) -> nn.Module:
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        guess = nearest(name, known)
        help = f"did you mean `torchvision:{guess}`?" if guess else "only torchvision's classification models are known"
        raise Unreadable(Diagnostic("E665", f"torchvision has no model `{name}`", help=help))
    made: nn.Module = models.get_model(name, weights=None, **_ARGUMENTS.get(name, {}))
    return made


def _found(module: str, name: str) -> Any:
    """What a module calls by a name; the folder that the command is run in counts as Python's own would."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        value: Any = import_module(module.removesuffix(".py").replace("/", "."))
        for part in name.split("."):
            value = getattr(value, part)
    except (ImportError, AttributeError) as error:
        raise Unreadable(
            Diagnostic("E665", f"`{module}:{name}` cannot be found: {error}", help=_help(module))
        ) from None
    except Exception as error:
        raise _failed(f"importing `{module}` failed", error) from error
    return value


def _help(module: str) -> str | None:
    if module.endswith(".py"):
        return f"a module is named without its ending: `{module.removesuffix('.py')}:…`"
    return f"run the command where `import {module}` works"


def _made(value: Any, source: str) -> nn.Module:
    from torch import nn

    if not isinstance(value, nn.Module) and callable(value):
        try:
            value = value()
        except Exception as error:
            raise _failed(f"`{source}` cannot be called without arguments", error) from error
    if not isinstance(value, nn.Module):
        raise Problem.of("E665", f"`{source}` gives {type(value).__name__}, not an `nn.Module`")
    return value


def _failed(message: str, error: Exception) -> Problem:
    return Problem.of("E665", message, notes=(f"{type(error).__name__}: {error}",))
