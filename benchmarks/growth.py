"""How time grows with layers, samples, batch and processes: each should grow in a line, or stay.

Prints medians.

    python benchmarks/growth.py [--only layers|samples|batch|processes]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from epoch import Task, specc
from side_by_side import NETWORKS, machine, pictures

from specc.diagnostics.amounts import in_bytes
from specc.pipeline import analyse
from specc.source import Source

MNIST = NETWORKS["mnist"]


def layers() -> None:
    """`specc check` in this process, on chains of convolutions."""
    print("\nlayers: seconds to check a chain, microseconds for each layer, the most memory so far")
    for count in (10, 100, 1000, 10_000, 100_000):
        text = "input 3x32x32\n" + "conv 8 k3 p1 -> relu\n" * (count // 2)
        times = []
        for _ in range(3):
            started = perf_counter()
            assert analyse(Source("chain.cnn", text)).ok
            times.append(perf_counter() - started)
        middle = statistics.median(times)
        most = in_bytes(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        print(f"  {count:>7,}  {middle:8.4f} s  {1e6 * middle / count:8.1f} µs  {most:>9}", flush=True)


def samples() -> None:
    print("\nsamples: seconds of an epoch of the MNIST CNN, batch 128, and samples per second")
    for count in (1280, 2560, 5120, 10240):
        task = Task(MNIST, pictures(MNIST, count, None), 128)
        specc(task)
        middle = statistics.median(specc(task) for _ in range(3))
        print(f"  {count:>7,}  {middle:8.3f} s  {count / middle:8,.0f}/s", flush=True)


def batch() -> None:
    print("\nbatch: samples per second of the MNIST CNN, training and evaluation, and memory")
    for size in (8, 32, 128, 512, 2048):
        found = benched("--batch", str(size))
        rates = f"{found['samples_per_second']:>9,.0f}/s {found['evaluated_per_second']:>9,.0f}/s"
        print(f"  {size:>7,}  {rates}  {found['memory_bytes'] / 1e6:6,.0f} MB", flush=True)


def benched(*arguments: str) -> dict[str, float]:
    """`specc bench --json`, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "net.cnn"
        spec.write_text(MNIST.spec)
        command = [sys.executable, "-m", "specc", "bench", str(spec), "--seconds", "3", "--json", *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found: dict[str, float] = json.loads(done.stdout)
        return found


def processes() -> None:
    """Seconds of an epoch of digits with a larger network: processes share its cores, so that two cores gain nothing
    by two processes; what is told is what sharing costs."""
    print("\nprocesses: seconds of the last of two epochs, 1,438 digits, batch 128, on the cores of this machine")
    text = "input 1x8x8\nconv 64 k3 p1 -> relu\nconv 64 k3 p1 -> relu\nflatten -> linear 10\n"
    for count in (1, 2):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "net.cnn").write_text(text)
            command = [sys.executable, "-m", "specc", "train", "net.cnn", "--data", "digits", "--epochs", "2"]
            command += ["--batch", "128", "--device", "cpu", "--out", "run", "--nproc", str(count)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)
            last = (folder / "run" / "metrics.jsonl").read_text().splitlines()[-1]
            print(f"  {count:>7}  {json.loads(last)['seconds']:8.2f} s", flush=True)


PARTS: dict[str, Callable[[], None]] = {"layers": layers, "samples": samples, "batch": batch, "processes": processes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=list(PARTS))
    only = parser.parse_args().only
    print(machine("specc"))
    for name, part in PARTS.items():
        if only in (None, name):
            part()


if __name__ == "__main__":
    main()
