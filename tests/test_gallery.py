"""The gallery: every file is right, says how large it is, repeats nothing, and travels with the package."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections import Counter
from itertools import groupby
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

import specc
from specc.build.modules import DropPath, Residual
from specc.cli import main
from specc.gallery import GalleryEntry, NotInGallery, entries, entry, names
from specc.pipeline import Analysis, analyse
from specc.recipe.recipe import Recipe
from specc.recipe.schedules import SCHEDULES
from specc.source import Source

ROOT = Path(__file__).parent.parent
GALLERY = {spec.name: spec for spec in entries()}

LINE_LIMITS = {"resnet18": 20, "classics/resnet18": 20, "classics/googlenet": 35, "small/airbench": 45}

# Files of a family differ in numbers only.
FAMILIES = [
    [f"classics/vgg{depth}" for depth in (11, 13, 16, 19)],
    [f"classics/vgg{depth}_bn" for depth in (11, 13, 16, 19)],
    [f"classics/resnet{depth}" for depth in (18, 34)],
    [f"classics/resnet{depth}" for depth in (50, 101, 152)],
    [f"small/resnet{depth}" for depth in (20, 56)],
]

WANTED = [
    *[f"lectures/{name}" for name in ("three_blocks", "xavier_mnist", "edge_detector", "moving_average")],
    *[f"lectures/{name}" for name in ("convolution_arithmetic", "fashion_mnist", "autoencoder")],
    *[f"classics/{name}" for name in ("alexnet", "googlenet")],
    *[f"classics/vgg{depth}{bn}" for depth in (11, 13, 16, 19) for bn in ("", "_bn")],
    *[f"classics/resnet{depth}" for depth in (18, 34, 50, 101, 152)],
    *[f"small/{name}" for name in ("airbench", "vgg_cifar", "resnet20", "resnet56", "unet")],
    *["resnet18", "digits", "lenet5", "mnist_cnn", "lenet_cifar"],
    *[f"more/{name}" for name in (
        "mobilenet_v1", "mobilenet_v3_large", "efficientnet_v2_s", "regnet_y_400mf", "inception_v3", "xception",
        "convnext_v2_tiny", "densenet_bc100", "pyramidnet110", "wide_resnet28", "repvgg_a0", "res2net50", "se_resnet50",
        "eca_resnet50", "cbam_resnet50", "dla34", "fpn_resnet50", "deeplabv3_resnet50", "pspnet50", "unet_plus_plus",
        "attention_unet", "dncnn", "edsr", "dcgan_discriminator", "pix2pix_generator", "wavenet", "tcn", "m5", "eegnet",
        "c3d", "r2plus1d18", "unet3d", "pointnet", "googlenet_heads",
    )],
]  # fmt: skip

PICTURES = {"digits": "1x8x8", "mnist": "1x28x28", "fashion-mnist": "1x28x28", "cifar10": "3x32x32"}


def analysed(spec: GalleryEntry) -> Analysis:
    return analyse(spec.source)


def code_of(text: str) -> str:
    """The text without comments and white space at the ends of lines."""
    lines = [line.partition("#")[0].rstrip() for line in text.splitlines()]
    return "\n".join(line for line in lines if line)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


every_spec = pytest.mark.parametrize("spec", GALLERY.values(), ids=GALLERY.keys())


def test_nothing_is_missing() -> None:
    assert set(WANTED) <= set(GALLERY)
    assert sum(name.startswith("more/") for name in GALLERY) >= 4


@every_spec
def test_checks_without_errors(spec: GalleryEntry) -> None:
    analysis = analysed(spec)
    assert not [f"{found.code} {found.message}" for found in analysis.diagnostics if found.is_error]


@every_spec
def test_header_tells_source_and_size(spec: GalleryEntry) -> None:
    model = analysed(spec).model
    assert model is not None
    assert spec.parameters == model.params
    assert spec.input == "x".join(map(str, model.input))
    header = spec.text.split("\n\n")[0]
    assert re.search(r"\b(19|20)[0-9]{2}\b|lecture", header), "name the paper or the lecture"
    assert re.search(r"parameters? \[[a-z ]+\]", header), "say what it is for behind the count of parameters"
    assert len(spec.title) <= 90


@every_spec
def test_lines_are_short(spec: GalleryEntry) -> None:
    assert max(map(len, spec.text.splitlines())) <= 120
    assert len(spec.text.splitlines()) <= LINE_LIMITS.get(spec.name, 35)


@every_spec
def test_nothing_is_copied_inside_a_file(spec: GalleryEntry) -> None:
    """No two braces hold the same chain of layers, numbers aside; no line of layers stands twice in a row."""
    code = code_of(spec.text)
    chains = [re.sub(r"[0-9]+", "N", text) for text in braces(code) if steps_in(text) > 2]
    assert not [text for text, times in Counter(chains).items() if times > 1]
    lines = [(line.strip(), len(list(same))) for line, same in groupby(code.splitlines())]
    assert not [line for line, times in lines if times > 1 and line != "}"]


def braces(code: str) -> list[str]:
    """What stands between each brace and its partner, on one line."""
    found, opened = [], []
    for place, char in enumerate(code):
        if char == "{":
            opened.append(place + 1)
        elif char == "}":
            found.append(" ".join(code[opened.pop() : place].split()))
    return found


def steps_in(text: str) -> int:
    return len(re.findall(r"->", text)) + 1


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family[0])
def test_a_family_differs_in_numbers_only(family: list[str]) -> None:
    assert len({re.sub(r"[0-9]+", "N", code_of(GALLERY[name].text)) for name in family}) == 1


@every_spec
def test_recipe_suits_the_input(spec: GalleryEntry) -> None:
    """A spec with a recipe takes the pictures that the recipe makes; a spec of small pictures has one."""
    recipe = analysed(spec).recipe
    if not re.search(r"^train", spec.text, re.M) or recipe == Recipe(heads=recipe.heads):
        return  # none, or one that says of the outputs what they count and nothing of pictures
    channels, *sides = PICTURES[recipe.data].split("x")
    channels = str(recipe.channels) if recipe.channels else channels
    sides = [str(recipe.resize)] * 2 if recipe.resize else sides
    assert "x".join([channels, *sides]) == spec.input


@every_spec
def test_runs_forward_on_a_batch_of_two(spec: GalleryEntry) -> None:
    """On torch's meta device, which knows shapes and holds no numbers."""
    report = specc.check(f"gallery:{spec.name}")
    assert report.output is not None
    with torch.device("meta"), torch.no_grad():
        model = specc.compile(f"gallery:{spec.name}")
        batch = torch.rand(2, *map(int, spec.input.split("x")))
        for mode in (True, False):
            found = model.train(mode)(batch)
            if isinstance(report.output, dict):
                assert {name: one.shape for name, one in found.items()} == {
                    name: (2, *shape) for name, shape in report.output.items()
                }
            else:
                assert found.shape == (2, *report.output)


@pytest.mark.parametrize("name", [name for name, spec in GALLERY.items() if "droppath" in spec.text])
def test_no_sample_is_lost_for_stochastic_depth(name: str) -> None:
    """What is dropped has a shortcut beside it; alone it would make a whole sample zero."""
    with torch.device("meta"):
        model = specc.compile(f"gallery:{name}")
    bare = [name for name, module in model.named_modules() if isinstance(module, Residual) and not module.adds]
    dropping = [name for name, module in model.named_modules() if isinstance(module, DropPath) and module.p > 0]
    assert dropping
    assert [name for name in dropping if any(name.startswith(f"{one}.") for one in bare)] == []


def test_tags_find_specs() -> None:
    found = run("specs", "--tag", "segmentation", "--tag", "volumes").output
    assert [line.split()[0] for line in found.splitlines()[1:-2]] == ["more/unet3d"]
    assert "more/tcn" in run("specs", "--tag", "signals").output
    wrong = run("specs", "--tag", "segmentaton")
    assert (wrong.exit_code, "did you mean `segmentation`?" in wrong.output) == (2, True)
    assert run("specs", "lenet5", "--tag", "pictures").exit_code == 2


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_every_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert {f"specc/specs/{name}.cnn" for name in names()} <= set(archive.namelist())


def test_an_installed_package_finds_its_own_specs(wheel: Path, tmp_path: Path) -> None:
    """Unpacked from the wheel, in a folder of its own, the gallery is the package's, and torch is not imported."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import specc, specc.gallery as gallery\n"
        "assert specc.check('gallery:googlenet').ok and 'torch' not in sys.modules\n"
        "print(gallery.folder())\nprint(len(gallery.entries()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "site")],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.splitlines() == [str(tmp_path / "site" / "specc" / "specs"), str(len(GALLERY))]


def test_names_are_in_order() -> None:
    listed = list(names())
    assert listed[0] == "digits"
    assert listed.index("classics/resnet50") < listed.index("classics/resnet101")
    assert listed.index("resnet18") < listed.index("classics/alexnet")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("classics/vgg16", "classics/vgg16"),
        ("vgg16", "classics/vgg16"),
        ("gallery:vgg16.cnn", "classics/vgg16"),
        ("resnet18", "resnet18"),  # the spec without a folder goes before the one in `classics`
        ("classics/resnet18", "classics/resnet18"),
    ],
)
def test_a_spec_is_found_by_a_short_name(written: str, name: str) -> None:
    assert entry(written).name == name


@pytest.mark.parametrize(
    ("written", "help"),
    [
        ("googlnet", "`googlenet`"),
        ("clasics/vgg16", "`classics/vgg16`"),
        ("classics/densenet121", "`more/densenet121`"),
    ],
)
def test_an_unknown_name_is_met_with_a_guess(written: str, help: str) -> None:
    with pytest.raises(NotInGallery) as raised:
        entry(written)
    assert help in raised.value.help


def test_specs_lists_the_gallery() -> None:
    result = run("specs")
    assert result.exit_code == 0
    for spec in GALLERY.values():
        row = next(line for line in result.output.splitlines() if line.split()[:1] == [spec.name])
        assert row.split()[1:3] == [spec.input, f"{spec.parameters:,}"]
        assert row.endswith(spec.title)


def test_specs_prints_one() -> None:
    assert run("specs", "vgg16").output == GALLERY["classics/vgg16"].text
    wrong = run("specs", "vgg166")
    assert wrong.exit_code == 2
    assert "did you mean `vgg16`?" in wrong.output


def test_new_copies_a_spec_and_never_writes_over_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = run("new", "vgg16")
    assert (first.exit_code, "wrote vgg16.cnn" in first.output) == (0, True)
    assert Path("vgg16.cnn").read_text(encoding="utf-8") == GALLERY["classics/vgg16"].text
    Path("vgg16.cnn").write_text("mine")
    second = run("new", "vgg16")
    assert (second.exit_code, Path("vgg16.cnn").read_text()) == (2, "mine")
    assert "vgg16.cnn already exists" in second.output


def test_new_takes_a_file_or_a_folder(tmp_path: Path) -> None:
    assert run("new", "gallery:lenet5", str(tmp_path / "mine.cnn")).exit_code == 0
    assert run("new", "lenet5", str(tmp_path)).exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"mine.cnn", "lenet5.cnn"}
    lost = run("new", "lenet5", str(tmp_path / "none" / "a.cnn"))
    assert (lost.exit_code, "there is no folder" in lost.output) == (2, True)
    assert run("new", "lenet6", str(tmp_path / "b.cnn")).exit_code == 2
    assert not (tmp_path / "b.cnn").exists()


@pytest.mark.parametrize("command", ["check", "summary"])
def test_commands_take_a_name_of_the_gallery(command: str) -> None:
    assert run(command, "gallery:lenet5").exit_code == 0
    unknown = run(command, "gallery:lenet6")
    assert unknown.exit_code == 2
    assert "did you mean `lenet5`?" in unknown.output


def test_reports_name_the_spec_of_the_gallery() -> None:
    result = run("check", "gallery:vgg16", "--input", "3x8x8", "--format", "concise")
    assert result.exit_code == 1
    assert result.output.startswith("gallery:classics/vgg16:")


def test_python_takes_a_name_of_the_gallery() -> None:
    assert specc.compile("gallery:lenet5", input=(1, 32, 32))(torch.rand(2, 1, 32, 32)).shape == (2, 10)
    assert specc.check("gallery:resnet18", classes=100).output == (100,)
    with pytest.raises(FileNotFoundError, match="no spec `lenet6`"):
        specc.check("gallery:lenet6")


def test_the_gallery_does_not_import_torch() -> None:
    program = "import sys, specc; from specc.gallery import entries; entries(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_source_knows_its_gallery_name() -> None:
    source = entry("vgg16").source
    assert isinstance(source, Source)
    assert source.path == "gallery:classics/vgg16"


@pytest.mark.parametrize("name", [name for name, spec in GALLERY.items() if "momentum=0.9" in spec.text])
def test_a_large_rate_is_come_to(name: str) -> None:
    """At a rate of 0.1 from the first step on, ResNet-18 ends its first 2,000 pictures with a loss over 1,000."""
    recipe = analysed(GALLERY[name]).recipe
    assert recipe.lr is not None
    is_deep = "resnet" in name or "pyramidnet" in name
    assert recipe.lr < 0.1 or not is_deep or recipe.warmup or SCHEDULES[recipe.schedule].warms
