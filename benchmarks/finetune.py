"""What weights of another run are worth: few pictures of each digit from 5 to 9, from scratch and from a run on 0 to 4.

    python benchmarks/finetune.py --data-dir DIR [--pictures 20] [--seeds 5]

DIR holds `MNIST/raw`. Prints the accuracy on 500 test pictures of each class after the last epoch, for each seed: from
scratch, from the other run's weights, and from these with the convolutions frozen.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torchvision.datasets import MNIST

import specc

SPEC = """\
input 1x28x28
stem: conv 16 k3 p1 nobias -> bn -> relu -> maxpool 2
body: { conv 32 k3 p1 nobias -> bn -> relu } x2
maxpool 2 -> flatten -> dropout 0.25 -> linear 64 -> relu -> linear 5
"""
WAYS: dict[str, dict[str, Any]] = {
    "from scratch": {},
    "from digits 0 to 4": {"from_weights": "first"},
    "the same, convolutions frozen": {"from_weights": "first", "freeze": "stem,bn1,body"},
}


def folders(data: MNIST, digits: Iterable[int], part: Path, count: int) -> None:
    """So many pictures of each digit, in class folders."""
    for digit in digits:
        folder = part / str(digit)
        folder.mkdir(parents=True)
        chosen = data.data[data.targets == digit][:count]
        for number, pixels in enumerate(np.asarray(chosen)):
            Image.fromarray(pixels).save(folder / f"{number:04}.png")


def accuracy(data: str, out: str, seed: int, epochs: int, settings: dict[str, Any]) -> float:
    run = specc.train(SPEC, out, data=data, seed=seed, epochs=epochs, batch=20, normalize=True, **settings)
    return float(run.metrics[-1].row()["test_accuracy"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=20, help="of each digit, to train on")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    train, test = (MNIST(options.data_dir, train=part) for part in (True, False))
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for data, digits, count in (("others", range(5), 1000), ("few", range(5, 10), options.pictures)):
            folders(train, digits, place / data / "train", count)
            folders(test, digits, place / data / "test", 500)
        first = str(place / "first")
        print(f"torch {torch.__version__}; digits 0 to 4: {accuracy(str(place / 'others'), first, 0, 3, {}):.2%}")
        for way, settings in WAYS.items():
            own = {key: first if value == "first" else value for key, value in settings.items()}
            found = [
                accuracy(str(place / "few"), str(place / f"{way}-{seed}"), seed, 30, own)
                for seed in range(options.seeds)
            ]
            each = "  ".join(f"{share:.1%}" for share in found)
            print(f"{way:30} mean {statistics.mean(found):.1%}   {each}")


if __name__ == "__main__":
    main()
