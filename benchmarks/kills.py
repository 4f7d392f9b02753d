"""Kills runs at many moments, continues them, and compares what they leave behind with a run that was never stopped.

    python benchmarks/kills.py [--kills 50] [--seed 0]

The runs differ in their settings, the tasks and sources of data among them: every value of one stands together with
every value of each other one at least once where both can be (what blends classes is for classification, and not every
source has targets for every task; `heads` is a classifier with several outputs, one of them not learned).
A kill comes at a random moment after some checkpoint, inside a write (half of a file is on the disk, or it is whole and
has its name, and nothing after it happened), or inside a line of the metrics; of two processes it takes one or both. A
run is killed once or twice, then continued to its end. `state`, `best` and `last` must be byte-identical, and the
metrics equal but for the seconds. Prints a line for each group of settings, and how many kills there were of each kind.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from itertools import combinations, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

Case = dict[str, Any]

SETTINGS: dict[str, tuple[Any, ...]] = {
    "optimizer": ("adam", "adamw", "sgd", "rmsprop", "muon"),
    "precision": ("fp32", "bf16"),
    "average": (None, 0.9),
    "mixed": ("apart", "mixup", "cutmix"),
    "task": ("classify", "segment", "multilabel", "regress", "reconstruct", "heads"),
    "source": ("folder", "csv", "npz", "tar", "hf"),
    "accumulate": (1, 2),
    "streamed": (False, True),
    "processes": (1, 2),
    "changed": ("little", "warps", "policies", "colours", "cuts"),
}
# Augmentations beside the spec's own, which is a flip.
CHANGED: dict[str, tuple[str, ...]] = {
    "little": (),
    "warps": ("--rotate", "20", "--translate", "0.1", "--zoom", "0.2", "--shear", "10", "--crop", "2",
        "--crop-padding", "reflect"),
    "policies": ("--randaugment", "9", "--trivialaugment", "--flip-vertical"),
    "colours": ("--color-jitter", "0.3", "--hue", "0.1", "--blur", "1", "--cutout", "3", "--erase", "0.5"),
    "cuts": ("--resized-crop", "0.4", "--resize", "8", "--fit", "crop"),
}  # fmt: skip
MIXED = {"apart": (), "mixup": ("--mixup", "0.3"), "cutmix": ("--mixup", "0.3", "--cutmix", "1")}
SPEC = """\
input 3x8x8
conv 8 k3 p1 nobias -> bn -> relu
{end}
train {{ epochs 3 ; batch 8 ; schedule cosine ; lr 0.005 ; checkpoint_steps 4 ; flip ; device cpu ; workers 1 }}
"""
VECTOR = "maxpool 2 -> flatten -> dropout 0.3 -> linear 16 -> relu -> linear"
HEADS = f"early: id -> conv 8 k3 p1 -> relu\noutputs {{ idle: gap | aux: from early -> {VECTOR} 3 | main: {VECTOR} 3 }}"
# How the network of each task ends.
ENDS = {
    "classify": f"{VECTOR} 3", "segment": "dropout2d 0.3 -> conv 2 k1", "multilabel": f"{VECTOR} 2",
    "regress": f"{VECTOR} 1", "reconstruct": "dropout2d 0.3 -> conv 3 k1", "heads": HEADS,
}  # fmt: skip
# What `--data` names of each source, for each task that it has targets for.
DATA = {
    "folder": {"classify": "pictures", "heads": "pictures", "segment": "masked", "reconstruct": "pictures"},
    "csv": {"classify": "classes.csv", "multilabel": "labels.csv", "regress": "numbers.csv",
        "reconstruct": "files.csv"},
    "npz": {task: f"{task}.npz" for task in ENDS if task != "heads"},
    "tar": {task: f"{task}-{{train,test}}.tar" for task in ("classify", "multilabel", "reconstruct")},
    "hf": {task: f"hf:./{task}" for task in ("classify", "multilabel", "regress", "reconstruct")},
}  # fmt: skip
PICTURES = 60  # to train on, of each of three classes
TRIED = 200  # cases among which the one is taken that has the most pairs
APART = ("streamed", "processes", "changed", "mixed", "source")  # settings that are no options by themselves
FILES = ("state.safetensors", "best.safetensors", "last.safetensors")

# Runs in every process of a run before anything of specc is imported; what it does stands in KILL.
HOOK = '''\
"""Ends the process in the middle of what it does, or counts what it writes."""

import json, os, random, signal, stat, sys, threading

asked = json.loads(os.environ.get("KILL", "null"))
first = "0" if os.environ.get("KILL_NPROC") else None
writer = "specc" in " ".join(sys.orig_argv) and os.environ.get("RANK") == first


def related():
    """This process, its parent where that is the launcher, and the parent's other children."""
    if "RANK" not in os.environ:
        return [os.getpid()]
    parent = os.getppid()
    with open(f"/proc/{parent}/task/{parent}/children") as children:
        return [*map(int, children.read().split()), parent]


def kill():
    whom = {"all": related(), "one": [os.getpid()]}.get(asked["whom"]) or related()[1:2]
    with open(asked["told"], "w") as told:
        told.write("killed")
    for process in whom:
        if process != os.getpid():
            os.kill(process, signal.SIGKILL)
    if os.getpid() in whom:
        os.kill(os.getpid(), signal.SIGKILL)


if asked and writer:
    fsync, replace, seen = os.fsync, os.replace, {"fsync": 0, "replace": 0, "append": 0}

    def count(kind):
        seen[kind] += 1
        if asked["how"] == "count":
            with open(asked["told"], "w") as told:
                json.dump(seen, told)
        return asked["how"] == kind and seen[kind] == asked["number"]

    def killing_fsync(handle):
        if stat.S_ISREG(os.fstat(handle).st_mode) and count("fsync"):
            if asked["whom"] != "other":  # a writer that lives on writes the whole file
                os.ftruncate(handle, os.fstat(handle).st_size // 2)
            kill()
        fsync(handle)

    def killing_replace(source, target, **more):
        replace(source, target, **more)
        if count("replace"):
            if asked["delay"]:
                threading.Timer(asked["delay"], kill).start()
            else:
                kill()

    def killing_open(event, arguments):
        if event == "open" and str(arguments[0]).endswith("metrics.jsonl") and str(arguments[1]).startswith("a"):
            if count("append"):
                with open(asked["line"], "a") as file:
                    file.write('{"epoch": 2, "train_l')
                kill()

    os.fsync, os.replace = killing_fsync, killing_replace
    if asked["how"] in ("append", "count"):
        sys.addaudithook(killing_open)
'''


class Kill(NamedTuple):
    """how: "fsync" half-way through a write, "replace" after it, after `delay` seconds, "append" in a line of metrics.

    number: which of these moments of the process. whom: "one", "other" or "all" of the processes.
    """

    how: str
    number: int
    delay: float = 0.0
    whom: str = "one"

    @property
    def kind(self) -> str:
        names = {"fsync": "inside a write", "replace": "between two writes", "append": "inside a line"}
        return "at a random moment" if self.delay else names[self.how]


def can_be(case: Case) -> bool:
    """Whether a source has targets for the task, and classes are blended where there are some."""
    return case["task"] in DATA[case["source"]] and (case["mixed"] == "apart" or case["task"] in ("classify", "heads"))


def pairwise_cases(settings: dict[str, tuple[Any, ...]], chance: random.Random) -> list[Case]:
    """Cases in which every two values of different settings stand together that can; each takes many that are left."""
    every = list(filter(can_be, (dict(zip(settings, values, strict=True)) for values in product(*settings.values()))))
    left = {pair for case in every for pair in pairs_of(case)}
    cases = []
    while left:
        (one, first), (other, second) = chance.choice(sorted(left, key=str))
        able = [case for case in every if case[one] == first and case[other] == second]
        best = max(chance.sample(able, min(len(able), TRIED)), key=lambda case: len(left & pairs_of(case)))
        cases.append(best)
        left -= pairs_of(best)
    return cases


def pairs_of(case: Case) -> set[Any]:
    return set(combinations(case.items(), 2))


class Written(NamedTuple):
    """A sample: its picture, as a place and as pixels, (height, width, 3) of uint8, and what is to be found for it."""

    path: Path
    pixels: Any
    label: int
    labels: tuple[str, ...]
    level: float
    mask: Any


def write_data(folder: Path, chance: random.Random) -> None:
    """Three classes of noise, each of another brightness; which pixels are bright, two labels, and the brightness; in
    each kind of source."""
    noise, parts = np.random.default_rng(chance.randrange(1000)), dict[str, list[Written]]()
    for part, count in (("train", PICTURES), ("test", 20)):
        for label, number in product(range(3), range(count)):
            pixels = noise.integers(50 * label, 50 * label + 120, (8, 8, 3)).astype(np.uint8)
            labels = tuple(name for name, has in (("bright", label > 0), ("brightest", label > 1)) if has)
            path = folder / "pictures" / part / f"class{label}" / f"{number}.png"
            mask = (pixels.mean(2) > 110).astype(np.uint8)
            parts.setdefault(part, []).append(Written(path, pixels, label, labels, float(pixels.mean()), mask))
    for part, samples in parts.items():
        _write_folders(folder, part, samples)
        _write_tars(folder, part, samples)
    _write_tables(folder, parts)
    _write_arrays(folder, parts)
    if find_spec("datasets"):
        _write_hub(folder, parts)


def _write_folders(folder: Path, part: str, samples: list[Written]) -> None:
    for number, sample in enumerate(samples):
        places = [folder / "masked" / part / name / f"{number}.png" for name in ("images", "masks")]
        for path in (sample.path, *places):
            path.parent.mkdir(parents=True, exist_ok=True)
        for path, pixels in zip((sample.path, *places), (sample.pixels, sample.pixels, sample.mask), strict=True):
            Image.fromarray(pixels).save(path)


def _write_tables(folder: Path, parts: dict[str, list[Written]]) -> None:
    columns: dict[str, Callable[[Written], str]] = {
        "label": lambda one: str(one.label), "labels": lambda one: ";".join(one.labels),
        "level": lambda one: f"{one.level:.2f}",
    }  # fmt: skip
    rows = [(part, sample) for part, samples in parts.items() for sample in samples]
    for name, column in (("classes", "label"), ("labels", "labels"), ("numbers", "level"), ("files", None)):
        lines = [",".join(filter(None, ("file", "split", column)))]
        for part, sample in rows:
            fields = [sample.path.relative_to(folder).as_posix(), part]
            lines.append(",".join(fields + ([columns[column](sample)] if column else [])))
        (folder / f"{name}.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")


def _write_arrays(folder: Path, parts: dict[str, list[Written]]) -> None:
    found: dict[str, dict[str, Any]] = {task: {} for task in DATA["npz"]}
    for part, samples in parts.items():
        targets = {
            "classify": np.array([one.label for one in samples]),
            "multilabel": np.array([[name in one.labels for name in ("bright", "brightest")] for one in samples]),
            "regress": np.array([one.level for one in samples], np.float32),
            "segment": np.stack([one.mask for one in samples]),
        }
        for task, arrays in found.items():
            arrays[f"x_{part}"] = np.stack([one.pixels for one in samples])
            if task in targets:
                arrays[f"y_{part}"] = targets[task]
    for task, arrays in found.items():
        np.savez(folder / f"{task}.npz", **arrays)


def _write_tars(folder: Path, part: str, samples: list[Written]) -> None:
    for task in DATA["tar"]:
        with tarfile.open(folder / f"{task}-{part}.tar", "w") as packed:
            for number, sample in enumerate(samples):
                packed.add(sample.path, f"{number:04}.png")
                label = {"classify": sample.label, "multilabel": list(sample.labels)}.get(task)
                if label is not None:
                    content = json.dumps({"label": label}).encode()
                    head = tarfile.TarInfo(f"{number:04}.json")
                    head.size = len(content)
                    packed.addfile(head, io.BytesIO(content))


def _write_hub(folder: Path, parts: dict[str, list[Written]]) -> None:
    import datasets

    datasets.disable_progress_bars()

    kinds: dict[str, tuple[str, Any, Callable[[Written], Any]]] = {
        "classify": ("label", datasets.ClassLabel(names=["dark", "grey", "light"]), lambda one: one.label),
        "multilabel": ("labels", datasets.Sequence(datasets.ClassLabel(names=["bright", "brightest"])),
            lambda one: list(range(len(one.labels)))),
        "regress": ("target", datasets.Value("float32"), lambda one: one.level),
    }  # fmt: skip
    for task in DATA["hf"]:
        tables = {}
        for part, samples in parts.items():
            rows: dict[str, Any] = {"image": [{"bytes": one.path.read_bytes(), "path": None} for one in samples]}
            features: dict[str, Any] = {"image": datasets.Image()}
            if task in kinds:
                column, features_of, value = kinds[task]
                features[column], rows[column] = features_of, [value(one) for one in samples]
            tables[part] = datasets.Dataset.from_dict(rows, features=datasets.Features(features))
        datasets.DatasetDict(tables).save_to_disk(str(folder / task))


class Trials:
    """Runs of one case in a folder."""

    def __init__(self, folder: Path, case: Case) -> None:
        self.folder, self.case, self.runs = folder, case, 0
        self.data = DATA[case["source"]][case["task"]]
        options = {key: value for key, value in case.items() if key not in APART}
        if case["task"] == "heads":
            options |= {"task": "classify", "heads": "main=1,aux=0.3"}
        options["in_memory"] = "off" if case["streamed"] else "on"
        self.options = [
            word for key, value in options.items() if value is not None
            for word in (f"--{key.replace('_', '-')}", str(value))
        ]  # fmt: skip
        self.options += CHANGED[case["changed"]] + MIXED[case["mixed"]]
        if case["processes"] > 1:
            self.options += ["--nproc", str(case["processes"])]

    def whole(self) -> dict[str, int]:
        """Train without a kill. Returns: how often the first process came to each kind of moment."""
        self._specc(["net.cnn", "--data", self.data, "--out", "whole", *self.options], {"how": "count"})
        counts: dict[str, int] = json.loads((self.folder / "told").read_text())
        return counts

    def killed(self, kills: list[Kill]) -> tuple[int, str]:
        """Train, be killed in turn, and go on to the end.

        Returns: how many of the kills came before the end; what is different then, empty if nothing is.
        """
        self.runs += 1
        name, come = f"run{self.runs}", 0
        for kill in kills:
            (self.folder / "told").unlink(missing_ok=True)
            self._start(name, {**kill._asdict(), "line": str(self.folder / name / "metrics.jsonl")}, check=False)
            come += (self.folder / "told").exists()
        self._start(name, None)
        return come, different(self.folder / name, self.folder / "whole")

    def _start(self, name: str, kill: dict[str, Any] | None, *, check: bool = True) -> None:
        if any((self.folder / name / file).exists() for file in ("state.safetensors", "spec.cnn")):
            self._specc(["--resume", name], kill, check=check)
        else:  # killed before the run could be continued: the folder is taken, and another one begins
            for file in (self.folder / name).glob("*") if (self.folder / name).exists() else ():
                file.unlink()
            for file in (self.folder / name).glob(".*") if (self.folder / name).exists() else ():
                file.unlink()
            self._specc(["net.cnn", "--data", self.data, "--out", name, *self.options], kill, check=check)

    def _specc(self, arguments: list[str], kill: dict[str, Any] | None, *, check: bool = True) -> None:
        path = [str(self.folder.parent / "hook"), *filter(None, [os.environ.get("PYTHONPATH")])]
        more = {"PYTHONPATH": os.pathsep.join(path), "OMP_NUM_THREADS": "1"}
        if kill is not None:
            more["KILL"] = json.dumps({"told": str(self.folder / "told"), "whom": "one", "delay": 0, **kill})
            more |= {"KILL_NPROC": "yes"} if self.case["processes"] > 1 else {}
        done = subprocess.run(
            [sys.executable, "-m", "specc", "train", *arguments], cwd=self.folder, env={**os.environ, **more},
            capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        if check and done.returncode:
            raise SystemExit(f"{self.case}: {done.stdout}{done.stderr}")


def different(run: Path, whole: Path) -> str:
    """Which files of two runs are not the same; of the state and the metrics the seconds may differ."""
    found = [name for name in FILES if content(run / name) != content(whole / name)]
    return " ".join(
        found + [name for name in ("metrics.jsonl", "metrics.csv") if rows(run / name) != rows(whole / name)]
    )


def content(path: Path) -> tuple[bytes, Any]:
    """The bytes of a safetensors file behind its header, and the header; the state without its seconds."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    if "specc-state" not in header["__metadata__"]:
        return data, None
    told = json.loads(header["__metadata__"].pop("specc-state"))
    told.pop("seconds")
    told["metrics"] = [without_seconds(row) for row in told["metrics"]]
    return data[start:], (header, told)


def without_seconds(row: Any) -> Any:
    """An epoch's measures but for how long it took."""
    if isinstance(row, list):
        return row[:4] + row[5:]
    return {key: value for key, value in row.items() if key != "seconds"}


def rows(path: Path) -> list[Any]:
    lines = path.read_text(encoding="utf-8").splitlines()
    if path.suffix == ".jsonl":
        return [without_seconds(json.loads(line)) for line in lines]
    names = lines[0].split(",")
    return [names, *(without_seconds(dict(zip(names, line.split(","), strict=True))) for line in lines[1:])]


def some_kill(counts: dict[str, int], case: Case, chance: random.Random) -> Kill:
    """A kill at one of the moments that a whole run has."""
    how, delay = chance.choice(
        [("fsync", 0.0), ("replace", 0.0), ("replace", chance.uniform(0.001, 0.05)), ("append", 0.0)]
    )
    whom = chance.choice(("one", "other", "all")) if case["processes"] > 1 else "one"
    return Kill(how, chance.randint(1, counts[how]), delay, whom)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0, help="of the settings and the moments")
    parser.add_argument("--cases", type=int, help="no more than so many groups of settings")
    parser.add_argument("--skip", type=int, default=0, help="leave out so many groups of settings, the first ones")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    settings = SETTINGS if find_spec("datasets") else {**SETTINGS, "source": SETTINGS["source"][:-1]}
    cases = pairwise_cases(settings, chance)[given.skip :][: given.cases]
    kinds: Counter[str] = Counter()
    runs = same = 0
    print("  ".join(SETTINGS), " kills  runs  the same")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "hook").mkdir()
        (folder / "hook" / "sitecustomize.py").write_text(HOOK)
        for number, case in enumerate(cases):
            share = (given.kills - sum(kinds.values()) + len(cases) - number - 1) // (len(cases) - number)
            (folder / str(number)).mkdir()
            (folder / str(number) / "net.cnn").write_text(SPEC.format(end=ENDS[case["task"]]))
            write_data(folder / str(number), chance)
            trials = Trials(folder / str(number), case)
            counts, come, done, equal, wrong = trials.whole(), 0, 0, 0, []
            while come < share:
                kills = [some_kill(counts, case, chance) for _ in range(min(chance.choice((1, 1, 2)), share - come))]
                reached, difference = trials.killed(kills)
                kinds.update(kill.kind for kill in kills[:reached])
                come, done, equal = come + reached, done + 1, equal + (not difference)
                wrong += [f"  {kills}: {difference}"] if difference else []
            runs, same = runs + done, same + equal
            print(
                "  ".join(f"{value!s:{len(key)}}" for key, value in case.items()),
                f" {come:5}  {done:4}  {equal:8}",
                flush=True,
            )
            print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{sum(kinds.values())} kills ({', '.join(f'{count} {kind}' for kind, count in kinds.most_common())})")
    print(f"{same} of {runs} runs ended with the same bytes")
    sys.exit(same != runs)


if __name__ == "__main__":
    main()
