"""Code actions: the edits that the checker tried and found to mend an error, and comments that silence a warning."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lsprotocol import types

from specc.diagnostics.diagnostic import Diagnostic
from specc.fixes.apply import fix
from specc.fixes.search import SECONDS, Asked, SearchTime, Suggestion, clear_choice, suggest, suggest_words
from specc.ir.lint.ignore import IGNORE
from specc.lsp.diagnostics import Address, as_protocol, place
from specc.lsp.documents import Snapshot
from specc.lsp.formatting import text_edits
from specc.source import Span

MOST_ERRORS = 5  # for how many errors at a time fixes are looked for
FIX_ALL = f"{types.CodeActionKind.SourceFixAll.value}.specc"

IsStale = Callable[[], bool]


class UntilStale(SearchTime):
    """Time to search while nobody has changed the text."""

    def __init__(self, stale: IsStale, seconds: float = SECONDS) -> None:
        super().__init__(seconds)
        self._stale = stale

    @property
    def left(self) -> float:
        return 0.0 if self._stale() else super().left


def actions(
    snapshot: Snapshot, params: types.CodeActionParams, address: Address, stale: IsStale
) -> list[types.CodeAction]:
    """What can be done about the findings in a range; whole-file fixes only where they are asked for."""
    only = [str(getattr(kind, "value", kind)) for kind in params.context.only or ()]
    span = snapshot.positions.span(params.range)
    found: list[types.CodeAction] = []
    if not only or any("quickfix".startswith(kind) for kind in only):
        found += _quick_fixes(snapshot, span, address, stale)
    if any(FIX_ALL.startswith(kind) for kind in only):
        found += _fix_all(snapshot)
    return found


def _quick_fixes(snapshot: Snapshot, span: Span, address: Address, stale: IsStale) -> Iterator[types.CodeAction]:
    here = [found for found in snapshot.diagnostics if _touches(place(snapshot, found), span)]
    for error in [found for found in here if found.is_error][:MOST_ERRORS]:
        yield from _mending(snapshot, error, address, stale)
    for warning in (found for found in here if not found.is_error):
        yield (
            _removing(snapshot, warning, address) if warning.code == "W512" else _silencing(snapshot, warning, address)
        )


def _touches(one: Span, other: Span) -> bool:
    return one.start <= other.end and other.start <= one.end


# errors


def _mending(snapshot: Snapshot, error: Diagnostic, address: Address, stale: IsStale) -> Iterator[types.CodeAction]:
    """A fix for each suggestion, best first; the one that `check --fix` would make is preferred."""
    analysis, asked = snapshot.checked.analysis, Asked()
    suggestions = suggest(analysis, error, asked, UntilStale(stale)) or suggest_words(
        analysis, error, asked, UntilStale(stale)
    )
    best = clear_choice(suggestions)
    for suggestion in suggestions:
        yield _action(snapshot, title(suggestion), suggestion.spec, error, address, preferred=suggestion is best)


def title(suggestion: Suggestion) -> str:
    """How a menu shows a suggestion: `put …` and `leave out …` as they are, other edits as what to write.

    >>> from specc.fixes.edit import Candidate, Kind
    >>> title(Suggestion(Candidate(Kind.WINDOW, (), "`conv 6 k3`", bare=True), "", "", 1, 0))
    'write `conv 6 k3`'
    """
    text = ", ".join(suggestion.text.splitlines())
    return f"write {text}" if suggestion.candidate.bare else text


def _fix_all(snapshot: Snapshot) -> Iterator[types.CodeAction]:
    """Everything that `check --fix` would do, in one edit."""
    fixed = fix(snapshot.source)
    if fixed.changed:
        yield types.CodeAction(
            title="Make all fixes that are certain",
            kind=FIX_ALL,
            edit=_edit(snapshot, text_edits(snapshot, fixed.source.text)),
        )


# warnings


def _silencing(snapshot: Snapshot, warning: Diagnostic, address: Address) -> types.CodeAction:
    """`# specc: ignore[W505]` at the end of the line, or one code more in the comment that stands there."""
    line = snapshot.positions.line_of(place(snapshot, warning).start)
    start, end = snapshot.positions.line_span(line)
    comment = next((span for span in snapshot.tokens.comments if start <= span.start < end), None)
    ignore = IGNORE.search(snapshot.text, comment.start, comment.end) if comment else None
    if ignore is not None and ignore[1] is not None:
        edit = Span(ignore.end(1), ignore.end(1)), f", {warning.code}" if ignore[1].strip() else warning.code
    else:
        stop = start + len(snapshot.text[start:end].rstrip())
        edit = Span(stop, end), f"  {'' if comment else '# '}specc: ignore[{warning.code}]"
    title = f"Silence {warning.code} on this line"
    return _edited(snapshot, title, *edit, warning, address)


def _removing(snapshot: Snapshot, warning: Diagnostic, address: Address) -> types.CodeAction:
    """Takes a comment that ignores nothing, or one of its codes."""
    span = place(snapshot, warning)
    line = snapshot.positions.line_span(snapshot.positions.line_of(span.start))
    comment = next(found for found in snapshot.tokens.comments if line.start <= found.start < line.end)
    ignore = IGNORE.search(snapshot.text, comment.start, comment.end)
    codes = re.split(r"[\s,]+", (ignore[1] or "").strip()) if ignore else []
    code = snapshot.source.slice(span)
    if ignore is not None and len(codes) > 1 and code in codes:
        rest = ", ".join(other for other in codes if other != code)
        return _edited(snapshot, f"Leave out {code}", Span(ignore.start(1), ignore.end(1)), rest, warning, address)
    start = line.start + len(snapshot.text[line.start : comment.start].rstrip())
    return _edited(snapshot, "Leave out the comment", Span(start, comment.end), "", warning, address)


# edits


def _edited(
    snapshot: Snapshot, title: str, span: Span, text: str, found: Diagnostic, address: Address
) -> types.CodeAction:
    after = snapshot.text[: span.start] + text + snapshot.text[span.end :]
    return _action(snapshot, title, after, found, address, preferred=False)


def _action(
    snapshot: Snapshot, title: str, after: str, found: Diagnostic, address: Address, *, preferred: bool
) -> types.CodeAction:
    return types.CodeAction(
        title=title,
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[as_protocol(snapshot, found, address)],
        is_preferred=preferred or None,
        edit=_edit(snapshot, text_edits(snapshot, after)),
    )


def _edit(snapshot: Snapshot, edits: list[types.TextEdit]) -> types.WorkspaceEdit:
    """With the version that it is for, so that an editor refuses it for a later one."""
    document = types.OptionalVersionedTextDocumentIdentifier(uri=snapshot.uri, version=snapshot.version)
    return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(document, list(edits))])
