"""`specc check` beside torchinfo, which runs a torch model on meta tensors to learn its shapes.

First as whole processes, as a person waits for them; then inside one process that has imported everything.

    python benchmarks/torchinfo_check.py [--trials 5] [SPEC …]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from time import perf_counter

import torch
from side_by_side import interleaved, machine, table

import specc as package
from specc.pipeline import analyse
from specc.reading import read_source

SPECS = ("gallery:lenet5", "gallery:vgg16", "gallery:resnet50", "gallery:densenet121")
CHECK = "from specc.cli import main; main()"
PRICED = """\
import sys, torch, torchinfo, specc
from specc.pipeline import analyse
from specc.reading import read_source
shape = analyse(read_source(sys.argv[1])).model.input
with torch.device("meta"):
    model = specc.compile(sys.argv[1])
torchinfo.summary(model, (1, *shape), device="meta", verbose=0)
"""


def process(program: str, *arguments: str) -> float:
    started = perf_counter()
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - started


def checked(spec: str) -> float:
    source = read_source(spec)
    started = perf_counter()
    assert analyse(source).ok
    return perf_counter() - started


def run_on_meta(spec: str) -> float:
    """The model is there already; what is timed is to learn its shapes."""
    from torchinfo import summary

    with torch.device("meta"):
        model = package.compile(spec)
    found = analyse(read_source(spec)).model
    assert found is not None
    started = perf_counter()
    summary(model, (1, *found.input), device="meta", verbose=0)
    return perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", nargs="*", default=SPECS)
    parser.add_argument("--trials", type=int, default=5)
    given = parser.parse_args()
    if find_spec("torchinfo") is None:
        sys.exit("torchinfo is not installed: `pip install torchinfo`")
    print(machine("specc", "torchinfo"))
    for spec in given.specs:
        whole = {
            "torchinfo, whole process": partial(process, PRICED, spec),
            "specc check": partial(process, CHECK, "check", spec),
        }
        inside = {"torchinfo, in a process": partial(run_on_meta, spec), "check, in a process": partial(checked, spec)}
        print(f"\n{spec}, {given.trials} trials")
        print(table(interleaved(whole, given.trials), "ms"))
        print(table(interleaved(inside, given.trials), "ms"), flush=True)


if __name__ == "__main__":
    main()
