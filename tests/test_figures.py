"""Pictures for papers and slides: PNG, PDF and TikZ of the same marks, a title, what is set off."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zlib
from base64 import b64decode
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner
from drawn import faults, gallery_model, model_of, taken_apart
from PIL import Image

from specc.cli import main
from specc.diagnostics.diagnostic import Problem
from specc.emit.draw import png
from specc.emit.draw.formats import FORMATS
from specc.emit.draw.heading import MOST_LINES
from specc.emit.draw.marks import LineMark, Rect, Sheet, TextMark, plain
from specc.emit.draw.picture import PLAIN, Options, draw, figure
from specc.emit.draw.styles import STYLES, Style
from specc.emit.draw.svg import Words
from specc.emit.draw.theme import paint
from specc.emit.draw.tikz import to_tikz
from specc.emit.latex import in_latex
from specc.play.site import PUBLIC

each_style = pytest.mark.parametrize("style", STYLES)
HOSTILE = r"50 % of \input{x} $y_1$ & {a}^~#<b> \end{tikzpicture} ``\"|"


def test_every_style_and_theme_has_its_entry() -> None:
    assert tuple(STYLES) == get_args(Style)
    assert sum(len(one.endings) for one in FORMATS.values()) == len(
        {end for one in FORMATS.values() for end in one.endings}
    )


# PNG


def picture_of(sheet: Sheet, scale: float = 1.0) -> Image.Image:
    return Image.open(io.BytesIO(png.to_png(sheet, "light", scale))).convert("RGB")


def test_figures_stand_in_a_png_where_they_are() -> None:
    shapes = (Rect(10, 10, 30, 20, "convolution"), LineMark(((60, 5), (60, 45)), arrow=True))
    picture = picture_of(Sheet(80, 50, shapes))
    assert picture.size == (80, 50)
    colour = tuple(bytes.fromhex(paint("convolution").fill[1:]))
    assert picture.getpixel((25, 20)) == colour
    assert picture.getpixel((5, 5)) == picture.getpixel((45, 20)) == (255, 255, 255)
    assert picture.getpixel((60, 20)) != (255, 255, 255) == picture.getpixel((64, 20))


def test_a_large_png_is_drawn_in_bands_that_fit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = figure(gallery_model("lenet5"), Options("lecture")).sheet
    whole = picture_of(sheet)
    monkeypatch.setattr(png, "BAND", 300_000)
    assert picture_of(sheet).tobytes() == whole.tobytes()


@pytest.mark.parametrize("face", ["system", "none"])
def test_letters_need_no_font_of_the_system(face: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if face == "none":
        monkeypatch.setattr(png, "_FACES", ())
        monkeypatch.setattr(png, "_matplotlib_fonts", list)
    for text in ("conv 3×3", "M", "中"):
        blank, written = (picture_of(Sheet(90, 20, marks)) for marks in ((), (TextMark(2, 15, text, 12),)))
        assert blank.tobytes() != written.tobytes()


def test_a_picture_too_small_for_a_pixel_is_one() -> None:
    assert picture_of(Sheet(0.2, 0.2, ())).size == (1, 1)


# PDF


def test_a_pdf_has_the_title_a_font_and_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    model, options = gallery_model("lenet5"), Options("lecture", title=r"$\frac{1}{2}$ of 100 %")
    data = FORMATS["pdf"].write(model, options, 1)
    assert data == FORMATS["pdf"].write(model, options, 1)
    assert data.startswith(b"%PDF") and b"/FontFile2" in data and b"/Subtype /Image" not in data
    streams = [zlib.decompress(part) for part in re.findall(rb"stream\r?\n(x.*?)\r?\nendstream", data, re.DOTALL)]
    rectangles = sum(stream.count(b" l\n") + stream.count(b" c\n") for stream in streams)
    assert rectangles > 50


# TikZ


def structure(text: str) -> Counter[str]:
    """How often each command begins a line between the outer ones. Fails where braces do not match."""
    lines = text.splitlines()
    assert lines[0].startswith("% ") and lines[1].startswith("% ")
    assert lines[2].startswith(r"\begin{tikzpicture}[") and lines[-1] == r"\end{tikzpicture}"
    bare = re.sub(r"\\[{}]", "", "\n".join(lines[2:]))
    assert bare.count("{") == bare.count("}")
    found: Counter[str] = Counter()
    for line in lines[3:-1]:
        command = re.match(r"\\(definecolor|tikzset|path|node)\b", line)
        assert command, line
        assert command[1] in ("definecolor", "tikzset") or line.endswith(";")
        found[command[1]] += 1
    return found


@each_style
@pytest.mark.parametrize("name", ["lenet5", "resnet18", "unet"])
def test_tikz_has_every_mark(name: str, style: Style) -> None:
    sheet, words = figure(gallery_model(name), Options(style))
    marks = list(plain(sheet.marks))
    texts = sum(isinstance(mark, TextMark) for mark in marks)
    heads = sum(isinstance(mark, LineMark) and mark.arrow for mark in marks)
    found = structure(to_tikz(sheet, "light", words))
    assert (found["node"], found["path"]) == (texts, len(marks) - texts + heads + 1)


def test_what_means_something_to_latex_is_printed() -> None:
    sheet = Sheet(100, 40, (TextMark(5, 20, HOSTILE, 12),))
    text = to_tikz(sheet, "light", Words(HOSTILE + "\n\\input{y}", ""))
    structure(text)
    node = next(line for line in text.splitlines() if line.startswith(r"\node"))
    bare = re.sub(r"\\[$#&%_{}]", "", node)
    assert r"\input" not in bare and r"\end" not in bare and "$" not in bare
    assert r"50 \% of \textbackslash{}input\{x\} \$y\_1\$ \& \{a\}\textasciicircum{}\textasciitilde{}\#" in node
    assert [line for line in text.splitlines() if r"\input{y}" in line and not line.startswith("%")] == []
    assert in_latex("a\nb\x07") == "a?b?"


# A title


@each_style
@pytest.mark.parametrize("title", ["Net", "A long title " * 9, "w" * 500, HOSTILE, "<script>alert(1)</script>\n" * 3])
def test_a_title_stands_over_the_picture(title: str, style: Style) -> None:
    svg = draw(gallery_model("digits"), "svg", Options(style, title=title))
    assert faults(svg) == []
    told = [text for text, area in taken_apart(svg).texts if text in " ".join(title.split()) or text.endswith("…")]
    assert 1 <= len(told) <= MOST_LINES and "<script" not in svg
    assert ("title>" in svg) and svg.index("title>") < svg.index("<style")


def test_an_empty_title_is_none() -> None:
    model = gallery_model("digits")
    assert taken_apart(draw(model, "svg", Options(title="  "))).texts == taken_apart(draw(model)).texts


# What is set off


def grounds(name: str, label: str, options: Options = PLAIN) -> int:
    svg = draw(gallery_model(name), "svg", options._replace(highlight=label))
    assert faults(svg) == [] or options.style == "flow"  # a ground lies behind words that stand beside a box
    return svg.count('<rect class="highlight"')


@pytest.mark.parametrize(
    ("name", "label", "style", "count"),
    [
        ("lenet5", "conv2", "flow", 1), ("lenet5", "conv2", "lecture", 3), ("resnet18", "basic1", "flow", 1),
        ("resnet18", "basic1.residual1.body.conv1", "flow", 1), ("resnet18", "body.conv1", "flow", 7),
        ("autoencoder", "decoder", "flow", 1), ("resnet18", "basic1.residual1.body.conv1", "lecture", 1),
    ],
)  # fmt: skip
def test_a_label_is_set_off(name: str, label: str, style: Style, count: int) -> None:
    assert grounds(name, label, Options(style)) == count


def test_in_a_closed_block_the_block_is_meant() -> None:
    assert grounds("se_resnet50", "bottleneck1.residual1.body.conv1", Options(depth=0)) >= 1


@pytest.mark.parametrize(
    ("label", "style", "code", "words"),
    [
        ("con2", "flow", "E775", "conv2"), ("", "flow", "", ""), ("Ω" * 999, "flow", "E775", "specc summary"),
        ("tanh1", "lecture", "E776", "--style flow"),
    ],
)  # fmt: skip
def test_a_label_that_cannot_be_set_off(label: str, style: Style, code: str, words: str) -> None:
    options = Options(style, highlight=label)
    if not code:
        assert "highlight" not in draw(gallery_model("lenet5"), "svg", options)
        return
    with pytest.raises(Problem) as caught:
        draw(gallery_model("lenet5"), "svg", options)
    assert (caught.value.diagnostic.code, words in (caught.value.diagnostic.help or "")) == (code, True)
    assert len(caught.value.diagnostic.message) < 200


def test_a_repeat_that_is_folded_has_no_box() -> None:
    model = model_of("input 8x8x8\nblock b { conv 8 k3 p1 -> relu -> conv 8 k1 }\nb x3\n")
    with pytest.raises(Problem, match="no box"):
        draw(model, "svg", Options(highlight="b2"))
    assert "highlight" in draw(model, "svg", Options(highlight="b2", unfold=True))


# A page in one file


def test_a_page_without_its_packages_says_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text("input 1x8x8\nconv 4 k3\n")
    program = "import sys; sys.modules['pygls'] = None; from specc.cli import main; main()"
    command = [sys.executable, "-c", program, "draw", "net.cnn", "-o", "net.html"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2, "error[E701]: `specc play` needs packages that are not installed: `pygls`",
    )  # fmt: skip
    assert not (tmp_path / "net.html").exists()


def test_a_page_holds_all_that_it_needs(tmp_path: Path) -> None:
    spec = tmp_path / "a<b>.cnn"
    spec.write_text("# </script><script>window.hacked = 1</script>\ninput 4\nlinear 2\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["draw", str(spec), "-o", str(tmp_path / "net.html")])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "net.html").read_text(encoding="utf-8")
    assert "hacked" not in page and "a<b>" not in page
    assert page.count("</script>") == 3  # the data, what answers from them, the program
    assert re.findall(r'<(?:script|link)[^>]* (?:src|href)="(?!data:)[^"]*"', page) == []
    inside = json.loads(re.search(r'id="files-inside">(.*?)</script>', page)[1])  # type: ignore[index]  # it is there
    start = json.loads(b64decode(inside["start.json"]))
    assert start["text"] == spec.read_text(encoding="utf-8")
    assert start["python"]["code"].startswith("data:application/zip;base64,")
    assert {"gallery.json", "gallery/lenet5.cnn", "worker.js"} <= set(inside)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None and "default-src 'none'" in policy[1] and "'self'" not in policy[1]
    assert set(re.findall(r"https?://[^ ;]+", policy[1])) == {PUBLIC}


@pytest.mark.parametrize("more", [["--style", "lecture"], ["--title", "T"], ["--input", "5"], ["--scale", "2"]])
def test_a_page_refuses_what_it_has_no_use_for(more: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["draw", "gallery:lenet5", "-o", str(tmp_path / "net.html"), *more])
    assert done.exit_code == 2 and list(tmp_path.iterdir()) == []
