"""Named data sets: files downloaded from any kind of server, checked, unpacked, and read even where hostile."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import pickle
import random
import re
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from specc.cli.main import main
from specc.data.archives import PUBLISHED, Archive, Published
from specc.data.download import download
from specc.data.load import load_dataset
from specc.data.sources.cifar import read_batch, read_plain_pickle
from specc.data.sources.mnist import read_idx
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.recipe.recipe import Recipe


def problem(action: Any) -> Diagnostic:
    """The problem that an action ends in."""
    with pytest.raises(Problem) as caught:
        action()
    return caught.value.diagnostic


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


# A server that can be told to misbehave


class Server:
    """What a web server on this machine has, how it behaves, and what it was asked for.

    cut:    after so many bytes of an answer the connection is closed, so many times.
    ranges: whether it knows them.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.cut, self.cuts, self.ranges = 0, 0, True
        self.address = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        name, wanted = request.path.rpartition("/")[2], request.headers.get("Range")
        self.asked.append((request.path, wanted))
        content = self.files.get(
            request.path.lstrip("/"), self.files.get(name) if request.path.count("/") == 1 else None
        )
        if content is None:
            request.send_error(404)
            return
        start = int(re.findall(r"\d+", wanted)[0]) if wanted and self.ranges else 0
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        body = content[start:]
        if self.cuts:
            self.cuts -= 1
            body = body[: self.cut]
        request.wfile.write(body)
        request.close_connection = True


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        served.address = f"http://127.0.0.1:{running.server_port}/"
        yield served
        running.shutdown()


CONTENT = random.Random(0).randbytes(100_000)


def archive_of(server: Server, content: bytes = CONTENT, mirrors: tuple[str, ...] = ("",), **more: Any) -> Archive:
    """An archive that the server has; mirrors are folders on it."""
    server.files["some.gz"] = content
    about = Archive("some.gz", len(content), md5(content), tuple(server.address + mirror for mirror in mirrors), {})
    return about._replace(**more)


def test_a_file_arrives_whole_and_its_progress_is_told(server: Server, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    arrived = download(archive_of(server), tmp_path, lambda *news: told.append(news))
    assert arrived.read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["some.gz"]
    assert told[-1] == ("some.gz", 100_000, 100_000)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_transfer_goes_on_where_it_ended(ranges: bool, server: Server, tmp_path: Path) -> None:
    (tmp_path / "some.gz.part").write_bytes(CONTENT[:60_000])
    server.ranges = ranges
    assert download(archive_of(server), tmp_path).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == ["bytes=60000-"]


def test_a_connection_that_is_cut_is_taken_up_again(server: Server, tmp_path: Path) -> None:
    server.cut, server.cuts = 30_000, 3
    assert download(archive_of(server), tmp_path).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == [None, "bytes=30000-", "bytes=60000-", "bytes=90000-"]


def test_a_server_that_sends_nothing_is_given_up_and_what_came_is_kept(server: Server, tmp_path: Path) -> None:
    (tmp_path / "some.gz.part").write_bytes(CONTENT[:10])
    server.cuts = 100
    found = problem(lambda: download(archive_of(server), tmp_path))
    assert found.code == "E602"
    assert "cut after 10 of 100,000" in found.notes[0]
    assert (tmp_path / "some.gz.part").read_bytes() == CONTENT[:10]
    assert len(server.asked) == 1


def test_the_second_mirror_is_asked_where_the_first_has_nothing(server: Server, tmp_path: Path) -> None:
    about = archive_of(server, mirrors=("gone/", ""))
    assert download(about, tmp_path).read_bytes() == CONTENT
    assert [path for path, _ in server.asked] == ["/gone/some.gz", "/some.gz"]


def test_the_second_mirror_goes_on_with_what_the_first_gave(server: Server, tmp_path: Path) -> None:
    about = archive_of(server, mirrors=("gone/", ""))
    (tmp_path / "some.gz.part").write_bytes(CONTENT[:99_000])
    assert download(about, tmp_path).read_bytes() == CONTENT
    assert server.asked[-1] == ("/some.gz", "bytes=99000-")


def test_a_wrong_beginning_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "some.gz.part").write_bytes(b"x" * 50_000)
    assert download(archive_of(server), tmp_path).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == ["bytes=50000-", None]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"md5": "0" * 32}, "different digest"),
        ({"size": 99_999}, "more than the 99,999 bytes"),
        ({"size": 100_001}, "cut after 100,000 of 100,001"),
    ],
)
def test_another_file_is_refused(change: dict[str, Any], words: str, server: Server, tmp_path: Path) -> None:
    found = problem(lambda: download(archive_of(server, **change), tmp_path))
    assert found.code == "E602"
    assert words in found.notes[0]
    assert not (tmp_path / "some.gz").exists()


def test_offline_every_mirror_is_named(tmp_path: Path) -> None:
    about = Archive("some.gz", 1, "", ("http://127.0.0.1:9/", "http://127.0.0.1:9/again/"), {})
    found = problem(lambda: download(about, tmp_path))
    assert [note.partition(":")[0] for note in found.notes] == ["127.0.0.1"] * 2
    assert all("refused" in note for note in found.notes)


def test_a_full_disk_is_not_the_mirrors_fault(server: Server, tmp_path: Path) -> None:
    (tmp_path / "some.gz.part").symlink_to("/dev/full")
    found = problem(lambda: download(archive_of(server, mirrors=("", "")), tmp_path))
    assert "cannot be written" in found.message
    assert len(server.asked) == 1


# A small MNIST and a small CIFAR-10 on the server


def idx(array: np.ndarray[Any, Any]) -> bytes:
    """An array in MNIST's file format."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return head + array.astype(np.uint8).tobytes()


def publish(server: Server, name: str, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server have these files, packed one by one, in place of a data set's own."""
    archives = []
    for file, content in files.items():
        packed = gzip.compress(content)
        server.files[f"{file}.gz"] = packed
        archives.append(Archive(f"{file}.gz", len(packed), md5(packed), (server.address,), {file: md5(content)}))
    monkeypatch.setitem(PUBLISHED, name, Published(PUBLISHED[name].folder, tuple(archives)))


@pytest.fixture
def small_mnist(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    generator = np.random.default_rng(0)
    files = {}
    for prefix, count in (("train", 20), ("t10k", 10)):
        files[f"{prefix}-images-idx3-ubyte"] = idx(generator.integers(0, 256, (count, 28, 28)))
        files[f"{prefix}-labels-idx1-ubyte"] = idx(np.arange(count) % 10)
    publish(server, "mnist", files, monkeypatch)
    return server


def mnist_in(folder: Path) -> Any:
    return load_dataset(Recipe(data="mnist", data_dir=str(folder)))


def test_mnist_is_downloaded_once(small_mnist: Server, tmp_path: Path) -> None:
    loaded = mnist_in(tmp_path)
    assert loaded.sample == (1, 28, 28)
    assert loaded.train.y.tolist() == list(range(10)) * 2
    raw = tmp_path / "MNIST" / "raw"
    assert sorted(path.name for path in raw.iterdir()) == sorted(PUBLISHED["mnist"].digests)
    small_mnist.files.clear()
    assert mnist_in(tmp_path).train.x.equal(loaded.train.x)
    assert len(small_mnist.asked) == 4


def test_training_says_what_it_downloads(small_mnist: Server, tmp_path: Path) -> None:
    spec = tmp_path / "net.cnn"
    spec.write_text("input 1x28x28\nflatten -> linear 10\ntrain { data mnist ; epochs 1 ; batch 5 }\n")
    done = CliRunner().invoke(
        main, ["train", str(spec), "--data-dir", str(tmp_path), "--out", str(tmp_path / "run"), "--device", "cpu"]
    )
    assert done.exit_code == 0, done.stderr
    assert [line.split(",")[0] for line in done.stdout.splitlines()[:4]] == [
        f"downloading {archive.file}" for archive in PUBLISHED["mnist"].archives
    ]


def test_an_archive_that_is_there_is_not_downloaded(small_mnist: Server, tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in list(small_mnist.files):
        (raw / name).write_bytes(small_mnist.files.pop(name))
    assert len(mnist_in(tmp_path).train) == 20
    assert small_mnist.asked == []
    assert (raw / "train-labels-idx1-ubyte.gz").exists()  # it is the user's


def test_two_at_once_download_once(small_mnist: Server, tmp_path: Path) -> None:
    threads = [threading.Thread(target=mnist_in, args=(tmp_path,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(small_mnist.asked) == 4


def test_a_file_that_was_lost_is_fetched_alone(small_mnist: Server, tmp_path: Path) -> None:
    mnist_in(tmp_path)
    (tmp_path / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    mnist_in(tmp_path)
    assert [path for path, _ in small_mnist.asked][4:] == ["/t10k-labels-idx1-ubyte.gz"]


def test_an_archive_that_is_cut_off_leaves_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even one that was published so."""
    packed = gzip.compress(CONTENT)[:-100]
    about = archive_of(server, packed, members={"some": md5(CONTENT)})
    monkeypatch.setitem(PUBLISHED, "mnist", Published("MNIST/raw", (about,)))
    found = problem(lambda: mnist_in(tmp_path))
    assert found.code == "E602"
    assert "cannot be unpacked" in found.notes[0]
    assert not (tmp_path / "MNIST" / "raw" / "some").exists()


def test_data_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert problem(lambda: mnist_in(tmp_path / "file")).code == "E602"


def test_damaged_file_is_named(small_mnist: Server, tmp_path: Path) -> None:
    mnist_in(tmp_path)
    labels = tmp_path / "MNIST" / "raw" / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\x01")
    found = problem(lambda: mnist_in(tmp_path))
    assert found.code == "E603"
    assert str(labels) in found.message


class Hostile:
    """Pickles as a call of os.mkdir."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def batch(count: int, key: str = "labels") -> dict[str, Any]:
    pixels = np.random.default_rng(count).integers(0, 256, (count, 3072)).astype(np.uint8)
    return {"data": pixels, key: [number % 2 for number in range(count)]}


def publish_cifar(server: Server, monkeypatch: pytest.MonkeyPatch, test: object) -> None:
    contents = {"data_batch_1": batch(10), "test_batch": test, "batches.meta": {"label_names": ["cat", "dog"]}}
    files = {name: pickle.dumps(content, protocol=2) for name, content in contents.items()}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in {**files, "../outside": b"x", "more": b"x"}.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    members = {name: md5(content) for name, content in files.items()}
    about = archive_of(server, packed.getvalue(), file="some.tar.gz", members=members)
    server.files["some.tar.gz"] = packed.getvalue()
    monkeypatch.setitem(PUBLISHED, "cifar10", Published("cifar-10-batches-py", (about,)))


def cifar_in(folder: Path) -> Any:
    return load_dataset(Recipe(data="cifar10", data_dir=str(folder)))


def test_cifar_is_downloaded_and_read(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    publish_cifar(server, monkeypatch, batch(8))
    loaded = cifar_in(tmp_path)
    assert (loaded.sample, loaded.classes) == ((3, 32, 32), ("cat", "dog"))
    assert loaded.test.x.equal(torch.from_numpy(batch(8)["data"]).view(8, 3, 32, 32))
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == sorted(PUBLISHED["cifar10"].digests)


def test_hostile_pickle_is_not_run(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Even one whose digest is right."""
    publish_cifar(server, monkeypatch, Hostile(tmp_path / "owned"))
    found = problem(lambda: cifar_in(tmp_path))
    assert found.code == "E604"
    assert "mkdir" in found.message
    assert not (tmp_path / "owned").exists()


# Files that are not what they should be


@pytest.mark.parametrize("content", [b"", b"\x80\x02garbage", b"cos\nsystem\n(S'true'\ntR."])
def test_broken_pickles(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content)
    assert problem(lambda: read_plain_pickle(path)).code == "E604"


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        {"data": [1], "labels": [0]},
        {"data": np.zeros((2, 3072), np.uint8), "labels": [0]},
        {"data": np.zeros((1, 3072), np.float32), "labels": [0]},
        {"data": np.zeros((1, 3071), np.uint8), "labels": [0]},
        {"data": np.zeros((1, 3072), np.uint8), "labels": [2]},
        {"data": np.zeros((1, 3072), np.uint8), "labels": [-1]},
        {"data": np.zeros((1, 3072), np.uint8), "labels": ["0"]},
    ],
)
def test_pickles_that_are_no_cifar(tmp_path: Path, content: object) -> None:
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps(content, protocol=2))
    found = problem(lambda: read_batch(path, "labels", 2))
    assert (found.code, str(path) in found.message) == ("E603", True)


PIXELS = idx(np.arange(2 * 3 * 4).reshape(2, 3, 4))


def test_idx_files_are_read_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(PIXELS)
    assert read_idx(path, 3).tolist() == np.arange(24).reshape(2, 3, 4).tolist()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "does not begin"),
        (PIXELS[:10], "does not begin"),
        (b"\x89PNG" + PIXELS[4:], "does not begin"),
        (idx(np.arange(24)), "does not begin"),
        (bytes([0, 0, 13, 3]) + PIXELS[4:], "does not begin"),
        (PIXELS[:-1], "announces 2x3x4 bytes and has 23"),
        (PIXELS + b"x", "and has 25"),
        (PIXELS[:4] + b"\xff" * 12 + PIXELS[16:], "announces 4294967295x4294967295x4294967295"),
    ],
)
def test_idx_files_that_are_none(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "images"
    path.write_bytes(content)
    found = problem(lambda: read_idx(path, 3))
    assert (found.code, words in found.message, str(path) in found.message) == ("E603", True, True), found.message


@pytest.mark.parametrize("kind", ["idx", "cifar"])
def test_no_change_of_a_file_breaks_its_reader(kind: str, tmp_path: Path) -> None:
    """Bytes changed, cut off, repeated at random: pictures or a problem that names the file, and nothing else."""
    sound = PIXELS if kind == "idx" else pickle.dumps(batch(3), protocol=2)
    path, chance = tmp_path / "file", random.Random(kind)
    read = (lambda: read_idx(path, 3)) if kind == "idx" else (lambda: read_batch(path, "labels", 2)[0])
    outcomes = set()
    for _ in range(300):
        content = bytearray(sound)
        for _ in range(chance.choice((1, 1, 2, 5))):
            place = chance.randrange(min(len(content), 400))
            content[place : place + chance.choice((0, 1, 4))] = chance.randbytes(chance.choice((0, 1, 1, 4)))
        path.write_bytes(content[: chance.choice((len(content), len(content), chance.randrange(len(content))))])
        try:
            outcomes.add(read().dtype.name)  # type: ignore[no-untyped-call] # mypy sees two kinds of lambda
        except Problem as caught:
            assert str(path) in caught.diagnostic.message
            outcomes.add(caught.diagnostic.code)
    assert outcomes >= {"uint8", "E603"}


def test_the_published_files_are_torchvisions() -> None:
    """The same files under the same digests, where the same folders keep them."""
    from torchvision import datasets

    for name, source in (("mnist", datasets.MNIST), ("fashion-mnist", datasets.FashionMNIST)):
        assert [(one.file, one.md5) for one in PUBLISHED[name].archives] == source.resources
        assert PUBLISHED[name].folder == f"{source.__name__}/raw"
        assert set(source.mirrors) <= set(PUBLISHED[name].archives[0].mirrors)
    for name, source in (("cifar10", datasets.CIFAR10), ("cifar100", datasets.CIFAR100)):
        (archive,) = PUBLISHED[name].archives
        assert (PUBLISHED[name].folder, archive.md5) == (source.base_folder, source.tgz_md5)
        assert archive.mirrors[0] + archive.file == source.url
        files = [*source.train_list, *source.test_list, (source.meta["filename"], source.meta["md5"])]
        assert archive.members == dict(files)


# The command


def specc(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["data", *arguments])


def test_fetch(small_mnist: Server, tmp_path: Path) -> None:
    done = specc("fetch", "mnist", "digits", "--data-dir", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"mnist is in {tmp_path}/MNIST/raw, every file checked",
        "digits comes with scikit-learn: there is nothing to fetch",
    ]
    assert [line.split(",")[0] for line in done.stderr.splitlines()] == [
        f"downloading {archive.file}" for archive in PUBLISHED["mnist"].archives
    ]
    again = specc("fetch", "mnist", "--data-dir", str(tmp_path))
    assert (again.exit_code, again.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["fetch", "mnst"], 2, "did you mean `mnist`?"),
        (["fetch", "."], 2, "nothing to fetch"),
        (["fetch"], 2, "Missing argument"),
        (["fetch", "mnist", "--data-dir", "here"], 1, "404 Not Found"),
    ],
)
def test_fetches_that_fail(
    arguments: list[str], status: int, words: str, small_mnist: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    small_mnist.files.clear()
    done = specc(*arguments)
    assert (done.exit_code, words in done.stderr) == (status, True), done.stderr


def test_ctrl_c_keeps_what_has_arrived(small_mnist: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    images = PUBLISHED["mnist"].archives[0].file
    with monkeypatch.context() as patch:
        patch.setattr("specc.cli.transfer.telling", lambda say: interrupted)
        done = specc("fetch", "mnist", "--data-dir", str(tmp_path))
    assert (done.exit_code, "the same command continues" in done.stderr) == (130, True)
    assert (tmp_path / "MNIST" / "raw" / f"{images}.part").exists()
    assert specc("fetch", "mnist", "--data-dir", str(tmp_path)).exit_code == 0


def test_listing_and_fetching_import_no_torch(tmp_path: Path) -> None:
    for arguments in (["data", "list"], ["data", "fetch", "digits"]):
        code = (
            "import sys\nfrom specc.cli.main import main\n"
            f"try: main({arguments!r})\n"
            "except SystemExit as end: assert not end.code\n"
            "sys.exit(bool({'torch', 'numpy'} & sys.modules.keys()))"
        )
        assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0
