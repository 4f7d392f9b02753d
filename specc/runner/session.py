"""What a run is made of, built from a checked spec, a data set and a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from torch import nn

from specc.build.compile import build
from specc.build.known import is_known
from specc.data.augment import augmentation_of
from specc.data.batches import Batches, Scaling, Shard, given_scaling, scaling_of
from specc.data.fit import require_augmentable
from specc.data.identity import DataDescription
from specc.data.images import Images, Streamed, usable_cores
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import called, counted
from specc.recipe.augmentations import asked_of
from specc.recipe.optimizers import idle
from specc.runner.averages import Follower, average_of, lookahead_of, renew_statistics
from specc.runner.callbacks.base import Epoch
from specc.runner.cpu.door import arranged
from specc.runner.cpu.process import keep_pages
from specc.runner.device import compiled, explained, seed_everything, seed_shard
from specc.runner.metrics import Metrics, best_of
from specc.runner.optim import Parts, Schedule, make_optimizer, make_schedule, optimizer_note
from specc.runner.parts import Frozen, frozen_layers, leave_alone, stopping_layers, weight_factors
from specc.runner.precision import Forward, Precision, choose_precision, lay_out
from specc.runner.pretrained import Pretrained, begin_with
from specc.runner.state import Losses, Position, State
from specc.runner.whiten import whiten
from specc.tasks.registry import task_of

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

    from specc.data.load import Dataset
    from specc.ir.shaped import ShapedModel
    from specc.recipe.recipe import Recipe
    from specc.runner.distributed.world import Group
    from specc.tasks.task import Goal

# Evaluation is fastest in this range; it needs less memory than training with the same batch.
EVALUATION_BATCH = (64, 512)
MOST_KEPT = 64 << 20  # bytes of outputs; to compute them anew takes a pass over the test part
RECENT = 50  # steps whose mean loss a bar shows
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class StepParts(NamedTuple):
    """What a step of training works with, see `loop.make_step`."""

    network: nn.Module
    optimizer: Optimizer
    schedule: Schedule
    recipe: Recipe
    followers: Sequence[Follower]
    group: Group
    precision: Precision
    goal: Goal


class Session:
    """What a run is made of: the network, what trains it, the batches, and the state of all that training changes.

    model:     the network under the names of the spec; network: the same as it is trained.
    frozen:    what in it is not trained, or not yet.
    evaluated: the network that is tested, as it is run.
    trained:   what `loop.make_step` makes a step of; goal: what training makes small and a test measures.
    group:     the processes that train together, of which this is one.
    adopted_after: finished epochs that are those of another network or other data.
    """

    def __init__(
        self, shaped: ShapedModel, dataset: Dataset, recipe: Recipe, group: Group, *, begins: bool = True
    ) -> None:
        """Build the network from the recipe's seed and put it and the pictures on the device.

        Args:   begins, whether the weights are those that a run begins with; where others come, none are made from the
                pictures.
        Raises: Problem E605, E617, E618.
        """
        self.recipe, self.dataset, self.group, self.device = recipe, dataset, group, (device := group.device)
        self.task, self.adopted_after = task_of(recipe), 0
        self.goal = self.task.start(dataset.targets)
        order = seed_everything(recipe.seed, device)
        require_one(recipe, group)
        if device.type == "cpu":
            keep_pages()
        with explained():
            self.model = build(shaped).to(device)
            leave_alone(self.model, shaped, self.task)
            stops = stopping_layers(shaped, recipe.freeze_after or "")
            frozen = frozen_layers(shaped, recipe.freeze or "")
            self.frozen = Frozen(self.model, frozen, recipe.unfreeze_after, stops)
            self.precision = choose_precision(recipe, device, known=is_known(self.model))
            self._load_pictures()
            if begins:
                whiten(self.model, shaped, partial(self.train.some, seed=recipe.seed))
        self.train.skip_single = any(isinstance(module, NORMS) for module in self.model.modules())
        lay_out(self.model, dataset.sample, recipe, device)
        parts = Parts(weight_factors(self.model, shaped, recipe), self.frozen.later)
        optimizer = make_optimizer(self.model, recipe, parts)
        self.frozen.stand(0)
        self.average = average_of(self.model, recipe)
        self.lookahead = lookahead_of(self.model, recipe, recipe.steps(len(self.train.steps)))
        losses = Losses([sum(parts) for parts in self.train.steps], Position(), group, len(self.goal.counted))
        self.state = State(self.model, self.average, self.lookahead, optimizer, self.precision, order, losses, recipe)
        self.shaped = shaped
        self.outputs: tuple[int, list[Tensor]] = (0, [])  # of the best epoch, for the test part
        self.schedule = make_schedule(recipe, len(self.train.steps), lambda: [one.score for one in self.finished])
        self._arrange()
        self.evaluated = self._forward(self.tested)
        seed_shard(recipe.seed, group.place.rank, device)

    def _arrange(self) -> None:
        """Make the network ready to be trained, as far as it learns now."""
        recipe, group, state = self.recipe, self.group, self.state
        network = compiled(self._forward(self.model), recipe, self.device)
        self.network = group.parallel(network)
        self.trained = StepParts(
            self.network, state.memory.optimizer, self.schedule, recipe,
            [one for one in (self.lookahead, self.average) if one is not None], group, self.precision, self.goal,
        )  # fmt: skip
        group.settle(self.network, self.dataset.sample)

    def reach(self, epoch: int) -> None:
        """Let learn what learns after so many epochs."""
        if self.frozen.stand(epoch):
            self._arrange()

    @property
    def steps(self) -> list[list[int]]:
        """The sizes of the batches of each step of the running epoch; the last epoch may have but some."""
        whole = self.train.steps
        return whole[: self.recipe.steps(len(whole)) - self.state.position.epoch * len(whole)]

    @property
    def finished(self) -> list[Metrics]:
        """The finished epochs that are those of this network and these data."""
        return self.state.position.metrics[self.adopted_after :]

    def _forward(self, model: nn.Module) -> Forward:
        return Forward(model, self.precision, arranged(model))

    @property
    def keeps_outputs(self) -> bool:
        """Whether what the network gives for the test part is kept until a better epoch, for the report at the end."""
        gives = self.shaped.gives
        values = sum(map(prod, gives.values())) if isinstance(gives, dict) else prod(gives)
        return self.group.place.size == 1 and 4 * len(self.dataset.test) * values <= MOST_KEPT

    def keep_outputs(self, metrics: Metrics, outputs: list[Tensor]) -> None:
        """Keep what the network gives for each test batch where an epoch that has just ended is the best one so far."""
        if best_of([*self.finished, metrics]) is metrics:
            self.outputs = metrics.epoch, outputs

    def outputs_of(self, epoch: int) -> list[Tensor] | None:
        """Those that are kept, where they are an epoch's."""
        return self.outputs[1] if self.outputs[0] == epoch else None

    def close(self) -> None:
        """End what reads beside this thread, once nothing is read any more."""
        self.dataset.train.close()

    @property
    def tested(self) -> nn.Module:
        """The network that is evaluated and kept: the moving average where there is one."""
        return self.model if self.average is None else self.average.model

    @cached_property
    def description(self) -> DataDescription:
        """What the weights say of the samples."""
        return self.dataset.described(self.test.scaling)

    def epoch(self) -> Epoch:
        """The running epoch, as a callback is told of it."""
        recipe, place, losses = self.recipe, self.state.position, self.state.losses
        samples = recipe.batch * recipe.accumulate
        steps = len(self.steps)
        return Epoch(place.epoch + 1, recipe.whole_epochs, steps, place.step, samples, lambda: losses.recent(RECENT))

    def summary(self) -> str:
        """Data and recipe in one line."""
        data, recipe = self.dataset, self.recipe
        said = recipe.optimizer_arguments()
        arguments = ", ".join(f"{name}={value}" for name, value in said.items() if value and name not in idle(said))
        left_out = len(data.train) - sum(self.train.sizes)
        note = f"; each epoch leaves out {_last(left_out, called(data.sample))}" if left_out else ""
        note += self._crowd()
        held_out = f", {len(data.validation):,} validation" if data.validation else ""
        note += f"; {data.note}" if data.note else ""
        remark = optimizer_note(self.model, recipe)
        note += f"; {remark}" if remark else ""
        note += "; as many samples of each class" if recipe.sampling == "balanced" else ""
        note += f"; heads {recipe.heads}" if recipe.heads else ""
        note += self._augmented()
        return (
            f"{data.name}: {len(data.train):,} training{held_out} and {len(data.test):,} test {called(data.sample)}s, "
            f"{data.survey.targets._replace(names=data.classes)}; {recipe.optimizer}({arguments}), "
            f"{recipe.schedule} rate, batch {recipe.batch}, "
            f"seed {recipe.seed}, {self.device}, {self.precision.name}{note}"
        )

    def _augmented(self) -> str:
        """What is augmented; a remark where numbers, which may be places in a picture, stay as they are."""
        asked = asked_of(self.recipe)
        note = f"; augmented: {', '.join(map(str, asked))}" if asked else ""
        moving = [one.setting for one in asked if one.moves] if self.task.target == "numbers" else []
        if not moving:
            return note
        verb = "moves" if len(moving) == 1 else "move"
        return f"{note}; {' and '.join(moving)} {verb} the picture, and its numbers stay"

    def _crowd(self) -> str:
        """A remark where more processes read pictures than there are cores."""
        workers, cores = self.recipe.workers or 0, usable_cores()
        if workers <= cores or not isinstance(self.dataset.train, Streamed):
            return ""
        return f"; {workers} processes read the pictures, on {counted(cores, 'core')}"

    def begin_with(self, found: Pretrained, shaped: ShapedModel) -> str:
        """Take what fits of weights from elsewhere. Returns: what was taken, in a line. Raises: Problem E636."""
        line = begin_with(found, self.model, shaped, self.dataset.classes)
        self.state.follow_weights()
        return line

    def end_steps(self) -> None:
        """The steps of the running epoch are done: what is tested follows, where it follows whole epochs."""
        epoch = self.state.position.epoch + 1
        if self.average is not None and self.average.end_epoch(epoch):
            kept = self.frozen.layers(epoch - 1)
            norms = [module for name, module in self.average.model.named_modules() if name not in kept]
            renew_statistics(self.evaluated, norms, self.train)

    def start_training(self) -> StepParts:
        """Training mode, but for what is frozen: its normalisations go on using the statistics that they have.

        Returns: what the steps of the epoch are made of.
        """
        epoch = self.state.position.epoch
        self.reach(epoch)
        self.network.train()
        for layer in self.frozen.layers(epoch):
            self.model.get_submodule(layer).eval()
        return self.trained

    def _scaling(self, images: Images) -> Scaling | None:
        recipe = self.recipe
        if not recipe.normalize:
            return None
        if recipe.mean is None or recipe.deviation is None:
            return scaling_of(images)
        return given_scaling(recipe.mean, recipe.deviation, images.sample)

    def _load_pictures(self) -> None:
        dataset, recipe = self.dataset, self.recipe
        augmentation = augmentation_of(recipe, len(dataset.classes), masks=self.task.moves)
        require_augmentable(dataset.name, dataset.sample, recipe)  # a package's may be other than its entry says
        data = self.dataset = dataset.on(self.device, recipe.workers)
        scaling = self._scaling(data.train)
        low, high = EVALUATION_BATCH
        shard = Shard(self.group.place.rank, self.group.place.size)
        size = shard.parts * min(max(recipe.batch // shard.parts, low), high)

        def tested(images: Images) -> Batches:
            return Batches(images, size, scaling, shard=shard)

        self.train = Batches(
            data.train, recipe.batch, scaling,
            augmentation=augmentation, accumulate=recipe.accumulate, drop_last=recipe.drop_last, shard=shard,
            balanced=recipe.sampling == "balanced",
        )  # fmt: skip
        self.test = tested(data.test)
        self.validation = None if data.validation is None else tested(data.validation)


def require_one(recipe: Recipe, group: Group) -> None:
    """Raise Problem E652 where an exact run has several processes."""
    if recipe.exact and group.place.size > 1:
        raise Problem.of("E652", f"`exact` gives the result of a single process, and this run has {group.place.size}",
            help="leave out `--exact`: several processes add up their gradients in a different order")  # fmt: skip


def _last(count: int, noun: str) -> str:
    return f"its last {noun}, which would be a batch of one" if count == 1 else f"its last {count} {noun}s"
