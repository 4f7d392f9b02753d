"""What the recipe asks for and the data do not give, and what `specc data` cannot write: E630 to E633, E720."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from run_cases import Scene, case
from specc.data.fit import require_output
from specc.data.inspect.sheet import encoded
from specc.data.pool import Pool
from specc.data.sources import DataSource, Request
from specc.pipeline import analyse
from specc.recipe.recipe import Recipe
from specc.runner.optim import make_optimizer
from specc.source import Source
from specc.tasks.classify import Classify
from specc.tasks.reconstruct import Reconstruct


@case("E630")
def an_autoencoder_that_ends_in_a_vector(scene: Scene) -> None:
    model = analyse(Source("net.cnn", "input 1x28x28\nflatten\n")).model
    assert model is not None
    require_output(Reconstruct(), model, None)


@case("E720")
def an_option_that_names_no_output(scene: Scene) -> None:
    text = "input 8\noutputs { main: linear 10 | aux: linear 10 }\n"
    model = analyse(Source("net.cnn", text)).model
    assert model is not None
    require_output(Classify(heads="main=1 auxx=0.3"), model, None)


@case("E631")
def a_torch_without_muon(scene: Scene) -> None:
    scene.hide(f"torch {torch.__version__} has", "torch 2.8.0 has")
    scene.patch.delattr(torch.optim, "Muon", raising=False)
    make_optimizer(nn.Linear(2, 2), Recipe(optimizer="muon"))


class _Deadly(DataSource):
    """Ends its process as the system does when memory runs out."""

    def take(self, part: str, indices: object, cut: object = None) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)


@case("E632")
def a_reading_process_that_is_killed(scene: Scene) -> None:
    list(Pool(_Deadly(Request("pets")), 1).read("test", [np.array([0])]))


@case("E633")
def a_sheet_of_no_known_format(scene: Scene) -> None:
    encoded(Image.new("RGB", (2, 2)), Path("sheet.xyz"))
