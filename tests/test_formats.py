"""How findings are written: for people (columns, colour, frames), for other programs, for GitHub, as SARIF."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema  # type: ignore[import-untyped] # ships no types
import pytest
from click.testing import CliRunner, Result

from specc import __version__
from specc.cli import main
from specc.diagnostics.codes import CODES
from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.formats import FORMATTERS, concise
from specc.diagnostics.github import as_github
from specc.diagnostics.render import render
from specc.diagnostics.sarif import as_sarif
from specc.source import Source, Span

WRONG = "input 1x28x28\nconv 8 k3 -> relu -> maxpool 40\nlinaer 10\n"
DOUBTFUL = "input 3x31x31\nmaxpool 2\n"


def run(*arguments: str, text: str = WRONG, **environment: str | None) -> Result:
    env = {"NO_COLOR": None, "FORCE_COLOR": None, **environment}
    return CliRunner(env=env).invoke(main, ["check", "-", *arguments], input=text.encode(), color=True)


def finding(message: str = "it does not fit", code: str = "E301", **more: Any) -> Diagnostic:
    source = Source("nets/le net.cnn", "input 1x28x28\nmaxpool 40\n")
    return Diagnostic(code, message, **{"source": source, "span": Span(14, 24), **more})


# For people


@pytest.mark.parametrize(
    ("line", "at", "underlined"),
    [
        ("maxpool 5", "maxpool 5", "^^^^^^^^^"),
        ("\tmaxpool 5", "maxpool 5", "    ^^^^^^^^^"),
        ("id \t-> maxpool 5", "maxpool 5", "    -> ^^^^^^^^^"),
        ("id # 漢字 maxpool", "maxpool", "id # 漢字 ^^^^^^^"),
        ("漢字", "漢字", "^^^^"),
        ("ｆｕｌｌ id", "id", "ｆｕｌｌ ^^"),
        ("e\u0301 id", "id", "e ^^"),
        ("\u200bid", "id", "�^^"),
        ("a\x1b[31m id", "id", "a�[31m ^^"),
    ],
)
def test_marks_stand_under_what_they_mean(line: str, at: str, underlined: str) -> None:
    source = Source("net.cnn", f"input 3\n{line}\n")
    start = source.text.index(at, 8)
    lines = render(Diagnostic("E301", "message", source, Span(start, start + len(at)))).splitlines()
    shown = lines[4].partition("│ ")[2]
    assert shown.index("^") == columns(underlined[: underlined.index("^")])
    assert shown.count("^") == underlined.count("^")


def columns(text: str) -> int:
    """The width on a terminal, worked out by hand: every other character that is used here takes one column."""
    return sum(2 if char in "漢字ｆｕｌ" else 1 for char in text)


def test_a_byte_order_mark_moves_no_column(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_bytes(b"\xef\xbb\xbf" + b"maxpol 2 # \xc3\xa4\ninput 3x4x4\n")
    done = CliRunner().invoke(main, ["check", str(tmp_path / "net.cnn"), "--format", "json"])
    assert [(d["line"], d["column"], d["end_column"]) for d in json.loads(done.output)] == [(1, 1, 7)]


@pytest.mark.parametrize(
    ("arguments", "environment", "coloured"),
    [
        ([], {}, False),
        (["--color", "always"], {}, True),
        (["--color", "never"], {}, False),
        (["--color", "auto"], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour_is_chosen(arguments: list[str], environment: dict[str, str], coloured: bool) -> None:
    assert ("\x1b[" in run(*arguments, **environment).output) is coloured


def test_colour_is_only_for_people() -> None:
    for form in FORMATTERS:
        assert "\x1b[" not in run("--format", form, "--color", "always").output


def test_an_explanation_is_a_page_on_a_terminal_and_plain_in_a_pipe() -> None:
    plain = CliRunner().invoke(main, ["explain", "W505"])
    page = CliRunner().invoke(main, ["explain", "W505", "--color", "always"], color=True)
    assert plain.output.startswith("W505: rows or columns are discarded\n\nA window")
    assert "\x1b[" in page.output
    assert "⌊(n + 2p − d·(k−1) − 1) / s⌋ + 1" in page.output


# One line each, and JSON


def test_a_warning_in_one_line() -> None:
    done = run("--format", "concise", text=DOUBTFUL)
    assert done.exit_code == 0
    assert re.fullmatch(r"<stdin>:2:1: warning\[W505\]: `maxpool` never reads .*\n", done.output)


SEVERAL = Diagnostic("E601", "there is no data set `mnits`", help="write `mnist`\nname a folder")


def test_a_way_out_is_a_line_of_its_own() -> None:
    assert SEVERAL.helps == ("write `mnist`", "name a folder")
    assert render(SEVERAL).splitlines()[1:] == ["  = help: write `mnist`", "  = help: name a folder"]
    assert json.loads(FORMATTERS["json"]([SEVERAL]))[0]["help"] == "write `mnist`\nname a folder"
    assert FORMATTERS["github"]([SEVERAL]).endswith("%0Ahelp: write `mnist`%0Ahelp: name a folder")
    result = json.loads(FORMATTERS["sarif"]([SEVERAL]))["runs"][0]["results"][0]
    assert result["message"]["text"].endswith("\nhelp: write `mnist`\nhelp: name a folder")


def test_one_line_each_tells_the_first_way_out() -> None:
    assert concise(SEVERAL).endswith("`mnits` (help: write `mnist`)")


def test_a_warning_in_json() -> None:
    (found,) = json.loads(run("--format", "json", text=DOUBTFUL).output)
    assert (found["severity"], found["code"], found["line"], found["column"]) == ("warning", "W505", 2, 1)
    assert (found["end_line"], found["end_column"]) == (2, 10)


@pytest.mark.parametrize("form", ["concise", "github"])
def test_nothing_to_say_is_nothing(form: str) -> None:
    assert run("--format", form, text="input 784\nlinear 10\n").output == ""


def test_what_concerns_no_file_is_said_in_every_format() -> None:
    alone = Diagnostic("E601", "there is no data set `mnits`")
    assert concise(alone).startswith("specc:1:1: error[E601]")
    for text in (formatter([alone]) for formatter in FORMATTERS.values()):
        assert "mnits" in text


# GitHub


def read_command(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as GitHub's runner reads it: its name, its properties, its message."""
    match = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line)
    assert match, line
    pairs = [pair.partition("=") for pair in match[2].split(",")]
    unescaped = {name: unescape(value.replace("%3A", ":").replace("%2C", ",")) for name, _, value in pairs}
    return match[1], unescaped, unescape(match[3])


def unescape(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def test_an_annotation_has_its_place_and_title() -> None:
    name, properties, message = read_command(as_github([finding(help="use a smaller one")]))
    assert name == "error"
    assert properties == {
        "file": "nets/le net.cnn", "line": "2", "col": "1", "endColumn": "11",
        "title": f"E301: {CODES['E301'].title}",
    }  # fmt: skip
    assert message == "it does not fit\nhelp: use a smaller one"


def test_an_annotation_escapes_what_the_runner_would_read() -> None:
    text = "90 % of it: a, b\r\n::error::no"
    line = as_github([finding(text, source=Source("a,b:c%.cnn", "input 3\n"), span=Span(0, 5))])
    assert "\n" not in line
    _, properties, message = read_command(line)
    assert (properties["file"], message) == ("a,b:c%.cnn", text)


def test_columns_are_left_out_across_lines() -> None:
    _, properties, _ = read_command(as_github([finding(span=Span(0, 20))]))
    assert (properties["line"], properties["endLine"]) == ("1", "2")
    assert "col" not in properties


def test_at_most_ten_annotations_errors_first() -> None:
    found = [finding(f"warning {n}", "W505") for n in range(8)] + [finding(f"error {n}") for n in range(9)]
    lines = as_github(found).splitlines()
    assert [read_command(line)[0] for line in lines] == ["error"] * 9 + ["warning", "notice"]
    assert read_command(lines[-1])[2].startswith("7 more in 1 file;")
    assert len(as_github(found[:10]).splitlines()) == 10


def test_github_on_the_command_line() -> None:
    done = run("--format", "github")
    assert done.exit_code == 1
    assert [read_command(line)[0] for line in done.output.splitlines()] == ["error", "error"]


# SARIF 2.1.0


def uri(value: object) -> bool:
    return (
        isinstance(value, str) and re.fullmatch(r"(?:[A-Za-z0-9._~:/?#@!$&'()*+,;=-]|%[0-9A-F]{2})+", value) is not None
    )


URIS = jsonschema.FormatChecker(())
URIS.checks("uri")(uri)
URIS.checks("uri-reference")(uri)
SCHEMA = jsonschema.Draft4Validator(
    json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0-rtm.4.json").read_text(encoding="utf-8")),
    format_checker=URIS,
)


def keeps_to_the_schema(log: object) -> bool:
    faults = [f"{fault.json_path}: {fault.message}" for fault in SCHEMA.iter_errors(log)]
    assert faults == []
    return True


def sarif(*found: Diagnostic) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(as_sarif(found))
    assert keeps_to_the_schema(log)
    return log


def test_sarif_of_everything_keeps_to_the_schema() -> None:
    others = (Label(Span(0, 13), "the input is 1×28×28"),)
    log = sarif(
        finding(help="none", label="a formula", notes=("in block `stage(16)`",), others=others),
        finding(code="W505"),
        finding(code="W505", span=None),
        finding(source=Source("<stdin>", "x"), span=Span(0, 0)),
        finding(source=Source("/tmp/a b/ü.cnn", "x"), span=Span(0, 1)),
        finding(source=Source("gallery:classics/vgg16", "x"), span=Span(0, 1)),
        Diagnostic("E601", "no data set"),
    )
    run = log["runs"][0]
    assert run["tool"]["driver"]["version"] == __version__
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["E301", "E601", "W505"]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert [result["level"] for result in run["results"]].count("warning") == 2
    region = {"startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 11}
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == region


def test_sarif_names_files_by_uri() -> None:
    uris = [
        sarif(finding(source=Source(path, "x"), span=Span(0, 1)))["runs"][0]["results"][0]["locations"][0][
            "physicalLocation"]["artifactLocation"]["uri"]
        for path in ("nets/le net.cnn", "/tmp/ü.cnn", "gallery:lenet5", "<stdin>", "a:b.cnn", "\udcff.cnn")
    ]  # fmt: skip
    names = ["nets/le%20net.cnn", "file:///tmp/%C3%BC.cnn", "gallery:lenet5", "%3Cstdin%3E", "a%3Ab.cnn", "%FF.cnn"]
    assert uris == names
    assert urlsplit(uris[2]).scheme == "gallery"


def test_the_schema_is_not_a_sieve() -> None:
    log = sarif(finding())
    result = log["runs"][0]["results"][0]
    region = result["locations"][0]["physicalLocation"]["region"]
    for change in ({"endLine": 0}, {"startLine": "1"}, {"line": 1}):
        wrong = {**region, **change}
        result["locations"][0]["physicalLocation"]["region"] = wrong
        assert not SCHEMA.is_valid(log)


def test_sarif_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors, warnings, suggestions and labels in several files, one of them not text, one not there."""
    monkeypatch.chdir(tmp_path)
    texts = {
        "wrong.cnn": WRONG,
        "doubtful.cnn": DOUBTFUL,
        "wide ü.cnn": '# 畳み込み 🎉\ninput 3x8x8\n\tmaxpool 9 # 池化\ntrain { data "写真" ; epochs 0 }\n',
        "repeats.cnn": "input 3x32x32\nblock half(c) { conv c k3 p1 -> maxpool 2 }\nhalf 8 x6\n",
        "right.cnn": "input 784\nlinear 10\n",
    }
    for name, text in texts.items():
        Path(name).write_text(text, encoding="utf-8")
    Path("picture.cnn").write_bytes(b"\x89PNG\r\n")
    done = CliRunner().invoke(
        main, ["check", *texts, "picture.cnn", "nowhere.cnn", "gallery:lenet5", "--format", "sarif"]
    )
    assert done.exit_code == 2
    assert "nowhere.cnn" in done.stderr
    log = json.loads(done.stdout)
    assert keeps_to_the_schema(log)
    results = log["runs"][0]["results"]
    codes = [found["ruleId"] for found in results]
    assert codes == ["E301", "E201", "W505", "E301", "E221", "E301", "E106"]
    wide = next(found for found in results if found["ruleId"] == "E221")
    assert wide["locations"][0]["physicalLocation"]["region"]["startLine"] == 4


def test_sarif_of_standard_input() -> None:
    done = run("--format", "sarif")
    assert done.exit_code == 1
    log = json.loads(done.output)
    assert keeps_to_the_schema(log)
    assert [result["ruleId"] for result in log["runs"][0]["results"]] == ["E301", "E201"]


def test_sarif_of_a_right_spec_is_a_log_without_results() -> None:
    log = json.loads(run("--format", "sarif", text="input 784\nlinear 10\n").output)
    assert keeps_to_the_schema(log)
    assert log["runs"][0]["results"] == []
