"""Suggestions applied: a text in, one with fewer errors out, or the same; and the file that holds it.

`fixes.search` says which suggestion is unambiguous: `clear_choice`. One after another is applied until none is, and
what comes out counts only if it has fewer errors than what went in.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

from specc import files
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.visible import visible
from specc.fixes.search import SECONDS, Asked, SearchTime, Suggestion, clear_choice, suggest, suggest_words
from specc.pipeline import Analysis, analyse
from specc.source import Source

MOST_ROUNDS = 100
MOST_SECONDS = 1.0  # of processor time for one file, its first check among them


class Fixed(NamedTuple):
    """A text after its fixes: the same one where none was certain. applied: what was done, in order."""

    source: Source
    analysis: Analysis
    applied: tuple[str, ...]

    @property
    def changed(self) -> bool:
        return bool(self.applied)


def fix(source: Source, asked: Asked = Asked()) -> Fixed:  # noqa: B008 - immutable
    """Applies what is certain, one fix after another. The result has fewer errors, or is what came in."""
    seen, whole = {source.text}, SearchTime(MOST_SECONDS)
    first = analysis = analyse(source, asked.input_shape, asked.settings)
    applied: list[str] = []
    best = Fixed(source, first, ())
    for _ in range(MOST_ROUNDS):
        step = _next(analysis, asked, whole)
        if step is None or step.spec in seen:
            break
        seen.add(step.spec)
        applied.append(f"line {step.line}: {', '.join(step.text.splitlines())}")
        analysis = analyse(Source(source.path, step.spec), asked.input_shape, asked.settings)
        if _errors(analysis) < _errors(best.analysis):
            best = Fixed(analysis.source, analysis, tuple(applied))
    return best


def _errors(analysis: Analysis) -> int:
    return sum(found.is_error for found in analysis.diagnostics)


def _next(analysis: Analysis, asked: Asked, whole: SearchTime) -> Suggestion | None:
    """The fix of the first error that has a certain one; else a word that is certain, though it reveals an error."""
    errors = [found for found in analysis.diagnostics if found.is_error]
    for search in (_clear, _spelling):
        for error in errors:
            if whole.left <= 0:
                return None
            found = search(analysis, error, asked, SearchTime(min(SECONDS, whole.left)))
            if found is not None:
                return found
    return None


def _clear(analysis: Analysis, error: Diagnostic, asked: Asked, budget: SearchTime) -> Suggestion | None:
    return clear_choice(suggest(analysis, error, asked, budget))


def _spelling(analysis: Analysis, error: Diagnostic, asked: Asked, budget: SearchTime) -> Suggestion | None:
    return next((found for found in suggest_words(analysis, error, asked, budget) if found.certain), None)


def difference(before: Source, after: Source) -> str:
    """A unified diff of two texts, empty where they are alike."""
    old, new = (source.text.splitlines(keepends=True) for source in (before, after))
    lines = unified_diff(old, new, visible(before.path), visible(after.path))
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def write_fixed(path: Path, text: str) -> None:
    """Puts the mended text in the file's place; its byte-order mark stays. Raises: OSError, with the file as it was."""
    mark = BOM_UTF8 if files.read(path).startswith(BOM_UTF8) else b""
    files.write(path, mark + text.encode())
