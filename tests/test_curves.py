"""Curves over the epochs: on the page of a run, and as `curves.png` where they are asked for."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from commands import specc
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from specc.report.chart import (
    HEIGHT,
    TOP,
    WIDTH,
    Chart,
    ChartAxis,
    Series,
    chart_marks,
    epochs_axis,
    thinned,
    values_axis,
)
from specc.report.curves import charts_of, curves_png, curves_svg
from specc.runner.run import train

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = "input 1x8x8\nflatten -> linear 10\ntrain { epochs 2 ; batch 256 ; limit 300 }\n"
SVG = "{http://www.w3.org/2000/svg}"
ROWS: list[dict[str, Any]] = [
    {
        "epoch": epoch,
        "train_loss": 2.0 / epoch,
        "test_loss": 2.5 / epoch,
        "test_accuracy": 1 - 0.5 / epoch,
        "seconds": 1,
    }
    for epoch in range(1, 1001)
]
NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.none()


@pytest.mark.parametrize("count", [1, 2, 7, 60, 1000])
def test_charts_on_a_page(count: int) -> None:
    texts = [curves_svg([chart]) for chart in charts_of(ROWS[:count])]
    for text in texts:
        root = ElementTree.fromstring(text)
        assert (root.attrib["role"], root[0].tag, root[1].tag) == ("img", f"{SVG}title", f"{SVG}desc")
        assert "after epoch" in (root[1].text or "")
        rules = re.findall(r"([^{}]+)\{", root[2].text or "")
        assert any("prefers-color-scheme:dark" in rule for rule in rules)
        assert all(
            rule.startswith((".specc-picture ", "@media ")) for rule in rules
        )  # nothing else on the page changes
        assert not any("id" in part.attrib for part in root.iter())  # nor is there a name that another chart has
    assert len(texts) == 2
    assert sum(map(len, texts)) < 60_000
    assert texts == [curves_svg([chart]) for chart in charts_of(ROWS[:count])]


@pytest.mark.parametrize("count", [1, 2, 7, 60, 1000, 12_345])
def test_epochs_are_whole_numbers(count: int) -> None:
    axis = epochs_axis([float(epoch) for epoch in range(1, count + 1)])
    assert 1 <= len(axis.ticks) <= 8
    assert all(value == int(text) and axis.low <= value <= axis.high for value, text in axis.ticks)


def test_a_chart_over_many_sizes_is_logarithmic() -> None:
    assert [values_axis(values).is_log for values in ([10.0**-n for n in range(5)], [1.0, 0.5])] == [True, False]
    assert [text for _, text in values_axis([1e-4, 1.0]).ticks] == ["0.0001", "0.001", "0.01", "0.1", "1"]
    assert [text for _, text in values_axis([0.01, 2.0]).ticks] == [
        "0.01",
        "0.02",
        "0.05",
        "0.1",
        "0.2",
        "0.5",
        "1",
        "2",
    ]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(min_value=-1e100, max_value=1e100), min_size=1))
def test_an_axis_holds_its_values(values: list[float]) -> None:
    axis = values_axis(values)
    assert all(-1e-9 <= axis.place(value) <= 1 + 1e-9 for value in values)
    assert 1 <= len(axis.ticks) <= 12
    assert len({text for _, text in axis.ticks}) == len(axis.ticks)
    assert all(first < second for (first, _), (second, _) in pairwise(axis.ticks))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.floats(0, 1) | st.none()), min_size=1, max_size=60))
def test_whatever_was_measured_is_drawn(found: list[tuple[float | None, float | None, float | None]]) -> None:
    names = ("epoch", "train_loss", "test_loss", "test_accuracy")
    rows = [dict(zip(names, (epoch, *values), strict=True)) for epoch, values in enumerate(found, 1)]
    charts = charts_of(rows)
    root = ElementTree.fromstring(curves_svg(charts)) if charts else None
    for part in root.iter() if root is not None else ():
        places = [float(part.attrib[name]) for name in ("x", "y", "cx", "cy") if name in part.attrib]
        assert all(-1 <= place <= 2 * WIDTH for place in places)


def test_the_highest_stands_above_the_lowest() -> None:
    chart = Chart("loss", (Series("training", 0, ((1.0, 3.0), (2.0, 1.0))),))
    first, second = (mark for mark in chart_marks(chart) if getattr(mark, "style", "") == "dot0")
    assert TOP < first.bounds[1] < second.bounds[1] < HEIGHT
    assert first.bounds[0] < second.bounds[0] < WIDTH


def test_many_epochs_are_no_larger_than_the_picture() -> None:
    """A hundred thousand epochs: every peak is kept, in as many points as there are columns of pixels."""
    points = [(epoch / 250, 1.0 if epoch == 77_777 else 0.0) for epoch in range(100_000)]
    kept = thinned(points)
    assert len(kept) <= 4 * 401
    assert points[77_777] in kept
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert kept == sorted(kept)


def test_charts_pass_over_what_is_missing() -> None:
    rows = [{"epoch": 1, "train_loss": 1.0, "test_loss": float("nan"), "test_accuracy": None, "seconds": 1}]
    assert [[one.name for one in chart.series] for chart in charts_of(rows)] == [["training"]]
    assert curves_png(charts_of(rows))[:4] == b"\x89PNG"


def test_the_same_curves_are_the_same_bytes() -> None:
    assert curves_png(charts_of(ROWS)) == curves_png(charts_of(ROWS))


def test_flat_curves_have_an_axis() -> None:
    assert all(isinstance(values_axis([value] * 3), ChartAxis) for value in (0.0, 1.0, -2.5, 1e-300, 1e99))


def test_a_run_leaves_the_picture_to_who_asks_for_it(tmp_path: Path) -> None:
    done = train(TINY, tmp_path / "run")
    assert not (done.folder / "curves.png").exists()
    assert "loss over the epochs" in (done.folder / "report.html").read_text(encoding="utf-8")
    result = specc("runs", "--curves", str(done.folder), cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, f"wrote {done.folder / 'curves.png'}\n")
    with Image.open(done.folder / "curves.png") as curves:
        assert curves.size == (1920, 540)


def test_a_run_without_an_epoch_has_no_curves(tmp_path: Path) -> None:
    done = train(TINY, tmp_path / "run")
    (done.folder / "metrics.jsonl").unlink()
    result = specc("runs", "--curves", str(done.folder), cwd=tmp_path)
    assert result.returncode == 0
    assert "no epoch is finished, so there are no curves" in result.stderr
    assert not (done.folder / "curves.png").exists()


def test_curves_need_no_further_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = train(TINY, tmp_path / "run")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert specc("runs", "--curves", str(done.folder), cwd=tmp_path).returncode == 0
    assert (done.folder / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_curves_and_json_do_not_go_together(tmp_path: Path) -> None:
    assert specc("runs", "--curves", "--json", cwd=tmp_path).returncode == 2


def test_a_run_draws_without_a_library_for_it(tmp_path: Path) -> None:
    spec = tmp_path / "net.cnn"
    spec.write_text(TINY, encoding="utf-8")
    program = (
        "import sys\nfrom specc.cli import main\n"
        f"sys.argv = ['specc', 'train', {str(spec)!r}, '--out', {str(tmp_path / 'run')!r}, '--quiet']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert not {'matplotlib', 'PIL.ImageDraw'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path)
    assert "loss over the epochs" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
