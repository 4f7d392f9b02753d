"""What the page of `specc play` shows of a network besides its text: feature maps, filters, answers, within bounds."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from specc.build.compile import build
from specc.diagnostics.spelling import spelled
from specc.evaluate.activations import outputs_of
from specc.evaluate.filters import THREE, fix_first
from specc.evaluate.maps import filters_of, maps_of
from specc.evaluate.peek import of_spec
from specc.ir.analysis.compare import same_network
from specc.ir.shaped import ShapedModel
from specc.pipeline import analyse
from specc.play.child import Child, NoAnswer
from specc.play.looking import LookQuestion
from specc.play.machine import OWN, LookAsked, Machine
from specc.play.opening import Opened, opened
from specc.runner.again import record_at
from specc.runner.run import Run, train
from specc.source import Source

NET = "param width = 4\ninput 1x8x8\nconv width k3 p1 -> relu -> maxpool 2 -> flatten -> dropout 0.5 -> linear 10\n"
URI = "spec:///net.cnn"


def model_of(text: str) -> ShapedModel:
    model = analyse(Source("net", text)).model
    assert model is not None
    return model


def bytes_of(tiles: dict[str, Any]) -> torch.Tensor:
    pixels = torch.frombuffer(bytearray(base64.b64decode(tiles["pixels"])), dtype=torch.uint8)
    return pixels.view(tiles["count"], tiles["height"], tiles["width"])


def png(size: tuple[int, int] = (8, 8)) -> str:
    content = io.BytesIO()
    Image.radial_gradient("L").resize(size).save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    return train(NET, folder, params={"width": 6}, data="digits", limit=200, epochs=2, lr=0.01)


# maps and filters


def test_maps_are_those_that_peek_draws() -> None:
    subject = of_spec("net", model_of(NET), fit=True, invert=False)
    image = torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(0))
    found = maps_of(subject, image, "conv1")
    outputs = {one.name: one for one in outputs_of(subject.model, subject.shaped, image) if not one.same}
    assert [layer["name"] for layer in found["layers"]] == list(outputs) == ["conv1", "relu1", "maxpool1", "linear1"]
    for layer in found["layers"]:
        values = outputs[layer["name"]].values
        assert layer["shape"] == spelled(values.shape)
        maps = values.view(1, 1, -1) if values.dim() == 1 else values
        for shown, one, low, high in zip(bytes_of(layer), maps, layer["low"], layer["high"], strict=True):
            assert (low, high) == pytest.approx((float(one.min()), float(one.max())), rel=1e-3)
            assert (shown.float() / 255 * (high - low) + low).allclose(one, atol=(high - low) / 250)
    whole = found["whole"]
    weight = subject.model.get_submodule("conv1").weight
    assert isinstance(weight, torch.Tensor)
    filters = bytes_of(whole["filters"]).float() / 127 - 1
    largest = -whole["filters"]["low"][0]
    assert (filters * largest).allclose(weight[:, 0].float(), atol=largest / 100)
    assert (found["bars"], found["words"]) == ([], []), "what was never trained answers nothing"


@pytest.mark.parametrize(
    ("text", "layer", "shape"),
    [
        ("input 3x300x200 ; conv 300 k3", "conv1", (256, 96, 64)),
        ("input 1x4x4 ; flatten ; linear 900", "linear1", (1, 1, 512)),
        ("input 1x8x8 ; conv 2 k8", "conv1", (1, 1, 2)),
        ("input 1x8x8 ; residual { conv 1 k3 p1 }", "residual1", (1, 8, 8)),
        ("input 1x40x2000 ; maxpool 2", "maxpool1", (1, 2, 96)),
    ],
)  # fmt: skip
def test_what_is_shown_is_bounded(text: str, layer: str, shape: tuple[int, int, int]) -> None:
    subject = of_spec("net", model_of(text.replace(" ; ", "\n")), fit=True, invert=False)
    found = maps_of(subject, torch.rand(subject.taker.sample), layer)
    assert bytes_of(found["whole"]).shape == shape
    assert len(json.dumps(found)) < 3_000_000


def test_a_map_without_contrast_or_of_no_number_is_grey() -> None:
    subject = of_spec("net", model_of("input 1x8x8\nconv 2 k3\nrelu\n"), fit=True, invert=False)
    weight = subject.model.get_submodule("conv1").weight
    assert isinstance(weight, torch.Tensor)
    with torch.no_grad():
        weight[0], weight[1] = 0, float("nan")
    found = maps_of(subject, torch.rand(1, 8, 8), "conv1")
    assert set(bytes_of(found["whole"]).flatten().tolist()) == {128}
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize(("channels", "word"), [(1, "conv 9"), (3, "conv 9"), (3, "dwconv")])
def test_the_filters_of_lectures(size: int, channels: int, word: str) -> None:
    model = model_of(f"input {channels}x12x12\n{word} k{size}\nrelu\nconv 2 k1\n")
    network = build(model)
    names = fix_first(network, model)
    conv = next(iter(network.children()))
    weight, bias = conv.weight, conv.bias
    assert isinstance(weight, torch.Tensor) and isinstance(bias, torch.Tensor)
    assert names[: len(THREE)] == tuple(THREE)[: len(names)] and len(names) == len(weight)
    assert bias.abs().max() == 0
    for kernel, name in zip(weight, names, strict=True):
        total = float(kernel.detach().sum())
        if size >= 3:
            assert total == pytest.approx(0.0 if name.startswith("edges") else 1.0, abs=1e-5), name


@pytest.mark.parametrize("text", ["input 1x8x8\nflatten\nlinear 2\n", "input 1x8x8\nrelu\n", "input 1x8x8\nbn\n"])
def test_a_network_without_a_first_convolution_keeps_its_weights(text: str) -> None:
    model = model_of(text)
    assert fix_first(build(model), model) == ()


def test_filters_are_those_of_convolutions() -> None:
    network = build(model_of("input 2x9x9\nconv 4 k3\nconvtranspose 3 k2\nconv 2 k9 p4\ndwconv k3\n"))
    found = {name: filters_of(module, 9) for name, module in network.named_children()}
    assert {name for name, one in found.items() if one is not None} == {"conv1", "conv2", "dwconv1"}
    assert found["conv1"] is not None and (found["conv1"]["inputs"], found["conv1"]["count"]) == (2, 8)


# the process


@pytest.fixture(scope="module")
def answers(run: Run) -> Iterator[dict[str, dict[str, Any]]]:
    """What the process answers to questions of every kind, one after another."""
    changed = NET.replace("k3 p1", "k3 p1 -> conv 6 k1").replace("= 4", "= 6")
    questions: dict[str, dict[str, Any]] = {
        "drawn": {"text": NET, "picture": png((200, 200)), "layer": "conv1", "weights": "fixed"},
        "sample": {"text": NET, "data": "digits", "number": 3},
        "behind the last": {"text": NET, "data": "digits", "number": 3 + 359},
        "in colour": {"text": NET.replace("1x8x8", "3x16x16"), "data": "digits", "number": 3},
        "of a run": {"text": NET.replace("= 4", "= 6"), "data": "digits", "weights": "stored", "path": str(run.folder)},
        "of a changed run": {"text": changed, "data": "digits", "weights": "stored", "path": str(run.folder)},
        "no run": {"text": NET, "data": "digits", "weights": "stored", "path": "nowhere"},
        "no picture": {"text": NET, "picture": base64.b64encode(b"<svg onload=alert(1)>").decode()},
        "not even bytes": {"text": NET, "picture": "%%%"},
        "no such input": {"text": "input 8\nlinear 2\n", "picture": png()},
        "errors": {"text": "input 1x8x8\nconv 4 k9\n", "picture": png()},
        "too large": {"text": "input 1x8x8\nflatten\nlinear 99999\nlinear 99999\n", "picture": png()},
        "too much work": {"text": "input 3x2000x2000\nconv 512 k3 p1\nconv 512 k3 p1\n", "picture": png()},
        "several outputs": {"text": "input 1x8x8\noutputs { a: conv 2 k3 | b: conv 3 k3 }\n", "picture": png()},
        "fixed, but no filter": {"text": "input 1x8x8\nflatten\nlinear 2\n", "picture": png(), "weights": "fixed"},
    }  # fmt: skip
    lines = "".join(LookQuestion(**one).model_dump_json() + "\n" for one in questions.values())
    done = subprocess.run(
        [sys.executable, "-m", "specc.play.looking"], input=lines, capture_output=True, text=True, check=True
    )
    yield dict(zip(questions, map(json.loads, done.stdout.splitlines()), strict=True))


def test_a_picture_is_shown_to_the_network(answers: dict[str, dict[str, Any]]) -> None:
    drawn = answers["drawn"]["maps"]
    assert (drawn["input"]["count"], drawn["input"]["height"]) == (1, 8)
    assert drawn["whole"]["called"] == list(THREE)[:4]
    assert answers["sample"]["maps"]["truth"] and answers["sample"]["maps"]["whole"] is None
    assert answers["behind the last"]["maps"]["input"] == answers["sample"]["maps"]["input"]
    assert (answers["in colour"]["maps"]["input"]["count"], answers["in colour"]["maps"]["input"]["width"]) == (3, 16)
    assert answers["fixed, but no filter"]["maps"]["note"] == "no convolution stands first in it"
    several = answers["several outputs"]["maps"]["layers"]
    assert [one["name"] for one in several] == ["outputs1.a.conv1", "outputs1.b.conv1"]


def test_a_run_answers_with_its_weights(run: Run, answers: dict[str, dict[str, Any]]) -> None:
    import specc as package

    found = answers["of a run"]["maps"]
    shares = [share for _, share in found["bars"]]
    assert len(shares) == 5 and shares == sorted(shares, reverse=True) and found["note"] == ""
    assert {name for name, _ in found["bars"]} <= set(package.load(run.folder).classes)
    changed = answers["of a changed run"]["maps"]
    assert changed["note"] == "The text has changed: 4 of 6 tensors are the run's, the others random."
    assert changed["bars"] == []


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("no run", "there is no run or file nowhere"),
        ("no picture", "this cannot be shown (UnidentifiedImageError)"),
        ("not even bytes", "this cannot be shown (Error)"),
        ("no such input", "the network's input is 8, and no picture has that shape"),
        ("errors", "a text with errors has no feature maps"),
        ("too large", "more than is computed beside an editor"),
        ("too much work", "more than is computed beside an editor"),
    ],
)
def test_what_cannot_be_shown_is_told(question: str, told: str, answers: dict[str, dict[str, Any]]) -> None:
    assert told in answers[question]["refused"]


def test_a_question_that_takes_too_long_is_given_up_and_the_next_is_answered() -> None:
    async def asked() -> tuple[str, dict[str, Any]]:
        child = Child("specc.play.looking", seconds=0.01)
        question = LookQuestion(text=NET, picture=png()).model_dump()
        with pytest.raises(NoAnswer) as refused:
            await child.ask(question)
        child._seconds = 120.0
        try:
            return str(refused.value), await child.ask(question)
        finally:
            await child.close()

    told, answer = asyncio.run(asked())
    assert told == "this took more than 0.01 seconds, and was given up"
    assert answer["maps"]["layers"]


@pytest.mark.parametrize(
    "name", ["", "nowhere", "hf:mnist", "../digits", "/etc", "~", "net.csv", "mnist", OWN, "hf:../x", "\0"]
)
def test_only_data_that_are_here_and_have_a_name_are_looked_at(name: str, tmp_path: Path) -> None:
    machine = Machine(Opened(Source("net.cnn", NET)), tmp_path)
    asked = LookAsked(uri=URI, data=name)
    assert asyncio.run(machine.look(NET, asked)) == {"refused": "these data are not on this machine", "helps": []}


# what is opened


@pytest.mark.parametrize(
    ("text", "input", "params"),
    [
        ("input 1x8x8\nconv 4 k3\n", (3, 16, 20), {}),
        ("param width = 4  # wide\ninput 1x8x8\nconv width k3\n", None, {"width": 9}),
        ("param k = 3x3\nparam w = 2\ninput 1x8x8\nconv w k=k\n", (1, 9, 9), {"k": "5x3", "w": "3"}),
        ("param act = relu\ninput 1x8x8\nconv 4 k3 -> act\n", None, {"act": "tanh"}),
        ("param drop = 0.5\ninput 1x8x8\nconv 4 k3 -> dropout drop\n", None, {"drop": 0.25}),
    ],
)
def test_a_run_is_opened_with_what_was_given_in_its_texts_place(
    text: str, input: tuple[int, ...] | None, params: dict[str, Any], tmp_path: Path
) -> None:
    from specc.runner.run_folder import Record, RunFolder

    before = analyse(Source("net", text), input, params)
    assert before.model is not None
    record = Record(spec=text, path=None, input=input, params=params, options={}, recipe=before.recipe)
    RunFolder(tmp_path).write_record(record)
    found = opened(str(tmp_path))
    assert (found.run, found.record) == (tmp_path, record_at(tmp_path))
    assert same_network(model_of(found.source.text), before.model)
    assert found.source.text.count("\n") == text.count("\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_a_lower_limit_of_the_system_stays() -> None:
    program = (
        "import resource as r\nfrom specc.limits import limit\n"
        "r.setrlimit(r.RLIMIT_DATA, (1 << 31, 1 << 31))\nlimit('DATA', 1 << 32)\nprint(r.getrlimit(r.RLIMIT_DATA))\n"
        "limit('DATA', 1 << 30)\nprint(r.getrlimit(r.RLIMIT_DATA))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [str((1 << 31, 1 << 31)), str((1 << 30, 1 << 30))]
