"""The documentation is true: its pages are those that the code gives, its specs check, its commands run, its links lead
somewhere."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import runpy
import shlex
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from commands import Done, on_a_terminal, ran, typed

from specc.pipeline import analyse
from specc.recipe.recipe import Recipe
from specc.source import Source

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md"])
STORIES = sorted([DOCS / "tutorial.md", *(DOCS / "guides").glob("*.md")])
FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)^```$", re.MULTILINE)
ANY_PICTURE = (64, 16, 16)  # what arrives at an example that does not say it


class Block(NamedTuple):
    """A fenced block: what stands behind the fence, the text, its line."""

    kind: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The name of a spec that a reader is told to write."""
        found = re.match(r"# (\S+\.cnn)\n", self.text)
        return found[1] if found else None


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(match[1], match[2], text.count("\n", 0, match.start()) + 1) for match in FENCE.finditer(text)]


def name_of(page: Path) -> str:
    return str(page.relative_to(DOCS.parent))


def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_build", DOCS / "build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", builder().PAGES)
def test_a_reference_page_is_what_the_code_says(name: str) -> None:
    page = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert page == builder().PAGES[name](), "run `python docs/build.py`"


def test_the_recipe_s_page_has_every_setting_and_section() -> None:
    text = builder().recipe()
    sections = runpy.run_path(str(DOCS / "recipe_page.py"))["SECTIONS"]
    assert sections
    assert all(f"\n| `{name}` |" in text for name in Recipe.model_fields)
    assert all(f"\n## {title}\n" in text for title in sections.values())


def specs() -> list[tuple[Path, Block]]:
    """Every spec on every page but the language's, which has a test of its own, and those written to be wrong."""
    return [
        (page, block)
        for page in PAGES
        if page.name not in ("language.md", "mistakes.md", "README.md")
        for block in blocks(page)
        if block.kind.startswith("cnn")
    ]


@pytest.mark.parametrize(("page", "block"), specs(), ids=lambda part: name_of(part) if isinstance(part, Path) else "")
def test_a_spec_in_the_documentation_is_right_or_wrong_as_marked(page: Path, block: Block) -> None:
    shape = None if re.search(r"^input ", block.text, re.MULTILINE) else ANY_PICTURE
    found = [finding.code for finding in analyse(Source(page.name, block.text), shape).diagnostics if finding.is_error]
    expected = re.findall(r"E\d{3}", block.kind)
    if not expected and found:
        # A step of a story may break what the step before built; then the story shows the report.
        story = page.read_text(encoding="utf-8")
        assert page in STORIES
        assert all(f"error[{code}]" in story for code in found), f"{page.name}:{block.line}: {found}"
    else:
        assert found == expected


# Stories: what a reader types, in one folder, from the first line to the last.


def small_pictures(folder: Path) -> None:
    """The reader's own pictures: eight for each of two classes."""
    from PIL import Image

    for label, name in enumerate(("daisy", "tulip")):
        (folder / "flowers" / name).mkdir(parents=True)
        for number in range(8):
            Image.new("RGB", (70, 66), (30 * number, 200 * label, 90)).save(folder / "flowers" / name / f"{number}.jpg")


def run(line: str, folder: Path) -> Done:
    if "--data mnist --epochs" in line:
        data = os.environ.get("SPECC_DATA")
        if data is None:
            return Done(line, 0, "", "")
        line += f" --data-dir {shlex.quote(data)} --limit 500"
    if line.startswith("specc check "):  # a reader looks at what it prints, and sees more than a pipe does
        return on_a_terminal(line, folder, COLUMNS="160")
    return typed(line, folder, COLUMNS="110")


@pytest.mark.parametrize("page", STORIES, ids=name_of)
def test_a_story_goes_as_it_is_told(page: Path, tmp_path: Path) -> None:
    small_pictures(tmp_path)
    printed = ""
    for block in blocks(page):
        if block.kind == "cnn" and block.file:
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
        elif block.kind == "sh":
            for line in block.text.splitlines():
                done = run(line, tmp_path)
                printed = done.stdout
                assert done.returncode in (0, 1), f"{line}\n{done.stderr}"
                assert done.returncode == 0 or " check " in line, f"{line}\n{done.stdout}{done.stderr}"
        elif block.kind == "text" and printed:
            assert block.text.rstrip() == printed.rstrip(), f"{page.name}:{block.line}"
            printed = ""
        elif block.kind == "python":
            ran(block.text, tmp_path)


def test_own_pictures_in_python_get_the_answers_of_predict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_pictures(tmp_path)
    page = DOCS / "guides" / "own-pictures.md"
    (spec,) = (block for block in blocks(page) if block.file == "flowers.cnn")
    (program,) = (block for block in blocks(page) if block.kind == "python")
    (tmp_path / "flowers.cnn").write_text(spec.text, encoding="utf-8")
    assert run("specc train flowers.cnn --data flowers", tmp_path).returncode == 0
    ran(program.text, tmp_path)
    said = dict(line.split() for line in capsys.readouterr().out.splitlines())
    done = run("specc predict runs/flowers-flowers-1 flowers/daisy/1.jpg --json", tmp_path)
    told = {one["class"]: one["probability"] for one in json.loads(done.stdout)["classes"]}
    assert {name: float(share) for name, share in said.items()} == pytest.approx(told, abs=1e-5)


# Links.


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name_of(page)}: {link}"
        assert not anchor or anchor in anchors(target), f"{name_of(page)}: {link}"


def test_every_page_is_reached_from_the_first() -> None:
    seen: set[Path] = set()
    left = [DOCS / "README.md"]
    while left:
        page = left.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = re.findall(r"\]\(([^)\s#]+)[^)]*\)", page.read_text(encoding="utf-8"))
        left += [(page.parent / link).resolve() for link in links if "://" not in link]
    assert set(DOCS.rglob("*.md")) <= seen
