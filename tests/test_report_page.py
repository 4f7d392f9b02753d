"""The page of a run, whole: what a fixed content becomes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specc.pipeline import analyse
from specc.report.content import Content, Figure, Shown
from specc.report.page import page
from specc.source import Source
from specc.tasks.classify import SHOWN
from specc.tasks.confusion import Confusion
from specc.tasks.reconstruct import SHOWN as PAIRS

GOLDEN = Path(__file__).parent / "cases" / "report"
SPEC = "input 1x8x8\nconv 4 k3 -> relu -> conv 4 k3 -> relu  # <b>\nflatten -> linear 3\n"
EVIL = '<script>alert("x&y")</script>'
ROWS = (
    {"epoch": 1, "train_loss": 1.25, "test_loss": 1.5, "test_accuracy": 0.5, "seconds": 61.25},
    {"epoch": 2, "train_loss": 0.75, "test_loss": 1.75, "test_accuracy": 0.4375, "seconds": 60},
    {"epoch": 3, "train_loss": 0.5, "test_loss": 2.0, "test_accuracy": None, "seconds": 1.5},
)
RECIPE = {"epochs": 3, "betas": (0.9, 0.999), "flip": True, "resize": None, "options": {"epochs": 3, "data": EVIL}}
ENVIRONMENT = {"specc": "1.0", "versions": {"torch": "2.9", "numpy": None}, "resumed": [{}, {}], "command": [EVIL, "x"]}


def content_of(**changes: Any) -> Content:
    model = analyse(Source("net.cnn", SPEC)).model
    assert model is not None
    whole: dict[str, Any] = {
        "name": EVIL, "state": "Stopped by SIGINT after 3 of 4 epochs & more.", "resume": "specc train --resume 'a<b'",
        "spec": SPEC, "model": model, "data": EVIL, "rows": ROWS, "best": 1, "recipe": RECIPE,
        "environment": ENVIRONMENT, "weights": "The answers are those of <best>.",
        "curves": ("<svg>one</svg>", "<svg>two</svg>"),
    }  # fmt: skip
    return Content(**{**whole, **changes})


FEW = Confusion((EVIL, "a long name of a class", "c"), ((3, 1, 0), (0, 0, 0), (2, 0, 1234)))
MANY = Confusion(
    tuple(f"class <{number}>" for number in range(21)),
    tuple(tuple(9 if row == column else int(column == 0) for column in range(21)) for row in range(21)),
)


def mistakes() -> Iterator[Figure]:
    for png, true, predicted, share in ((b"png", EVIL, "c", " 98.76 %"), (b"gnp", "c", EVIL, " 50.00 %")):
        caption = ((true, "true"), (" → ", ""), (predicted, "wrong"), (share, ""))
        yield Figure(((png, f"{true}, taken for {predicted}"),), caption)


def pairs() -> Iterator[Figure]:
    for original, made, loss in ((b"one", b"two", "0.125"), (b"three", b"four", "1.235e+04")):
        yield Figure(((original, "original"), (made, "reconstruction")), ((f"loss {loss}", ""),))


CASES = {
    "classes": content_of(samples=1240, confusion=FEW, gallery=Shown("Worst mistakes", SHOWN, tuple(mistakes()))),
    "many-classes": content_of(
        samples=MANY.pictures, confusion=MANY, resume=None, weights="", recipe={**RECIPE, "options": {}}
    ),
    "no-mistakes": content_of(
        samples=7,
        confusion=Confusion(("a", "b"), ((3, 0), (0, 4))),
        best=3,
        environment={},
        gallery=Shown("Mistakes", "None: every test picture was recognised."),
    ),
    "pairs": content_of(gallery=Shown("Reconstructions", PAIRS, tuple(pairs()), is_wide=True), rows=ROWS[2:]),
    "no-epoch": content_of(rows=(), best=None, curves=()),
}


@pytest.mark.parametrize("name", CASES)
def test_the_whole_page(name: str) -> None:
    """The network's picture and the style sheet are other tests' affair."""
    text = re.sub(r"<svg xmlns.*?</svg>", "<svg/>", page(CASES[name]), flags=re.DOTALL)
    text = re.sub(r"<style>.*?</style>", "<style/>", text, flags=re.DOTALL)
    path = GOLDEN / f"{name}.html"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_taken_for_a_tag(name: str) -> None:
    text = page(CASES[name])
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "&amp;lt;" not in text
