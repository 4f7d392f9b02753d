"""`specc draw`: every picture of the gallery is whole, and no text in it meets another, a border or a line."""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from drawn import faults, gallery_model, model_of, taken_apart

import specc
from specc.cli import main
from specc.diagnostics.diagnostic import Problem
from specc.emit.draw.forks import arrives
from specc.emit.draw.metrics import text_width
from specc.emit.draw.outline import MAX_BOXES, READABLE, Box, DrawnGroup, Fork, Item, outline
from specc.emit.draw.picture import THEMES, Options, draw
from specc.emit.draw.styles import STYLES, Style
from specc.emit.draw.theme import paint
from specc.gallery import entry, names
from specc.ir.shaped import ShapedChain, ShapedLayer, ShapedModel, SomeShaped
from specc.pipeline import analyse
from specc.source import Source

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
LENET = "gallery:lenet5"


every_spec = pytest.mark.parametrize("name", names())
each_style = pytest.mark.parametrize("style", STYLES)


@every_spec
@each_style
def test_every_text_of_the_gallery_has_its_place(name: str, style: Style) -> None:
    assert faults(draw(gallery_model(name), "svg", Options(style))) == []


@pytest.mark.parametrize("name", ["lenet5", "googlenet", "se_resnet50", "unet"])
@each_style
def test_so_has_every_number_of_parameters(name: str, style: Style) -> None:
    svg = draw(gallery_model(name), "svg", Options(style, parameters=True))
    assert faults(svg) == []
    assert "param" in svg.partition("</desc>")[2]


LONG = "w" * 300
ODD = {
    "nothing": "input 4\n",
    "one layer": "input 4\nrelu\n",
    "a signal": "input 1x16000\nconv 16 k9 s4 -> relu -> maxpool 4\nflatten -> linear 5\n",
    "a volume": "input 1x16x64x64\nconv 8 k3 p1 -> maxpool 2 -> upsample 2 -> flatten -> linear 5\n",
    "long names": f"input 3x8x8\nblock {LONG}(c) {{ residual {{ conv c k3 p1 }} -> relu }}\n{LONG} 3 x2\n"
    f"{'a' * 250}: {{ conv 8 k3 p1 -> conv 4 k1 }}\n",
    "large numbers": "input 1x1\nconv 1234567 k1 -> relu\nconv 2 k1 x99\n",
    "many branches": "input 64x8x8\nconcat { " + " | ".join(f"conv {n} k1" for n in range(1, 30)) + " }\n",
    "branches alike": "input 64x8x8\nsplit { " + " | ".join(["conv 2 k3 p1 -> relu"] * 32) + " }\n",
    "nested": "input 8x8x8\n" + "residual { gate { concat { id | add { conv 8 k1 | id | relu } } -> conv 8 k1 } }\n",
    "repeated forms": "input 8x8x8\nresidual { conv 8 k3 p1 } x3\nconcat { id | conv 4 k1 } x3\n",
    "an empty skip": "input 8x8x8\nconcat { id | maxpool 2 -> upsample 2 }\nadd { id | id | relu }\n",
    "literals": "input 1x4x4\nconv 1 k2 nobias frozen weight=[[0.25 0.25] [0.25 0.25]]\n",
    "a long chain": "input 4x8x8\n" + "conv 5 k1 -> conv 4 k1\n" * 60,
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
@each_style
def test_so_has_every_text_of_an_odd_network(text: str, style: Style) -> None:
    assert faults(draw(model_of(text), "svg", Options(style))) == []


def test_the_look_for_faults_finds_them() -> None:
    svg = draw(gallery_model("lenet5"))
    found = {
        fault.partition(" meets ")[2]
        for y in range(60, 100, 10)
        for fault in faults(re.sub(r'y="[\d.]+" font-size', f'y="{y}" font-size', svg))
    }
    assert {"a border", "a line", "conv 6"} <= found
    assert any("cut off" in fault for fault in faults(svg.replace('x="', 'x="9')))


def test_widths_are_never_below_those_of_the_font() -> None:
    fonts = pytest.importorskip("PIL.ImageFont")
    for file, bold in (("DejaVuSans.ttf", False), ("DejaVuSans-Bold.ttf", True)):
        try:
            font = fonts.truetype(file, 1000)
        except OSError:
            pytest.skip("DejaVu Sans is not installed")
        for text in ("conv 64", "3×3, stride 2, padding 1", "M×W…", "convtranspose", *map(chr, range(32, 127))):
            assert text_width(text, 1000, bold=bold) >= font.getlength(text)


# What is drawn


def boxes(items: tuple[Item, ...]) -> list[Box]:
    """All boxes, once each."""
    found: list[Box] = []
    for item in items:
        if isinstance(item, Box):
            found.append(item)
        elif isinstance(item, DrawnGroup):
            found += boxes(item.items)
        elif isinstance(item, Fork):
            found += [box for branch in item.branches for box in boxes(branch.items)]
    return found


def counted(items: tuple[Item, ...]) -> int:
    """Parameters of everything, repeats too, as the frames and boxes of a picture have them."""
    total = 0
    for item in items:
        if isinstance(item, Fork):
            total += sum(counted(branch.items) * branch.times for branch in item.branches)
        elif isinstance(item, Box | DrawnGroup):
            total += item.parameters
    return total


@every_spec
def test_a_folded_picture_has_all_parameters(name: str) -> None:
    model = gallery_model(name)
    assert counted(outline(model).items) == model.params


def layers(node: SomeShaped) -> list[ShapedLayer]:
    """All layers but `id`, which in a picture is a line."""
    if isinstance(node, ShapedLayer):
        return [node] if node.layer.keyword != "id" else []
    parts = node.steps if isinstance(node, ShapedChain) else node.branches
    return [layer for _, part in parts if part is not None for layer in layers(part)]


@every_spec
def test_an_unfolded_picture_has_all_layers(name: str) -> None:
    model = gallery_model(name)
    drawn = [box.parameters for box in boxes(outline(model, 64, unfold=True).items) if box.family != "identity"]
    assert drawn == [layer.costs.parameters for layer in layers(model.chain)]


def test_repeats_are_folded() -> None:
    drawn = outline(gallery_model("resnet152"))
    assert len(boxes(drawn.items)) < 100
    times = [frame.times for frame in drawn.items[4:8] if isinstance(frame, DrawnGroup) for frame in frame.items
             if isinstance(frame, DrawnGroup)]  # fmt: skip
    assert times == [1, 2, 1, 7, 1, 35, 1, 2]


def test_repeats_that_differ_in_channels_are_folded_where_they_are_written_as_one() -> None:
    frames = [item for item in outline(gallery_model("densenet121")).items if isinstance(item, DrawnGroup)]
    assert [frame.times for frame in frames] == [6, 1, 12, 1, 24, 1, 16]
    assert all(frame.varies for frame in frames if frame.times > 1)
    assert "shapes of the first" in draw(gallery_model("densenet121"))
    apart = outline(model_of("input 1x8x8\nconv 4 k3 p1 -> conv 4 k3 p1 -> conv 4 k3 p1\n"))
    assert [box.times for box in boxes(apart.items)] == [1, 2]


@pytest.mark.parametrize("name", ["efficientnet_v2_s", "pyramidnet110", "wavenet"])
def test_repeats_that_differ_in_numbers_are_folded_in_a_large_picture(name: str) -> None:
    model = gallery_model(name)
    assert len(boxes(outline(model).items)) < 170 < len(boxes(outline(model, unfold=True).items))
    said = "shapes of the first" if name == "pyramidnet110" else "numbers of the first"
    assert said in draw(model)


def test_in_a_small_picture_each_number_is_shown() -> None:
    assert "of the first" not in draw(gallery_model("tcn"))
    repeated = "{ conv 4 k3 p=nth d=nth -> relu } x6\n"
    assert "numbers of the first" not in draw(model_of(f"input 4x64x64\n{repeated}"))
    large = draw(model_of(f"input 4x64x64\n{repeated}" + "conv 4 k1 -> conv 4 k3 p1\n" * 60))
    assert "numbers of the first" in large and "padding 6" not in large


def test_no_line_leads_to_a_form_that_begins_with_labels_alone() -> None:
    text = "input 4x8x8\na: relu -> b: tanh\nconcat {{ {} | id }}\n"
    taken, left = (
        draw(model_of(text.format(branch))) for branch in ("add { from a | relu }", "add { from a | from b }")
    )
    fork = outline(model_of(text.format("add { from a | from b }"))).items[-1]
    assert isinstance(fork, Fork) and [arrives(branch) for branch in fork.branches] == [False, True]
    assert left.count("<path") + left.count("<line") < taken.count("<path") + taken.count("<line")


def test_layers_of_a_vector_that_differ_are_not_folded() -> None:
    wide = [box for box in boxes(outline(gallery_model("alexnet")).items) if box.title == "linear 4096"]
    assert [(box.input, box.output, box.times) for box in wide] == [((9216,), (4096,), 1), ((4096,), (4096,), 1)]
    more = boxes(outline(model_of("input 9\n{ dropout 0.5 -> linear 7 -> relu } x4\n")).items)
    assert [box.input for box in more if box.title == "linear 7"] == [(9,), (7,)]


SLIDE = 960, 540


# How large each stands on a slide; while columns were as few as made them 1000 pixels high, 0.33 and 0.87.
@pytest.mark.parametrize(("name", "least"), [("mobilenet_v2", 0.55), ("alexnet", 1.2)])
def test_a_long_flow_fills_a_slide(name: str, least: float) -> None:
    size = taken_apart(draw(gallery_model(name))).size
    assert min(SLIDE[0] / size.right, SLIDE[1] / size.bottom) > least


def test_a_line_into_another_column_is_unlike_a_skip() -> None:
    svg = draw(gallery_model("resnet18"))
    assert svg.count('<path class="wrap"') == 4
    look = paint("wrap"), paint("line"), paint("skip")
    assert len({(one.stroke, one.width) for one in look}) == 3 and look[0].width > 2 * look[1].width


def test_depth_closes_blocks() -> None:
    model = gallery_model("se_resnet50")
    closed = outline(model, 0).items
    assert [box.title for box in boxes(closed)].count("stage") == 4
    sizes = [len(boxes(outline(model, depth).items)) for depth in range(4)]
    assert sizes == sorted(sizes)
    assert "bottleneck" in draw(model, "svg", Options(depth=1))


def test_a_large_network_is_closed_by_itself() -> None:
    body = "\n".join(f"conv {4 + n % 2} k1 -> relu" for n in range(READABLE))
    drawn = outline(model_of(f"input 4x8x8\nblock body {{\n{body}\n}}\nbody\n"))
    assert drawn.depth == 0
    assert len(boxes(drawn.items)) == 1


def test_a_network_that_is_too_large_is_refused() -> None:
    model = model_of("input 4x8x8\n" + "conv 5 k1 -> conv 4 k1\n" * (MAX_BOXES // 2 + 1))
    for form in ("svg", "dot", "mermaid"):
        with pytest.raises(Problem) as caught:
            draw(model, form)
        assert caught.value.diagnostic.code == "E655"
    assert len(draw(model_of("input 4x8x8\nconv 4 k1 x99000\n"))) < 5000


def test_blocks_that_double_at_each_level_are_counted_before_they_are_drawn() -> None:
    blocks = "".join(f"block b{n} {{ b{n - 1} -> relu -> b{n - 1} }}\n" for n in range(1, 14))
    model = model_of(f"input 4x8x8\nblock b0 {{ conv 4 k1 -> conv 4 k3 p1 }}\n{blocks}b13\n")
    assert len(boxes(outline(model).items)) <= READABLE


def test_the_lecture_style_tells_sizes_and_windows() -> None:
    svg = draw(gallery_model("lenet5"), "svg", Options("lecture"))
    texts = [text for text, _ in taken_apart(svg).texts]
    assert [text for text in texts if "×" in text and "pool" not in text][:3] == ["1×32×32", "6×28×28", "5×5"]
    assert {"conv 6", "tanh", "120×1×1", "84", "linear 10"} <= set(texts)
    assert svg.count('class="window"') >= 8
    assert any("to scale" in text for text in texts)


def test_a_skip_is_an_arc_where_it_stays_in_its_row() -> None:
    svg = draw(model_of(ODD["an empty skip"]), "svg", Options("lecture"))
    assert svg.count('<path class="skip"') == 1
    assert [text for text, _ in taken_apart(svg).texts if text.isdigit() or "number" in text] == []


def test_a_skip_into_another_row_has_a_number_at_both_ends() -> None:
    inside = " -> ".join(f"conv {number} k3 p1" for number in range(9, 30))
    svg = draw(
        model_of(f"input 4x32x32\nconcat {{ id | maxpool 2 -> {inside} -> upsample 2 }}\n"), "svg", Options("lecture")
    )
    assert faults(svg) == []
    assert svg.count('<path class="skip"') == svg.count('<circle class="join"') == 2
    assert [text for text, _ in taken_apart(svg).texts if text.isdigit()] == ["1", "1"]
    assert taken_apart(svg).size.right < 1500


def test_branches_meet_again() -> None:
    svg = draw(model_of("input 8x8x8\nresidual { conv 8 k3 p1 }\ngate { gap -> conv 8 k1 -> sigmoid }\n"))
    assert svg.count('<circle class="join"') == 2
    assert "split" in draw(gallery_model("shufflenet_v2"))


# SVG


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("theme", THEMES)
def test_a_picture_is_the_same_every_time(style: Style, theme: str) -> None:
    options = Options(style, theme)  # type: ignore[arg-type]  # one of its values
    svg = draw(gallery_model("resnet18"), "svg", options)
    assert svg == draw(model_of_again("resnet18"), "svg", options)
    assert ("prefers-color-scheme:dark" in svg) == (theme == "auto")
    assert (paint("paper", "dark").fill in svg) == (theme != "light")


def model_of_again(name: str) -> ShapedModel:
    model = analyse(entry(name).source).model
    assert model is not None
    return model


def test_a_picture_names_itself_for_screen_readers() -> None:
    root = ET.fromstring(draw(gallery_model("lenet5")))
    title, description = root[0], root[1]
    assert root.attrib["role"] == "img"
    assert (title.text, title.tag.endswith("title")) == ("The network lenet5", True)
    assert description.text == (
        "From 1×32×32 to 10: 12 layers with 61,706 parameters and 416,520 multiply-accumulates."
    )  # fmt: skip


def test_what_is_there_once_is_counted_as_one() -> None:
    model = analyse(Source("net.cnn", "input 4x1x1\nprelu\n")).model
    assert model is not None
    description = ET.fromstring(draw(model))[1].text
    assert description == "From 4×1×1 to 4×1×1: 1 layer with 1 parameter and 0 multiply-accumulates."
    assert "1 parameter</text>" in draw(model, options=Options(parameters=True))


HOSTILE = ['a<b>&"c.cnn', "x\x07\x1b[31m\ud800.cnn", "]]><script>alert(1)</script>.cnn", "ü" * 999]


@pytest.mark.parametrize("path", HOSTILE)
@pytest.mark.parametrize("style", STYLES)
def test_a_hostile_name_stays_text(path: str, style: Style) -> None:
    model = analyse(Source(path, "input 4\nlinear 2\n")).model
    assert model is not None
    svg = draw(model, "svg", Options(style))
    root = ET.fromstring(svg.encode())
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        "svg", "title", "desc", "style", "rect", "text", "path", "circle",
    }  # fmt: skip
    assert len(svg) < 5000


def lightness(colour: str) -> float:
    """L* of CIE 1976, from 0 to 100."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    y = sum(share * value for share, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


@pytest.mark.parametrize("shade", ["light", "dark"])
def test_text_can_be_read_on_every_fill(shade: str) -> None:
    text = lightness(paint("text", shade).fill)  # type: ignore[arg-type]  # one of its values
    for style in ("convolution", "pooling", "linear", "normalisation", "activation", "shape", "scale", "block"):
        assert abs(lightness(paint(style, shade).fill) - text) > 50  # type: ignore[arg-type]  # the same


def test_the_families_that_stand_side_by_side_differ_in_grey() -> None:
    order = ["linear", "convolution", "pooling", "activation"]
    grey = [lightness(paint(style).fill) for style in order]
    assert all(after - before > 2.5 for before, after in pairwise(grey))


# Mermaid and DOT

NODE = re.compile(r'  +(n\d+)(?:\(\["[^"]+"\]\)|\(\("[^"]+"\)\)|\["[^"]+"\]):::(\w+)')
EDGE = re.compile(r'  (n\d+) -->\|"[^"]+"\| (n\d+)')


@every_spec
def test_mermaid_is_well_formed(name: str) -> None:
    lines = draw(gallery_model(name), "mermaid").splitlines()
    assert lines[0] == "flowchart TD"
    nodes, edges, classes, depth = set(), [], set(), 0
    for line in lines[1:]:
        if node := NODE.fullmatch(line):
            nodes.add(node[1])
            classes.add(node[2])
        elif edge := EDGE.fullmatch(line):
            edges.append((edge[1], edge[2]))
        elif re.fullmatch(r' +subgraph n\d+\["[^"]+"\]', line):
            depth += 1
        elif line.strip() == "end":
            depth -= 1
        else:
            assert re.fullmatch(r"  classDef \w+ fill:#\w{6},stroke:#\w{6},color:#\w{6}", line), line
            assert line.split()[1] in classes
        assert depth >= 0
    assert depth == 0
    assert_one_flow(name, nodes, edges)


@every_spec
def test_dot_is_well_formed(name: str) -> None:
    text = draw(gallery_model(name), "dot")
    nodes = set(re.findall(r"^ +(n\d+) \[label=", text, re.MULTILINE))
    edges = re.findall(r"^  (n\d+) -> (n\d+) \[label=\"[^\"]+\"\]$", text, re.MULTILINE)
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    assert bare.count("{") == bare.count("}")
    assert text.count(" -> ") == len(edges)
    assert_one_flow(name, nodes, edges)


def assert_one_flow(name: str, nodes: set[str], edges: list[tuple[str, str]]) -> None:
    """Everything is reached from the input and leads to an output."""
    starts, ends = {start for start, _ in edges}, {end for _, end in edges}
    assert starts | ends == nodes
    assert len(nodes - ends) == 1
    output = specc.check(f"gallery:{name}").output
    assert len(nodes - starts) == (len(output) if isinstance(output, dict) else 1)


def test_mermaid_and_dot_mark_what_has_a_meaning_there() -> None:
    from specc.emit.draw.dot import to_dot
    from specc.emit.draw.graph import DrawnNode, Edge, Graph
    from specc.emit.draw.mermaid import to_mermaid

    graph = Graph((DrawnNode("n1", ('a"]; end`#<b>\\', "2"), "end"),), (Edge("n1", "n1", '"|x'),))
    assert '(["a#34;#93;#59; end#96;#35;#60;b#62;#92;<br/>2"])' in to_mermaid(graph, "light")
    assert 'label="a\\"]; end`#<b>\\\\\\n2"' in to_dot(graph, "light")


# The command


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["draw", *arguments])


def test_without_a_file_the_picture_goes_to_standard_output() -> None:
    for arguments in ([], ["-o", "-"], ["--format", "svg"]):
        done = run(LENET, *arguments)
        assert done.exit_code == 0
        assert done.stdout == draw(gallery_model("lenet5"))
    assert run(LENET, "--format", "dot").stdout.startswith("digraph")


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("a.svg", "<svg"),
        ("a.SVG", "<svg"),
        ("a.tex", "% The network lenet5"),
        ("a.pdf", "%PDF"),
        ("a.mmd", "flowchart"),
        ("a.mermaid", "flowchart"),
        ("a.gv", "digraph"),
    ],
)
def test_the_ending_says_the_format(tmp_path: Path, name: str, beginning: str) -> None:
    done = run(LENET, "-o", str(tmp_path / name))
    assert (done.exit_code, done.stdout) == (0, "")
    assert f"wrote {tmp_path / name}" in done.stderr
    assert (tmp_path / name).read_bytes().startswith(beginning.encode())
    assert run(LENET, "-o", str(tmp_path / name)).exit_code == 0


@each_style
def test_png(tmp_path: Path, style: Style) -> None:
    for scale in ("1", "2"):
        done = run(LENET, "--style", style, "--scale", scale, "-o", str(tmp_path / f"{scale}.png"))
        assert done.exit_code == 0, done.output
    sizes = [struct.unpack(">II", (tmp_path / f"{scale}.png").read_bytes()[16:24]) for scale in ("1", "2")]
    assert abs(sizes[1][0] - 2 * sizes[0][0]) <= 2
    assert run(LENET, "--format", "png").stdout_bytes.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "net.jpg"], "end it in .svg, .png, .pdf, .tex"),
        (["-o", "net"], "end it in .svg, .png, .pdf, .tex"),
        (["-o", "net.cnn", "--format", "svg"], "not the name of a picture"),
        (["-o", "a.mmd", "--style", "lecture"], "but for svg, png, pdf or tikz"),
        (["-o", "a.dot", "--title", "T"], "--title T is not for dot"),
        (["-o", "a.dot", "--highlight", "conv1"], "--highlight conv1 is not for dot"),
        (["-o", "a.svg", "--scale", "2"], "svg has no pixels"),
        (["--depth", "-1"], "--depth"),
        (["--set", "nothing=1"], "nothing"),
    ],
)
def test_what_is_wrong_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(LENET, *arguments)
    assert done.exit_code == 2
    assert words in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    done = run(LENET, "-o", str(tmp_path / "none" / "a.svg"))
    assert done.exit_code == 1
    assert "error[E669]" in done.output
    assert "`-o`" in done.output


def test_a_wrong_spec_prints_its_report(tmp_path: Path) -> None:
    (tmp_path / "wrong.cnn").write_text("input 3x4x4\nmaxpool 5\n")
    done = run(str(tmp_path / "wrong.cnn"), "-o", str(tmp_path / "a.svg"))
    assert done.exit_code == 1
    assert "error[E301]" in done.output
    assert not (tmp_path / "a.svg").exists()
    assert run(str(tmp_path / "none.cnn")).exit_code == 2


def test_input_and_parameters(tmp_path: Path) -> None:
    done = run("gallery:vgg16", "--input", "3x64x64", "--set", "classes=7")
    assert "3×64×64" in done.stdout
    assert "linear 7" in done.stdout


# The pictures of the documentation


MADE_BY = re.findall(r"^    specc draw (.*)$", (PICTURES / "README.md").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("line", MADE_BY)
def test_the_pictures_of_the_documentation_are_up_to_date(line: str) -> None:
    arguments = line.split()
    at = arguments.index("-o")
    path = PICTURES.parent.parent / arguments[at + 1]
    done = run(*arguments[:at], *arguments[at + 2 :])
    assert done.exit_code == 0
    assert path.read_text(encoding="utf-8") == done.stdout, f"run `specc draw {line}`"


def test_every_picture_has_its_command() -> None:
    told = re.findall(r"-o docs/pictures/(\S+)", (PICTURES / "README.md").read_text(encoding="utf-8"))
    assert sorted(told) == sorted(path.name for path in PICTURES.glob("*.svg"))
