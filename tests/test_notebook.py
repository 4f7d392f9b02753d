"""Reports in a notebook, and the cell magic, in a real IPython shell."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from base64 import b64decode
from collections.abc import Iterator

import pytest

import specc
from specc.api import Report

pytest.importorskip("IPython")

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import CapturedIO, capture_output


def picture_in(page: str) -> ET.Element:
    data = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert data is not None
    return ET.fromstring(b64decode(data[1]))


def page_of(report: Report) -> str:
    return report._repr_html_()


def parsed(page: str) -> ET.Element:
    """The page as XML, which it is too: so every tag is closed and all text is marked."""
    closed = re.sub("(<img[^>]*)>", r"\1/>", page)
    return ET.fromstring(f"<div>{closed}</div>")


# Reports


def test_a_report_is_a_table_with_a_picture() -> None:
    page = page_of(specc.check("gallery:lenet5"))
    assert "1×32×32 → 10: 12 layers, 61,706 parameters" in page
    assert picture_in(page)[0].text == "The network lenet5"
    rows = [[cell.text or "" for cell in row] for row in parsed(page).iter("tr")]
    assert rows[0] == ["layer", "", "output", "parameters", "MACs"]
    assert rows[1] == ["conv1", "conv", "6×28×28", "156", "117,600"]
    assert len(rows) == 1 + 12


def test_repeats_are_one_row() -> None:
    page = page_of(specc.check("gallery:resnet152"))
    first = [row[0].text or "" for row in parsed(page).iter("tr")]
    assert "stage3.bottleneck2…36.residual1.body.conv1 ×35" in first
    assert len(page) < 200_000


def test_a_report_names_its_font() -> None:
    """A page that shows it, as nbconvert's does, may give `pre` one of which not all letters are as wide."""
    (report,) = parsed(page_of(specc.check("input 3x4x4\nmaxpool 5\n"))).iter("pre")
    assert re.search(r"font-family:[^;]*monospace;", report.attrib["style"])


def test_what_is_public_can_be_completed() -> None:
    assert set(specc.__all__) <= set(dir(specc))
    program = "import specc, sys; assert set(specc.__all__) <= set(dir(specc)); assert 'specc.api' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_errors_are_the_report_in_colours() -> None:
    page = page_of(specc.check("input 3x4x4\nmaxpool 5  # </pre><script>alert(1)</script> &amp;\n"))
    root = parsed(page)
    text = "".join(root.itertext())
    assert text.startswith("error[E301]: `maxpool` window 5×5")
    assert "# </pre><script>alert(1)</script> &amp;" in text
    assert {element.tag for element in root.iter()} == {"div", "pre", "span"}
    assert "color:#d1383d" in page


def test_warnings_stand_above_the_picture() -> None:
    page = page_of(specc.check("input 3x8x8\nconv 4 k3 -> bn -> relu -> flatten -> linear 10 -> softmax\n"))
    assert page.index("warning[W") < page.index("<img") < page.index("<table")


def test_a_network_that_is_too_large_has_a_table_all_the_same() -> None:
    page = page_of(specc.check("input 4x8x8\n" + "conv 5 k1 -> conv 4 k1\n" * 1600))
    assert "No picture: the picture would have 3,200 boxes" in page
    assert "and 3,000 more rows" in page


def test_the_text_of_a_report_is_short() -> None:
    assert repr(specc.check("gallery:lenet5")) == "Report(ok=True, diagnostics=[], layers=12, output=(10,))"
    wrong = specc.check("input 3x4x4\nmaxpool 5\n")
    assert repr(wrong) == "Report(ok=False, diagnostics=[E301], layers=0, output=None)"


# The magic


@pytest.fixture(scope="module")
def shell() -> Iterator[InteractiveShell]:
    InteractiveShell.clear_instance()
    made: InteractiveShell = InteractiveShell.instance(colors="nocolor")
    with capture_output() as loaded:
        made.run_cell("%load_ext specc")  # type: ignore[no-untyped-call]  # IPython's own
    assert loaded.stderr == ""
    yield made
    InteractiveShell.clear_instance()


def run(shell: InteractiveShell, cell: str) -> CapturedIO:
    with capture_output() as captured:
        shell.run_cell(cell, store_history=True)  # type: ignore[no-untyped-call]  # the same
    return captured


def shown(captured: CapturedIO, kind: str = "text/html") -> str:
    return str(captured.outputs[-1].data[kind])


def test_a_cell_is_compiled_into_a_variable(shell: InteractiveShell) -> None:
    done = run(shell, "%%specc net --input 1x28x28 --style lecture\nconv 8 k3 p1 -> relu\nflatten -> linear 10\n")
    assert [type(layer).__name__ for layer in shell.user_ns["net"]] == ["Conv2d", "ReLU", "Flatten", "Linear"]
    assert "1×28×28 → 10" in shown(done, "text/plain")
    assert "Sides of maps" in "".join(picture_in(shown(done)).itertext())
    assert done.stderr == ""


def test_without_a_name_a_cell_is_checked(shell: InteractiveShell) -> None:
    before = set(shell.user_ns)
    done = run(shell, "%%specc --set width=3\nparam width = 8\ninput 4\nlinear width\n")
    assert "4 → 3" in shown(done)
    assert {name for name in shell.user_ns if not name.startswith("_")} <= before


def test_lines_are_counted_as_the_notebook_counts_them(shell: InteractiveShell) -> None:
    shell.user_ns["net"] = "as it was"
    done = run(shell, "%%specc net\ninput 3x4x4\nmaxpool 5\n")
    assert "cell:3:1" in shown(done)
    assert "error[E301]" in shown(done, "text/plain")
    assert shell.user_ns["net"] == "as it was"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("3x", "`3x` is not a name"),
        ("class", "`class` is not a name"),
        ("net --set a=3", "the spec has no param `a`"),
        ("net --set a", "not of the form NAME=VALUE"),
        ("net --input axb", "'axb' is not a shape"),
        ("net --nothing", "--nothing"),
        ("net --style cubist", "cubist"),
    ],
)
def test_a_wrong_line_is_told_without_a_traceback(shell: InteractiveShell, line: str, words: str) -> None:
    done = run(shell, f"%%specc {line}\ninput 4\nlinear 2\n")
    assert words in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert done.outputs == []


def test_a_param_may_be_called_as_an_argument_of_python(shell: InteractiveShell) -> None:
    done = run(shell, "%%specc --set spec=3\nparam spec = 8\ninput 4\nlinear spec\n")
    assert "4 → 3" in shown(done)


def test_an_empty_cell(shell: InteractiveShell) -> None:
    done = run(shell, "%%specc net\n\n")
    assert "error[" in shown(done)
