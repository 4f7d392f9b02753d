"""`specc play`: who is answered, what the page is told of a network, and the command from its start to Ctrl-C."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from browser import answering
from commands import specc
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("starlette")
pytest.importorskip("pygls")

from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from specc.emit.draw.outline import Folds, outline
from specc.emit.draw.picture import Options, draw, draw_for_page
from specc.gallery import entries, entry
from specc.ir.analysis.receptive import of_rows
from specc.ir.shaped import ShapedLayer, ShapedModel
from specc.lsp.documents import Snapshot
from specc.pipeline import analyse
from specc.play.app import BUNDLE, FILES, Start, app_of
from specc.play.arguments import SetAsked, set_value
from specc.play.layers import LayerAsked, inspected
from specc.play.machine import Machine
from specc.play.nodes import Nodes
from specc.play.opening import Opened
from specc.play.pictures import PictureAsked, picture
from specc.play.session import MOST
from specc.play.site import CORE, NEEDED, ONNXRUNTIME, PYODIDE
from specc.source import Source

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "specc" / "play" / "page"
SECRET = "a-secret"
HERE = "http://127.0.0.1:8000"
SOCKET = HERE.replace("http", "ws")
URI = "spec:///net.cnn"
ORIGIN = {"origin": HERE}
NET = """\
param width = 16
input 3x32x32
block cbr(c, k, stride=1, act=relu) { conv c k=k s=stride p1 nobias -> bn -> act }
stem: cbr width k3 -> cbr (2*width) k3 s2
residual { conv 32 k3 p1 } shortcut auto
maxpool 2 -> flatten -> linear 10
"""


@pytest.fixture
def client() -> Iterator[TestClient]:
    machine = Machine(Opened(Source("net.cnn", NET)))
    app = app_of(Start("net.cnn", NET), SECRET, {"127.0.0.1", "localhost"}, machine)
    with TestClient(app, base_url=HERE, raise_server_exceptions=False) as found:
        yield found


# who is answered


def test_the_page_stands_under_its_secret_alone(client: TestClient) -> None:
    answer = client.get(f"/{SECRET}/")
    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200 and "specc play" in answer.text
    assert "default-src 'none'; script-src 'self';" in policy and "frame-ancestors 'none'" in policy
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert len(nonce) > 16 and f'content="{nonce}"' in answer.text
    assert client.get(f"/{SECRET}/").headers["content-security-policy"] != policy, "a nonce is used once"
    assert (answer.headers["referrer-policy"], answer.headers["cache-control"]) == ("no-referrer", "no-store")
    for path in ("/", "/play.js", "/start.json", "/another/", f"/{SECRET[:-1]}/", f"/{SECRET}x/"):
        assert client.get(path).status_code == 404, path


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 403),
        ({"host": "evil.example:8000"}, 403),
        ({"host": ""}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"content-length": "9" * 30}, 413),
        ({"content-length": str((1 << 16) + 1)}, 413),
        ({"host": "localhost:8000"}, 200),
    ],
)
def test_who_asks_and_how_much(headers: dict[str, str], status: int, client: TestClient) -> None:
    assert client.get(f"/{SECRET}/start.json", headers=headers).status_code == status


@pytest.mark.parametrize(
    "path",
    ["nothing.js", "gallery/none.cnn", "gallery/..%2f..%2fpyproject.toml", "..%2fapp.py", "index.html", "gallery/"],
)
def test_what_is_not_there(path: str, client: TestClient) -> None:
    answer = client.get(f"/{SECRET}/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
    assert client.post(f"/{SECRET}/start.json").status_code == 405


def test_what_the_page_is_made_of(client: TestClient) -> None:
    kinds = {"js": "text/javascript", "css": "text/css", "txt": "text/plain"}
    for name in (*FILES, "colours.css"):
        answer = client.get(f"/{SECRET}/{name}")
        kind = answer.headers["content-type"].partition(";")[0]
        assert (answer.status_code, kind) == (200, kinds[name.rpartition(".")[2]]), name
    assert client.get(f"/{SECRET}/start.json").json() == {"name": "net.cnn", "text": NET}
    listed = client.get(f"/{SECRET}/gallery.json").json()
    assert [one["name"] for one in listed] == [one.name for one in entries()]
    assert client.get(f"/{SECRET}/gallery/classics/vgg16.cnn").text == entry("vgg16").text


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"origin": "https://evil.example"}, {"origin": "http://127.0.0.1:9999"}, {"origin": "null"},
        {"origin": HERE, "host": "evil.example"}, {"origin": "http://evil.example:8000", "host": "evil.example:8000"},
    ],
)  # fmt: skip
def test_a_socket_is_for_this_page_alone(headers: dict[str, str], client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"{SOCKET}/{SECRET}/socket", headers=headers):
        pass


def test_a_socket_needs_the_secret(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"{SOCKET}/socket", headers=ORIGIN):
        pass


# talking


class Talk:
    """A page's side of the socket."""

    def __init__(self, socket: Any) -> None:
        self.socket, self.number = socket, 0
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        self.tell("initialized", {})

    def tell(self, method: str, params: object) -> None:
        self.socket.send_text(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}))

    def ask(self, method: str, params: object) -> Any:
        """The answer; what is told meanwhile is passed over."""
        self.number += 1
        question = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}
        self.socket.send_text(json.dumps(question))
        while (answer := json.loads(self.socket.receive_text())).get("id") != self.number:
            pass
        return answer.get("result") if "error" not in answer else answer["error"]["code"]

    def open(self, text: str) -> None:
        document = {"uri": URI, "languageId": "cnn", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})


@pytest.fixture
def talk(client: TestClient) -> Iterator[Talk]:
    with client.websocket_connect(f"{SOCKET}/{SECRET}/socket", headers=ORIGIN) as socket:
        yield Talk(socket)


def test_a_page_talks_with_a_language_server(talk: Talk) -> None:
    talk.open(NET)
    place = {"textDocument": {"uri": URI}, "position": {"line": 5, "character": 1}}
    assert "largest value under" in talk.ask("textDocument/hover", place)["contents"]["value"]
    drawn = talk.ask("specc/picture", {"uri": URI, "style": "lecture"})
    assert drawn["svg"].startswith("<svg") and drawn["totals"].startswith("3×32×32 → 10: ")
    told = talk.ask("specc/layer", {"uri": URI, "name": "maxpool1"})
    assert told["formulas"] == ["⌊(16 + 2·0 − 1·(2−1) − 1) / 2⌋ + 1 = 8"] * 2
    place = {"line": 5, "character": 0, "field": "kernel", "value": 3}
    (edit,) = talk.ask("specc/set", {"uri": URI, **place})
    assert edit["newText"] == "3"
    assert talk.ask("specc/explain", {"code": "E301"}).startswith("# E301: ")
    assert talk.ask("specc/explain", {"code": "../E301"}) is None


@pytest.mark.parametrize(
    "params",
    [
        {"uri": URI, "style": "oil"}, {"uri": URI, "opened": ["x" * 5000]}, {"uri": URI, "closed": "all"}, {}, [],
        "net", {"uri": {"type_name": "__class__"}},
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused(params: object, talk: Talk) -> None:
    talk.open(NET)
    assert talk.ask("specc/picture", params) in (-32602, -32603)
    assert talk.ask("specc/picture", {"uri": URI})["svg"]


def test_no_other_file_is_looked_at(talk: Talk) -> None:
    assert talk.ask("specc/picture", {"uri": Path(__file__).as_uri()}) is None
    place = {"textDocument": {"uri": (ROOT / "specs" / "digits.cnn").as_uri()}, "position": {"line": 9, "character": 1}}
    assert talk.ask("textDocument/hover", place) is None


@pytest.mark.parametrize("text", ["", "rubbish", "[]", "7", "{}", "[" * 100000, '{"jsonrpc": 3}', '"\ud800"'])
def test_what_is_no_message_ends_the_talk_and_nothing_else(text: str, client: TestClient) -> None:
    with client.websocket_connect(f"{SOCKET}/{SECRET}/socket", headers=ORIGIN) as socket:
        socket.send_text(text)
        with pytest.raises(WebSocketDisconnect):
            socket.receive_text()
    assert client.get(f"/{SECRET}/start.json").status_code == 200


def test_a_page_cannot_end_the_server(client: TestClient) -> None:
    for method in ("exit", "shutdown"):
        with client.websocket_connect(f"{SOCKET}/{SECRET}/socket", headers=ORIGIN) as socket:
            socket.send_text(json.dumps({"jsonrpc": "2.0", "method": method, "params": None}))
    assert client.get(f"/{SECRET}/start.json").status_code == 200


def test_pages_are_counted(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specc.play.session.MOST", 1)
    assert MOST > 1
    with client.websocket_connect(f"{SOCKET}/{SECRET}/socket", headers=ORIGIN) as first:
        Talk(first)
        with client.websocket_connect(f"{SOCKET}/{SECRET}/socket", headers=ORIGIN) as second:
            with pytest.raises(WebSocketDisconnect) as told:
                second.receive_text()
            assert told.value.code == 1013


# what the page is told


def model_of(text: str) -> ShapedModel:
    model = analyse(Source("net.cnn", text)).model
    assert model is not None
    return model


def snapshot(text: str) -> Snapshot:
    return Snapshot(URI, 1, text)


def told(text: str, name: str) -> dict[str, Any]:
    found = inspected(snapshot(text), LayerAsked(uri=URI, name=name))
    assert found is not None
    return found


@pytest.mark.parametrize("style", ["flow", "lecture"])
@pytest.mark.parametrize("name", ["lenet5", "resnet18", "unet", "googlenet", "densenet121", "mobilenet_v2"])
def test_what_is_drawn_bears_the_names_of_modules(name: str, style: Any) -> None:
    model = model_of(entry(name).text)
    svg, names = draw_for_page(model, Options(style))
    assert names and all(Nodes(model).to(one) for one in names)
    plain = draw(model, "svg", Options(style))
    drawn = [line for line in plain.splitlines() if not line.startswith("<style")]
    bare = svg.replace("</g>", "").replace("<g>", "")
    for one in names:
        for fold in ("", ' data-fold="open"', ' data-fold="closed"'):
            bare = bare.replace(f'<g data-name="{one}"{fold}>', "")
    assert "".join(bare.split("\n")) == "".join(drawn), "the same marks, in the same order"
    root = ElementTree.fromstring(svg)
    assert len(root) == len(svg.strip().split("\n")) - 2, "an element is a line, by which the page tells what differs"


def test_a_block_is_folded_by_its_name() -> None:
    model = model_of(NET)
    _, names = draw_for_page(model, Options())
    assert "stem.conv1" in names and "cbr2.conv1" in names
    svg, names = draw_for_page(model, Options(), Folds(closed=frozenset({"stem"})))
    assert "stem.conv1" not in names and "cbr2.conv1" in names
    assert 'data-name="stem" data-fold="closed"' in svg
    closed = outline(model, 0, folds=Folds(opened=frozenset({"cbr2"})))
    assert [item.name for item in closed.items if hasattr(item, "times")][:1] == ["stem"]


def test_places_are_those_of_the_steps() -> None:
    text = "# 🙂\ninput 1x8x8\nconv 2 k3 -> relu # 🙂 é\nflatten -> linear 2\n"
    drawn = picture(snapshot(text), PictureAsked(uri=URI))
    assert drawn["places"]["conv1"] == [2, 0, 2, 9]
    assert drawn["places"]["linear1"] == [3, 11, 3, 19]
    wrong = picture(snapshot(text.replace("k3", "k9")), PictureAsked(uri=URI))
    assert (wrong["svg"], wrong["places"]) == (None, {})


NUMBERS = ("size", "count", "kernel", "stride", "before", "after", "dilation")
WINDOWS: list[tuple[str, str, tuple[float, ...]]] = [
    ("input 2x9x7 ; conv 4 k3 s2 p1 d2", "slide", (9, 4, 3, 2, 1, 1, 2)),
    ("input 2x9x7 ; conv 4 k4 same", "slide", (9, 9, 4, 1, 1, 2, 1)),
    ("input 2x9x7 ; maxpool 2", "slide", (9, 4, 2, 2, 0, 0, 1)),
    ("input 2x9x7 ; gap", "spread", (9, 1, 9, 9, 0, 0, 1)),
    ("input 2x9x7 ; adaptivemaxpool 4", "spread", (9, 4, 3, 2.25, 0, 0, 1)),
    ("input 2x5x7 ; convtranspose 4 k3 s2 p1", "paint", (9, 5, 3, 2, 1, 1, 1)),
]


@pytest.mark.parametrize(("text", "kind", "rows"), WINDOWS, ids=[one[0] for one in WINDOWS])
def test_a_window_is_told_in_numbers(text: str, kind: str, rows: tuple[float, ...]) -> None:
    found = told(text, first_of(text))["window"]
    assert (found["kind"], found["rows"]) == (kind, dict(zip(NUMBERS, rows, strict=True)))


def first_of(text: str) -> str:
    """The name of the layer behind the input."""
    return text.partition(" ; ")[2].partition(" ")[0] + "1"


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("input 2x9 ; conv 4 k3", (1, 7, False)), ("input 2x5x6x7 ; conv 4 k3", (4, 5, True)),
        ("input 2x9x7 ; lrn 3", None), ("input 8 ; linear 2", None),
    ],
)  # fmt: skip
def test_a_window_has_two_dimensions(text: str, counts: tuple[int, int, bool] | None) -> None:
    found = told(text, first_of(text))["window"]
    assert counts == (found and (found["rows"]["count"], found["columns"]["count"], found["more"]))


def test_shares_are_of_the_whole_network() -> None:
    found = told(NET, "linear1")["costs"]
    model = model_of(NET)
    assert (found["parameters"], found["of_parameters"]) == (32 * 8 * 8 * 10 + 10, model.params)
    block = told(NET, "cbr2")
    assert (block["about"], block["arguments"]) == ("A block of 3 steps, 3 layers in all.", [])
    assert told(NET, "residual1")["about"] == "The outputs of its branches are added."
    assert inspected(snapshot(NET), LayerAsked(uri=URI, name="none")) is None


# sliders

TURNED = [
    ("maxpool1", "kernel", 4, "maxpool 2 -> flatten", "maxpool 4 -> flatten"),
    ("stem.conv1", "out", 24, "width = 16", "width = 24"),
    ("stem.conv1", "kernel", 5, "cbr width k3", "cbr width k5"),
    ("stem.conv1", "stride", 3, "cbr width k3", "cbr width k3 s3"),
    ("cbr2.conv1", "stride", 1, "k3 s2", "k3 s1"),
    ("cbr2.conv1", "padding", 2, "s=stride p1", "s=stride p2"),
    ("residual1.body.conv1", "padding", 0, "conv 32 k3 p1 }", "conv 32 k3 }"),
    ("residual1.body.conv1", "dilation", 2, "conv 32 k3 p1 }", "conv 32 k3 p1 d2 }"),
]


def argument(text: str, name: str, field: str) -> dict[str, Any]:
    (found,) = [one for one in told(text, name)["arguments"] if one["name"] == field]
    return dict(found)


def edited(text: str, edits: Any) -> str:
    from editor import made

    return made(text, edits)


@pytest.mark.parametrize(("name", "field", "value", "before", "after"), TURNED, ids=[f"{a}-{b}" for a, b, *_ in TURNED])
def test_a_slider_writes_where_the_value_stands(name: str, field: str, value: int, before: str, after: str) -> None:
    one = argument(NET, name, field)
    line, character = one["at"]
    asked = SetAsked(uri=URI, line=line, character=character, field=one["field"], value=value)
    assert edited(NET, set_value(snapshot(NET), asked)) == NET.replace(before, after, 1)


def test_a_slider_that_cannot_say_why_it_cannot() -> None:
    assert argument(NET, "cbr2.conv1", "out")["at"] is not None  # at the call: `(2*width)` becomes a number
    inferred = NET.replace("{ conv 32 k3 p1 }", "{ conv 64 k3 p1 }")
    found = told(inferred, "residual1.shortcut.conv1")["arguments"]
    assert {one["reason"] for one in found} == {"it is inferred"}
    worked_out = NET.replace("p1 nobias", "p=(k//2) nobias")
    assert argument(worked_out, "stem.conv1", "padding")["reason"] == "it is worked out: `p=(k//2)`"


@given(
    st.integers(0, 12), st.integers(0, 60), st.sampled_from(["out", "kernel", "x", "", "padding"]), st.integers(0, 99)
)
def test_an_edit_at_any_place_is_an_edit_or_none(line: int, character: int, field: str, value: int) -> None:
    asked = SetAsked(uri=URI, line=line, character=character, field=field, value=value)
    analyse(Source("net.cnn", edited(NET, set_value(snapshot(NET), asked))))


# receptive fields


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2)), min_size=1, max_size=4
    )
)
def test_a_receptive_field_begins_where_the_first_value_looks(layers: list[tuple[int, int, int, int]]) -> None:
    steps = " -> ".join(f"conv 1 k{k} s{s} p{p} d{d}" for k, s, p, d in layers)
    model = analyse(Source("", f"input 1x64\n{steps}\n")).model
    if model is None:
        return
    pixels = {0}  # those that the first value depends on, followed back through every layer
    for _, node in reversed(model.chain.steps):
        assert isinstance(node, ShapedLayer)
        (window,) = node.layer.windows(node.input)
        offsets = [at * window.dilation - window.padding for at in range(window.kernel)]
        pixels = {int(pixel * window.stride) + offset for pixel in pixels for offset in offsets}
    (*_, seen) = of_rows(model)
    assert seen is not None
    assert (seen.start, seen.size) == ((min(pixels),), (max(pixels) - min(pixels) + 1,))


# the command


def started(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A server that is ended as soon as it says where it is; at its end it tells its modules."""
    program = (
        "import atexit, sys\n"
        "from specc.cli import main\n"
        "atexit.register(lambda: print('MODULES', *sys.modules))\n"
        f"main(['play', '--no-browser', *{list(arguments)!r}])\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        first = process.stdout.readline()
        answering(first)
        process.send_signal(signal.SIGINT)
        rest, failed = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, first + rest, failed)


def test_ctrl_c_ends_it_quietly_and_torch_was_not_needed(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(NET)
    done = started(tmp_path, "net.cnn")
    first, last, modules = done.stdout.splitlines()
    assert (done.returncode, done.stderr, last) == (0, "", "ended")
    assert first.startswith("net.cnn is at http://127.0.0.1:") and first.endswith("/, Ctrl-C ends it")
    assert len(first.split("/")[3]) >= 32, "a secret stands in the address"
    assert {"torch", "numpy"}.isdisjoint(modules.split())


def test_a_run_is_opened_with_its_spec(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "spec.cnn").write_text(NET)
    assert started(tmp_path, "run").stdout.startswith("run/spec.cnn is at http://127.0.0.1:")


def test_what_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = specc("play", "none.cnn", cwd=tmp_path)
    assert (done.returncode, "error[E107]: there is no file `none.cnn`" in done.stderr) == (2, True)
    done = specc("play", ".", cwd=tmp_path)
    assert (done.returncode, "is a folder, not a spec" in done.stderr) == (2, True)
    monkeypatch.setattr("specc.serve.serving.find_spec", lambda name: None)
    done = specc("play", cwd=tmp_path)
    assert (done.returncode, "error[E701]: `specc play` needs packages" in done.stderr) == (2, True)


# the page as files


def copy_of_pyodide(folder: Path) -> Path:
    """What a copy must have, without a content."""
    folder.mkdir()
    wheel = f"{CORE}-{version(CORE)}-cp314-cp314-pyemscripten_2026_0_wasm32.whl"
    for name in (*NEEDED, wheel):
        (folder / name).write_text("")
    return folder


def test_the_page_is_written_as_files(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(NET)
    copy_of_pyodide(tmp_path / "copy")
    done = specc("play", "net.cnn", "--site", "public", "--vendored", "copy", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "wrote public, for any web server to hold\n")
    public = tmp_path / "public"
    start = json.loads((public / "start.json").read_text())
    assert (start["name"], start["text"], start["python"]["address"]) == ("net.cnn", NET, "pyodide/")
    assert all((public / path).is_file() for path in start["python"]["packages"])
    listed = {one["name"] for one in json.loads((public / "gallery.json").read_text())}
    assert {path.relative_to(public / "gallery").as_posix() for path in public.rglob("*.cnn")} == {
        f"{one}.cnn" for one in listed
    }
    with zipfile.ZipFile(public / "specc.zip") as archive:
        names = set(archive.namelist())
        assert {"specc/pipeline.py", "specc/syntax/tables.py", "typing_extensions.py"} <= names
        assert {date for one in archive.infolist() for date in [one.date_time]} == {(1980, 1, 1, 0, 0, 0)}
    assert not [name for name in names if name.endswith((".so", ".pyc", ".js")) or name.startswith("torch")]
    licences = (public / "licences.txt").read_text(encoding="utf-8")
    assert licences.startswith((BUNDLE / "licences.txt").read_text(encoding="utf-8"))
    owners = packages_distributions()
    modules = {name.partition("/")[0].removesuffix(".py") for name in names} - {"specc"}
    for owner in {owner for module in modules for owner in owners[module]}:
        text = licences.partition(f"\n{owner} {version(owner)} (")[2].partition("-" * 80)[0]
        assert "permission" in text.lower() or "license" in text.lower(), owner
    assert f"\npyodide {PYODIDE} (MPL-2.0)\n" in licences and "onnxruntime" not in licences
    again = specc("play", "net.cnn", "--site", "public", "--vendored", "copy", cwd=tmp_path)
    assert again.returncode == 0, "an earlier page is written over"


def test_the_page_of_a_run_holds_its_network(tmp_path: Path) -> None:
    from specc.evaluate.activations import outputs_of
    from specc.evaluate.trained import load_trained
    from specc.play.opening import opened
    from specc.play.site import NEEDED_FOR_RUNS, write_site
    from specc.runner.run import train

    pytest.importorskip("onnxscript")
    text = "input 1x8x8\nconv 3 k3 -> relu -> flatten -> dropout 0.5 -> linear 10\n"
    run = train(text, tmp_path / "run", data="digits", epochs=1, limit=50, normalize=True).folder
    copy = copy_of_pyodide(tmp_path / "copy")
    done = specc("play", "run", "--site", "public", "--vendored", "copy", cwd=tmp_path)
    assert (done.returncode, "it lacks dist/ort" in done.stderr) == (2, True)
    (copy / "dist").mkdir()
    for name in (*NEEDED_FOR_RUNS, "dist/much-else.wasm"):
        (copy / name).write_text("")
    write_site(opened(str(run)), tmp_path / "public", copy)
    public = tmp_path / "public"
    assert {path.name for path in (public / "onnxruntime").iterdir()} == {Path(one).name for one in NEEDED_FOR_RUNS}
    assert f"\nonnxruntime-web {ONNXRUNTIME} (MIT)\n" in (public / "licences.txt").read_text(encoding="utf-8")
    about = json.loads((public / "network.json").read_text())
    assert [one["name"] for one in about["layers"]] == ["conv1", "relu1", "linear1"]
    assert (about["text"], about["classes"], about["input"]) == (text, list("0123456789"), [1, 8, 8])
    assert len(about["mean"]) == len(about["deviation"]) == 1 and about["filters"]["conv1"]["count"] == 3
    assert json.loads((public / "start.json").read_text())["run"] is True

    import onnxruntime  # type: ignore[import-untyped]  # it ships no types
    import torch

    trained, image = load_trained(run), torch.rand(1, 8, 8)
    session = onnxruntime.InferenceSession(str(public / "network.onnx"))
    found = dict(zip(["conv1", "relu1", "linear1"], session.run(None, {"input": image[None].numpy()}), strict=True))
    for one in outputs_of(trained.model, trained.shaped, image):
        if not one.same:
            assert torch.from_numpy(found[one.name])[0].allclose(one.values, atol=1e-5), one.name


def test_the_page_asks_for_pyodide_where_there_is_no_copy(tmp_path: Path) -> None:
    assert specc("play", "--site", "public", cwd=tmp_path).returncode == 0
    html = (tmp_path / "public" / "index.html").read_text()
    start = json.loads((tmp_path / "public" / "start.json").read_text())
    assert f"connect-src 'self' {start['python']['address']};" in html and start["python"]["packages"] == ["pydantic"]
    assert "pyodide" not in (tmp_path / "public" / "licences.txt").read_text(encoding="utf-8")
    assert "{nonce}" not in html and f"v{PYODIDE}/" in start["python"]["address"]
    done = specc("play", "--vendored", "public", cwd=tmp_path)
    assert (done.returncode, "--vendored is for the files that --site writes" in done.stderr) == (2, True)


# the bundle


@pytest.mark.skipif(not (PAGE / "node_modules").is_dir(), reason="`npm ci` has not been run in specc/play/page")
@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_bundle_is_what_its_sources_give(tmp_path: Path) -> None:
    done = subprocess.run(["node", "build.mjs", str(tmp_path)], cwd=PAGE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in BUNDLE.iterdir()}


def test_every_library_has_its_licence() -> None:
    lock = json.loads((PAGE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    licences = (BUNDLE / "licences.txt").read_text(encoding="utf-8")
    sections = licences.split("-" * 80)[1:]
    needed = {path.removeprefix("node_modules/") for path, about in lock.items() if path and not about.get("dev")}
    told_of = {name for name in needed if f"\n{name} {lock[f'node_modules/{name}']['version']} (" in licences}
    assert {"@codemirror/view", "@codemirror/state", "style-mod"} <= told_of
    assert len(told_of) == len(sections), "each section is about a library of the lock file, in its version"
    assert all("Permission is hereby granted" in text for text in sections)


def test_no_source_is_too_long() -> None:
    for path in (PAGE / "src").iterdir():
        assert len(path.read_text(encoding="utf-8").splitlines()) < 400, path
        assert "innerHTML" not in path.read_text(encoding="utf-8"), path
