"""Exports every spec of the gallery to Python, ONNX and pt2, and prints the largest difference of each output.

    python benchmarks/export_gallery.py [--full] [NAME …]

Networks for large pictures run on 64×64 ones, or the smallest that they take; `--full` runs them on their own input.
A difference of 0 means equal to the bit. Python is compared in evaluation and in training mode, with the initial
weights that it makes itself from the same seed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import torch
from exported import made

from specc.build.compile import build
from specc.emit.program.compared import Given, by_name
from specc.emit.program.onnx import write_onnx
from specc.emit.program.pt2 import write_pt2
from specc.emit.python.program import write_python
from specc.exchange.export import network_of
from specc.gallery import entry, names
from specc.ir.shaped import ShapedModel
from specc.pipeline import analyse

LARGE = 128  # pixels; networks for larger pictures run on smaller ones
SIDES = (64, 96, 128, 224)


def checked(name: str, *, full: bool) -> ShapedModel:
    """A spec of the gallery on the smallest picture that it takes, or on its own."""
    source = entry(name).source
    own = analyse(source).model
    assert own is not None
    if full or len(own.input) != 3 or own.input[1] <= LARGE:
        return own
    for side in SIDES:
        small = analyse(source, (own.input[0], side, side)).model
        if small is not None:
            return small
    return own


def python_difference(model: ShapedModel) -> float:
    """The largest difference of outputs and of initial weights, each made from the same seed."""
    torch.manual_seed(0)
    ours = build(model)
    torch.manual_seed(0)
    theirs = made(write_python(model))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    pairs = list(zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True))
    x = torch.rand(2, *model.input)
    with torch.no_grad():
        for training in (False, True):
            outputs = []
            for network in (ours, theirs):
                torch.manual_seed(1)
                outputs.append(network.train(training)(x))
            left, right = map(by_name, outputs)
            assert left.keys() == right.keys()
            pairs += [(left[name], right[name]) for name in left]
    return max(float((left - right).abs().max()) if left.numel() else 0.0 for left, right in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--full", action="store_true", help="run every network on its own input")
    arguments = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{'spec':34} {'input':>11} {'python':>9} {'onnx':>9} {'pt2':>9} {'seconds':>8}")
    worst = [0.0, 0.0, 0.0]
    for name in arguments.names or names():
        started = perf_counter()
        model = checked(name, full=arguments.full)
        network = network_of(model, None)
        text = model.source.text
        found = [
            python_difference(model),
            write_onnx(network, Given(model.input), {"spec": text}).difference,
            write_pt2(network, Given(model.input), {"spec": text}).difference,
        ]
        worst = [max(pair) for pair in zip(worst, found, strict=True)]
        shape = "x".join(map(str, model.input))
        cells = " ".join(f"{difference:9.1e}" for difference in found)
        print(f"{name:34} {shape:>11} {cells} {perf_counter() - started:8.1f}", flush=True)
    print(f"{'largest':46} " + " ".join(f"{difference:9.1e}" for difference in worst))


if __name__ == "__main__":
    main()
