"""A training leaves the process that called it as it was; what changes a process the command line alone does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from specc.runner.cpu import process

NET = "input 1x8x8\nconv 4 k3 p1 -> relu -> maxpool 2 -> flatten -> linear 10\n"

# What one process sees of itself. torch and its compiler change some of it when they are imported, so they are here
# before the first look.
SNAPSHOT = """
import ctypes, gc, hashlib, json, locale, logging, os, random, signal, sys, threading, warnings
import numpy, torch, torch._dynamo

def fresh_blocks():  # of 64 MB: more than glibc ever keeps by itself
    if not hasattr(ctypes.CDLL(None), "mallinfo2"):
        return None
    libc = ctypes.CDLL(None)
    class Info(ctypes.Structure):
        _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks a b c d e f".split()]
    libc.mallinfo2.restype, libc.malloc.restype, libc.free.argtypes = Info, ctypes.c_void_p, [ctypes.c_void_p]
    before = libc.mallinfo2().hblks
    block = libc.malloc(ctypes.c_size_t(64 << 20))
    found = libc.mallinfo2().hblks - before
    libc.free(block)
    return found

def digest(value):
    return hashlib.sha256(repr(value).encode()).hexdigest()

def flags(module):
    names = [name for name in dir(module) if not name.startswith("_")]
    return {name: value for name in names if isinstance(value := getattr(module, name), (bool, int, str))}

def snapshot():
    b = torch.backends
    return {
        "environment": dict(os.environ), "folder": os.getcwd(), "path": list(sys.path),
        "locale": locale.setlocale(locale.LC_ALL),
        "signals": {str(s): repr(signal.getsignal(s)) for s in signal.valid_signals()},
        "collector": [gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()],
        "warnings": [repr(one) for one in warnings.filters],
        "logging": [logging.root.level, repr(logging.root.handlers), logging.root.manager.disable,
            logging.lastResort.level, len(logging.getLogger("torch").handlers)],
        "hooks": [repr(sys.excepthook), repr(threading.excepthook), repr(sys.displayhook), sys.getrecursionlimit()],
        "streams": [id(sys.stdout), id(sys.stderr), id(sys.stdin)],
        "threads": sorted(t.name for t in threading.enumerate()),
        "random": [digest(random.getstate()), digest(numpy.random.get_state()), digest(torch.get_rng_state().tolist())],
        "torch": [torch.get_num_threads(), torch.get_num_interop_threads(), str(torch.get_default_dtype()),
            torch.is_grad_enabled(), torch.are_deterministic_algorithms_enabled(), torch.get_float32_matmul_precision(),
            torch.is_autocast_enabled("cpu"), str(torch.get_default_device()),
            torch.multiprocessing.get_sharing_strategy(),
            torch.multiprocessing.get_start_method(allow_none=True), torch.autograd.is_multithreading_enabled()],
        "backends": [flags(one) for one in (b.cudnn, b.mkldnn, b.mkl, b.openmp, b.cuda.matmul, b.mps)],
        "optimizers": {name: getattr(method, "__wrapped__", method) is getattr(
            getattr(method, "__wrapped__", method), "__dynamo_disable", None)
            for name, method in vars(torch.optim.Optimizer).items() if callable(method)},
        "allocator": fresh_blocks(),
    }
"""
TRAINED = """
from specc.runner.run import train
from specc.runner.resume import resume

def quietly():
    train(NET, "run", data="digits", epochs=1, **OPTIONS)
    resume("run", epochs=2)

torch.set_num_threads(2)
torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0).zero_grad()  # torch's own wrappers are in place
random.seed(1); numpy.random.seed(2); torch.manual_seed(3)
before = snapshot()
quietly()
print(json.dumps([before, snapshot()]))
"""


def run(program: str, folder: Path, **variables: str) -> Any:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GOMP_", "MALLOC_"))}
    command = [sys.executable, "-c", program]
    environment |= variables
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "options",
    [
        {"limit": 200, "batch": 64, "optimizer": "adam"},
        {"limit": 100, "optimizer": "muon", "average": 0.9, "flip": True, "precision": "bf16"},
        {"limit": 100, "exact": True},
    ],
    ids=str,
)
def test_a_training_from_python_leaves_its_process_as_it_was(options: dict[str, Any], tmp_path: Path) -> None:
    before, after = run(f"{SNAPSHOT}\nNET, OPTIONS = {NET!r}, {options!r}\n{TRAINED}", tmp_path)
    assert [(name, before[name], after[name]) for name in before if before[name] != after[name]] == []


SEEN = """
import atexit, json, os, sys, torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
calls = [0, 0]
def count(place):
    def hook(*_):
        calls[place] += 1
    return hook
if HOOKED:
    register_optimizer_step_pre_hook(count(0))
    register_optimizer_step_post_hook(count(1))
atexit.register(lambda: print(json.dumps([calls, "torch._dynamo" in sys.modules, os.environ.get("GOMP_SPINCOUNT")])))
"""
# 100 pictures in 7 batches.
COMMAND = """
from specc.cli import main
main("train net.cnn --data digits --epochs 1 --limit 100 --batch 16 --out run".split())
"""
CALL = "from specc.runner.run import train\ntrain('net.cnn', 'run', data='digits', epochs=1, limit=100, batch=16)\n"


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "muon"])
@pytest.mark.parametrize("way", [COMMAND, CALL], ids=["command", "call"])
def test_hooks_of_a_step_are_called(way: str, optimizer: str, tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(f"{NET}train {{ optimizer {optimizer} }}\n")
    calls, _, _ = run(f"HOOKED = True\n{SEEN}\n{way}", tmp_path)
    assert calls == [7, 7]


def test_the_command_line_changes_its_own_process(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(NET)
    calls, has_compiler, limit = run(f"HOOKED = False\n{SEEN}\n{COMMAND}", tmp_path)
    assert (calls, has_compiler) == ([0, 0], False)
    assert limit in (None, "3000")  # as others are at work on this machine, or are not


@pytest.mark.parametrize("ready", [[1], [2, 3, 1, 2, 4], [2], [2, 5, 3]])
def test_threads_sleep_soon_where_other_programs_are_at_work(
    ready: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On two cores. What is ready to run at one look and not at the next does not count."""
    looks = iter(ready * process.LOOKS)

    class Told:
        def read_text(self, encoding: str) -> str:
            return f"0.66 1.68 2.16 {next(looks)}/345 12345\n"

    monkeypatch.setattr(process, "READY", Told())
    monkeypatch.setattr(process, "BETWEEN", 0)
    monkeypatch.setattr(process, "_claimed", [True])
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.delenv(process.VARIABLE, raising=False)
    process.limit_spinning(reads=False)
    assert (process.VARIABLE in os.environ) == (min(ready) > 1)
    monkeypatch.delenv(process.VARIABLE, raising=False)


@pytest.mark.parametrize("text", [None, "", "0.66 1.68", "a b c d/e f"])
def test_a_system_that_does_not_tell_is_taken_for_idle(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if text is not None:
        (tmp_path / "loadavg").write_text(text)
    monkeypatch.setattr(process, "READY", tmp_path / "loadavg")
    assert not process.cores_are_wanted()


STREAMED = """
from specc.cli import main
main("train net.cnn --data pictures --channels 1 --in-memory off --workers 1 --epochs 1 --batch 4 --out run".split())
"""


@pytest.mark.parametrize(("own", "limit"), [({}, "3000"), ({"GOMP_SPINCOUNT": "7"}, "7")], ids=["ours", "the user's"])
def test_threads_sleep_soon_while_others_read(own: dict[str, str], limit: str, tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(NET.replace("linear 10", "linear 2"))
    for name in ("a", "b"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for level in range(5):
            Image.new("L", (8, 8), 40 * level).save(tmp_path / "pictures" / name / f"{level}.png")
    assert run(f"HOOKED = False\n{SEEN}\n{STREAMED}", tmp_path, **own)[2] == limit


def test_settings_of_torch_do_not_disturb_a_training(tmp_path: Path) -> None:
    program = f"""
import json, torch
from specc.runner.run import train
torch.set_default_dtype(torch.float64)
with torch.no_grad():
    run = train({NET!r}, "run", data="digits", epochs=1, limit=100)
    kinds = [torch.get_default_dtype(), next(run.model.parameters()).dtype]
    print(json.dumps([torch.is_grad_enabled(), *map(str, kinds)]))
"""
    assert run(program, tmp_path) == [False, "torch.float64", "torch.float32"]


def test_the_allocator_is_the_users_where_he_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_claimed", [True])
    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    assert not process.keep_pages()
    monkeypatch.delenv("MALLOC_ARENA_MAX")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not process.keep_pages()


@pytest.mark.parametrize("trick", process.TRICKS)
def test_each_trick_has_a_switch(trick: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(map(process.uses, process.TRICKS))
    monkeypatch.setenv(process.SWITCH, f"nothing,{trick}")
    assert [one for one in process.TRICKS if not process.uses(one)] == [trick]


def test_a_switched_off_trick_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch import nn

    from specc.runner.cpu.door import arranged

    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2))
    kinds = [type(layer).__name__ for layer in arranged(model).children()]
    assert kinds == ["Conv2d", "MaxPool2d", "ReLU"]
    monkeypatch.setenv(process.SWITCH, "order")
    assert arranged(model) is model
    monkeypatch.setattr(process, "_claimed", [True])
    monkeypatch.setenv(process.SWITCH, "pages,spinning")
    monkeypatch.delenv(process.VARIABLE, raising=False)
    assert not process.keep_pages()
    process.limit_spinning(reads=True)
    assert process.VARIABLE not in os.environ
