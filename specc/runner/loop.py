"""A run from its first epoch to its last: the page to read.

`fit` goes through the epochs. `make_step` is one step of it: the gradient of a batch and the change of the weights are
two functions of tensors in which nothing waits for the device, and what makes a step faster wraps these two. `evaluate`
is one pass over a split. Stop, checkpoint and lines stand between the steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch.nn.utils import clip_grad_norm_

from specc.data.batches import Batches
from specc.diagnostics.spelling import counted
from specc.runner.cpu.process import step_of
from specc.runner.device import chosen_kernels, explained
from specc.runner.distributed.world import Group, StopRequested, StopSignals
from specc.runner.metrics import Metrics
from specc.runner.precision import Precision
from specc.runner.sampler import draw_evaluation
from specc.tasks.heads import mapped, total
from specc.tasks.registry import task_of
from specc.tasks.task import ALONE, Targets

if TYPE_CHECKING:
    from torch import Tensor, nn

    from specc.recipe.recipe import Recipe
    from specc.runner.averages import Follower
    from specc.runner.callbacks.base import Callback
    from specc.runner.checkpoint import Checkpointer
    from specc.runner.optim import Schedule
    from specc.runner.session import Session
    from specc.tasks.task import Goal

# The number of a step over the whole run, from 0; its batches, of which each process has its part; their whole sizes.
# Gives the step's loss and what the goal counts in training, on the device, not waited for: the mean over all processes
# is the loss of the mean sample and the counts of all samples.
Step = Callable[[int, Iterable[tuple["Tensor", "Tensor"]], Sequence[int]], "Tensor"]


def fit(session: Session, keeper: Checkpointer, callback: Callback) -> int | None:
    """Train from where the session stands to the end of the recipe's epochs.

    Returns: the signal that stopped it, None where it went to the end.
    Raises:  Problem E614 to E618; what is in the folder then can be continued from.
    """
    recipe, group, state, whole = session.recipe, session.group, session.state, len(session.train.steps)
    place, losses, sampler = state.position, state.losses, state.sampler
    samples, stopped = len(session.train), None

    def agree(*, is_due: bool = False) -> None:
        """Write a checkpoint where the first process says that it is due, then stop where any process was asked to: all
        of them between the same two steps."""
        number, due = group.agreed(stop.received or group.abandoned(), int(is_due and group.place.is_first))
        if due:
            keeper.require_finite(session)
            keeper.write_state(session, callback)
        if number:
            raise StopRequested(number)

    with StopSignals() as stop, chosen_kernels(recipe, group.device), explained(samples, session.train.size):
        try:
            while not keeper.is_complete(place.metrics):
                agree()
                started = perf_counter() - place.seconds
                order, sizes = sampler.begin(place.step), session.steps
                callback.epoch_starts(session.epoch())
                step = make_step(*session.start_training())
                done = sum(map(len, sizes[: place.step]))
                batches = session.train.shuffled(order, done, sum(map(len, sizes)), epoch=place.epoch)
                for parts in sizes[place.step :]:
                    number = place.epoch * whole + place.step
                    losses.values[place.step] = step(number, islice(batches, len(parts)), parts)
                    place.step, place.seconds = place.step + 1, perf_counter() - started
                    callback.step()
                    agree(is_due=keeper.is_due())
                metrics = _measured(session, keeper, agree, started)
                place.next_epoch(metrics)
                losses.restart()
                sampler.end()
                keeper.end_epoch(session)
                callback.epoch_ends(metrics, recipe.whole_epochs)
            if len(place.metrics) < recipe.whole_epochs:
                callback.say(f"stopped early: no better result in {counted(recipe.patience or 0, 'epoch')}")
        except StopRequested as request:
            stopped = request.number
            keeper.require_finite(session)
            keeper.stop(session, stopped, callback)
    session.tested.eval()
    return stopped


def make_step(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: Schedule,
    recipe: Recipe,
    followers: Sequence[Follower] = (),
    group: Group | None = None,
    precision: Precision | None = None,
    goal: Goal | None = None,
) -> Step:
    """What changes a network's weights as a recipe says.

    Args: network, as `group` made it for training. followers, of the weights. group, the processes that share the
          gradient, where there are more than this one. goal, that of the recipe's task for the data; None where it
          needs to know nothing of them.
    """
    aim = goal or task_of(recipe).start(Targets(""))
    scaler, plain = None if precision is None else precision.scaler, step_of(optimizer)
    rates = [group.setdefault("initial_lr", group["lr"]) for group in optimizer.param_groups]  # torch's name for it
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    processes = 1 if group is None else group.place.size

    def gradient(x: Tensor, y: Tensor, share: float) -> Tensor:
        """Add the gradient of some samples, which count by a share, to the weights'. Returns: their loss and counts."""
        # Where no part of a last batch is this process's, it takes part in the exchange with nothing.
        outputs = network(x) if len(x) else network(x.new_zeros((1, *x.shape[1:])))
        loss = aim.loss(outputs, x, y) if len(x) else total(outputs)
        if share != 1:
            loss = loss * share
        if processes > 1:  # the exchange takes the mean over the processes
            loss = loss * processes
        (loss if scaler is None else scaler.scale(loss)).backward()
        if not aim.counted:
            return loss.detach().view(1)
        counts = aim.count(mapped(torch.Tensor.detach, outputs), y) if len(x) else x.new_zeros(len(aim.counted))
        return torch.cat([loss.detach().view(1), counts * processes if processes > 1 else counts])

    def change(number: int) -> None:
        """Change the weights by the gradient that has added up."""
        if scaler is not None:
            scaler.unscale_(optimizer)
        if recipe.clip is not None:
            clip_grad_norm_(weights, recipe.clip)
        if scaler is None:
            plain()()
        else:  # no step where a scaled gradient ran over: then the scale is lowered
            scaler.step(optimizer)
            scaler.update()
        for follower in followers:
            follower.follow(number)

    def step(number: int, batches: Iterable[tuple[Tensor, Tensor]], sizes: Sequence[int]) -> Tensor:
        factor, losses = schedule(number), []
        for settings, rate in zip(optimizer.param_groups, rates, strict=True):
            settings["lr"] = rate * factor
        optimizer.zero_grad(set_to_none=True)
        for count, (x, y) in enumerate(batches, 1):
            with nullcontext() if group is None or count == len(sizes) else group.no_sync(network):
                losses.append(gradient(x, y, len(x) / sum(sizes)))
        change(number)
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum(0)

    return step


@torch.no_grad()  # not in inference mode: what a layer keeps from there it could not use while it learns
def evaluate(
    model: nn.Module,
    batches: Batches,
    after_batch: Callable[[], None],
    goal: Goal,
    group: Group | None = None,
    outputs: list[Tensor] | None = None,
) -> dict[str, float | None]:
    """The mean loss over a split and what the task measures, in evaluation mode.

    Args:   group, the processes of which each has its part of every batch, where there are more than this one.
            outputs, takes what the network gives for each batch.
    Raises: Problem E618; whatever `after_batch` raises.
    """
    model.eval()
    meter = goal.meter(batches.device)
    with explained():
        for x, y in batches.in_order():
            if len(x):
                meter.update(found := model(x), x, y)
                if outputs is not None:
                    outputs.append(found)
            after_batch()
    return meter.result(len(batches), ALONE if group is None else group)


def _measured(session: Session, keeper: Checkpointer, check: Callable[[], None], started: float) -> Metrics:
    """The measures of the epoch whose steps are done, and the seconds since it started."""
    keeper.require_finite(session)
    session.end_steps()
    for model in dict.fromkeys((session.model, session.tested)):
        session.group.broadcast_buffers(model)
    epoch, trained = session.state.position.epoch + 1, session.state.losses
    measures, losses = trained.means(session.goal.counted), {}
    outputs: list[Tensor] = []
    splits = {"test": session.test} | ({"validation": session.validation} if session.validation else {})
    for split, batches in splits.items():
        kept = outputs if split == "test" and session.keeps_outputs else None
        found = evaluate(session.evaluated, batches, check, session.goal, session.group, kept)
        losses[split] = loss = float(found.pop("loss") or 0)
        measures |= {f"{split}_{name}": value for name, value in found.items()}
        if not math.isfinite(loss):
            raise keeper.not_finite(f"the {split} loss became {loss} in epoch {epoch}")
    seconds = round(perf_counter() - started, 3)
    if session.recipe.exact_evaluation:
        draw_evaluation()
    held_out = losses.get("validation")
    metrics = Metrics(epoch, trained.mean(), losses["test"], seconds, held_out, measures, session.task.best)
    session.keep_outputs(metrics, outputs)
    return metrics
