"""The page of `specc play` in a real Chromium: what can be seen and done, and that nothing leaves the machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import LACKING, PYODIDE, Seen, chromium, held, needs_a_browser, opened, playing
from commands import specc

if not LACKING:
    from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

pytestmark = needs_a_browser

NET = """\
# a small network
input 1x16x16
block cbr(c, k=3) { conv c k=k p1 -> bn -> relu }
conv 6 k5 -> tanh -> avgpool 2
cbr 8
cbr 16 k5
flatten -> linear 10
"""
HOSTILE = """\
# <img src=x onerror="window.hacked=1"> </script><script>window.hacked=1</script> `<b>` [a](javascript:window.hacked=1)
input 1x8x8
# <svg onload="window.hacked=1">
block b(c) { conv c k3 -> relu }
b 4 -> flatten -> linear 10
"<img src=x onerror=window.hacked=1>" -> javascript:alert(1)
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("play")
    (path / "net.cnn").write_text(NET, encoding="utf-8")
    (path / "<img src=x onerror=hacked=1>.cnn").write_text(HOSTILE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with playing("net.cnn", cwd=folder) as found:
        yield found


@pytest.fixture
def seen(browser: Browser, address: str) -> Iterator[Seen]:
    for found in opened(browser, address):
        yield found.open()


def in_red(locator: Locator) -> str:
    return str(locator.evaluate("one => getComputedStyle(one).stroke"))


# the text


def test_shapes_stand_at_the_lines_end_and_move_with_every_key(seen: Seen) -> None:
    shapes = seen.page.locator(".shape")
    expect(shapes.nth(1)).to_have_text("6×6×6")
    expect(seen.page.locator("#totals")).to_contain_text("1×16×16 → 10: ")
    seen.go_to("conv 6 k5")
    seen.type("3", remove=1)
    expect(shapes.nth(1)).to_have_text("6×7×7")
    expect(seen.part("conv1")).to_contain_text("3×3")
    assert "conv 6 k3 -> tanh" in seen.text
    expect(seen.page.locator(".tok-function").first).to_have_text("conv")


def test_an_error_is_marked_told_and_mended_by_a_click(seen: Seen) -> None:
    seen.go_to("conv 6 k5")
    seen.type("50", remove=1)
    trouble = seen.page.locator("#trouble")
    expect(trouble).to_have_text("Line 4: `conv` kernel 50 does not fit its 16×16 input")
    expect(seen.page.locator(".cm-lintRange-error").first).to_have_text("conv 6 k50")
    expect(seen.page.locator("#picture")).to_have_class("behind")
    expect(seen.part("conv1")).to_have_class(re.compile(r"\bwrong\b"))
    expect(seen.part("conv1")).to_contain_text("5×5")
    seen.page.locator("#findings .code").first.click()
    expect(seen.page.locator("#dialog")).to_contain_text("E301")
    seen.page.keyboard.press("Escape")
    seen.page.locator("#findings .fix").first.click()
    expect(trouble).to_be_hidden()
    expect(seen.page.locator("#picture")).not_to_have_class("behind")


def test_hover_completion_format_and_rename(seen: Seen) -> None:
    seen.page.locator(".tok-function", has_text="avgpool").hover()
    expect(seen.page.locator(".cm-tooltip-hover")).to_contain_text("The mean of the values under a sliding window")
    seen.go_to("flatten")
    seen.page.keyboard.type(" -> dropo")
    expect(seen.page.locator(".cm-tooltip-autocomplete li").first).to_contain_text("dropout")
    seen.page.wait_for_timeout(200)  # what has just appeared is not taken, lest somebody takes it unawares
    seen.page.keyboard.press("Enter")
    seen.page.keyboard.type("   0.5")
    expect(seen.page.locator("#trouble")).to_be_hidden()
    seen.page.locator("#format").click()
    expect(seen.page.locator(".cm-content")).to_contain_text("flatten -> dropout 0.5 -> linear 10")
    seen.go_to("block cbr", after=True)
    seen.page.keyboard.press("F2")
    seen.page.locator("#dialog input").fill("cell")
    seen.page.locator("#dialog form button").click()
    expect(seen.page.locator(".cm-content")).to_contain_text("cell 16 k5")


def test_the_address_holds_the_text(seen: Seen, browser: Browser) -> None:
    seen.go_to("linear 10")
    seen.type("7", remove=2)
    seen.page.wait_for_url(re.compile("#text="))
    for other in opened(browser, seen.address):
        other.open(seen.page.url.removeprefix(seen.address))
        expect(other.page.locator(".cm-content")).to_contain_text("linear 7")
    seen.page.locator("#share").click()
    expect(seen.page.locator("#notice")).to_contain_text("is copied")
    assert seen.page.evaluate("navigator.clipboard.readText()") == seen.page.url


def test_a_broken_address_is_passed_over(browser: Browser, address: str) -> None:
    for seen in opened(browser, address):
        for fragment in ("#text=rubbish", "#text=%00", "#text=" + "A" * 5000):
            seen.open(fragment)
            expect(seen.page.locator(".cm-content")).to_contain_text("a small network")


def test_the_gallery_opens_in_its_menu(seen: Seen) -> None:
    seen.page.locator("#gallery").click()
    seen.page.locator("#dialog input").fill("googlenet")
    seen.page.locator(".gallery button").first.click()
    expect(seen.page.locator("#title")).to_have_text("googlenet")
    expect(seen.page.locator("#totals")).to_contain_text("→ 1000")


def test_the_text_is_saved_as_a_file(seen: Seen) -> None:
    with seen.page.expect_download() as saved:
        seen.page.locator("#save").click()
    assert saved.value.suggested_filename == "net.cnn"
    assert Path(saved.value.path()).read_text(encoding="utf-8") == NET


# the picture


def test_boxes_and_lines_are_tied_to_each_other(seen: Seen) -> None:
    seen.part("cbr1.conv1").hover()
    expect(seen.page.locator(".cm-content .lit").first).to_have_text("conv c k=k p1")
    seen.page.mouse.move(640, 790)
    expect(seen.page.locator(".cm-content .lit")).to_have_count(0)
    seen.go_to("avgpool")
    expect(seen.part("avgpool1")).to_have_class(re.compile(r"\blit\b"))
    seen.go_to("conv c")
    lit = seen.page.locator("#picture .lit")
    expect(lit).to_have_count(2)
    assert lit.evaluate_all("all => all.map(one => one.dataset.name)") == ["cbr1.conv1", "cbr2.conv1"]


def test_styles_folds_and_repeats(seen: Seen) -> None:
    for style in ("lecture", "cuboids"):
        seen.page.locator(f"#style-{style}").click()
        expect(seen.page.locator(f"#style-{style}")).to_have_attribute("aria-pressed", "true")
        expect(seen.page.locator("#picture")).to_contain_text("6×12×12")
        expect(seen.part("conv1")).to_be_visible()
    seen.page.locator("#style-flow").click()
    expect(seen.part("conv1")).to_be_visible()
    seen.page.locator("#gallery").click()
    seen.page.locator("#dialog input").fill("resnet18 ")
    seen.page.locator(".gallery button").first.click()
    heading = seen.page.locator("#picture [data-fold=open]").first
    expect(heading).to_contain_text("▾ basic")
    name = str(heading.get_attribute("data-name"))
    heading.click()
    closed = seen.page.locator(f'#picture [data-name="{name}"][data-fold=closed]')
    expect(closed).to_contain_text("▸ basic")
    closed.click()
    expect(seen.page.locator(f'#picture [data-name="{name}"][data-fold=open]')).to_have_count(1)
    boxes = seen.page.locator("#picture [data-name]").count()
    seen.page.locator("#unfold").click()
    expect(seen.page.locator(f"#picture [data-name] >> nth={boxes}")).to_be_attached()


def test_the_picture_is_moved_and_enlarged(seen: Seen) -> None:
    def box() -> list[float]:
        return [float(part) for part in str(seen.page.locator("#picture > svg").get_attribute("viewBox")).split()]

    first = box()
    seen.page.locator("#zoom-in").click()
    assert box()[2] < first[2]
    seen.page.locator("#zoom-fit").click()
    assert box() == first
    middle = seen.page.locator("#picture").bounding_box()
    assert middle is not None
    seen.page.mouse.move(middle["x"] + 20, middle["y"] + 200)
    seen.page.mouse.down()
    seen.page.mouse.move(middle["x"] + 60, middle["y"] + 150, steps=4)
    seen.page.mouse.up()
    assert (box()[0] < first[0], box()[1] > first[1]) == (True, True)
    seen.page.mouse.wheel(0, -100)
    assert box()[1] < first[1] + 200
    seen.part("conv1").focus()
    seen.page.keyboard.press("0")
    assert box() == first


# a layer


def test_a_layer_is_opened_by_a_click_and_by_the_keyboard(seen: Seen) -> None:
    layer = seen.page.locator("#layer")
    seen.part("conv1").click()
    expect(layer.locator("h2")).to_have_text("conv 6, 5×5")
    expect(layer).to_contain_text("⌊(16 + 2·0 − 1·(5−1) − 1) / 1⌋ + 1 = 12")
    expect(layer.locator(".costs tr").first).to_contain_text("156")
    expect(layer).to_contain_text("This output pixel depends on 5×5 pixels of the 16×16 input.")
    layer.locator(".close").click()
    expect(layer).to_be_hidden()
    seen.part("conv1").click()
    seen.page.keyboard.press("Escape")
    expect(layer).to_be_hidden()
    seen.page.locator("#picture [tabindex='0']").focus()
    for _ in range(2):
        seen.page.keyboard.press("ArrowDown")
    seen.page.keyboard.press("Enter")
    expect(layer.locator("h2")).to_have_text("avgpool 2×2")
    expect(seen.part("avgpool1")).to_have_class(re.compile("chosen"))


def test_a_keyboard_alone_leads_from_the_text_to_a_window_and_back(seen: Seen) -> None:
    page, press = seen.page, seen.page.keyboard.press

    def tab_to(selector: str, *, back: bool = False) -> None:
        for _ in range(40):
            if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
                return
            press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"no way to {selector}")

    seen.go_to("conv 6 k5")
    seen.type("3", remove=1)
    press("Escape")  # the one before has closed what was offered
    press("Tab")
    tab_to("#style-lecture")
    press("Enter")
    expect(page.locator("#style-lecture")).to_have_attribute("aria-pressed", "true")
    tab_to("#style-flow", back=True)
    press("Space")
    tab_to("#picture [data-name]")
    press("Enter")
    expect(page.locator("#layer h2")).to_have_text("conv 6, 3×3")
    tab_to(".sliding")
    before = page.locator(".frame-of-window").get_attribute("x")
    press("ArrowRight")
    assert page.locator(".frame-of-window").get_attribute("x") != before
    tab_to("#argument-kernel")
    press("ArrowRight")
    expect(page.locator(".cm-content")).to_contain_text("conv 6 k4 -> tanh")
    tab_to(".cm-content", back=True)
    seen.type("# ")
    expect(page.locator(".cm-content")).to_contain_text("# ")


def test_a_block_is_folded_by_the_keyboard(seen: Seen) -> None:
    steps = "conv 4 k3 p1 -> relu -> conv 4 k3 p1 -> relu -> conv 4 k3 p1"
    seen.page.locator(".cm-content").fill(f"input 4x8x8\nblock b {{ residual {{ {steps} }} -> relu }}\nb\nb\n")
    heading = seen.page.locator("#picture [data-fold]").first
    expect(heading).to_have_attribute("aria-expanded", "true")
    seen.page.locator("#picture [tabindex='0']").focus()
    for _ in range(3):
        if seen.page.evaluate("document.activeElement.dataset.fold"):
            break
        seen.page.keyboard.press("ArrowDown")
    seen.page.keyboard.press("Enter")
    expect(seen.page.locator("#picture [data-fold]").first).to_have_attribute("aria-expanded", "false")


def test_a_click_counts_though_the_box_is_drawn_anew_meanwhile(seen: Seen) -> None:
    seen.go_to("conv 6")
    seen.part("conv1").hover()
    seen.page.mouse.down()
    before = seen.part("conv1").element_handle()
    seen.page.locator(".cm-content").focus()
    seen.type("4")
    seen.page.wait_for_function("one => !one.isConnected", arg=before)
    seen.page.mouse.up()
    expect(seen.page.locator("#layer h2")).to_have_text("conv 64, 5×5")


def test_of_the_next_picture_only_what_differs_is_put_in_place(seen: Seen) -> None:
    seen.go_to("cbr 8")
    held = {name: seen.part(name).element_handle() for name in ("conv1", "tanh1", "cbr1.conv1", "linear1")}
    seen.part("tanh1").focus()
    seen.page.keyboard.press("ArrowUp")
    seen.page.locator(".cm-content").focus()
    seen.type("0")
    expect(seen.part("cbr1.conv1")).to_contain_text("conv 80")
    stayed = {name for name, element in held.items() if element.evaluate("one => one.isConnected")}
    assert stayed == {"conv1", "tanh1", "linear1"}
    reached = seen.page.locator("#picture [tabindex='0']")
    expect(reached).to_have_count(1)
    expect(reached).to_have_attribute("data-name", "conv1")
    seen.page.locator("#style-lecture").click()
    expect(seen.page.locator("#picture [tabindex='0']")).to_have_count(1)


def test_the_window_moves_and_its_sum_is_written_out(seen: Seen) -> None:
    seen.part("avgpool1").click()
    total = seen.page.locator(".sum")
    expect(total).to_have_text("(0 + 3 + 7 + 1) / 4 = 2.75")
    assert seen.page.locator(".pixel.read").count() == 4
    frame = seen.page.locator(".frame-of-window")
    before = frame.get_attribute("x")
    seen.page.locator(".sliding").focus()
    seen.page.keyboard.press("ArrowRight")
    assert frame.get_attribute("x") != before
    expect(seen.page.locator(".answer.here")).to_have_count(1)
    seen.page.keyboard.press("End")
    expect(seen.page.locator(".answer.here")).to_have_count(1)
    seen.part("cbr1.conv1").click()
    expect(seen.page.locator(".margin.read").first).to_be_visible()
    expect(seen.page.locator("#layer")).to_contain_text("Dashed: padding, zeros.")
    expect(total).to_contain_text("and the same in 5 more channels, then the bias")


def test_the_window_plays_by_itself_unless_that_disturbs(browser: Browser, address: str) -> None:
    for seen in opened(browser, address, reduced_motion="no-preference"):
        seen.open()
        seen.part("conv1").click()
        first = seen.page.locator(".sum").text_content()
        expect(seen.page.locator(".sum")).not_to_have_text(str(first))
        seen.page.locator(".steps button").nth(1).click()
        expect(seen.page.locator(".steps button").nth(1)).to_have_text("Play")


@pytest.mark.parametrize(
    ("step", "code", "told", "hatched"),
    [
        ("maxpool 2 s4", "W506", "Hatched: 4 rows and 4 columns of the picture", 8 * 8 - 4 * 4),
        ("conv 4 k3 s2", "W505", "Hatched: 1 row and 1 column of the picture", 8 * 8 - 7 * 7),
        ("conv 4 k2 s3", "W506", "Hatched: 2 rows and 2 columns of the picture", 8 * 8 - 6 * 6),
        ("conv 4 k3 s1", "", "", 0),
    ],
)
def test_what_a_warning_says_of_pixels_is_drawn(step: str, code: str, told: str, hatched: int, seen: Seen) -> None:
    seen.page.locator(".cm-content").fill(f"input 1x8x8\n{step}\nflatten -> linear 10\n")
    expect(seen.page.locator("#totals")).to_contain_text("1×8×8 → 10")
    expect(seen.page.locator("#findings .code")).to_have_text([code] if code else [])
    seen.part(f"{step.split(maxsplit=1)[0]}1").click()
    expect(seen.page.locator(".pixel.unread")).to_have_count(hatched)
    expect(seen.page.locator(".hatch")).to_have_count(hatched)
    expect(seen.page.locator(".sliding .note")).to_contain_text(told)


def test_a_slider_writes_into_the_text(seen: Seen) -> None:
    seen.part("conv1").click()
    seen.page.locator("#argument-kernel").focus()
    for _ in range(2):
        seen.page.keyboard.press("ArrowLeft")
    expect(seen.page.locator(".cm-content")).to_contain_text("conv 6 k3 -> tanh")
    expect(seen.page.locator("#layer h2")).to_have_text("conv 6, 3×3")
    seen.page.locator("#argument-stride").fill("2")
    expect(seen.page.locator(".cm-content")).to_contain_text("conv 6 k3 s2 -> tanh")
    seen.page.locator("#argument-dilation").fill("2")
    expect(seen.page.locator("#layer")).to_contain_text("Between the pixels that are read lie gaps")
    seen.page.locator("#argument-kernel").fill("11")
    expect(seen.page.locator("#trouble")).to_be_visible()
    expect(seen.page.locator("#layer")).to_have_class(re.compile("behind"))
    seen.page.locator("#argument-kernel").fill("1")
    expect(seen.page.locator("#trouble")).to_be_hidden()
    expect(seen.page.locator("#layer")).to_contain_text("Hatched: ")


def test_a_layer_in_a_block_is_turned_where_the_block_is_called(seen: Seen) -> None:
    seen.part("cbr1.conv1").click()
    seen.page.locator("#argument-kernel").fill("1")
    expect(seen.page.locator(".cm-content")).to_contain_text("cbr 8 k1")


@pytest.mark.parametrize(
    "word", ["convtranspose 4 k3 s2", "maxpool 3 s2 p1", "gap", "adaptiveavgpool 5", "dwconv k3 same"]
)
def test_every_kind_of_window_is_drawn(word: str, seen: Seen) -> None:
    seen.page.locator(".cm-content").fill(f"input 2x11x11\n{word}\n")
    name = f"{word.split(maxsplit=1)[0]}1"
    seen.part(name).click()
    expect(seen.page.locator(".grid-of-pixels")).to_have_count(2)
    expect(seen.page.locator(".answer.here")).to_have_count(1)


def test_signals_volumes_and_vectors(seen: Seen) -> None:
    for shape, name in (("2x64", "conv1"), ("2x9x9x9", "conv1")):
        seen.page.locator(".cm-content").fill(f"input {shape}\nconv 4 k3\n")
        expect(seen.page.locator("#totals")).to_contain_text(shape.replace("x", "×"))
        seen.part(name).click()
        expect(seen.page.locator(".answer.here")).to_have_count(1)
    seen.page.locator(".cm-content").fill("input 8\nlinear 4\n")
    seen.part("linear1").click()
    expect(seen.page.locator("#layer h2")).to_have_text("linear 4")
    expect(seen.page.locator(".grid-of-pixels")).to_have_count(0)


# what must not happen


def test_what_a_spec_says_is_text(browser: Browser, folder: Path) -> None:
    with playing("<img src=x onerror=hacked=1>.cnn", cwd=folder) as address:
        for seen in opened(browser, address):
            seen.page.goto(address)
            seen.page.wait_for_selector("#findings li")
            assert seen.page.locator("img[src], script:not([src])").count() == 0
            seen.page.locator(".cm-content").fill(HOSTILE.rpartition('"<img')[0])
            seen.part("b1.conv1").click()
            seen.page.locator(".tok-class").first.hover()
            expect(seen.page.locator(".cm-tooltip-hover")).to_contain_text("<svg onload=")
            assert seen.page.evaluate("window.hacked") is None
            assert "<img src=x" in seen.page.title()


def test_the_end_of_the_server_is_told(browser: Browser, folder: Path) -> None:
    with playing("net.cnn", cwd=folder) as address:
        context = browser.new_context()
        seen = Seen(context.new_page(), address).open()
    expect(seen.page.locator("#notice")).to_have_text("specc play has ended. The text is still here.")
    assert seen.text.startswith("# a small network")
    context.close()


@pytest.mark.skipif(PYODIDE is None, reason="SPECC_PYODIDE names no copy of Pyodide")
def test_a_page_of_files_needs_nobody_once_it_is_there(browser: Browser, folder: Path) -> None:
    assert specc("play", "net.cnn", "--site", "site", "--vendored", str(PYODIDE), cwd=folder).returncode == 0
    with held(folder / "site") as (address, server):
        for seen in opened(browser, address):
            seen.page.set_default_timeout(120_000)
            seen.open()
            server.shutdown()
            server.server_close()
            seen.go_to("conv 6 k5")
            seen.type("3", remove=1)
            expect(seen.page.locator(".shape").nth(1)).to_have_text("6×7×7", timeout=30_000)
            seen.part("conv1").click()
            expect(seen.page.locator("#layer h2")).to_have_text("conv 6, 3×3")
            seen.page.locator("#argument-kernel").fill("9")
            expect(seen.page.locator(".cm-content")).to_contain_text("conv 6 k9 -> tanh")


# screens


@pytest.mark.parametrize("shade", ["light", "dark"])
def test_a_narrow_screen_shows_a_part_at_a_time(shade: Any, browser: Browser, address: str) -> None:
    size = {"width": 400, "height": 800}
    for seen in opened(browser, address, viewport=size, color_scheme=shade):
        seen.open()
        expect(seen.page.locator("html")).to_have_attribute("data-theme", shade)
        seen.page.locator("#tab-text").click()
        expect(seen.page.locator("#editor")).to_be_visible()
        expect(seen.page.locator("#picture")).to_be_hidden()
        seen.page.locator("#tab-network").click()
        seen.part("conv1").click()
        expect(seen.page.locator("#tab-layer")).to_have_attribute("aria-selected", "true")
        expect(seen.page.locator(".sliding")).to_be_visible()
        for part in ("text", "network", "layer"):
            seen.page.locator(f"#tab-{part}").click()
            wide = seen.page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
            assert wide <= 400, f"{part} is wider than the screen"
        seen.page.locator("#shade").click()
        expect(seen.page.locator("html")).not_to_have_attribute("data-theme", shade)
