"""What a reader of a run walks through: the files and functions of specc from the command to the first step.

    python benchmarks/walk.py                          # a run of digits
    python benchmarks/walk.py --data FOLDER --streamed # a folder of class folders, 32x32 pictures

Prints how many files and functions ran before the first `optimizer.step()` returned, by part of the package, which of
these files are long, and how deep specc's own frames stand at the first forward, backward and step.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import tempfile
import threading
from collections import Counter
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import FrameType
from typing import Any

SPEC = "input {}\nconv 8 k3 p1 -> relu -> maxpool 2 -> flatten -> linear {}\ntrain {{ epochs 1 }}\n"
COMPILER = {
    "source",
    "diagnostics",
    "gallery",
    "syntax",
    "reading",
    "layers",
    "ir",
    "recipe",
    "pipeline",
    "fixes",
    "build",
}
RUNNER = {"runner", "train", "tasks", "data", "files"}
LONGEST = 400  # lines
# Where torch is when a forward, a backward and a step begin: a part of a file's path, and a function's name.
MOMENTS = {
    "forward": ("torch/nn/modules/module.py", "_call_impl"),
    "backward": ("torch/autograd/__init__.py", "backward"),
    "step": ("torch/optim/", "step"),
}


class Reached(Exception):
    """The first step was taken: nothing after it is walked."""


class Walk:
    """Every function of the package that was called, and the frames of the package at each moment."""

    def __init__(self, root: Path) -> None:
        self.root = f"{root}{os.sep}"
        self.functions: set[tuple[str, int, str]] = set()
        self.depths: dict[str, list[str]] = {}

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call":
            if code.co_filename.startswith(self.root) and code.co_flags & CO_OPTIMIZED:  # not the body of a class
                self.functions.add((code.co_filename.removeprefix(self.root), code.co_firstlineno, code.co_qualname))
            elif "torch" in code.co_filename:
                self._notice(frame)
        elif event == "return" and code.co_name == MOMENTS["step"][1] and self._is("step", frame):
            raise Reached

    def _notice(self, frame: FrameType) -> None:
        for name in MOMENTS:
            if name not in self.depths and self._is(name, frame):
                self.depths[name] = self._stack(frame)

    @staticmethod
    def _is(name: str, frame: FrameType) -> bool:
        file, function = MOMENTS[name]
        return frame.f_code.co_name == function and file in frame.f_code.co_filename

    def _stack(self, frame: FrameType | None) -> list[str]:
        """The package's own frames, outermost first."""
        found = []
        while frame is not None:
            if frame.f_code.co_filename.startswith(self.root):
                found.append(f"{frame.f_code.co_filename.removeprefix(self.root)}:{frame.f_code.co_qualname}")
            frame = frame.f_back
        return found[::-1]


def walked(arguments: list[str]) -> Walk:
    """Runs `specc train` in this process until its first step is done."""
    import specc
    from specc.cli import main

    walk = Walk(Path(specc.__file__).parent)
    said = io.StringIO()
    threading.setprofile(walk)
    sys.setprofile(walk)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            main(["train", *arguments], standalone_mode=False)
    except Reached:
        return walk
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        if not walk.depths:
            print(said.getvalue(), file=sys.stderr)
    raise AssertionError("the run ended before its first step")


def part_of(file: str) -> str:
    return file.partition(os.sep)[0].removesuffix(".py")


def told(walk: Walk, root: Path, verbose: bool) -> None:
    functions = Counter(file for file, _, name in walk.functions if not name.endswith(">"))  # those with a name
    files = Counter(part_of(file) for file in functions)
    outside = {file: count for file, count in functions.items() if part_of(file) not in COMPILER}
    runner = [file for file in outside if part_of(file) in RUNNER]
    print(f"in all                       {len(functions):4} files {sum(functions.values()):4} functions")
    print(f"outside the compiler         {len(outside):4} files {sum(outside.values()):4} functions")
    print(f"runner, tasks, data, files   {len(runner):4} files {sum(functions[file] for file in runner):4} functions")
    print("by part:", ", ".join(f"{name} {count}" for name, count in files.most_common()))
    long = [file for file in outside if len((root / file).read_text(encoding="utf-8").splitlines()) > LONGEST]
    print(f"over {LONGEST} lines:", ", ".join(long) or "none")
    for name, stack in walk.depths.items():
        print(f"frames at the {name:9}", len(stack), *(["\n  " + "\n  ".join(stack)] if verbose else []))
    if verbose:
        for file in sorted(outside):
            print(f"{outside[file]:4} {file}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spec", help="a spec's file; by default a small network")
    parser.add_argument("--data", default="digits")
    parser.add_argument("--streamed", action="store_true", help="read the pictures while training")
    parser.add_argument("-v", "--verbose", action="store_true", help="name the files and the frames")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(asked.spec or Path(folder) / "net.cnn")
        if asked.spec is None:
            digits = asked.data == "digits"
            text = SPEC.format(*("1x8x8", 10) if digits else ("3x32x32", len(list(Path(asked.data).iterdir()))))
            spec.write_text(text, encoding="utf-8")
        more = ["--in-memory", "off"] if asked.streamed else []
        walk = walked([str(spec), "--data", asked.data, "--out", f"{folder}/run", *more])
    import specc

    told(walk, Path(specc.__file__).parent, asked.verbose)


if __name__ == "__main__":
    main()
