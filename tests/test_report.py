"""What a run leaves for people: `report.html`."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from callbacks import Heard, Stop
from PIL import Image
from safetensors.torch import load_file

from specc.data.batches import Batches, scaling_of
from specc.data.images import InMemory
from specc.diagnostics.diagnostic import Problem
from specc.emit.draw.outline import MAX_BOXES
from specc.evaluate.score import Wanted, evaluate
from specc.evaluate.trained import load_trained
from specc.pipeline import analyse
from specc.report.content import Content
from specc.report.matrix import classes_of
from specc.report.network import picture_of
from specc.report.page import page as page_of
from specc.report.pictures import png_of
from specc.report.template import rendered
from specc.runner import ending, review, session
from specc.runner.metrics import Metrics
from specc.runner.resume import resume
from specc.runner.run import train
from specc.runner.views import EXPLAINED
from specc.source import Source
from specc.tasks.classify import Classify, Mistakes
from specc.tasks.confusion import Confusion
from specc.tasks.reconstruct import FirstOnes, Reconstruct
from specc.tasks.review import Review

TINY = "input 1x8x8\nconv 4 k3 -> relu -> flatten -> linear 10\ntrain { epochs 2 ; batch 256 }\n"
AUTOENCODER = (
    "input 1x8x8\nflatten -> linear 8 -> relu -> linear 64 -> unflatten 1x8x8\ntrain { task reconstruct ; epochs 1 }\n"
)
CPU = torch.device("cpu")
VOID = {"meta", "img", "br", "path", "circle", "link"}


class Page(HTMLParser):
    """Reads a page: what is opened is closed, and what it shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag == "img":
            self.images.append(given)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def read(path: Path) -> Page:
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == []
    return page


def decoded(image: dict[str, str | None]) -> Image.Image:
    kind, _, content = (image["src"] or "").partition("base64,")
    assert kind == "data:image/png;"
    return Image.open(io.BytesIO(base64.b64decode(content)))


# The page of a run


def test_the_page_tells_the_run(tmp_path: Path) -> None:
    done = train(TINY, tmp_path / "run", normalize=True)
    page = read(done.folder / "report.html")
    best = done.best
    assert best is not None and best.test_accuracy is not None
    for words in (
        "Complete: 2 epochs.", f"{100 * best.test_accuracy:.2f} %", "359 test pictures", "conv1", "1,490", "adam",
        torch.__version__, "Worst mistakes", "linear 10",
    ):  # fmt: skip
        assert words in page.words
    assert "--resume" not in page.words
    assert "script" not in page.tags
    assert "loss over the epochs" in page.words
    assert "The network spec" in page.words  # its picture
    assert (done.folder / "report.html").stat().st_size < 200_000
    assert all(address.startswith("data:") for address in page.addresses)
    mistakes, views = page.images[: Classify.examples], page.images[Classify.examples :]
    assert all(decoded(image).size == (8, 8) and "taken for" in (image["alt"] or "") for image in mistakes)
    worst = [[mistake["alt"], "Grad-CAM", "occlusion"] for mistake in mistakes[:EXPLAINED]]
    filters = [f"filter {number}" for number in range(1, 5)]
    assert [image["alt"] for image in views] == [*chain.from_iterable(worst), *filters]
    assert all(decoded(image).size == (8, 8) for image in views[:-4])
    assert all(decoded(image).size == (3, 3) for image in views[-4:])
    assert not (done.folder / "curves.png").exists()


def test_the_confusion_matrix_is_that_of_the_last_epoch(tmp_path: Path) -> None:
    done = train(TINY, tmp_path / "run")
    cells = re.findall(
        r'<td class="([^"]*)" style="--p:\d+">(\d+)(?:<small>[\d.]+ %</small>)?</td>',
        (done.folder / "report.html").read_text(),
    )
    assert len(cells) == 100
    right = sum(int(count) for kinds, count in cells if "hit" in kinds)
    assert sum(int(count) for _, count in cells) == 359
    assert right / 359 == done.metrics[-1].test_accuracy


def test_a_stopped_run_has_a_page_that_resuming_writes_anew(tmp_path: Path) -> None:
    train(TINY, tmp_path / "run", callback=Stop(8))
    page = read(tmp_path / "run" / "report.html")
    assert "Stopped by SIGINT after 1 of 2 epochs." in page.words
    assert f"specc train --resume {tmp_path / 'run'}" in page.words
    resume(tmp_path / "run")
    assert "Complete: 2 epochs." in read(tmp_path / "run" / "report.html").words


def test_a_run_that_is_stopped_in_its_first_epoch_has_no_curves(tmp_path: Path) -> None:
    train(TINY, tmp_path / "run", callback=Stop(2))
    assert "No epoch was finished" in read(tmp_path / "run" / "report.html").words
    assert not (tmp_path / "run" / "curves.png").exists()


def test_a_failed_run_has_a_page(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="became"):
        train(TINY, tmp_path / "run", optimizer="sgd", lr=1e30)
    assert "Failed after 0 of 2 epochs: the loss became" in read(tmp_path / "run" / "report.html").words


def test_the_answers_are_those_of_the_best_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the first epoch is the best one, whatever is measured; `eval` gives the same figures."""
    monkeypatch.setattr(Metrics, "score", property(lambda one: -one.epoch))
    seen: list[Content] = []

    def noting(content: Content) -> str:
        seen.append(content)
        return page_of(content)

    monkeypatch.setattr(ending, "page", noting)
    done = train(TINY, tmp_path / "run", epochs=3)
    first = done.metrics[0]
    assert first.test_accuracy is not None
    (content,) = seen
    assert content.confusion is not None
    assert content.confusion.accuracy == pytest.approx(first.test_accuracy)
    words = read(done.folder / "report.html").words
    assert f"{100 * first.test_accuracy:.2f} %epoch 1, at the end" in words
    assert "with the weights in best.safetensors, those of epoch 1, chosen on the same test samples" in words
    evaluated = evaluate(load_trained(done.folder), Wanted(), torch.device("cpu"))
    assert evaluated.review.confusion == content.confusion
    assert evaluated.chose_epoch
    stored = load_file(done.folder / "best.safetensors")
    assert all(stored[name].equal(tensor) for name, tensor in done.model.state_dict().items())


class Refusing(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise AssertionError("the test part is gone over once more")


KEPT: list[dict[str, Any]] = [{"epochs": 1}, {"epochs": 3}, {"epochs": 3, "average": 0.5, "validation": 0.2}]


@pytest.mark.parametrize("options", KEPT, ids=str)
def test_the_answers_are_kept_from_the_best_epoch(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass over a large test part takes as long as the page must not."""
    seen: list[Content] = []

    def noting(content: Content) -> str:
        seen.append(content)
        return page_of(content)

    monkeypatch.setattr(ending, "reviewed", lambda _, *rest: review.reviewed(Refusing(), *rest))
    monkeypatch.setattr(ending, "page", noting)
    done = train(TINY, tmp_path / "run", **options)
    evaluated = evaluate(load_trained(done.folder), Wanted(), torch.device("cpu"))
    assert seen[0].confusion == evaluated.review.confusion


def test_outputs_that_are_too_large_are_computed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Any] = []

    def noting(model: torch.nn.Module, *rest: Any) -> Review:
        kept.append(rest[-1])
        return review.reviewed(model, *rest)

    monkeypatch.setattr(session, "MOST_KEPT", 1000)
    monkeypatch.setattr(ending, "reviewed", noting)
    done = train(TINY, tmp_path / "run")
    assert (kept, (done.folder / "report.html").exists()) == ([[]], True)


def test_a_validation_split_makes_the_figures_honest(tmp_path: Path) -> None:
    done = train(TINY, tmp_path / "run", validation=0.2)
    words = read(done.folder / "report.html").words
    assert "chosen for its validation accuracy" in words
    assert "flatter" not in words
    assert not evaluate(load_trained(done.folder), Wanted(), torch.device("cpu")).chose_epoch


def test_a_run_that_was_stopped_at_once_shows_the_weights_so_far(tmp_path: Path) -> None:
    done = train(TINY, tmp_path / "run", callback=Stop(after=3))
    assert "in last.safetensors, as they were before the first epoch" in read(done.folder / "report.html").words


def test_an_autoencoder_shows_pictures_beside_what_it_makes_of_them(tmp_path: Path) -> None:
    done = train(AUTOENCODER, tmp_path / "run")
    page = read(done.folder / "report.html")
    assert [image["alt"] for image in page.images] == ["original", "reconstruction"] * Reconstruct.examples
    assert "Reconstructions" in page.words
    assert "test loss" in page.words


def test_names_cannot_break_out_of_the_page(tmp_path: Path) -> None:
    evil = '<script>alert("x")</script>'
    for name in (evil.replace("/", "∕"), "b"):
        for number in range(4):
            path = tmp_path / "data" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), number).save(path)
    train(TINY.replace("linear 10", "linear 2"), tmp_path / "run", data=str(tmp_path / "data"))
    page = read(tmp_path / "run" / "report.html")
    assert "script" not in page.tags
    assert '<script>alert("x")' in page.words


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("odd"), KeyboardInterrupt()])
def test_a_page_that_cannot_be_written_does_not_fail_the_run(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> str:
        raise error

    monkeypatch.setattr(ending, "page", fail)
    heard = Heard()
    done = train(TINY, tmp_path / "run", callback=heard, epochs=1)
    assert len(done.metrics) == 1
    assert not (done.folder / "report.html").exists()
    assert any(line.startswith("warning: ") and "report.html" in line for line in heard.lines)
    assert not list(done.folder.glob(".*.partial"))


# Its parts


def test_a_matrix_of_many_classes_is_a_picture() -> None:
    counts = tuple(tuple(9 if row == column else int(column == 0) for column in range(30)) for row in range(30))
    confusion = Confusion(tuple(f"class {number}" for number in range(30)), counts)
    page = Page(rendered("classes.html", classes=classes_of(confusion)))
    heat = decoded(page.images[0]).convert("RGB")
    assert heat.size == (30, 30)
    assert heat.getpixel((0, 0)) == (11, 98, 196)
    assert heat.getpixel((5, 4)) == (255, 255, 255)
    assert "class 29" in page.words


def test_a_network_too_large_for_a_picture_has_none() -> None:
    for steps, is_drawn in ((2, True), (MAX_BOXES // 4, False), (MAX_BOXES, False)):
        text = "input 4x8x8\n" + "conv 5 k1 -> conv 4 k1\n" * steps
        model = analyse(Source("net.cnn", text)).model
        assert model is not None
        assert picture_of(model).startswith("<svg") == is_drawn
        assert bool(picture_of(model)) == is_drawn


def test_scores_of_classes() -> None:
    confusion = Confusion(("a", "b", "c"), ((3, 1, 0), (0, 0, 0), (2, 0, 4)))
    assert (confusion.pictures, confusion.right, confusion.accuracy) == (10, 7, 0.7)
    a, b, c = confusion.by_class()
    assert (a.precision, a.recall) == (0.6, 0.75)
    assert a.f1 == pytest.approx(2 / 3)
    assert (b.precision, b.recall, b.f1) == (0.0, None, None)
    assert c.precision == 1.0
    assert c.recall == pytest.approx(2 / 3)
    assert [(one.true, one.predicted, one.pictures) for one in confusion.most_frequent(5)] == [
        ("c", "a", 2),
        ("a", "b", 1),
    ]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_comes_back_from_its_scaling(channels: int) -> None:
    images = torch.randint(0, 256, (5, channels, 6, 4), dtype=torch.uint8)
    samples = InMemory(images, torch.zeros(5, dtype=torch.int64))
    scaling = scaling_of(samples)
    batches = Batches(samples, 5, scaling)
    given, _ = next(batches.in_order())
    picture = Image.open(io.BytesIO(png_of(given[2], scaling)))
    assert picture.size == (4, 6)
    expected = images[2].permute(1, 2, 0).numpy().tobytes()
    assert picture.tobytes() == expected


class _Says(torch.nn.Module):
    """Takes a picture of one value for the class that its value names, surer the larger the second value."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.one_hot(images[:, 0, 0, 0].long(), 4) * images[:, 0, 0, 1:]


def test_the_worst_mistakes_are_the_surest() -> None:
    said = torch.tensor([[0, 3.0], [1, 1.0], [2, 9.0], [3, 5.0], [1, 7.0]]).view(5, 1, 1, 2)
    labels = torch.tensor([0, 0, 0, 3, 2])
    parts = [(said[:2], labels[:2]), (said[2:4], labels[2:4]), (said[4:], labels[4:])]
    reviewer = Mistakes(CPU, ("a", "b", "c", "d"), 2)
    for x, y in parts:
        reviewer.update(_Says()(x), x, y)
    found = reviewer.result(len(labels))
    assert [(one.place, one.true, one.predicted) for one in reviewer.found] == [(2, 0, 2), (4, 2, 1)]
    assert found.confusion is not None
    assert found.confusion.counts == ((1, 1, 1, 0), (0, 0, 0, 0), (0, 1, 0, 0), (0, 0, 0, 1))
    scores = _Says()(said)
    assert found.loss == pytest.approx(float(torch.nn.functional.cross_entropy(scores, labels)), rel=1e-6)


def test_reconstructions_are_of_the_first_pictures() -> None:
    images = torch.rand(6, 1, 2, 2)
    reviewer = FirstOnes(CPU, 5)
    for some in (images[:4], images[4:]):
        reviewer.update(some, some, some)
    found = reviewer.found
    assert len(found) == 5
    assert all(one.loss == 0 and one.original.equal(image) for one, image in zip(found, images, strict=False))
