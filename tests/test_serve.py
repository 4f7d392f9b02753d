"""`specc serve`: answers, refusals and limits through starlette's client, and a real server until Ctrl-C."""

from __future__ import annotations

import base64
import io
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from made import SIDE, drawn, name_all
from PIL import Image

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("python_multipart")

from starlette.testclient import TestClient

from specc.cli.main import main
from specc.evaluate.trained import load_trained
from specc.runner.run import Run, train
from specc.serve.answering import Answers, Limits, Posted
from specc.serve.app import app_of

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
SPEC = "input 1x8x8\nconv 4 k3 -> relu -> flatten -> linear 10\ntrain { epochs 1 ; batch 64 ; limit 200 }\n"
SMALL = Limits(size=1 << 16, pixels=10_000, waiting=2, seconds=5.0)
HERE = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(SPEC, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def answers(run: Run) -> Answers:
    return Answers(load_trained(run.folder), CPU, SMALL, fit=False)


@pytest.fixture
def client(answers: Answers) -> Iterator[TestClient]:
    with TestClient(app_of(answers, {"127.0.0.1", "localhost"}, f"{HERE}/"), base_url=HERE) as found:
        yield found


def png(size: tuple[int, int] = (8, 8)) -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 80, size).astype(np.uint8)).save(content, "PNG")
    return content.getvalue()


def predicted(run: Run, *more: str) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["predict", str(run.folder), "-", "--format", "json", *more], input=png())
    found: dict[str, Any] = json.loads(done.stdout)
    return {**found, "picture": "the picture"}


def test_a_picture_gives_what_predict_prints(client: TestClient, run: Run) -> None:
    for path in ("/", "/predict"):
        answer = client.post(path, content=png())
        assert (answer.status_code, answer.json()) == (200, predicted(run))
    form = client.post("/", files={"picture": ("seven.png", png(), "image/png")})
    assert form.json() == {**predicted(run), "picture": "seven.png"}
    wished = client.post("/?top=2&invert=1", content=png())
    assert wished.json() == predicted(run, "--top", "2", "--invert")


def test_the_page_and_the_health(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200 and f"curl --data-binary @picture.jpg {HERE}/" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert client.get("/healthz").json() == {"status": "ok", "run": "run", "task": "classify"}


WIDE = png((200, 200))


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        ({"content": b""}, 400, "there is no picture in the request"),
        ({"content": b"no picture"}, 422, "the picture cannot be read: it is not a picture"),
        ({"content": png()[:60]}, 422, "cannot be read"),
        ({"content": png((9, 9))}, 422, "is 9x9 (height x width), and the network takes 8x8"),
        ({"content": WIDE}, 422, "it has 40,000 pixels; at most 10,000 are decoded here"),
        ({"content": bytes(SMALL.size + 1)}, 413, "a request has at most 65,536 bytes"),
        ({"content": iter([bytes(SMALL.size), b"one more"])}, 413, "a request has at most 65,536 bytes"),
        ({"content": png(), "params": {"top": "many"}}, 400, "`top` takes a whole number"),
        ({"content": png(), "params": {"top": "0"}}, 400, "`top` takes a whole number from 1 to 100"),
        ({"content": png(), "params": {"top": "101"}}, 400, "`top` takes a whole number from 1 to 100"),
        ({"content": png(), "params": {"top": ["2", "3"]}}, 400, "`top` is given twice"),
        ({"content": png(), "params": {"tpo": "2"}}, 400, "there is no parameter `tpo`; did you mean `top`?"),
        ({"content": png(), "params": {"x": ""}}, 400, "there is no parameter `x`; there are `top` and `invert`"),
        ({"content": png(), "params": {"invert": "-1"}}, 400, "`invert` takes a whole number from 0 to 1"),
        ({"content": png(), "params": {"invert": "yes"}}, 400, "`invert` takes a whole number from 0 to 1"),
        ({"files": {"a": ("a.png", png())}, "data": {"top": "3"}}, 400, "`top` in the form is no file"),
        ({"files": {"a": ("a.png", png()), "b": ("b.png", png())}}, 400, "Too many files"),
        ({"data": {"a": "text"}, "files": {}}, 422, "it is not a picture"),
        ({"content": b"--x\r\nrubbish", "headers": {"content-type": "multipart/form-data"}}, 400, "boundary"),
        ({"content": b"rubbish", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 400, ""),
        ({"content": png(), "headers": {"host": "evil.example"}}, 403, "not asked under that name"),
        ({"content": png(), "headers": {"host": "evil.example:8000"}}, 403, "not asked under that name"),
        ({"content": png(), "headers": {"host": ""}}, 403, "not asked under that name"),
        ({"content": png(), "headers": {"origin": "https://evil.example"}}, 403, "not asked under that name"),
        ({"content": png(), "headers": {"origin": "null"}}, 403, "not asked under that name"),
        ({"content": png(), "headers": {"content-length": "9" * 30}}, 413, "at most 65,536 bytes"),
    ],
)
def test_what_is_refused_is_told_as_json(asked: dict[str, Any], status: int, told: str, client: TestClient) -> None:
    answer = client.post("/", **asked)
    assert answer.headers["content-type"] == "application/json"
    assert (answer.status_code, told in answer.json()["error"]) == (status, True), answer.text
    assert client.post("/", content=png()).status_code == 200  # and goes on


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("DELETE", "/", 405), ("PUT", "/", 405)]
)
def test_other_ways_to_ask(method: str, path: str, status: int, client: TestClient) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status and set(answer.json()) == {"error"}


def test_names_of_this_machine_are_answered(client: TestClient) -> None:
    for host in ("localhost", "LOCALHOST:8000", "127.0.0.1:8000"):
        assert client.post("/", content=png(), headers={"host": host}).status_code == 200
    assert client.post("/", content=png(), headers={"origin": HERE}).status_code == 200


def test_a_fault_of_the_server_is_no_traceback(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Answers, "_answered", lambda self, posted: 1 / 0)
    answer = client.post("/", content=png())
    assert (answer.status_code, answer.json()) == (500, {"error": "the picture could not be answered"})
    told = capfd.readouterr().err
    assert "ZeroDivisionError" in told and "Traceback" not in told


def test_too_many_and_too_slow_pictures(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    from specc.serve.answering import Busy

    answers = Answers(load_trained(run.folder), CPU, SMALL._replace(seconds=0.05), fit=False)

    def slow(answers: Answers, posted: Posted) -> dict[str, object]:
        time.sleep(0.5)
        return {"error": None}

    monkeypatch.setattr(Answers, "_answered", slow)

    async def ask() -> list[Any]:
        all_of_them = [answers.answer(Posted(png())) for _ in range(3)]
        return await asyncio.gather(*all_of_them, return_exceptions=True)

    found = asyncio.run(ask())
    assert all(isinstance(one, Busy) for one in found)
    assert [("waiting" in str(one), "within 0.05 seconds" in str(one)) for one in found] == [
        (False, True), (False, True), (True, False),
    ]  # fmt: skip
    answers.close()


def test_no_more_requests_are_open_than_may(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specc.serve.guard.OPEN", 0)
    answer = client.post("/", content=png())
    assert (answer.status_code, answer.json()) == (503, {"error": "0 requests are open already"})
    assert answer.headers["retry-after"] == "1"


def test_a_picture_that_does_not_arrive_is_not_waited_for(run: Run) -> None:
    """A client that says how much comes, sends a part of it, and waits."""
    import asyncio

    answers = Answers(load_trained(run.folder), CPU, SMALL._replace(seconds=0.05), fit=False)
    app, sent = app_of(answers, {"127.0.0.1"}, HERE), []
    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/", "raw_path": b"/",
        "query_string": b"", "root_path": "",
        "scheme": "http", "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 1),
        "headers": [(b"host", b"127.0.0.1"), (b"content-length", b"100")]}  # fmt: skip
    parts = [{"type": "http.request", "body": b"a part", "more_body": True}]

    async def receive() -> Any:
        if not parts:
            await asyncio.sleep(60)
        return parts.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 408 and b"did not arrive within" in sent[1]["body"]
    answers.close()


def test_a_mask_comes_as_a_png(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name_all(monkeypatch)
    spec = f"input 1x{SIDE}x{SIDE}\nconv 8 k5 p2 -> relu -> conv 2 k1\n"
    done = train(spec, tmp_path / "run", data="discs", task="segment", epochs=1, batch=24)
    answers = Answers(load_trained(done.folder), CPU, SMALL, fit=False)
    content = io.BytesIO()
    Image.fromarray(drawn("discs", 80, 1)[0][0, 0]).save(content, "PNG")
    with TestClient(app_of(answers, {"127.0.0.1"}, HERE), base_url=HERE) as client:
        found = client.post("/", content=content.getvalue()).json()
    with Image.open(io.BytesIO(base64.b64decode(found["mask"]))) as mask:
        assert (mask.mode, mask.size) == ("P", (SIDE, SIDE))
        said = np.asarray(mask)
    assert {one["class"]: one["share"] for one in found["classes"]}.get("disc", 0) == pytest.approx((said == 1).mean())
    assert "mask" in found and "overlay" not in found


# A real server


@pytest.fixture
def server(run: Run) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "specc", "serve", str(run.folder), "--port", "0", "--device", "cpu"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("run answers at http://127.0.0.1:"), line
    yield process, line.split()[3].rstrip(",/")
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_a_server_answers_and_ctrl_c_ends_it(server: tuple[subprocess.Popen[str], str], run: Run) -> None:
    process, url = server
    with urlopen(Request(f"{url}/", png()), timeout=30) as answer:
        assert json.load(answer) == predicted(run)
    host, port = url.removeprefix("http://").split(":")
    for rubbish in (b"\x16\x03\x01\x02\x00\x01rubbish", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"POST / HTTP/1.1\r\n"):
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(rubbish)
            if not rubbish.startswith(b"POST"):
                assert connection.recv(100).startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    with urlopen(f"{url}/healthz", timeout=30) as answer:
        assert json.load(answer)["status"] == "ok"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, "Traceback" in err) == (0, "ended\n", False), err


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["no/run"], 2, "error[E640]"),
        (["{run}", "--host", "192.0.2.1"], 2, "error[E702]: nothing can listen at 192.0.2.1"),
        (["{run}", "--host", "no address"], 2, "error[E702]"),
        (["{run}", "--port", "70000"], 2, "70000 is not in the range"),
    ],
)
def test_what_cannot_be_served(arguments: list[str], status: int, told: str, run: Run) -> None:
    done = CliRunner().invoke(main, ["serve", *(one.format(run=run.folder) for one in arguments)])
    assert (done.exit_code, told in done.output) == (status, True), done.output
