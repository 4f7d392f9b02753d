"""A training session: the network, its optimizer and the batches, epoch after epoch."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch import nn

from specc.build.compile import build
from specc.build.stored import are_finite
from specc.data.augment import augmentation_of
from specc.data.described import DataDescription, describe
from specc.data.feed import Feed
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted
from specc.train.average import Average
from specc.train.compiled import compiled
from specc.train.device import chosen_kernels, seed_everything, seed_shard
from specc.train.exact import draw_evaluation, draw_order
from specc.train.forward import Forward, halving_for, lay_out
from specc.train.halves import halves_of
from specc.train.known import is_known, trained_tensors
from specc.train.loop import evaluate, explained, mean_loss, train_epoch
from specc.train.metrics import Metrics
from specc.train.muon import muon_note
from specc.train.optim import make_optimizer
from specc.train.position import Position
from specc.train.precision import choose_precision
from specc.train.process import keep_pages
from specc.train.progress import Epoch
from specc.train.schedule import make_schedule
from specc.train.step import Step
from specc.train.stop import StopRequested, StopSignals

if TYPE_CHECKING:
    from specc.data.dataset import Dataset
    from specc.ir.recipe import Recipe
    from specc.ir.shaped import ShapedModel
    from specc.train.distributed.group import Group
    from specc.train.keeper import Keeper
    from specc.train.progress import Watch

# Evaluation is fastest in this range; it needs less memory than training with the same batch.
EVALUATION_BATCH = (64, 512)
ABANDONED = int(getattr(signal, "SIGHUP", signal.SIGTERM))  # what a process is told whose terminal is gone
RECENT = 50  # steps whose mean loss a bar shows
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class Session:
    """Everything that training changes, ready for the next step.

    position:    the place in the run.
    order:       the generator of the pictures' order; epoch_order: its state when the running epoch began.
    losses:      of the steps of the running epoch, (steps,), on the device; shared: how many are those of all
                 processes, and not of this one's part of the pictures.
    group:       the processes that train together, of which this is one.
    precision:   in which the network computes; evaluated: the network that is tested, as it is run.
    """

    def __init__(self, shaped: ShapedModel, dataset: Dataset, recipe: Recipe, group: Group) -> None:
        """Build the network from the recipe's seed and put it and the pictures on the device.

        Raises: Problem E605, E617, E618.
        """
        self.recipe, self.dataset, self.group, self.device = recipe, dataset, group, (device := group.device)
        self.position = Position()
        self.order = seed_everything(recipe.seed, device)
        self.epoch_order = self.order.get_state()
        require_one(recipe, group)
        if device.type == "cpu":
            keep_pages()
        with explained():
            self.model = build(shaped).to(device)
            self.precision = choose_precision(recipe, device, known=is_known(self.model))
            self._load_pictures()
        self.train.skip_single = any(isinstance(module, NORMS) for module in self.model.modules())
        lay_out(self.model, dataset.sample, recipe, device)
        self.optimizer = make_optimizer(self.model, recipe)
        self.average = None if recipe.average is None else Average(self.model, recipe.average)
        steps = len(self.train.steps)
        self.losses, self.shared = torch.zeros(steps, device=device), 0
        network = compiled(self._forward(self.model), recipe, device)
        self.step = Step(
            network, self.optimizer, make_schedule(recipe, steps), recipe, self.average, group, self.precision,
            halves_of(network, shaped, recipe, group),
        )  # fmt: skip
        self.evaluated = self._forward(self.tested)
        group.settle(self.step.model, dataset.sample)
        seed_shard(recipe.seed, group.place.rank, device)

    def _forward(self, model: nn.Module) -> Forward:
        return Forward(model, self.precision, halving_for(self.recipe, self.device))

    @property
    def tested(self) -> nn.Module:
        """The network that is evaluated and kept: the moving average where there is one."""
        return self.model if self.average is None else self.average.model

    @cached_property
    def description(self) -> DataDescription:
        """What the weights say of the pictures."""
        return describe(self.dataset, self.test.scaling)

    def run(self, keeper: Keeper, watch: Watch) -> int | None:
        """Train from the present position to the end of the recipe's epochs.

        Returns: the signal that stopped it, None where it went to the end.
        Raises:  Problem E614 to E618; what is in the folder then can be continued from.
        """
        stopped = None
        with StopSignals() as stop, chosen_kernels(self.recipe, self.device):
            try:
                while not keeper.is_complete(self.position.metrics):
                    with explained():  # torch tells of a killed worker wherever this process is, in a write, too
                        self._epoch(keeper, watch, stop)
                if len(self.position.metrics) < self.recipe.epochs:
                    watch.say(f"stopped early: no better result in {counted(self.recipe.patience or 0, 'epoch')}")
            except StopRequested as request:
                stopped = request.number
                self.require_sound(keeper)
                with explained():
                    keeper.stop(self, stopped, watch)
            finally:
                self.step.close()
        self.tested.eval()
        return stopped

    def _epoch(self, keeper: Keeper, watch: Watch, stop: StopSignals) -> None:
        self._agree(stop)
        place, before, started = self.position, self.position.seconds, perf_counter()

        def after_step(step: int) -> None:
            place.step, place.seconds = step, before + perf_counter() - started
            watch.step()
            self._agree(stop, lambda: self._keep(keeper, watch), is_due=keeper.is_due())

        self._begin_exactly()
        watch.epoch_starts(self._epoch_now())
        train_epoch(
            self.step, self.train, self.order, self.losses, after_step, epoch=place.epoch, first=place.step
        )  # fmt: skip
        metrics = self._measured(lambda: self._agree(stop), lambda: round(before + perf_counter() - started, 3), keeper)
        if self.recipe.exact_evaluation:
            draw_evaluation()
        place.next_epoch(metrics)
        self.shared = 0
        self.epoch_order = self.order.get_state()
        keeper.end_epoch(self)
        watch.epoch_ends(metrics, self.recipe.epochs)

    def _begin_exactly(self) -> None:
        if self.recipe.exact and not self.position.step:
            draw_order(self.order)
            self.epoch_order = self.order.get_state()

    def _agree(self, stop: StopSignals, keep: Callable[[], None] | None = None, *, is_due: bool = False) -> None:
        """Keep the state where the first process says that it is due, then stop where any process was asked to: all of
        them between the same two steps. Raises: StopRequested."""
        asked = stop.received or (ABANDONED if self.group.is_abandoned() else 0)
        number, due = self.group.agreed(asked, int(is_due and self.group.place.is_first))
        if due and keep is not None:
            keep()
        if number:
            raise StopRequested(number)

    def _keep(self, keeper: Keeper, watch: Watch) -> None:
        self.require_sound(keeper)
        keeper.write_state(self, watch)

    def share_losses(self) -> None:
        """Make the losses of the running epoch those of all processes."""
        part = self.losses[self.shared : self.position.step]
        if self.group.place.size > 1 and len(part):
            part.copy_(self.group.total(part) / self.group.place.size)
        self.shared = self.position.step

    def _epoch_now(self) -> Epoch:
        """The running epoch, as a watch is told of it."""
        place, recipe = self.position, self.recipe

        def loss() -> float:
            return float(self.losses[max(0, place.step - RECENT) : place.step].mean())

        pictures = recipe.batch * recipe.accumulate
        return Epoch(place.epoch + 1, recipe.epochs, len(self.losses), place.step, pictures, loss)

    def _measured(self, check: Callable[[], None], seconds: Callable[[], float], keeper: Keeper) -> Metrics:
        """The measures of the epoch whose steps are done."""
        self.require_sound(keeper)
        for model in dict.fromkeys((self.model, self.tested)):
            self.group.share_buffers(model)
        epoch = self.position.epoch + 1
        goal = self.step.objective
        network = self.evaluated
        score = evaluate(network, self.test, check, goal, self.group)
        held_out = evaluate(network, self.validation, check, goal, self.group) if self.validation else (None, None)
        for part, loss in (("test", score.loss), ("validation", held_out[0])):
            if loss is not None and not math.isfinite(loss):
                raise keeper.not_finite(f"the {part} loss became {loss} in epoch {epoch}")
        trained = mean_loss(self.losses, [sum(parts) for parts in self.train.steps])
        return Metrics(epoch, trained, score.loss, score.accuracy, seconds(), *held_out)

    def require_sound(self, keeper: Keeper) -> None:
        """Raise Problem E615 where a loss of the running epoch or a weight is no longer a finite number."""
        epoch, step = self.position.epoch + 1, self.position.step
        self.share_losses()
        losses = self.losses[:step].cpu()
        broken = (~losses.isfinite()).nonzero()
        if len(broken):
            first = int(broken[0])
            where = f"in epoch {epoch}, step {first + 1} of {len(self.losses)}"
            raise keeper.not_finite(f"the loss became {float(losses[first])} {where}")
        if not are_finite(trained_tensors(self.model)):
            raise keeper.not_finite(f"a weight became infinite or nan by step {step} of epoch {epoch}")

    def summary(self) -> str:
        """Data and recipe in one line."""
        data, recipe = self.dataset, self.recipe
        said = recipe.optimizer_arguments().items()
        arguments = ", ".join(f"{name}={value}" for name, value in said if value)
        left_out = len(data.train.labels) - sum(self.train.sizes)
        note = f"; each epoch leaves out {_last(left_out)}" if left_out else ""
        note += self._crowd()
        held_out = f", {len(data.validation.labels):,} validation" if data.validation else ""
        note += f"; {data.note}" if data.note else ""
        note += f"; {muon_note(self.model)}" if recipe.optimizer == "muon" else ""
        return (
            f"{data.name}: {len(data.train.labels):,} training{held_out} and {len(data.test.labels):,} test pictures, "
            f"{counted(len(data.classes), 'class')}; {recipe.optimizer}({arguments}), {recipe.schedule} rate, "
            f"batch {recipe.batch}, "
            f"seed {recipe.seed}, {self.device}, {self.precision.name}{note}"
        )

    def _crowd(self) -> str:
        """A remark where more processes read pictures than there are cores."""
        from specc.data.files import FileSplit, usable_cores

        workers, cores = self.recipe.workers or 0, usable_cores()
        if workers <= cores or not isinstance(self.dataset.train, FileSplit):
            return ""
        return f"; {workers} processes read the pictures, on {counted(cores, 'core')}"

    def _load_pictures(self) -> None:
        dataset, recipe = self.dataset, self.recipe
        augmentation = augmentation_of(recipe, len(dataset.classes))
        if augmentation is not None and len(dataset.sample) != 3:
            raise Problem.of("E605", f"{dataset.name}: only pictures can be augmented",
                help="leave out `flip`, `crop`, `cutout` and `mixup`")  # fmt: skip
        feed = Feed(dataset, self.device, normalize=recipe.normalize, workers=recipe.workers)
        low, high = EVALUATION_BATCH
        shard = self.group.place.shard
        size = shard.parts * min(max(recipe.batch // shard.parts, low), high)

        self.train = feed.batches(
            dataset.train, recipe.batch,
            augmentation=augmentation, accumulate=recipe.accumulate, drop_last=recipe.drop_last,
            shard=shard,
        )  # fmt: skip
        self.test = feed.batches(dataset.test, size, shard=shard)
        held_out = dataset.validation
        self.validation = None if held_out is None else feed.batches(held_out, size, shard=shard)


def require_one(recipe: Recipe, group: Group) -> None:
    """Raise Problem E652 where an exact run has several processes."""
    if recipe.exact and group.place.size > 1:
        raise Problem.of("E652", f"`exact` gives the result of a single process, and this run has {group.place.size}",
            help="leave out `--exact`: several processes add up their gradients in another order")  # fmt: skip


def _last(count: int) -> str:
    return "its last picture, which would be a batch of one" if count == 1 else f"its last {count} pictures"
