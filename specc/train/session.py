"""A training session: the network, its optimizer and the batches, epoch after epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch import nn

from specc.build.compile import build
from specc.data.augment import augmentation_of
from specc.data.batches import Batches, scaling_of
from specc.diagnostics.diagnostic import Problem
from specc.train.average import Average
from specc.train.device import seed_everything
from specc.train.loop import evaluate, explained, mean_loss, train_epoch
from specc.train.metrics import Metrics, is_complete
from specc.train.optim import make_optimizer
from specc.train.position import Position
from specc.train.schedule import make_schedule
from specc.train.snapshot import are_finite
from specc.train.step import Step
from specc.train.stop import StopRequested, StopSignals

if TYPE_CHECKING:
    from specc.data.dataset import Dataset, Split
    from specc.ir.recipe import Recipe
    from specc.ir.shaped import ShapedModel
    from specc.train.keeper import Keeper
    from specc.train.progress import Watch

# Evaluation is fastest in this range; it needs less memory than training with the same batch.
EVALUATION_BATCH = (64, 512)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class Session:
    """Everything that training changes, ready for the next step.

    position:    the place in the run.
    order:       the generator of the pictures' order; epoch_order: its state when the running epoch began.
    losses:      of the steps of the running epoch, (steps,), on the device.
    """

    def __init__(self, shaped: ShapedModel, dataset: Dataset, recipe: Recipe, device: torch.device) -> None:
        """Build the network from the recipe's seed and put it and the pictures on the device.

        Raises: Problem E605, E617, E618.
        """
        self.recipe, self.dataset, self.device = recipe, dataset, device
        self.position = Position()
        self.order = seed_everything(recipe.seed)
        self.epoch_order = self.order.get_state()
        with explained():
            self.model = build(shaped).to(device)
            self._load_pictures()
        self.train.skip_single = any(isinstance(module, NORMS) for module in self.model.modules())
        if device.type == "cpu" and len(dataset.sample) == 3:
            # Up to a fifth faster on a CPU; the weights are saved in torch's usual layout.
            self.model = self.model.to(memory_format=torch.channels_last)
        self.optimizer = make_optimizer(self.model, recipe)
        self.average = None if recipe.average is None else Average(self.model, recipe.average)
        steps = len(self.train.steps)
        self.losses = torch.zeros(steps, device=device)
        self.step = Step(self.model, self.optimizer, make_schedule(recipe, steps), recipe, self.average)

    @property
    def tested(self) -> nn.Module:
        """The network that is evaluated and kept: the moving average where there is one."""
        return self.model if self.average is None else self.average.model

    def run(self, keeper: Keeper, watch: Watch) -> int | None:
        """Train from the present position to the end of the recipe's epochs.

        Returns: the signal that stopped it, None where it went to the end.
        Raises:  Problem E614 to E618; what is in the folder then can be continued from.
        """
        stopped = None
        with StopSignals() as stop:
            try:
                while not is_complete(self.position.metrics, self.recipe):
                    self._epoch(keeper, watch, stop)
                if len(self.position.metrics) < self.recipe.epochs:
                    watch.say(f"stopped early: no better accuracy in {self.recipe.patience} epochs")
            except StopRequested:
                stopped = stop.received
                self.require_sound(keeper)
                keeper.stop(self, stopped, watch)
        self.tested.eval()
        return stopped

    def _epoch(self, keeper: Keeper, watch: Watch, stop: StopSignals) -> None:
        stop.check()
        place, before, started = self.position, self.position.seconds, perf_counter()

        def after_step(step: int) -> None:
            place.step, place.seconds = step, before + perf_counter() - started
            watch.step()
            if keeper.is_due():
                self.require_sound(keeper)
                keeper.write_state(self, watch)
            stop.check()

        watch.epoch_starts(place.epoch + 1, self.recipe.epochs, len(self.losses), place.step)
        train_epoch(
            self.step, self.train, self.order, self.losses, after_step, epoch=place.epoch, first=place.step
        )  # fmt: skip
        metrics = self._measured(stop.check, lambda: round(before + perf_counter() - started, 3), keeper)
        place.next_epoch(metrics)
        self.epoch_order = self.order.get_state()
        keeper.end_epoch(self)
        watch.epoch_ends(metrics, self.recipe.epochs)

    def _measured(self, check: Callable[[], None], seconds: Callable[[], float], keeper: Keeper) -> Metrics:
        """The measures of the epoch whose steps are done."""
        self.require_sound(keeper)
        epoch = self.position.epoch + 1
        score = evaluate(self.tested, self.test, check)
        held_out = evaluate(self.tested, self.validation, check) if self.validation else (None, None)
        if not math.isfinite(score.loss):
            raise keeper.not_finite(f"the test loss became {score.loss} in epoch {epoch}")
        trained = mean_loss(self.losses, [sum(parts) for parts in self.train.steps])
        return Metrics(epoch, trained, score.loss, score.accuracy, seconds(), *held_out)

    def require_sound(self, keeper: Keeper) -> None:
        """Raise Problem E615 where a loss of the running epoch or a weight is no longer a finite number."""
        epoch, step = self.position.epoch + 1, self.position.step
        losses = self.losses[:step].cpu()
        broken = (~losses.isfinite()).nonzero()
        if len(broken):
            first = int(broken[0])
            where = f"in epoch {epoch}, step {first + 1} of {len(self.losses)}"
            raise keeper.not_finite(f"the loss became {float(losses[first])} {where}")
        if not are_finite(self.model.state_dict().values()):
            raise keeper.not_finite(f"a weight became infinite or nan by step {step} of epoch {epoch}")

    def summary(self) -> str:
        """Data and recipe in one line."""
        data, recipe = self.dataset, self.recipe
        said = recipe.optimizer_arguments().items()
        arguments = ", ".join(f"{name}={value}" for name, value in said if value)
        left_out = len(data.train.labels) - sum(self.train.sizes)
        note = f"; {_left_out(left_out)} of each epoch left out" if left_out else ""
        held_out = f", {len(data.validation.labels):,} validation" if data.validation else ""
        return (
            f"{data.name}: {len(data.train.labels):,} training{held_out} and {len(data.test.labels):,} test pictures, "
            f"{len(data.classes)} classes; {recipe.optimizer}({arguments}), {recipe.schedule} rate, "
            f"batch {recipe.batch}, "
            f"seed {recipe.seed}, {self.device}{note}"
        )

    def _load_pictures(self) -> None:
        dataset, recipe = self.dataset, self.recipe
        augmentation = augmentation_of(recipe, len(dataset.classes))
        if augmentation is not None and len(dataset.sample) != 3:
            raise Problem.of("E605", f"{dataset.name} holds no pictures that could be augmented",
                help="leave `flip`, `crop`, `cutout` and `mixup` out")  # fmt: skip
        scaling = scaling_of(dataset.train.images) if recipe.normalize else None
        low, high = EVALUATION_BATCH
        size = min(max(recipe.batch, low), high)

        def evaluated(split: Split) -> Batches:
            return Batches(split, size, self.device, scaling)

        self.train = Batches(
            dataset.train, recipe.batch, self.device, scaling,
            augmentation=augmentation, accumulate=recipe.accumulate, drop_last=recipe.drop_last,
        )  # fmt: skip
        self.test = evaluated(dataset.test)
        self.validation = None if dataset.validation is None else evaluated(dataset.validation)


def _left_out(count: int) -> str:
    return "the last picture, a batch of one, is" if count == 1 else f"the last {count} pictures are"
