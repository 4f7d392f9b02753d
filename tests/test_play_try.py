"""The page of `specc play` tries a network out, in a real Chromium: feature maps, answers, and a run that it trains."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from browser import LACKING, PYODIDE, Seen, chromium, held, needs_a_browser, opened, playing
from commands import specc
from PIL import Image

from specc.play.site import NEEDED_FOR_RUNS
from specc.runner.run import train

if not LACKING:
    from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

pytestmark = needs_a_browser

NET = """\
input 1x12x12
conv 9 k3 p1 -> relu -> maxpool 2
stem: conv 4 k3 -> flatten -> linear 10
train { epochs 400 ; batch 16 }
"""
WAIT = 60_000  # ms that torch may take to be there
HOSTILE = "<img src=x onerror=hacked=1>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("try")
    (path / "net.cnn").write_text(NET, encoding="utf-8")
    Image.radial_gradient("L").resize((40, 60)).save(path / "grey.png")
    (path / "text.png").write_text("<svg onload=hacked=1>")
    return path


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    """A run on pictures of two classes, one of which has a name that would run if it were markup."""
    for name, level in ((HOSTILE, 40), ("light", 220)):
        (folder / "pictures" / name).mkdir(parents=True)
        for number in range(12):
            noise = np.random.default_rng(number).normal(level, 8, (8, 8)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noise).save(folder / "pictures" / name / f"{number}.png")
    text = "param width = 2\ninput 3x8x8\nconv width k3 -> relu -> flatten -> linear 2\n"
    options: dict[str, Any] = {"data": str(folder / "pictures"), "epochs": 40, "batch": 4, "lr": 0.01}
    return train(text, folder / "shades", input=(1, 8, 8), params={"width": 5}, channels=1, **options).folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with playing("net.cnn", cwd=folder) as found:
        yield found


@pytest.fixture
def seen(browser: Browser, address: str) -> Iterator[Seen]:
    for found in opened(browser, address):
        yield tried(found)


def tried(seen: Seen) -> Seen:
    """The page with its panel open and its first maps there."""
    seen.open()
    seen.page.locator("#try-open").click()
    expect(maps_of(seen, "conv1")).to_be_visible(timeout=WAIT)
    return seen


def maps_of(seen: Seen, name: str) -> Locator:
    return seen.page.locator(f'.maps-of[data-layer="{name}"]')


GIVEN, PAD, FIRST = ".given canvas", ".pad", '.maps-of[data-layer="conv1"] canvas'


def pixels(seen: Seen, canvas: str) -> str:
    return str(seen.page.locator(canvas).evaluate("one => one.toDataURL()"))


def changed(seen: Seen, canvas: str, before: str) -> None:
    """Waits until a canvas, or what has taken its place, shows something else."""
    differs = "([canvas, before]) => (document.querySelector(canvas)?.toDataURL() ?? before) !== before"
    seen.page.wait_for_function(differs, arg=[canvas, before], timeout=WAIT)


# pictures and maps


def test_maps_of_a_data_sets_picture_appear_for_every_layer(seen: Seen) -> None:
    names = seen.page.locator(".maps-of").evaluate_all("all => all.map(one => one.dataset.layer)")
    assert names == ["conv1", "relu1", "maxpool1", "stem", "linear1"]
    expect(maps_of(seen, "conv1")).to_contain_text("9×12×12, 8 shown")
    expect(seen.page.locator("#said")).to_contain_text("Its class: ")
    expect(seen.page.locator("#said")).to_contain_text("This network has learned nothing yet")
    before = pixels(seen, FIRST)
    seen.page.get_by_label("The next picture").click()
    changed(seen, FIRST, before)
    seen.page.locator("#data-number").fill("0")
    seen.page.keyboard.press("Enter")
    expect(seen.page.locator("#data-name")).to_have_value("digits")
    before = pixels(seen, GIVEN)
    seen.page.locator("#invert").check()
    changed(seen, GIVEN, before)


def test_a_digit_is_drawn_by_hand_and_by_keys(seen: Seen) -> None:
    seen.page.locator("#picture-draw").click()
    pad = seen.page.locator(".pad")
    empty = pixels(seen, PAD)
    box = pad.bounding_box()
    assert box is not None
    before = pixels(seen, FIRST)
    seen.page.mouse.move(box["x"] + 80, box["y"] + 30)
    seen.page.mouse.down()
    seen.page.mouse.move(box["x"] + 80, box["y"] + 120, steps=6)
    seen.page.mouse.up()
    changed(seen, FIRST, before)
    drawn = pixels(seen, PAD)
    pad.focus()
    for key in ("Space", *["ArrowRight"] * 5, "Space", "ArrowUp"):
        seen.page.keyboard.press(key)
    expect(seen.page.locator(".pen")).to_be_visible()
    assert pixels(seen, PAD) not in (drawn, empty)
    seen.page.locator("#pad-clear").click()
    assert pixels(seen, PAD) == empty


def test_a_picture_is_chosen_or_dropped(seen: Seen, folder: Path) -> None:
    seen.page.locator("#picture-file").click()
    expect(seen.page.locator("#said")).to_have_text("Choose a picture, or draw one.")
    chooser = seen.page.locator(".drop input")
    chooser.set_input_files(folder / "grey.png")
    expect(seen.page.locator("#said")).not_to_contain_text("Choose a picture")
    shown = pixels(seen, GIVEN)
    chooser.set_input_files(folder / "text.png")
    expect(seen.page.locator("#notice")).to_have_text("That is no picture that this browser can read")
    Image.new("L", (20, 20), 99).save(folder / "even.png")
    given = seen.page.evaluate_handle(
        "bytes => { const all = new DataTransfer();"
        " all.items.add(new File([new Uint8Array(bytes)], 'even.png', { type: 'image/png' })); return all; }",
        list((folder / "even.png").read_bytes()),
    )
    seen.page.locator("#picture-data").click()
    seen.page.dispatch_event(".pictures", "drop", {"dataTransfer": given})
    expect(seen.page.locator("#picture-file")).to_have_attribute("aria-pressed", "true")
    changed(seen, GIVEN, shown)


def test_channels_and_filters_are_clicked_through(seen: Seen) -> None:
    seen.page.locator("#weights").select_option("fixed")
    maps_of(seen, "conv1").click()
    expect(seen.page.locator("#layer h2")).to_have_text("conv 9, 3×3, padding 1")
    channels = seen.page.locator(".map-button")
    expect(channels).to_have_count(9)
    detail = seen.page.locator(".map-detail")
    expect(detail).to_contain_text("channel 0: edges, upright")
    expect(detail).to_contain_text("its filter")
    numbers = detail.locator(".filter-tiles span").first.get_attribute("title")
    assert str(numbers).split() == ["−1", "0", "1", "−2", "0", "2", "−1", "0", "1"]
    channels.nth(2).click()
    expect(detail).to_contain_text("channel 2: mean")
    seen.page.keyboard.press("ArrowRight")
    expect(detail).to_contain_text("channel 3: edges, all around")
    expect(channels.nth(3)).to_be_focused()
    seen.part("stem").click()
    expect(channels).to_have_count(4)
    expect(detail).to_contain_text("its filter, for 9 channels")
    expect(detail.locator(".filter-tiles .tile")).to_have_count(9)
    seen.page.locator("#layer .close").click()
    expect(maps_of(seen, "conv1")).to_be_visible()
    seen.page.locator("#try .close").click()
    expect(seen.page.locator("#try")).to_be_hidden()
    expect(seen.page.locator("#layer")).to_be_hidden()


def test_maps_follow_the_text(seen: Seen) -> None:
    seen.go_to("conv 9")
    seen.type("3", remove=1)
    expect(maps_of(seen, "conv1")).to_contain_text("3×12×12")
    seen.go_to("conv 3 k3")
    seen.type("99", remove=1)
    expect(seen.page.locator("#trouble")).to_be_visible()
    expect(maps_of(seen, "conv1")).to_contain_text("3×12×12")
    seen.page.locator(".cm-content").fill("input 12\nlinear 3\n")
    expect(seen.page.locator("#said")).to_contain_text("the network's input is 12, and no picture has that shape")


# a run


def test_a_run_answers_with_its_weights_and_names_that_run_nothing(browser: Browser, run: Path, folder: Path) -> None:
    with playing(str(run), cwd=folder) as address:
        for seen in opened(browser, address):
            seen.open()
            expect(seen.page.locator("#title")).to_have_text("spec")
            assert "param width = 5" in seen.text and "input 1x8x8" in seen.text
            bars = seen.page.locator("#said .bar")
            expect(bars).to_have_count(2, timeout=WAIT)
            expect(seen.page.locator("#weights")).to_have_value("run")
            expect(seen.page.locator("#data-name")).to_have_value("the run's own")
            truth = seen.page.locator(".truth")
            expect(truth).to_have_text(re.compile(r"Its class: (light|<img src=x onerror=hacked=1>)"))
            expect(bars.first).to_contain_text(str(truth.text_content()).removeprefix("Its class: "))
            assert seen.page.evaluate("window.hacked") is None
            assert seen.page.locator("#try img").count() == 0
            seen.go_to("conv width k3")
            seen.type("2", remove=1)
            expect(seen.page.locator("#said")).to_contain_text("The text has changed: 2 of 4 tensors are the run's")


def test_a_text_is_trained_watched_stopped_and_gone_on_with(browser: Browser, folder: Path) -> None:
    with playing("net.cnn", cwd=folder) as address:
        for seen in opened(browser, address):
            tried(seen)
            page, said = seen.page, seen.page.locator("#train-said")
            before = pixels(seen, FIRST)
            page.locator("#train-start").click()
            expect(said).to_contain_text("of 400", timeout=WAIT)
            expect(page.locator("#weights")).to_have_value("training")
            changed(seen, FIRST, before)
            expect(page.locator("#said .bar")).to_have_count(5)
            later = pixels(seen, FIRST)
            changed(seen, FIRST, later)
            expect(page.locator("#train-curves svg")).to_have_count(2)
            expect(page.locator("#train-curves")).to_contain_text("Accuracy")
            curve = page.locator(".curve.test").first
            expect(curve).not_to_have_attribute("d", str(curve.get_attribute("d")), timeout=WAIT)
            expect(page.locator(".folder")).to_contain_text(str(folder / "runs" / "net-digits-"))
            page.reload()
            page.wait_for_selector(".ready #picture [data-name]")
            page.locator("#try-open").click()
            page.locator("#train-stop").click()
            expect(said).to_contain_text("Stopped. Test accuracy", timeout=WAIT)
            done = int(str(said.text_content()).rpartition(" ")[2].rstrip("."))
            page.locator("#train-on").click()
            expect(said).to_have_text(
                re.compile(rf"Epoch ({done + 1}|{done + 2}|{done + 3}) (of 400|is done)"), timeout=WAIT
            )
            page.locator("#train-stop").click()
            expect(said).to_contain_text("Stopped. Test accuracy", timeout=WAIT)
            page.locator("#train-epochs").fill("1")
            page.locator("#train-start").click()
            expect(said).to_have_text(re.compile("Trained to the end. Test accuracy .* after epoch 1."), timeout=WAIT)
            assert len(list((folder / "runs").iterdir())) == 2


def test_what_is_wrong_with_a_run_is_told_with_its_code(seen: Seen) -> None:
    seen.page.locator(".cm-content").fill("input 1x12x12\nflatten -> linear 7\n")
    expect(seen.page.locator("#totals")).to_contain_text("→ 7")
    seen.page.locator("#train-start").click()
    trouble = seen.page.locator("#train-trouble")
    expect(trouble).to_contain_text("digits has 10 classes, but the network gives 7", timeout=WAIT)
    expect(trouble).to_contain_text("help: ")
    trouble.locator(".code").click()
    expect(seen.page.locator("#dialog")).to_contain_text("E606")


def test_what_is_told_of_a_run_is_text(browser: Browser, folder: Path) -> None:
    home = folder / HOSTILE
    home.mkdir()
    (home / f"{HOSTILE}.cnn").write_text(NET.replace("400", "1"), encoding="utf-8")
    with playing(f"{HOSTILE}.cnn", cwd=home) as address:
        for seen in opened(browser, address):
            tried(seen)
            seen.page.locator("#train-start").click()
            expect(seen.page.locator("#train-said")).to_contain_text("Trained to the end.", timeout=WAIT)
            expect(seen.page.locator(".folder")).to_contain_text(str(home / "runs"))
            seen.page.locator(".cm-content").fill(
                f'input 1x12x12\nflatten -> linear 10\ntrain {{ task "{HOSTILE}" }}\n'
            )
            expect(seen.page.locator("#findings")).to_contain_text(f"not `{HOSTILE}`")
            seen.page.locator("#train-start").click()
            expect(seen.page.locator("#train-trouble")).to_contain_text(f"not `{HOSTILE}`", timeout=WAIT)
            assert seen.page.locator("img[src]").count() == 0
            assert seen.page.evaluate("window.hacked") is None


HAS_ONNX = PYODIDE is not None and all((Path(PYODIDE) / name).is_file() for name in NEEDED_FOR_RUNS)


@pytest.mark.skipif(not HAS_ONNX, reason="SPECC_PYODIDE names no copy of Pyodide with onnxruntime-web")
def test_a_page_of_files_shows_the_maps_of_its_run(browser: Browser, run: Path, folder: Path) -> None:
    done = specc("play", str(run), "--site", "site", "--vendored", str(PYODIDE), cwd=folder)
    assert done.returncode == 0, done.stderr
    with held(folder / "site") as (address, server):
        for seen in opened(browser, address):
            seen.page.set_default_timeout(120_000)
            seen.open()
            seen.page.locator("#try-open").click()
            bars = seen.page.locator("#said .bar")
            expect(bars).to_have_count(2, timeout=WAIT)
            server.shutdown()
            server.server_close()
            before = pixels(seen, FIRST)
            box = seen.page.locator(PAD).bounding_box()
            assert box is not None
            seen.page.mouse.move(box["x"] + 30, box["y"] + 30)
            seen.page.mouse.down()
            seen.page.mouse.move(box["x"] + 120, box["y"] + 120, steps=5)
            seen.page.mouse.up()
            changed(seen, FIRST, before)
            expect(bars.first).to_contain_text(HOSTILE)
            assert seen.page.evaluate("window.hacked") is None
            maps_of(seen, "conv1").click()
            expect(seen.page.locator(".map-button")).to_have_count(5)
            expect(seen.page.locator(".map-detail")).to_contain_text("its filter")
            seen.page.locator("#layer .close").click()
            seen.go_to("conv width k3")
            seen.type("2", remove=1)
            expect(seen.page.locator("#said")).to_contain_text("those of the run's own text, and it has changed")


# screens


@pytest.mark.parametrize("shade", ["light", "dark"])
def test_a_narrow_screen_has_room_for_it(shade: Any, browser: Browser, address: str) -> None:
    for seen in opened(browser, address, viewport={"width": 400, "height": 800}, color_scheme=shade):
        seen.open()
        seen.page.locator("#tab-try").click()
        expect(maps_of(seen, "conv1")).to_be_visible(timeout=WAIT)
        for kind in ("draw", "file", "data"):
            seen.page.locator(f"#picture-{kind}").first.click()
            wide = seen.page.evaluate("document.querySelector('#try').scrollWidth")
            assert wide <= 400, kind
        maps_of(seen, "conv1").click()
        expect(seen.page.locator("#tab-layer")).to_have_attribute("aria-selected", "true")
        expect(seen.page.locator(".map-button").first).to_be_visible()
        assert seen.page.evaluate("document.querySelector('#layer').scrollWidth") <= 400
        seen.page.locator("#layer .close").click()
        expect(seen.page.locator("#tab-try")).to_have_attribute("aria-selected", "true")
