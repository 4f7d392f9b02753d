"""`specc summary`: receptive fields, folding, shares and memory, as a table that fits its terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

import specc
from specc.cli import main
from specc.cli.summary_table import _columns, _that_fit, _width
from specc.gallery import GalleryEntry, entries, entry
from specc.ir.analysis.folding import folded_lines, unfolded_lines
from specc.ir.analysis.receptive import Seen, of_rows
from specc.ir.shaped import ShapedModel, memory_of
from specc.pipeline import analyse
from specc.source import Source


def model_of(text: str) -> ShapedModel:
    model = analyse(Source("net.cnn", text)).model
    assert model is not None
    return model


def fields(text: str) -> dict[str, Seen]:
    model = model_of(text)
    return {row.name: seen for row, seen in zip(model.rows(), of_rows(model), strict=True)}


def sizes(text: str) -> list[tuple[float, ...] | None]:
    return [seen.size if seen else None for seen in fields(text).values()]


# Receptive fields


def test_lenet_worked_through() -> None:
    model = model_of(entry("lenet5").text)
    seen = [field.size[0] if field else None for field in of_rows(model)]
    assert seen == [5, 5, 6, 14, 14, 16, 32, 32, 32, 32, 32, 32]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("conv 2 k3 d2", [(5, 5)]),
        ("conv 2 k3x5 s2x1 -> conv 2 k3", [(3, 5), (7, 7)]),
        ("maxpool 2 -> upsample 2 -> conv 2 k3", [(2, 2), (2, 2), (4, 4)]),
        ("conv 2 k3 s2 -> convtranspose 2 k2 s2 -> conv 2 k3", [(3, 3), (3, 3), (5, 5)]),
        ("conv 2 k3 -> gap -> flatten -> linear 2", [(3, 3), (32, 32), (32, 32), (32, 32)]),
        ("conv 2 k3 -> flatten -> linear 2", [(3, 3), None, None]),
        ("residual { conv 3 k5 p2 } -> conv 2 k3", [(5, 5), (5, 5), (7, 7)]),
        ("concat { conv 2 k3 p1 | conv 2 k7 p3 }", [(3, 3), (7, 7), (7, 7)]),
        ("concat { id | maxpool 2 -> upsample 2 } -> conv 2 k3", [(1, 1), (2, 2), (2, 2), (2, 2), (4, 4)]),
        ("gate { gap -> conv 3 k1 } -> conv 2 k3", [(32, 32), (32, 32), (32, 32), (34, 34)]),
        ("adaptiveavgpool 8 -> conv 2 k3", [(4, 4), (12, 12)]),
    ],
)
def test_receptive_fields_by_hand(steps: str, expected: list[tuple[int, ...] | None]) -> None:
    assert sizes(f"input 3x32x32\n{steps}\n") == expected


@pytest.mark.parametrize("text", ["input 784\nlinear 10", "input 100\nunflatten 1x10x10 -> conv 2 k3"])
def test_behind_a_vector_everything_is_seen(text: str) -> None:
    assert set(sizes(text)) == {None}


@pytest.mark.parametrize(
    "steps",
    [
        "conv 1 k3 -> maxpool 2 -> conv 1 k3",
        "conv 1 k5 s2 p2 -> conv 1 k3 d2 p2 -> avgpool 3 s2",
        "conv 1 k3 p1 -> residual { conv 1 k3 p1 -> conv 1 k3 p1 } -> maxpool 2",
        "avgpool 2 -> conv 1 k3 p1 -> convtranspose 1 k2 s2",
        "conv 1 k3 s2 p1 -> pad 2 -> conv 1 k3x1",
    ],
)
def test_a_value_depends_on_as_many_pixels_as_its_field(steps: str) -> None:
    """The gradient of a value in the middle reaches a rectangle of the input, of the receptive field's sides."""
    text = f"input 1x40x40\n{steps.replace('maxpool', 'avgpool')}\n"
    net = specc.compile(text).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.fill_(0.5)
    picture = torch.ones(1, 1, 40, 40, dtype=torch.double, requires_grad=True)
    output = net(picture)
    output[0, 0, output.shape[2] // 2, output.shape[3] // 2].backward()
    assert picture.grad is not None
    rows, columns = torch.nonzero(picture.grad[0, 0], as_tuple=True)
    reached = (int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1)
    assert reached == sizes(text)[-1]


# Folding

every_spec = pytest.mark.parametrize("spec", entries(), ids=lambda spec: spec.name)


@every_spec
def test_lines_sum_to_the_totals_folded_and_unfolded(spec: GalleryEntry) -> None:
    model = model_of(spec.text)
    for lines in (list(folded_lines(model)), list(unfolded_lines(model))):
        assert sum(line.params for line in lines) == model.params
        assert sum(line.macs for line in lines) == model.macs
        assert sum(line.elements for line in lines) == model.chain.costs.elements
        assert sum(line.times for line in lines) == model.chain.costs.layers


@every_spec
def test_unfolded_lines_are_the_rows(spec: GalleryEntry) -> None:
    model = model_of(spec.text)
    assert [(line.name, line.params) for line in unfolded_lines(model)] == [(r.name, r.params) for r in model.rows()]
    folded, whole = list(folded_lines(model)), list(unfolded_lines(model))
    assert folded[-1].seen == whole[-1].seen
    assert len(folded) <= len(whole)


def test_repeats_are_one_line() -> None:
    lines = list(folded_lines(model_of("input 8x8x8\n{ conv 8 k3 p1 -> relu x2 } x3 -> conv 8 k3 p1\nconv 8 k3 p1\n")))
    assert [(line.name, line.times) for line in lines] == [
        ("group1…3.conv1", 3), ("group1…3.relu1…2", 6), ("conv1", 1), ("conv2", 1),
    ]  # fmt: skip
    assert lines[0].seen is not None
    assert lines[0].seen.size == (7, 7)


# The command


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["summary", *arguments])


def test_a_parameter_tells_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(
        "input 3x8x8\nblock mix(c, act=relu) { conv c k3 p1 -> act }\nmix 4 hardswish -> mix 4 act=leakyrelu(0.2)\n"
    )
    rows = CliRunner().invoke(main, ["summary", str(tmp_path / "net.cnn")]).stdout.splitlines()
    assert [row.split("  ")[1].strip() for row in rows if ".act" in row] == ["act (hardswish)", "act (leakyrelu)"]


def test_folded_and_unfolded_tables() -> None:
    folded, unfolded = run("gallery:classics/resnet152").output, run("gallery:classics/resnet152", "--unfold").output
    assert " ×35 " in folded
    assert " ×35 " not in unfolded
    assert len(folded.splitlines()) < len(unfolded.splitlines()) / 4
    assert folded.splitlines()[-2].split()[-3:] == unfolded.splitlines()[-2].split()[-3:]


def test_shares_add_up() -> None:
    shares = re.findall(r"([0-9.]+) %", run("gallery:lenet5").output)
    assert sum(map(float, shares)) == pytest.approx(200, abs=0.6)


def test_memory_grows_with_the_batch_but_for_the_weights() -> None:
    model = model_of(entry("lenet5").text)
    assert f"memory for one sample: {memory_of(model.chain) / 1e3:,.1f} kB" in run("gallery:lenet5").output
    whole = 8 * model.params + 100 * (memory_of(model.chain) - 8 * model.params)
    assert f"memory for 100 samples: {whole / 1e6:,.1f} MB" in run("gallery:lenet5", "--batch", "100").output
    assert run("gallery:lenet5", "--batch", "0").exit_code == 2


def test_json_is_the_same_whatever_the_table_shows() -> None:
    plain = run("gallery:resnet18", "--format", "json").output
    assert run("gallery:resnet18", "--format", "json", "--batch", "8", "--unfold").output == plain
    whole = json.loads(plain)
    assert list(whole) == ["input", "output", "params", "macs", "layers"]
    assert list(whole["layers"][0]) == ["name", "kind", "line", "input", "output", "params", "macs"]


@pytest.mark.parametrize("width", [200, 110, 90, 70, 50, 20])
def test_a_narrow_terminal_loses_the_columns_that_matter_least(width: int) -> None:
    model = model_of(entry("resnet18").text)
    lines = list(folded_lines(model))
    columns = _that_fit(_columns(model, 1, folded=True), lines, width)
    headings = [column.heading for column in columns]
    assert {"name", "output", "params", "MACs"} <= set(headings)
    if width >= 70:
        assert sum(_width(column, lines) + 2 for column in columns) <= width
    if width == 200:
        assert len(headings) == 11


def test_colour_where_it_is_wanted(tmp_path: Path) -> None:
    assert "\x1b[" not in run("gallery:lenet5").output
    done = CliRunner().invoke(main, ["summary", "gallery:lenet5", "--color", "always"], color=True)
    assert "\x1b[" in done.output


@pytest.mark.parametrize(
    "command", ["summary SPEC", "summary SPEC --format json", "diff SPEC SPEC", "specs", "layers conv"]
)
def test_a_terminal_that_knows_ascii_only(command: str) -> None:
    """What it lacks is shown otherwise, and nothing ends in a traceback."""
    words = ["gallery:lenet5" if word == "SPEC" else word for word in command.split()]
    done = subprocess.run(
        [sys.executable, "-m", "specc", *words], capture_output=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert b"Traceback" not in done.stderr


# For a README and for a paper


def test_markdown_has_a_cell_for_each_column() -> None:
    done = CliRunner().invoke(main, ["summary", "gallery:resnet18", "--format", "markdown"])
    head, rule, *rows, total = done.output.splitlines()
    assert done.exit_code == 0
    assert re.fullmatch(r"(\| :-- )+(\| --: )+\|", rule)
    assert {line.count("|") for line in (head, rule, *rows, total)} == {12}
    assert "| basic1…2.residual1.body.conv1 | conv | ×2 | 64×32×32 |" in done.output
    assert total.startswith("| **total** |")


def test_latex_reads_no_sign_of_a_name_as_its_own() -> None:
    text = "input 3x8x8\nmy_first: conv 4 k3\nstage_2: { conv 4 k1 } x2\n"
    done = CliRunner().invoke(main, ["summary", "-", "--format", "latex"], input=text)
    begin, *_, end = done.output.splitlines()
    assert (begin, end) == (r"\begin{tabular}{llrrrrrrrrr}", r"\end{tabular}")
    assert r"my\_first & conv &  & 3$\times$8$\times$8 & 4$\times$6$\times$6 &" in done.output
    assert r"stage\_2\dots{}2" not in done.output
    rows = [line for line in done.output.splitlines() if line.endswith(r"\\")]
    assert {row.count(" & ") for row in rows} == {10}
    assert not re.search(r"(?<!\\)[_%#]", done.output)


# A tree of blocks


def tree(*arguments: str) -> list[list[str]]:
    """The lines of a tree: name with its guides, and the other cells."""
    done = CliRunner().invoke(main, ["summary", *arguments, "--format", "markdown"])
    assert done.exit_code == 0, done.output
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines()[2:-1]]


def number(cell: str) -> int:
    return int(cell.replace(",", "") or 0)


@pytest.mark.parametrize("name", ["resnet18", "unet", "googlenet", "attention_unet", "mobilenet_v2", "googlenet_heads"])
@pytest.mark.parametrize("unfold", [(), ("--unfold",)])
@pytest.mark.parametrize("depth", [0, 1, 9])
def test_each_line_of_a_tree_is_the_sum_of_those_below_it(name: str, unfold: tuple[str, ...], depth: int) -> None:
    rows = tree(f"gallery:{name}", "--depth", str(depth), *unfold)
    heads = ["name", "kind", "", "input", "output", "field", "params", "share", "MACs", "share", "memory"]
    at = [heads.index(word) - (len(rows[0]) < len(heads)) for word in ("params", "MACs")]
    levels = [row[0].count("·") for row in rows]
    model = specc.check(f"gallery:{name}").model
    assert model is not None
    for column, total in zip(at, (model.params, model.macs), strict=True):
        costs = [number(row[column]) for row in rows]
        assert sum(cost for cost, level in zip(costs, levels, strict=True) if level == 0) == total
        for place, level in enumerate(levels):
            end = next((other for other in range(place + 1, len(rows)) if levels[other] <= level), len(rows))
            if end > place + 1:
                assert costs[place] == sum(
                    costs[other] for other in range(place + 1, end) if levels[other] == level + 1
                )


def test_a_tree_opens_so_many_blocks() -> None:
    closed = [row[0] for row in tree("gallery:se_resnet50", "--depth", "0")]
    assert [name for name in closed if "stage" in name] == ["stage1", "stage2", "stage3", "stage4"]
    assert not any("·" in name for name in closed)
    sizes = [len(tree("gallery:se_resnet50", "--depth", str(depth))) for depth in range(4)]
    assert sizes == sorted(set(sizes))


def test_a_tree_is_drawn_on_a_terminal() -> None:
    done = CliRunner().invoke(main, ["summary", "gallery:resnet18", "--depth", "2"])
    assert "├ residual1 " in done.stdout and "│ └ " in done.stdout and "└ relu1 " in done.stdout


def test_a_tree_has_the_fields_of_the_table() -> None:
    from specc.ir.analysis.folding import tree_lines, unfolded_lines

    model = specc.check("gallery:unet").model
    assert model is not None
    leaves = [line for line in tree_lines(model, 99, unfold=True) if line.kind not in ("", *CONTAINERS)]
    layers = [line for line in unfolded_lines(model) if line.kind not in CONTAINERS]
    assert [(line.kind, line.output, line.seen) for line in leaves] == [
        (line.kind, line.output, line.seen) for line in layers
    ]  # fmt: skip


CONTAINERS = {"concat", "level", "double", "bottom", "second", "third", "fourth", "deeper", "group"}


def test_json_has_no_tree() -> None:
    done = CliRunner().invoke(main, ["summary", "gallery:lenet5", "--depth", "1", "--format", "json"])
    assert done.exit_code == 2 and "--depth is for tables" in done.output
