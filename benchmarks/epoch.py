"""An epoch of specc beside the same epoch by others: the same network, pictures, batch and optimizer.

The loop of lectures is the measure: a torchvision data set with `ToTensor` for each picture, a `DataLoader` without
workers, float32, Adam, a running sum of `loss.item()`. Then Lightning, skorch and Keras on torch, where they are
installed. Evaluation is measured too. Without --data-dir the pictures are random, which takes the same time.

    python benchmarks/epoch.py [--network mnist|lenet] [--samples 6400] [--data-dir DIR]
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from typing import Any, NamedTuple

from side_by_side import (
    NETWORKS,
    Network,
    add_options,
    add_training_options,
    apply_options,
    clock,
    interleaved,
    machine,
    pictures,
    table,
)

os.environ["KERAS_BACKEND"] = "torch"  # before keras is imported

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.transforms import ToTensor

from specc.data.images import Images
from specc.data.load import Dataset
from specc.pipeline import analyse
from specc.recipe.recipe import Recipe
from specc.runner.cpu.process import claim
from specc.runner.distributed.world import Group
from specc.runner.loop import evaluate, make_step
from specc.runner.session import Session
from specc.source import Source

RATE = 1e-3


class Pictures(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """Pictures as torchvision's data sets give them: from an array to Pillow to `ToTensor`, one by one."""

    def __init__(self, split: Images) -> None:
        self.arrays = split.x.permute(0, 2, 3, 1).squeeze(-1).contiguous().numpy()
        self.labels = split.y.tolist()
        self.transform = ToTensor()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.arrays[index])), self.labels[index]


class Task(NamedTuple):
    network: Network
    data: Dataset
    batch: int

    @property
    def train(self) -> Images:
        return self.data.train

    @property
    def test(self) -> Images:
        return self.data.test

    @property
    def loader(self) -> DataLoader[tuple[Tensor, int]]:
        return DataLoader(Pictures(self.train), self.batch, shuffle=True)

    def model(self) -> nn.Sequential:
        torch.manual_seed(0)
        return nn.Sequential(*self.network.layers())


def lecture(task: Task) -> float:
    """The loop that lectures show."""
    model, loader, criterion = task.model(), task.loader, nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    started, total = clock(), 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return clock() - started


def lecture_evaluates(task: Task) -> float:
    model = task.model().eval()
    loader = DataLoader(Pictures(task.test), task.batch)
    started, right = clock(), 0
    with torch.no_grad():
        for images, labels in loader:
            right += int((model(images).argmax(1) == labels).sum().item())
    return clock() - started


def session_of(task: Task, **options: Any) -> Session:
    analysis = analyse(Source("net.cnn", task.network.spec))
    assert analysis.model is not None
    claim()  # each way has a process of its own, as `specc train` has
    recipe = Recipe(batch=task.batch, lr=RATE, **options)
    return Session(analysis.model, task.data, recipe, Group(torch.device("cpu")))


def specc(task: Task, **options: Any) -> float:
    session = session_of(task, **options)
    step = make_step(*session.trained)
    started = clock()
    session.network.train()
    stream = session.train.shuffled(session.state.sampler.begin(0))
    for number, parts in enumerate(session.train.steps):
        session.state.losses.values[number] = step(number, islice(stream, len(parts)), parts)
    return clock() - started


def specc_evaluates(task: Task, **options: Any) -> float:
    session = session_of(task, **options)
    started = clock()
    evaluate(session.evaluated, session.test, lambda: None, session.goal)
    return clock() - started


def lightning(task: Task) -> float:
    import logging

    package = import_module("lightning")

    warnings.simplefilter("ignore")  # its advice to use workers
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(package.LightningModule):  # type: ignore[misc, name-defined] # a package that may be absent
        def __init__(self) -> None:
            super().__init__()
            self.network, self.criterion = task.model(), nn.CrossEntropyLoss()

        def training_step(self, batch: Any, index: int) -> Tensor:
            images, labels = batch
            loss: Tensor = self.criterion(self.network(images), labels)
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=RATE)

    trainer = package.Trainer(
        max_epochs=1, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    module, loader = Module(), task.loader
    started = clock()
    trainer.fit(module, loader)
    return clock() - started


def skorch(task: Task) -> float:
    classifier = import_module("skorch").NeuralNetClassifier(
        task.model(), criterion=nn.CrossEntropyLoss, optimizer=torch.optim.Adam, lr=RATE, max_epochs=1,
        batch_size=task.batch, iterator_train__shuffle=True, train_split=None, verbose=0,
    ).initialize()  # fmt: skip
    data = Pictures(task.train)
    started = clock()
    classifier.partial_fit(data, y=None)
    return clock() - started


def keras(task: Task) -> float:
    """Its pictures are in memory, as floats; Keras has no other usual way for them."""
    package = import_module("keras")
    package.config.set_image_data_format("channels_first")
    layers = package.layers
    steps: list[Any] = [package.Input(task.network.shape)]
    for module in task.network.layers():
        if isinstance(module, nn.Conv2d):
            padding = "same" if module.padding[0] else "valid"
            steps.append(layers.Conv2D(module.out_channels, module.kernel_size[0], padding=padding))
        elif isinstance(module, nn.MaxPool2d):
            steps.append(layers.MaxPooling2D(2))
        elif isinstance(module, nn.Linear):
            steps.append(layers.Dense(module.out_features))
        else:
            steps.append(layers.Flatten() if isinstance(module, nn.Flatten) else layers.ReLU())
    model = package.Sequential(steps)
    loss = package.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(package.optimizers.Adam(RATE), loss)
    images, labels = (part.numpy() for part in (task.train.x.float().div(255), task.train.y))
    started = clock()
    model.fit(images, labels, batch_size=task.batch, epochs=1, verbose=0)
    return clock() - started


RIVALS: dict[str, Callable[[Task], float]] = {"lightning": lightning, "skorch": skorch, "keras": keras}


def installed(name: str) -> bool:
    if find_spec(name) is None:
        print(f"  {name} is left out: `pip install {name}` would let it take part")
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_training_options(parser)
    parser.add_argument("--without", default="", metavar="NAMES", help=f"rivals to leave out: {','.join(RIVALS)}")
    add_options(parser)
    given = parser.parse_args()
    apply_options(given)
    rivals = {name: way for name, way in RIVALS.items() if name not in given.without.split(",") and installed(name)}
    print(machine("specc", "torchvision", *RIVALS))
    for network in [NETWORKS[given.network]] if given.network else NETWORKS.values():
        task = Task(network, pictures(network, given.samples, given.data_dir), given.batch)
        tested = len(task.data.test)
        ways = {"the loop of lectures": partial(lecture, task)}
        ways |= {name: partial(way, task) for name, way in rivals.items()}
        ways |= {"specc": partial(specc, task), "specc --precision fp32": partial(specc, task, precision="fp32")}
        ways |= {"specc --exact": partial(specc, task, exact=True)}
        print(f"\n{network.name}, {task.data.name}: an epoch of {given.samples:,}, batch {given.batch}, Adam; ", end="")
        print(f"{given.trials} trials; auto is {session_of(task).precision.name}")
        print(table(interleaved(ways, given.trials)), flush=True)
        ways = {"the loop of lectures": partial(lecture_evaluates, task), "specc": partial(specc_evaluates, task)}
        ways["specc --precision fp32"] = partial(specc_evaluates, task, precision="fp32")
        print(f"evaluation of {tested:,}")
        print(table(interleaved(ways, given.trials)), flush=True)


if __name__ == "__main__":
    main()
