"""What others wrote is shown so that it does nothing to a terminal, and no report is larger than somebody reads."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from commands import specc
from generate.bombs import bombs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specc import cli
from specc.cli.printing import page
from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.formats import FORMATTERS
from specc.diagnostics.render import ASCII_FRAME, UNICODE_FRAME, render, render_all
from specc.diagnostics.told import MOST, bounded
from specc.diagnostics.visible import as_json, shortened, visible, visible_line
from specc.diagnostics.wrapping import columns, wrapped
from specc.ir import lint
from specc.source import Source, Span

MOST_BYTES = 300_000  # of output
assert lint.RULES  # their codes are told too
ACTING = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
SOME = [
    "\x1b[2J", "\a", "\u202e", "\u2066", "\u200b", "\u2028", "\x85", "\x9b31m", "\n::add-mask::a", "\r\n", "\t", "写",
    "e\u0301", "%0A", "`", "::stop-commands::x", "\n", " ", "conv", "64", "\udcff", "🎉", "##[error]",
]  # fmt: skip
TEXT = st.lists(st.sampled_from(SOME) | st.text(max_size=4), max_size=12).map("".join)
PATHS = TEXT.map(lambda text: text.replace("\0", "") or "net.cnn")


def many(count: int) -> settings:
    return settings(
        max_examples=count, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )


@st.composite
def findings(draw: st.DrawFn) -> Diagnostic:
    """A diagnostic of which every text is anything, in a source that is anything."""
    source = Source(draw(PATHS), draw(TEXT))
    places = st.integers(0, len(source.text))
    start, other = draw(places), draw(places)
    return Diagnostic(
        draw(st.sampled_from(["E201", "W505"])), draw(TEXT), source, Span(start, draw(places)), draw(TEXT),
        (Label(Span(other, other + 3), draw(TEXT)),), draw(TEXT), (draw(TEXT),),
    )  # fmt: skip


@many(200)
@given(st.lists(findings(), min_size=1, max_size=4), st.sampled_from([None, 40, 80]))
def test_no_report_acts_on_a_terminal_or_on_github(found: list[Diagnostic], width: int | None) -> None:
    full = [render_all(found, frame=frame, width=width) for frame in (UNICODE_FRAME, ASCII_FRAME)]
    reports = {f"full {number}": text for number, text in enumerate(full)} | {
        name: form(found) for name, form in FORMATTERS.items()
    }
    for name, text in reports.items():
        assert not ACTING.search(text), (name, text)
        if name != "github":
            assert not re.search(r"^\s*::", text, re.MULTILINE), (name, text)
    assert len(reports["github"].split("\n")) == len(found)
    assert len(reports["concise"].split("\n")) == len(found)
    listed = json.loads(reports["json"])
    assert [one["message"] for one in listed] == [one.message for one in found]


@many(200)
@given(TEXT)
def test_a_text_is_seen_in_one_line(text: str) -> None:
    assert not ACTING.search(visible(text))
    assert "\n" not in visible(text)
    assert visible(visible(text)) == visible(text)
    assert not re.match(r"\s*(::|##\[)", visible_line(text))
    assert json.loads(as_json([text])) == [text]


@many(200)
@given(st.text("ab `写\u0301", max_size=300), st.integers(0, 60))
def test_a_sentence_is_cut_in_its_middle(text: str, most: int) -> None:
    short = shortened(text, most)
    assert len(short) <= most
    assert short == text or "…" in short or most < 5
    assert short[: most // 4] == text[: most // 4] or len(short) < most


@many(300)
@given(st.lists(st.sampled_from(["a", "word", "`conv 8 k3 p1`", "写真写真", "(`b c`),", "x" * 30]), max_size=30))
def test_a_sentence_is_broken_between_words(words: list[str]) -> None:
    text = " ".join(words)
    lines = wrapped(text, 30, 26)
    assert " ".join(lines) == text
    assert columns(lines[0]) <= 30
    assert all(columns(line) <= 26 for line in lines[1:] if not line.startswith("x"))
    assert all(line.count("`") % 2 == 0 for line in lines)


# Marks stand under what they mean, also where a line is cut.

LINES = st.lists(st.sampled_from(["abc ", "写", "e\u0301", "\t", "\x1b", " -> relu", "🎉", "\u0301" * 9]), max_size=400)
WIDTHS = st.sampled_from([None, 30, 60, 80, 200])


@many(300)
@given(LINES, LINES, LINES, WIDTHS)
def test_marks_stand_under_their_places(before: list[str], between: list[str], after: list[str], width: int) -> None:
    text = f"{''.join(before)}‡{''.join(between)}§{''.join(after)}"
    first, second = text.index("‡"), text.index("§")
    source = Source("net.cnn", f"input 8\n{text}\n")
    others = (Label(Span(8 + first, 8 + first + 1), "here"),)
    report = render(Diagnostic("E101", "m", source, Span(8 + second, 8 + second + 1), "there", others), width=width)
    shown, found = "", {}
    for line in report.split("\n"):
        if line.startswith("2 │"):
            shown = line
        for sign, what in (("-", "‡"), ("^", "§")):
            if re.match(rf"  │ *{re.escape(sign)}+( |$)", line):
                column = columns(line[: line.index(sign)])
                assert column == columns(shown[: shown.index(what)]), report
                found[what] = line.count(sign)
        assert columns(line) <= (width or 124 + len(" there")), report
    assert found == {"‡": 1, "§": 1}


@many(100)
@given(st.integers(0, 5000), st.integers(1, 5000), WIDTHS)
def test_a_long_mark_is_cut_with_its_line(before: int, length: int, width: int) -> None:
    source = Source("net.cnn", "a" * before + "b" * length + "c" * 100)
    lines = render(Diagnostic("E101", "m", source, Span(before, before + length)), width=width).split("\n")
    number = next(index for index, line in enumerate(lines) if line.startswith("1 │"))
    line, under = lines[number : number + 2]
    assert len(line) <= (width or 124)
    assert under.index("^") == line.index("b")
    seen = line.count("b")
    assert under.count("^") == seen + (seen < length)
    assert seen == length or line.endswith("…")


# A report is bounded, and says what it leaves out.


def alike(count: int, path: str = "net.cnn", code: str = "E201") -> list[Diagnostic]:
    source = Source(path, "conv 8\n" * count)
    return [Diagnostic(code, f"message {n}", source, Span(7 * n, 7 * n + 4)) for n in range(count)]


def test_a_report_counts_what_it_leaves_out() -> None:
    found = [*alike(MOST + 1234), *alike(3, "other.cnn"), *alike(MOST + 1, "third.cnn", "W505")]
    text = render_all(found)
    assert text.count("error[E201]") == MOST + 3
    assert text.count("warning[W505]") == MOST
    assert "and 1,234 more errors in `net.cnn`" in text
    assert "and 1 more warning in `third.cnn`" in text
    assert "other.cnn`" not in text
    concise = FORMATTERS["concise"](found).split("\n")
    assert len(concise) == 2 * MOST + 3 + 2
    assert concise[-2] == "and 1,234 more errors in `net.cnn`"


def test_what_programs_read_counts_what_it_leaves_out() -> None:
    found = alike(5000)
    listed = json.loads(FORMATTERS["json"](found))
    left = 5000 - len(listed)
    assert left > 0
    assert listed[-1]["notes"] == [f"and {left:,} more errors in `net.cnn`"]
    (run,) = json.loads(FORMATTERS["sarif"](found))["runs"]
    left = 5000 - len(run["results"])
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].endswith(
        f"{left:,} more errors in `net.cnn`"
    )


@pytest.mark.parametrize("form", ["full", *FORMATTERS])
@pytest.mark.parametrize("filling", ["x", "写", "\x1b", "\u202e", "🎉", "\u0301", "\t", "\n", "%"])
def test_no_report_is_larger_than_somebody_reads(form: str, filling: str) -> None:
    """Thousands of findings on one line, every text in them as long as the line."""
    long = filling * 6000
    source = Source("net.cnn", long)
    places = [Span(n, n + 2) for n in range(0, 6000, 3)]
    found = [
        Diagnostic(
            "E201", long, source, span, long, tuple(Label(place, long) for place in places[:50]), long, (long,) * 50
        )
        for span in places
    ]
    text = render_all(found) if form == "full" else FORMATTERS[form](found)
    assert len(text.encode()) < MOST_BYTES


def test_a_sentence_of_a_usual_length_is_whole() -> None:
    found = Diagnostic("E201", "m" * 250, help="h" * 250, notes=("n" * 250,), label="l" * 250)
    assert bounded(found) == found


def test_the_bombs_are_of_their_length() -> None:
    assert {name: len(text) for name, text in bombs(30_000).items() if len(text) > 30_100} == {}


# What a command prints.

NASTY = "a\x1b[2J\u202e\n::add-mask::b\x07\x85c.cnn"


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", NASTY], ["check", NASTY, "--format", "concise"], ["check", NASTY, "--sizes"],
        ["check", NASTY, "--fix"],         ["summary", NASTY], ["fmt", NASTY, "--check"], ["fmt", NASTY, "--diff"],
        ["diff", NASTY, NASTY],
        ["draw", NASTY], ["draw", NASTY, "--format", "dot"], ["draw", NASTY, "--format", "mermaid"],
        ["export", NASTY, "--to", "python"], ["new", "lenet5", NASTY], ["runs", NASTY], ["predict", NASTY, NASTY],
        ["specs", NASTY], ["layers", NASTY], ["explain", NASTY], [NASTY], [f"--{NASTY}"], ["check", f"--{NASTY}"],
        ["check", NASTY, "--format", NASTY], ["check", NASTY, "--input", NASTY], ["check", NASTY, "-W", NASTY],
        ["check", NASTY, "--set", NASTY], ["check", NASTY, "--set", f"{NASTY}=1"], ["check", NASTY, "--data", NASTY],
        ["check", NASTY, "--color", NASTY], ["train", NASTY, "--optimizer", NASTY], ["train", NASTY, "--data", NASTY],
        ["train", NASTY, "--resume", NASTY], ["draw", NASTY, "-o", NASTY], ["draw", NASTY, NASTY], ["data", NASTY],
        ["data", "info", NASTY], ["data", "fetch", NASTY], ["eval", NASTY], ["import", NASTY],
        ["train", NASTY, "--lr", NASTY],
    ],
    ids=lambda arguments: " ".join(argument.replace(NASTY, "…") for argument in arguments),
)  # fmt: skip
@pytest.mark.parametrize("wrong", [True, False])
def test_no_command_acts_on_a_terminal_or_on_github(tmp_path: Path, arguments: list[str], wrong: bool) -> None:
    """Whatever files and options are called: what is printed begins no line that GitHub's runner obeys."""
    with suppress(OSError):  # a system may not know such names: then the file is not there
        (tmp_path / NASTY).write_text("input 1x8x8\nrelu\nrelux\n" if wrong else "input 1x8x8\nflatten  -> linear 3\n")
    done = specc(*arguments, cwd=tmp_path)
    text = done.stdout + done.stderr
    assert not ACTING.search(text), text
    assert not re.search(r"^\s*::", text, re.MULTILINE), text
    assert "Traceback" not in text


def test_what_a_run_left_does_not_act_on_a_terminal(tmp_path: Path) -> None:
    run = tmp_path / "runs" / NASTY
    run.mkdir(parents=True)
    (run / "spec.cnn").write_text("input 1x8x8\nflatten -> linear 3\n")
    recipe = {"path": NASTY, "data": NASTY, "optimizer": NASTY, NASTY: NASTY}
    (run / "recipe.json").write_text(json.dumps(recipe))
    (run / "metrics.jsonl").write_text(json.dumps({NASTY: NASTY}) + "\n")
    for arguments in (["runs"], ["runs", str(run), str(run)], ["eval", str(run)], ["train", "--resume", str(run)]):
        done = specc(*arguments, cwd=tmp_path)
        assert not ACTING.search(done.stdout + done.stderr), arguments
        assert not re.search(r"^\s*::", done.stdout + done.stderr, re.MULTILINE)


def test_a_pages_lines_are_lines() -> None:
    assert page(["a\nb", "\x1b", "::c"]) == "a␊b\n␛\n./::c"


def test_only_one_file_prints() -> None:
    """Sentences reach a terminal through `cli.printing`, reports through `cli.report`; both make them fit for it."""
    may = {"printing.py", "report.py"}
    printing = {
        path.name
        for path in Path(cli.__file__).parent.glob("*.py")
        if re.search(
            r"(?<!\.)\bprint\(|click\.echo\((?!file=stream\)|text, file=stream\)|\"\\nstopped)", path.read_text("utf-8")
        )
    }
    assert printing - may == {"diff.py"}  # which colours lines that `page` made


@many(100)
@given(TEXT)
def test_what_fix_shows_does_not_act_on_a_terminal(text: str) -> None:
    """The mended text goes to standard output as it is; the difference, to a person."""
    spec = "input 8\nrelux # " + re.sub(r"[\n\r\x00\ud800-\udfff]", "", text) + "\r\n"
    with TemporaryDirectory() as folder:
        done = specc("check", "-", "--fix", cwd=Path(folder), stdin=spec.encode())
    assert not ACTING.search(done.stderr.replace("\t", " ")), done.stderr
    assert "relu #" in done.stdout
