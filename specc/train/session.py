"""A training session: the network, its optimizer and the batches, epoch after epoch."""

from __future__ import annotations

import json
import math
import signal
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch import nn

from specc.build.compile import build
from specc.data.batches import Batches, scaling_of
from specc.diagnostics.diagnostic import Problem
from specc.train.checkpoint import weights_file
from specc.train.device import seed_everything
from specc.train.environment import describe_environment
from specc.train.loop import evaluate, explained, mean_loss, train_epoch
from specc.train.metrics import Metrics
from specc.train.optim import make_optimizer, make_schedule
from specc.train.stop import StopRequested, StopSignals

if TYPE_CHECKING:
    from torch import Tensor

    from specc.data.dataset import Dataset
    from specc.ir.recipe import Recipe
    from specc.ir.shaped import ShapedModel
    from specc.train.folder import RunFolder
    from specc.train.progress import Watch

# Evaluation is fastest in this range; it needs less memory than training with the same batch.
EVALUATION_BATCH = (64, 512)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class Session:
    """Everything that training changes, ready for the first step."""

    def __init__(self, shaped: ShapedModel, dataset: Dataset, recipe: Recipe, device: torch.device) -> None:
        """Build the network from the recipe's seed and put it and the pictures on the device.

        Raises: Problem E617, E618.
        """
        self.recipe, self.dataset, self.device = recipe, dataset, device
        self.order = seed_everything(recipe.seed)
        with explained():
            self.model = build(shaped).to(device)
            self.train, self.test = _batches(dataset, recipe, device)
        self.train.skip_single = any(isinstance(module, NORMS) for module in self.model.modules())
        if device.type == "cpu" and len(dataset.sample) == 3:
            # Up to a fifth faster on a CPU; the weights are saved in torch's usual layout.
            self.model = self.model.to(memory_format=torch.channels_last)
        self.optimizer = make_optimizer(self.model, recipe)
        self.schedule = make_schedule(self.optimizer, recipe, recipe.epochs * len(self.train.sizes))
        self.metrics: list[Metrics] = []

    def run(self, folder: RunFolder, metadata: dict[str, str], watch: Watch) -> int | None:
        """Train for the recipe's epochs, writing weights and metrics after each.

        Args:    metadata: texts that go into the weight files, beside the recipe.
        Returns: the signal that stopped it, None where it went to the end.
        Raises:  Problem E614 to E618; the weights of the last whole epoch are then in the folder.
        """
        self._metadata = metadata
        folder.write_json("environment.json", describe_environment(self.device, self.recipe.seed))
        # Before the first step, so that a disk that is too small shows while nothing can be lost.
        self._write(folder, "last")
        watch.say(self._summary())
        with StopSignals() as stop:
            try:
                for epoch in range(1, self.recipe.epochs + 1):
                    self._epoch(epoch, folder, watch, stop)
            except StopRequested:
                self._write(folder, "last")
                watch.say(self._stopped(stop.received, folder))
        self.model.eval()
        return stop.received

    def _epoch(self, epoch: int, folder: RunFolder, watch: Watch, stop: StopSignals) -> None:
        def after_step() -> None:
            watch.step()
            stop.check()

        stop.check()
        started = perf_counter()
        sizes = self.train.sizes
        watch.epoch_starts(epoch, self.recipe.epochs, len(sizes))
        losses = train_epoch(self.model, self.train, self.optimizer, self.schedule, self.order, after_step)
        self._require_finite(losses, epoch, folder)
        score = evaluate(self.model, self.test, stop.check)
        seconds = round(perf_counter() - started, 3)
        metrics = Metrics(epoch, mean_loss(losses, sizes), score.loss, score.accuracy, seconds)
        if not math.isfinite(score.loss):
            raise _not_finite(f"the test loss became {score.loss} in epoch {epoch}", folder)
        self._keep(metrics, folder)
        watch.epoch_ends(metrics, self.recipe.epochs)

    def _keep(self, metrics: Metrics, folder: RunFolder) -> None:
        best = all(metrics.test_accuracy > earlier.test_accuracy for earlier in self.metrics)
        for name in ("last", "best") if best else ("last",):
            self._write(folder, name)
        folder.add_metrics(metrics)
        self.metrics.append(metrics)

    def _write(self, folder: RunFolder, name: str) -> None:
        recipe = json.dumps(self.recipe.resolved().model_dump())
        folder.write_weights(name, weights_file(self.model, {**self._metadata, "recipe": recipe}))

    def _require_finite(self, losses: Tensor, epoch: int, folder: RunFolder) -> None:
        broken = (~losses.isfinite()).nonzero()
        if len(broken):
            step = int(broken[0])
            where = f"in epoch {epoch}, step {step + 1} of {len(losses)}"
            raise _not_finite(f"the loss became {float(losses[step])} {where}", folder)

    def _summary(self) -> str:
        data, recipe = self.dataset, self.recipe
        said = recipe.optimizer_arguments().items()
        arguments = ", ".join(f"{name}={value}" for name, value in said if value)
        left_out = len(data.train.labels) - sum(self.train.sizes)
        note = "; the last picture of each epoch, a batch of one, is left out" if left_out else ""
        return (
            f"{data.name}: {len(data.train.labels):,} training and {len(data.test.labels):,} test pictures, "
            f"{len(data.classes)} classes; {recipe.optimizer}({arguments}), {recipe.schedule} rate, "
            f"batch {recipe.batch}, "
            f"seed {recipe.seed}, {self.device}{note}"
        )

    def _stopped(self, number: int | None, folder: RunFolder) -> str:
        cause = signal.Signals(number).name if number else "a signal"
        finished = f"{len(self.metrics)} of {self.recipe.epochs} epochs"
        weights = folder.path / "last.safetensors"
        return f"stopped by {cause} after {finished}; the weights so far are in {weights}"


def _batches(dataset: Dataset, recipe: Recipe, device: torch.device) -> tuple[Batches, Batches]:
    scaling = scaling_of(dataset.train.images) if recipe.normalize else None
    low, high = EVALUATION_BATCH
    evaluation = min(max(recipe.batch, low), high)
    return (
        Batches(dataset.train, recipe.batch, device, scaling),
        Batches(dataset.test, evaluation, device, scaling),
    )


def _not_finite(message: str, folder: RunFolder) -> Problem:
    return Problem.of(
        "E615",
        message,
        help="lower the learning rate with `--lr`, or scale the pictures with `--normalize`",
        notes=(f"the last good weights are in {folder.path / 'last.safetensors'}",),
    )
