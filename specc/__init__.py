"""A declarative model-spec compiler for convolutional networks.

import specc
model = specc.compile("lenet.cnn")      # an nn.Sequential
report = specc.check("lenet.cnn")       # .ok, .diagnostics, .layers, .output
run = specc.train("lenet.cnn", data="mnist", epochs=2)  # .folder, .metrics, .best, .model
net = specc.load(run.folder)            # .classes, .model, .predict(path, picture, array or a list of them)
picture = specc.draw("lenet.cnn")       # SVG, which a notebook shows
"""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["Report", "SpecError", "check", "compile", "draw", "load", "load_weights", "resume", "train"]

TYPE_CHECKING = False  # as type checkers know it; with an import, Ctrl-C could come before `specc.cli` catches it
if TYPE_CHECKING:
    from typing import Any

    from specc.api import Report, SpecError, check, compile, draw, load_weights
    from specc.evaluate.network import load
    from specc.runner.resume import resume
    from specc.runner.run import train


def __dir__() -> list[str]:
    """What there is to complete, also before it is loaded."""
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    """The public names, loaded when they are used, so that `specc --version` loads nothing."""
    if name == "train":
        from specc.runner.run import train

        return train
    if name == "load":
        from specc.evaluate.network import load

        return load
    if name == "resume":
        from specc.runner.resume import resume

        return resume
    if name in __all__:
        from specc import api

        return getattr(api, name)
    if name == "load_ipython_extension":  # asked for by `%load_ext specc`
        from specc.notebook import load_ipython_extension

        return load_ipython_extension
    raise AttributeError(f"module 'specc' has no attribute '{name}'")
