"""Specs from files: bytes in, `Source` out, or a problem that says why not."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from specc import files
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.gallery import PREFIX, NotInGallery, entry
from specc.source import Source, Span

SPEC_OF_RUN = "spec.cnn"  # in a run's folder
MOST_NAMED = 5  # files that a message names


class Unreadable(Problem):
    """A file that cannot be read at all: a command line that is wrong, not a spec."""


def read_source(path: str) -> Source:
    """A spec's text; `-` is standard input, `gallery:NAME` a spec that comes with specc.

    Raises: Unreadable where there is no such file, or it is a folder or may not be read; Problem where it is not text.
    """
    if path.startswith(PREFIX):
        return _from_gallery(path)
    if path == "-":
        return decode("<stdin>", _standard_input())
    try:
        data = files.read(path, pipes=True)
    except FileNotFoundError:
        raise Unreadable(Diagnostic("E107", f"there is no file `{path}`", help=_similar_file(path))) from None
    except IsADirectoryError:
        raise Unreadable(Diagnostic("E107", f"`{path}` is a folder, not a spec", help=_specs_in(path))) from None
    except OSError as error:
        raise Unreadable(Diagnostic("E107", f"`{path}` cannot be read: {files.reason(error)}")) from None
    except ValueError as error:  # a name that no file can have
        raise Unreadable(Diagnostic("E107", f"`{path}` cannot be read: {error}")) from None
    return decode(path, data)


def _standard_input() -> bytes:
    try:
        return files.read_stream(sys.stdin.buffer)
    except OSError as error:
        raise Unreadable(Diagnostic("E107", f"standard input cannot be read: {files.reason(error)}")) from None


def _from_gallery(name: str) -> Source:
    try:
        return entry(name).source
    except NotInGallery as error:
        raise Unreadable(Diagnostic("E107", str(error), help=error.help)) from None


def decode(path: str, data: bytes) -> Source:
    """UTF-8, with or without a byte-order mark. Raises: Problem where it is something else."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8-sig", errors="replace")
        raise _not_text(path, before, f"byte {error.object[error.start]:#04x} is not UTF-8") from None
    if "\0" in text:
        raise _not_text(path, text[: text.index("\0")], "it holds a zero byte")
    return Source(path, text)


def _not_text(path: str, before: str, reason: str) -> Problem:
    shown = "".join(char if char.isprintable() or char in "\r\n\t" else "�" for char in before)
    span = Span(len(before), len(before) + 1)
    return Problem(
        Diagnostic("E106", f"this is not a text file: {reason}", Source(path, shown), span,
                   help="a spec is plain text in UTF-8; save it as such in your editor")
    )  # fmt: skip


def _similar_file(path: str) -> str | None:
    from specc.diagnostics.spelling import nearest

    folder = Path(path).parent
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    guess = nearest(Path(path).name, names)
    helps = [] if folder.is_dir() else [f"there is no folder `{folder}` either"]
    with suppress(NotInGallery):
        helps.append(f"`{entry(Path(path).stem).source.path}` is the one that comes with specc")
    if guess and (not helps or guess.endswith(".cnn")):
        return f"did you mean `{folder / guess}`?"
    return "; ".join(helps) or None


def _specs_in(path: str) -> str:
    """The way to a spec: those in a folder, or, of a folder of runs, that of one of them."""
    specs = sorted(entry.name for entry in Path(path).glob("*.cnn"))
    if specs:
        return f"it holds {', '.join(specs[:MOST_NAMED])}"
    runs = sorted(Path(path).glob(f"*/{SPEC_OF_RUN}"))
    if runs:
        names = ", ".join(spec.parent.name for spec in runs[:MOST_NAMED])
        more = f" and {len(runs) - MOST_NAMED} more" if len(runs) > MOST_NAMED else ""
        return f"it holds the runs {names}{more}: name the spec of one, `{runs[0]}`"
    return "name a `.cnn` file"
