"""`# specc: ignore[W501]`: a comment that silences lints on its line, and the lint of comments that silence none."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from specc.diagnostics.codes import CODES, severity_of
from specc.diagnostics.diagnostic import Diagnostic
from specc.source import Source, Span

USELESS = "W512"
IGNORE = re.compile(r"\bspecc:[ \t]*ignore\b(?:\[([^\]\n]*)\])?")
_CODE = r"[^\s,]+"


class _Ignore(NamedTuple):
    """One code of one comment; None for a comment without codes."""

    line: int
    code: str | None
    span: Span


def without_ignored(
    source: Source, comments: Iterable[Span], found: Sequence[Diagnostic], *, judged: Collection[str]
) -> tuple[Diagnostic, ...]:
    """The warnings that no comment silences, and those about the comments themselves.

    Args: judged, the codes that were looked for: of no other can it be said that a comment silences nothing.
    """
    ignores = list(_ignores(source, comments))
    lines = {diagnostic: _line(source, diagnostic) for diagnostic in found}
    silenced = {
        ignore: [d for d, line in lines.items() if line == ignore.line and ignore.code in (None, d.code)]
        for ignore in ignores
    }
    kept = [d for d in found if not any(d in silent for silent in silenced.values())]
    kept += [d for ignore in ignores if (d := _objection(source, ignore, silenced[ignore], judged))]
    return tuple(kept)


def _ignores(source: Source, comments: Iterable[Span]) -> Iterator[_Ignore]:
    for comment in comments:
        said = IGNORE.search(source.text, comment.start, comment.end)
        if said is None:
            continue
        line = source.place(said.start()).line
        if said[1] is None:
            yield _Ignore(line, None, Span(comment.start, said.end()))
            continue
        for code in re.finditer(_CODE, said[1]):
            start = said.start(1) + code.start()
            yield _Ignore(line, code[0], Span(start, start + len(code[0])))


def _line(source: Source, diagnostic: Diagnostic) -> int:
    return source.place(diagnostic.span.start).line if diagnostic.span else 1


def _objection(
    source: Source, ignore: _Ignore, silenced: Sequence[Diagnostic], judged: Collection[str]
) -> Diagnostic | None:
    code = ignore.code
    if code is not None and (code not in CODES or severity_of(code) != "warning"):
        wrong = f"`{code}` is an error, and errors cannot be ignored" if code in CODES else f"there is no code `{code}`"
        return Diagnostic(USELESS, wrong, source, ignore.span, help="`specc explain` lists all codes")
    if silenced or (code is not None and code not in judged) or not judged:
        return None
    what = f"no {code}" if code else "no warning"
    return Diagnostic(
        USELESS, f"there is {what} on this line to ignore", source, ignore.span, help="leave out the comment"
    )
