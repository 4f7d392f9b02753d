"""Pictures that stay in their files, and decoded ones that are kept for the next run."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from callbacks import Heard, Stop
from PIL import Image
from safetensors.torch import load_file

from specc.data import heads, images, kept, load
from specc.data.batches import Batches, Shard, scaling_of
from specc.data.images import InMemory, Streamed
from specc.data.load import load_dataset
from specc.data.pool import Pool
from specc.data.sources import data_source, picture_files
from specc.data.sources.folder import Folder
from specc.data.survey import Size, Survey
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.evaluate.score import Wanted, evaluate
from specc.evaluate.trained import load_trained
from specc.recipe.recipe import Recipe
from specc.runner.callbacks.base import Callback
from specc.runner.checkpoint import read_checkpoint
from specc.runner.metrics import Metrics
from specc.runner.resume import resume
from specc.runner.run import train
from specc.runner.run_folder import STATE, is_held

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
SPEC = "input 3x12x10\nconv 4 k3 -> bn -> relu -> flatten -> dropout 0.2 -> linear 3\n"


def problem(action: Any) -> Diagnostic:
    with pytest.raises(Problem) as caught:
        action()
    return caught.value.diagnostic


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of JPEGs and PNGs of different sizes, 45 in all."""
    root = tmp_path_factory.mktemp("pictures") / "pets"
    chance = random.Random(0)
    for name in ("cat", "dog", "owl"):
        for number in range(15):
            path = root / name / f"{number}.{chance.choice(('png', 'jpg'))}"
            path.parent.mkdir(parents=True, exist_ok=True)
            size = (chance.randint(10, 60), chance.randint(10, 60))
            noise = [Image.effect_noise(size, chance.randint(10, 90)) for _ in range(3)]
            Image.merge("RGB", noise).save(path)
    return root


def loaded(folder: Path, where: str, **more: Any) -> Any:
    return load_dataset(Recipe(data=str(folder), resize=(12, 10), in_memory=where, **more))  # type: ignore[arg-type]


def surveyed(recipe: Recipe) -> Survey:
    return data_source(recipe).survey()


def test_files_and_memory_hold_the_same(folder: Path) -> None:
    kept, files = loaded(folder, "on"), loaded(folder, "off")
    assert isinstance(kept.train, InMemory) and isinstance(files.train, Streamed)
    assert kept.sample == files.sample == (3, 12, 10)
    assert kept.train.y.equal(files.train.y)
    assert (kept.identity, kept.note) == (files.identity, files.note)
    with_validation = loaded(folder, "off", validation=0.2)
    assert len(with_validation.train) + len(with_validation.validation) == len(files.train)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_same_batches_come_out_of_files_as_out_of_memory(folder: Path, workers: int) -> None:
    both = [loaded(folder, where).on(CPU, workers) for where in ("on", "off")]
    for options in ({}, {"shard": Shard(1, 2)}, {"drop_last": True}):
        one, other = (Batches(data.train, 8, scaling_of(data.train), **options) for data in both)
        for skip in (0, 3):
            seeds = [torch.Generator().manual_seed(1) for _ in range(2)]
            pairs = list(zip(one.shuffled(seeds[0], skip), other.shuffled(seeds[1], skip), strict=True))
            assert len(pairs) == len(one.sizes) - skip
            assert all(a.equal(c) and b.equal(d) for (a, b), (c, d) in pairs)
        assert all(a.equal(c) for (a, _), (c, _) in zip(one.in_order(), other.in_order(), strict=True))


def test_a_pass_that_is_given_up_spoils_nothing(folder: Path) -> None:
    batches = Batches(loaded(folder, "off").on(CPU, 2).train, 4)
    first = next(iter(batches.in_order()))[0]
    assert next(iter(batches.shuffled(torch.Generator().manual_seed(0))))[0].shape == first.shape
    assert next(iter(batches.in_order()))[0].equal(first)


def test_scaling_goes_by_an_even_sample(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "SPREAD", 12)
    kept, files = loaded(folder, "on"), loaded(folder, "off")
    found = scaling_of(files.train)
    expected = scaling_of(kept.train.pick(range(0, len(kept.train), 3)))
    assert found.mean.equal(expected.mean) and found.deviation.equal(expected.deviation)


def test_what_does_not_fit_stays_in_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(loaded(folder, "auto").train, InMemory)
    monkeypatch.setattr(load, "free_bytes", lambda: 1000)
    assert isinstance(loaded(folder, "auto").train, Streamed)
    assert problem(lambda: loaded(folder, "on")).code == "E611"


def test_a_grey_folder_with_one_picture_in_colour_is_rgb(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        for number in range(4):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.new("L", (10, 12), 20 * number).save(tmp_path / name / f"{number}.png")
    assert loaded(tmp_path, "off").sample == (1, 12, 10)
    Image.new("RGB", (10, 12)).save(tmp_path / "dog" / "9.png")
    assert loaded(tmp_path, "off").sample == loaded(tmp_path, "on").sample == (3, 12, 10)
    assert loaded(tmp_path, "off", channels=1).sample == (1, 12, 10)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_file_that_is_damaged_while_it_is_used_is_named(folder: Path, tmp_path: Path, workers: int) -> None:
    pets = Path(shutil.copytree(folder, tmp_path / "pets"))
    source = data_source(Recipe(data=str(pets)))
    assert isinstance(source, Folder)
    place = source.contents.parts["test"].paths[1]
    stream = Pool(source.read_as((3, 12, 10), scaled=True), workers).read("test", map(np.array, ([0], [0, 1])))
    Path(place).write_bytes(b"\x89PNG\r\n\x1a\n")
    assert next(stream)[0].shape == (1, 3, 12, 10)
    found = problem(lambda: next(stream))
    assert (found.code, f"{place} can no longer be read" in found.message) == ("E607", True)
    assert "of 2" not in found.message


@pytest.mark.parametrize("shares", [(0.0,), (0.7,), (0.7, 0.0)])
def test_damaged_files_are_found_before_the_first_step(shares: tuple[float, ...], folder: Path, tmp_path: Path) -> None:
    """Alike in memory and in files, all of them, though of some only the whole picture tells."""
    pets = Path(shutil.copytree(folder, tmp_path / "pets"))
    for path, share in zip(sorted(pets.rglob("*.*"))[::9], itertools.cycle(shares), strict=False):
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    found = [problem(lambda where=where: loaded(pets, where)) for where in ("on", "off")]
    assert found[0] == found[1]
    assert (found[0].code, "5 of 45 pictures cannot be read" in found[0].message) == ("E607", True)
    assert len(found[0].notes) == 4


@pytest.fixture
def broken(folder: Path, tmp_path: Path) -> tuple[Path, list[Path]]:
    """The pictures, five of which are damaged, some only where their heads do not tell."""
    pets, damaged = Path(shutil.copytree(folder, tmp_path / "pets")), []
    for path, share in zip(sorted(pets.rglob("*.*"))[::9], itertools.cycle((0.7, 0.0)), strict=False):
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        damaged.append(path)
    return pets, damaged


@pytest.mark.parametrize("where", ["on", "off"])
def test_damaged_pictures_may_be_left_out(where: str, broken: tuple[Path, list[Path]], folder: Path) -> None:
    """The others stay in their parts, and the data are those without them."""
    pets, damaged = broken
    found, whole = loaded(pets, where, skip_damaged=True), loaded(folder, where)
    assert len(found.train) + len(found.test) == 40
    assert sorted(fault.path for fault in found.survey.left_out) == sorted(map(str, damaged))
    assert f"5 damaged pictures are left out, such as {found.survey.left_out[0].path}, which is" in found.note
    assert found.identity != whole.identity
    kept = {pixels.numpy().tobytes() for pixels in whole.train.x}
    assert all(pixels.numpy().tobytes() in kept for pixels in found.train.x)
    for path in damaged:
        path.unlink()
    assert loaded(pets, where, skip_damaged=True).survey.left_out == ()


def test_nothing_is_left_out_where_nothing_would_be_left(broken: tuple[Path, list[Path]]) -> None:
    pets, _ = broken
    assert "`--skip-damaged` leaves them out" in (problem(lambda: loaded(pets, "on")).help or "")
    for path in pets.rglob("*.*"):
        path.write_bytes(b"")
    found = problem(lambda: loaded(pets, "on", skip_damaged=True))
    assert (found.code, "45 of 45 pictures cannot be read" in found.message) == ("E607", True)
    assert "skip" not in (found.help or "") and "without them nothing is left of the training part" in found.notes


def test_a_class_of_which_nothing_would_be_left_is_no_class(folder: Path, tmp_path: Path) -> None:
    pets = Path(shutil.copytree(folder, tmp_path / "pets"))
    gone = sorted(path for path in pets.rglob("*") if path.is_dir() and any(path.glob("*.*")))[0]
    for path in gone.iterdir():
        path.write_bytes(b"")
    found = problem(lambda: loaded(pets, "on", skip_damaged=True))
    assert found.code == "E607" and "skip" not in (found.help or "")
    assert f"without them nothing is left of the class `{gone.name}`, which is trained on" in found.notes


def test_what_only_tests_is_not_told_to_leave_out(broken: tuple[Path, list[Path]]) -> None:
    recipe = Recipe(data=str(broken[0]), in_memory="on")
    found = problem(lambda: load_dataset(recipe, source=data_source(recipe, "any")))
    assert found.code == "E607" and "skip" not in (found.help or "")


def test_a_run_that_goes_on_leaves_out_the_same_pictures(broken: tuple[Path, list[Path]], tmp_path: Path) -> None:
    pets, damaged = broken
    recipe = {**RECIPE, "skip_damaged": True}
    train(SPEC, tmp_path / "whole", data=str(pets), **recipe)
    heard = Heard()
    train(SPEC, tmp_path / "run", data=str(pets), callback=Stop(4), **recipe)
    resume(tmp_path / "run", callback=heard)
    assert any("5 damaged pictures are left out" in line for line in heard.lines)
    one, other = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "run"))
    assert all(tensor.equal(other[name]) for name, tensor in one.items())
    record = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert all(sorted(told["left_out"]) == sorted(map(str, damaged)) for told in (record, *record["resumed"]))
    train(SPEC, tmp_path / "other", data=str(pets), callback=Stop(4), **recipe)
    Image.new("RGB", (9, 9)).save(damaged[0])
    assert problem(lambda: resume(tmp_path / "other")).code == "E623"


def test_pictures_of_other_sizes_are_found_before_the_first_step(folder: Path) -> None:
    found = [
        problem(lambda where=where: load_dataset(Recipe(data=str(folder), in_memory=where))) for where in ("on", "off")
    ]
    assert found[0] == found[1] and found[0].code == "E610"


def test_a_look_at_every_file_is_said_and_kept(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_files, "MANY", 45)
    said: list[str] = []
    for _ in range(2):
        found = load_dataset(Recipe(data=str(folder), resize=(12, 10), in_memory="off"), say=said.append)
    assert said == ["reads 45 pictures once before training, to find damaged ones"]
    assert isinstance(found.train, Streamed) and found.identity == loaded(folder, "on").identity


def test_a_picture_of_another_size_is_named_by_a_worker(folder: Path) -> None:
    source = data_source(Recipe(data=str(folder)))
    assert isinstance(source, Folder)
    pool = Pool(source.read_as((3, 7, 7), scaled=False), 1)
    assert problem(lambda: list(pool.read("test", [np.array([0])]))).code == "E610"


# Runs


RECIPE: dict[str, Any] = {
    "resize": (12, 10), "epochs": 2, "batch": 8, "in_memory": "off", "workers": 1, "normalize": True, "flip": True,
    "resized_crop": 0.4, "color_jitter": 0.3, "device": "cpu",
}  # fmt: skip


@pytest.mark.filterwarnings("error")
def test_more_readers_than_cores_are_told_of_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    callback = Heard()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    train(SPEC, tmp_path / "run", data=str(folder), callback=callback, **{**RECIPE, "workers": 2, "epochs": 1})
    assert "; 2 processes read the pictures, on 1 core" in callback.lines[0]


def test_no_reading_process_outlasts_its_run(folder: Path, tmp_path: Path) -> None:
    """What Python's collector would have to end waits five seconds for each."""
    recipe, others = {**RECIPE, "workers": 2, "epochs": 1}, {*multiprocessing.active_children()}
    run = train(SPEC, tmp_path / "run", data=str(folder), **recipe)
    assert not {*multiprocessing.active_children()} - others
    evaluate(load_trained(run.folder), Wanted(), CPU)
    assert not {*multiprocessing.active_children()} - others

    class Fail(Callback):
        def step(self) -> None:
            raise problem_of_a_callback

    problem_of_a_callback = ValueError("a callback's own")
    with pytest.raises(ValueError, match="own"):
        train(SPEC, tmp_path / "failed", data=str(folder), callback=Fail(), **recipe)
    assert not {*multiprocessing.active_children()} - others


def test_a_stopped_run_goes_on_with_the_same_pictures(folder: Path, tmp_path: Path) -> None:
    """Those that lie in memory, but for parts of pictures, which are cut out of the files at full size."""
    for number, (recipe, where) in enumerate(((RECIPE, "off"), ({**RECIPE, "resized_crop": None}, "on"))):
        whole, run = (tmp_path / f"{name}{number}" for name in ("whole", "run"))
        train(SPEC, whole, data=str(folder), **{**recipe, "in_memory": where})
        train(SPEC, run, data=str(folder), callback=Stop(6), **recipe)
        resume(run, workers=0)
        one, other = (load_file(place / "last.safetensors") for place in (whole, run))
        assert all(tensor.equal(other[name]) for name, tensor in one.items())


STOPS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.mark.skipif(not hasattr(signal, "sigwaitinfo"), reason="the system does not say who has sent a signal")
@pytest.mark.parametrize(("number", "status"), STOPS)
def test_a_signal_to_all_processes_stops_a_run_as_one_to_the_first(
    number: signal.Signals, status: int, folder: Path, tmp_path: Path
) -> None:
    """As a terminal, a shell and a scheduler send it: the workers must not be gone before the state is kept."""
    process = _start(folder, tmp_path)
    os.killpg(process.pid, number)
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, "goes on from here" in output, "Traceback" in output) == (status, True, False), output
    assert "could not be written" not in output
    assert read_checkpoint(tmp_path / "run" / STATE).epoch >= 1


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="the children of a process are found in /proc")
def test_a_killed_worker_ends_a_run_with_a_message(folder: Path, tmp_path: Path) -> None:
    process = _start(folder, tmp_path)
    os.kill(_children(process.pid)[0], signal.SIGKILL)
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, "E632" in output, "Traceback" in output) == (1, True, False), output


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="the children of a process are found in /proc")
def test_a_worker_that_dies_between_two_reads_disturbs_nothing_but_the_next(folder: Path, tmp_path: Path) -> None:
    """Nothing that is written, locked or given back may be cut short by it."""
    before, told = signal.getsignal(signal.SIGCHLD), {*_children(os.getpid())}
    undisturbed = []

    class Kill(Callback):
        def epoch_ends(self, metrics: Metrics, epochs: int) -> None:
            for child in {*_children(os.getpid())} - told:
                os.kill(child, signal.SIGKILL)
            time.sleep(0.3)
            undisturbed.append(metrics.epoch)

    with pytest.raises(Problem, match="ended unexpectedly"):
        train(SPEC, tmp_path / "run", data=str(folder), callback=Kill(), **{**RECIPE, "workers": 1})
    assert undisturbed == [1]
    assert signal.getsignal(signal.SIGCHLD) is before
    assert not is_held(tmp_path / "run")
    assert resume(tmp_path / "run", workers=0).metrics[-1].epoch == 2


def _start(folder: Path, tmp_path: Path) -> subprocess.Popen[str]:
    """A run in a group of its own, with a worker, that has done an epoch."""
    (tmp_path / "net.cnn").write_text(SPEC)
    arguments = ["net.cnn", "--data", str(folder), "--resize", "12x10", "--in-memory", "off", "--workers", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "specc", "train", *arguments, "--epochs", "100000", "--out", "run"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    _wait_for(tmp_path / "run" / "metrics.jsonl", process)
    return process


def _wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)


def _children(process: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            content = path.read_text()
        except OSError:
            continue
        if int(content.rpartition(")")[2].split()[1]) == process:
            found.append(int(path.parent.name))
    return found


# Decoded pictures that are kept


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kept, "WORTH_KEEPING", 0.0)
    monkeypatch.setattr(kept, "SETTLED", -1.0)
    return tmp_path / "cache" / "specc" / "decoded"


def _refuse(*arguments: Any, **more: Any) -> Any:
    raise AssertionError("it was decoded again")


def test_decoded_pictures_are_kept(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = loaded(folder, "on")
    assert len(list(cache.glob("*.safetensors"))) == 1
    monkeypatch.setattr(picture_files.PictureFiles, "decode", _refuse)
    again = loaded(folder, "on")
    assert again.train.x.equal(first.train.x) and again.test.y.equal(first.test.y)
    with pytest.raises(AssertionError):
        load_dataset(Recipe(data=str(folder), resize=11))


def test_heads_are_read_once(folder: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pets = Path(shutil.copytree(folder, tmp_path / "pets"))
    recipe = Recipe(data=str(pets))
    first = surveyed(recipe)
    with monkeypatch.context() as patch:
        patch.setattr(heads, "head_of", _refuse)
        assert surveyed(recipe) == first
    (found,) = cache.glob("*.json")
    for damage in ("", "{}", "[[], [], true]", '[[[1, 1, 45, 99]], [["RGB", 45]], true]', "[1, 2, 3]"):
        found.write_text(damage)
        assert surveyed(recipe) == first
    Image.new("RGB", (70, 70)).save(pets / "cat" / "0.png")
    assert Size(70, 70, 1) in {size._replace(first="") for size in surveyed(recipe).sizes}
    (pets / "cat" / "1.png").write_bytes(b"")
    assert surveyed(recipe).unreadable == surveyed(recipe).unreadable != ()


def test_a_file_that_was_changed_is_decoded_again(
    folder: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (tmp_path / "own" / name).mkdir(parents=True)
        for number in range(2):
            Image.new("L", (10, 12), number).save(tmp_path / "own" / name / f"{number}.png")
    loaded(tmp_path / "own", "on")
    Image.new("L", (10, 12), 200).save(tmp_path / "own" / "a" / "0.png")
    assert any(200 in part.x for part in loaded(tmp_path / "own", "on")[1:3])


@pytest.mark.parametrize("damage", [b"", b"x" * 100, None])
def test_a_damaged_copy_is_made_again(folder: Path, cache: Path, damage: bytes | None) -> None:
    first = loaded(folder, "on")
    (copy,) = cache.glob("*.safetensors")
    content = copy.read_bytes()
    copy.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if damage is None else damage)
    assert loaded(folder, "on").train.x.equal(first.train.x)
    assert copy.read_bytes() == content


def test_copies_take_no_more_room_than_they_may(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(folder, "on")
    (first,) = cache.glob("*.safetensors")
    monkeypatch.setattr(kept, "LARGEST", first.stat().st_size + 100)
    load_dataset(Recipe(data=str(folder), resize=(12, 9)))
    assert len(list(cache.glob("*.safetensors"))) == 1 and not first.exists()
    monkeypatch.setattr(kept, "LARGEST", 10)
    load_dataset(Recipe(data=str(folder), resize=(12, 8)))
    assert len(list(cache.glob("*.safetensors"))) == 1


def test_a_cache_that_cannot_be_written_is_no_matter(folder: Path, cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder would be")
    assert len(loaded(folder, "on").train) == 36
