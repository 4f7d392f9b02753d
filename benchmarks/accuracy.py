"""Accuracy after each epoch: the runner's defaults beside the plain float32 loop, over five seeds.

The plain loop is `--exact`, whose weights are the loop's bit for bit (tests/test_speed.py compares them). Prints mean
and standard deviation over the seeds, and whether the two means lie within the spread. Exact runs see the pictures in
another order, which in the first dozens of steps decides more than anything else: take enough pictures. The runner in
float32 sees them in the order of the runner in its default precision, so that these two differ by precision alone.

    python benchmarks/accuracy.py [--network mnist|lenet] [--data-dir DIR | --data FOLDER] [--epochs 3] [--limit 10000]
        [--seeds 5]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from side_by_side import NETWORKS, Network, machine

from specc.runner.run import train


def accuracies(network: Network, seeds: int, **options: Any) -> list[list[float]]:
    """For each seed the test accuracy after each epoch."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(seeds):
            run = train(network.spec, Path(folder) / str(seed), seed=seed, **options)
            found.append([float(metrics.test_accuracy or 0) for metrics in run.metrics])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=list(NETWORKS), default="mnist")
    parser.add_argument("--data-dir", help="folder of MNIST and CIFAR-10, as torchvision leaves them")
    parser.add_argument("--data", help="a folder of pictures, a folder for each class, in place of the network's own")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--limit", type=int, default=10_000, help="training pictures, and test pictures")
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    network = NETWORKS[given.network]
    options = {"epochs": given.epochs, "limit": given.limit, "device": "cpu", "data": given.data or network.data}
    options["data_dir"] = given.data_dir
    print(machine("specc"))
    columns = {
        "plain loop": accuracies(network, given.seeds, exact=True, **options),
        "specc, fp32": accuracies(network, given.seeds, precision="fp32", **options),
        "specc": accuracies(network, given.seeds, **options),
    }
    print(f"{network.name}, {given.limit:,} pictures, {given.seeds} seeds: test accuracy in %, mean ± deviation")
    apart = 0
    for epoch in range(given.epochs):
        found = {name: [100 * run[epoch] for run in runs] for name, runs in columns.items()}
        plain, ours = found["plain loop"], found["specc"]
        within = abs(statistics.mean(plain) - statistics.mean(ours)) <= max(map(statistics.stdev, (plain, ours)))
        apart += not within
        told = [f"{name} {statistics.mean(each):6.2f} ± {statistics.stdev(each):4.2f}" for name, each in found.items()]
        paired = max(abs(one - other) for one, other in zip(found["specc, fp32"], ours, strict=True))
        verdict = f"{'within' if within else 'NOT within'} the spread; precision alone moves {paired:.2f} at most"
        print(f"  epoch {epoch + 1:>2}  {'   '.join(told)}   {verdict}", flush=True)
    sys.exit(apart > 0)


if __name__ == "__main__":
    main()
