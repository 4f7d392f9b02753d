"""`specc fmt`: one canonical form that keeps the tree and every comment, and the command that writes it.

Goldens are data: `tests/cases/format/*.cnn` and, beside each, what it becomes (`.expected`); those in
`tests/cases/shapes` are for `--shapes`.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from commands import Done, specc
from generate.plan import Spec
from generate.specs import specs
from hypothesis import given, settings
from hypothesis import strategies as st
from introduction import INTRODUCTION

from specc import files
from specc.annotate import format_with_shapes
from specc.cli import main
from specc.gallery import GalleryEntry, entries
from specc.pipeline import analyse
from specc.source import Source
from specc.syntax import columns, layout
from specc.syntax.format import format_source
from specc.syntax.lexer import Token
from specc.syntax.parse import parse, read_tokens

CASES = Path(__file__).parent / "cases"
GALLERY = entries()


def formatted(text: str) -> str:
    done = format_source(Source("net.cnn", text))
    assert done.text is not None, done.diagnostics
    return done.text


def with_shapes(text: str) -> str:
    done = format_with_shapes(Source("net.cnn", text))
    assert done.text is not None, done.diagnostics
    return done.text


PLACES = ("span", "head", "comments")


def bare(node: object) -> object:
    """A tree without its places."""
    if isinstance(node, tuple) and hasattr(node, "_fields"):
        fields = zip(node._fields, node, strict=True)
        return type(node).__name__, [(name, bare(value)) for name, value in fields if name not in PLACES]
    return [bare(item) for item in node] if isinstance(node, tuple) else node


def tokens(text: str) -> list[Token]:
    return read_tokens(text).words


def comments(text: str) -> list[str]:
    """Every comment, in order: a `#` between tokens, so that one in a string is none."""
    found, end = [], 0
    for start, stop in [*(token.span for token in tokens(text)), (len(text), 0)]:
        found += [comment.rstrip() for comment in re.findall("#[^\n]*", text[end:start])]
        end = stop
    return found


def is_kept(text: str) -> bool:
    """Whether a text is read without errors; if so, asserts everything that formatting guarantees."""
    before = parse(Source("net.cnn", text))
    if before.diagnostics:
        assert format_source(Source("net.cnn", text)).text is None
        return False
    after = formatted(text)
    assert bare(parse(Source("net.cnn", after))) == bare(before)
    assert comments(after) == comments(text)
    assert formatted(after) == after
    assert after == "" or re.fullmatch(r"(?!\n)(?s:.)*[^\s]\n", after)
    assert not re.search(r"[ \t]\n|\n\n\n|\t(?![^\n]*[\"#])", re.sub("#[^\n]*", "#", after))
    return True


# Goldens

GOLDENS = sorted((CASES / "format").glob("*.cnn"))
GOLDENS_WITH_SHAPES = sorted((CASES / "shapes").glob("*.cnn"))


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert formatted(text) == path.with_suffix(".expected").read_text(encoding="utf-8")
    assert is_kept(text)


@pytest.mark.parametrize("spec", GALLERY, ids=lambda spec: spec.name)
def test_the_gallery_is_canonical(spec: GalleryEntry) -> None:
    assert formatted(spec.text) == spec.text


def test_the_introduction_is_canonical() -> None:
    assert formatted(INTRODUCTION) == INTRODUCTION


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("\n\n \t\n", ""),
        ("\n\n# alone", "# alone\n"),
        ("relu\r\n\r\n\r\n# a\r\ntanh\r\n", "relu\n\n# a\ntanh\n"),
        ("relu\f->\ttanh", "relu -> tanh\n"),
        (";;relu;;", "relu\n"),
    ],
)
def test_line_ends_and_empty_texts(text: str, expected: str) -> None:
    assert formatted(text) == expected
    assert is_kept(text)


def test_a_line_as_wide_as_a_line_may_be_is_not_broken() -> None:
    chain = "conv 64 k3 p1 nobias -> " + "relu -> " * 11 + "tanh"
    assert len(chain) < layout.WIDTH
    for filler in (layout.WIDTH - len(chain), layout.WIDTH - len(chain) + 1):
        text = f"{chain}{'h' * filler}\n"
        assert (formatted(text) == text) == (len(text) - 1 <= layout.WIDTH)


# Nothing but the form changes

SPACES = [" ", "  ", "\t", ""]
ENDS = ["", "\n", "\n\n\n", " # c\n", "\n  # d\n", " # e\n\n# f\n", ";"]


def scrambled(text: str, dice: random.Random) -> str:
    """The same tokens with other white space between them, and comments where a line may end."""
    pieces, found, depth, rate = [], tokens(text), 0, dice.choice([0.0, 0.1, 0.5])
    places = [token.span.start for token in found] + [len(text)]
    for token, place in zip(found, places[1:], strict=True):
        depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
        written = text[token.span.end : place]
        may_end = token.type in ("ARROW", "BAR", "LBRACE", "_NL") or (depth > 0 and written.isspace())
        other = dice.choice(ENDS if may_end else SPACES)
        is_free = written.isspace() or (may_end and not written)
        pieces += [token.text, other if is_free and dice.random() < rate else written]
    return "".join(pieces)


NUMBERS = st.integers(0, 2**32)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(specs(), NUMBERS)
def test_a_generated_spec_means_the_same(spec: Spec, seed: int) -> None:
    assert is_kept(spec.text)
    is_kept(scrambled(spec.text, random.Random(seed)))


@pytest.mark.parametrize("spec", GALLERY, ids=lambda spec: spec.name)
def test_a_scrambled_spec_of_the_gallery_means_the_same(spec: GalleryEntry) -> None:
    """Scrambled in ways that make another text of it are passed over, until five were right."""
    dice, kept = random.Random(spec.name), 0
    for _ in range(40):
        kept += is_kept(scrambled(spec.text, dice))
        if kept == 5:
            return
    raise AssertionError(f"{kept} of 40 scrambled texts are specs")


PIECES = ["->", "|", "{", "}", "(", ")", "[", "]", ",", ";", "::", "=", "-", "*", "//", "+", "residual", "concat {",
          "} x2", "k3", "64", "3x_", "shortcut auto", "-1", "[1 2]", "(a + 1)", "min(a, b)", "w=[[1 2] [3 4]]", "a:",
          "block f(a, b=1) {", "train { a 1 ; b 2 }", "# c\n", "\n", "relu"]  # fmt: skip
SOURCES = [*(spec.text for spec in GALLERY), *(path.read_text(encoding="utf-8") for path in GOLDENS)]


def mutated(text: str, dice: random.Random) -> str:
    """A few lines of a text, scrambled, with tokens left out, put in or said twice."""
    lines = text.splitlines(keepends=True)
    start = dice.randrange(len(lines))
    words = [token.text for token in tokens("".join(lines[start : start + dice.randint(1, 12)]))] or ["relu"]
    for _ in range(dice.randint(0, 2)):
        place = dice.randrange(len(words))
        words[place] = dice.choice(["", f"{words[place]} {words[place]}", f"{words[place]} {dice.choice(PIECES)}"])
    return scrambled(" ".join(words), dice)


def count_kept(seed: int, times: int) -> int:
    dice = random.Random(seed)
    return sum(is_kept(mutated(dice.choice(SOURCES), dice)) for _ in range(times))


def test_a_mutated_text_means_the_same_or_is_refused() -> None:
    assert count_kept(seed=0, times=500) > 125


def test_narrow_lines_mean_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """With lines of 30 columns, most of what can be broken is."""
    for module in (layout, columns):
        monkeypatch.setattr(module, "WIDTH", 30)
    assert count_kept(seed=1, times=250) > 63
    assert all(is_kept(spec.text) for spec in GALLERY)


# --shapes


@pytest.mark.parametrize("path", GOLDENS_WITH_SHAPES, ids=lambda path: path.stem)
def test_golden_with_shapes(path: Path) -> None:
    text = with_shapes(path.read_text(encoding="utf-8"))
    assert text == path.with_suffix(".expected").read_text(encoding="utf-8")
    assert with_shapes(text) == text
    assert analyse(Source("net.cnn", text)).ok


@pytest.mark.parametrize("spec", GALLERY, ids=lambda spec: spec.name)
def test_shapes_of_the_gallery_are_true(spec: GalleryEntry) -> None:
    text = with_shapes(spec.text)
    assert analyse(Source("net.cnn", text)).ok
    assert formatted(text) == text


def test_shapes_follow_the_input() -> None:
    text = with_shapes("input 3x8x8\nconv 4 k3\nresidual { conv 4 k1 :: 4x6x6 } -> relu\n")
    assert [line.rpartition(":: ")[2] for line in text.splitlines()[1:]] == ["4x6x6", "4x6x6"]
    larger = with_shapes(text.replace("8x8", "10x10"))
    assert re.findall(r":: (\S+)", larger) == ["4x8x8", "4x8x8", "4x8x8"]


def test_a_spec_with_other_errors_gets_no_shapes() -> None:
    done = format_with_shapes(Source("net.cnn", "input 3x8x8\nconv 4 k3 :: 4x8x8\nmaxpool 9\n"))
    assert done.text is None
    assert [found.code for found in done.diagnostics] == ["E306", "E301"]


@pytest.mark.parametrize(
    "inside", ["block b { conv 4 k3 :: 4x9x9 }\nb -> relu :: 1", "{ conv 4 k3 :: 4x9x9 } x2 -> relu :: 1"]
)
def test_what_has_no_single_shape_is_left_and_told(inside: str) -> None:
    done = format_with_shapes(Source("net.cnn", f"input 3x8x8\n{inside}\n"))
    assert done.text is not None
    assert ":: 4x9x9" in done.text
    assert re.search(r"relu +:: 4x[46]x[46]\n", done.text)
    assert {found.code for found in done.diagnostics} == {"E306"}


# The command

UGLY, PRETTY = "input   3x8x8;relu\n", "input 3x8x8\nrelu\n"
BROKEN = "input 3x8x8\nrelu )\n"


def fmt(folder: Path, *arguments: str, stdin: str = "") -> Done:
    return specc("fmt", *arguments, cwd=folder, stdin=stdin.encode())


def fmt_alone(folder: Path, *arguments: str, stdin: str = "") -> Done:
    """In a process of its own, for what its streams do to a text."""
    program = [sys.executable, "-c", "from specc.cli import main; main()", "fmt", *arguments]
    done = subprocess.run(program, cwd=folder, input=stdin.encode(), capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    return Done(program, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("ugly", UGLY), ("pretty", PRETTY), ("broken", BROKEN)):
        (tmp_path / f"{name}.cnn").write_text(text)
    return tmp_path


def test_files_are_written_and_the_others_left(folder: Path) -> None:
    before = (folder / "pretty.cnn").stat()
    done = fmt(folder, "ugly.cnn", "broken.cnn", "pretty.cnn")
    assert (done.returncode, done.stdout) == (1, "formatted ugly.cnn\n")
    assert "error[E101]" in done.stderr
    assert (folder / "ugly.cnn").read_text() == PRETTY
    assert (folder / "broken.cnn").read_text() == BROKEN
    assert (folder / "pretty.cnn").stat().st_ino == before.st_ino
    assert {path.name for path in folder.iterdir()} == {"ugly.cnn", "pretty.cnn", "broken.cnn"}
    assert fmt(folder, "ugly.cnn", "pretty.cnn").returncode == 0


def test_check_names_the_files_and_writes_nothing(folder: Path) -> None:
    done = fmt(folder, "--check", "ugly.cnn", "pretty.cnn")
    assert (done.returncode, done.stdout) == (1, "would change ugly.cnn\n")
    assert (folder / "ugly.cnn").read_text() == UGLY
    assert fmt(folder, "--check", "pretty.cnn").returncode == 0


def test_diff_shows_and_writes_nothing(folder: Path) -> None:
    done = fmt(folder, "--diff", "ugly.cnn", "pretty.cnn")
    assert done.returncode == 0
    assert done.stdout.splitlines()[:2] == ["--- ugly.cnn", "+++ ugly.cnn"]
    assert done.stdout.splitlines()[3:] == ["-input   3x8x8;relu", "+input 3x8x8", "+relu"]
    assert (folder / "ugly.cnn").read_text() == UGLY
    both = fmt(folder, "--diff", "--check", "ugly.cnn")
    assert (both.returncode, both.stdout, both.stderr) == (1, done.stdout, "would change ugly.cnn\n")


def test_standard_input_goes_to_standard_output(folder: Path) -> None:
    text = "# ×\r\nrelu->tanh"
    assert fmt_alone(folder, "-", stdin=text).stdout == "# ×\nrelu -> tanh\n"
    assert fmt(folder, "-", "--check", stdin=text).stdout == "would change <stdin>\n"
    broken = fmt(folder, "-", stdin=BROKEN)
    assert (broken.returncode, broken.stdout) == (1, "")


def test_the_gallery_is_read_only(folder: Path) -> None:
    done = fmt(folder, "gallery:lenet5", "--shapes")
    assert done.returncode == 0
    assert "linear 10                               :: 10\n" in done.stdout


def test_shapes_are_written_only_where_nothing_else_is_wrong(folder: Path) -> None:
    (folder / "shape.cnn").write_text("input 3x8x8\nmaxpool   9\n")
    assert fmt(folder, "ugly.cnn", "--shapes").returncode == 0
    assert (folder / "ugly.cnn").read_text() == f"input 3x8x8\nrelu{' ' * 36}:: 3x8x8\n"
    done = fmt(folder, "shape.cnn", "--shapes")
    assert (done.returncode, "error[E301]" in done.stderr) == (1, True)
    assert "maxpool   9" in (folder / "shape.cnn").read_text()
    assert fmt(folder, "shape.cnn").returncode == 0, "a wrong shape does not keep a spec from being formatted"
    assert "maxpool 9" in (folder / "shape.cnn").read_text()


def test_an_unreadable_file_is_exit_2_and_hides_no_other(folder: Path) -> None:
    done = fmt(folder, "nothing.cnn", "ugly.cnn")
    assert (done.returncode, "no file `nothing.cnn`" in done.stderr) == (2, True)
    assert (folder / "ugly.cnn").read_text() == PRETTY
    assert fmt(folder).returncode == 2


def test_permissions_and_links_stay(folder: Path) -> None:
    (folder / "ugly.cnn").chmod(0o640)
    (folder / "link.cnn").symlink_to("ugly.cnn")
    files.write(folder / "link.cnn", PRETTY.encode())
    assert (folder / "link.cnn").is_symlink()
    assert (folder / "ugly.cnn").read_text() == PRETTY
    assert (folder / "ugly.cnn").stat().st_mode & 0o777 == 0o640


def test_a_write_that_fails_leaves_the_file_as_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write(folder / "ugly.cnn", PRETTY.encode())
    assert (folder / "ugly.cnn").read_text() == UGLY
    assert {path.name for path in folder.iterdir()} == {"ugly.cnn", "pretty.cnn", "broken.cnn"}


def test_a_folder_or_a_file_that_may_not_be_written_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write everywhere, so the refusals are the operating system's in name only."""

    opened = os.open

    def refuse(path: Path, flags: int, *more: int) -> int:
        if flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, *more)

    monkeypatch.setattr(os, "open", refuse)
    done = CliRunner().invoke(main, ["fmt", str(folder / "ugly.cnn")])
    assert done.exit_code == 2
    assert "ugly.cnn cannot be written, and is as it was: no file can be created in its folder" in done.output
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "it is read-only" in CliRunner().invoke(main, ["fmt", str(folder / "ugly.cnn")]).output
    assert (folder / "ugly.cnn").read_text() == UGLY


def test_formatting_imports_nothing_heavy(folder: Path) -> None:
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('heavy', {'torch', 'numpy', 'rich'} & set(sys.modules)))\n"
        "from specc.cli import main\nmain(['fmt', 'ugly.cnn', '--shapes'])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "heavy set()"
