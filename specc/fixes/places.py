"""Candidates for what may not stand where it does (E209, E211, E215, E216): labels, repeats, empty branches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count, pairwise

from specc.fixes.arguments import without
from specc.fixes.calls import in_braces
from specc.fixes.changes import Failure, left_out, told
from specc.fixes.edit import Candidate, Edit, Kind
from specc.ir.shapes.naming import RESERVED_BY_TORCH
from specc.source import Span
from specc.syntax.lexer import Token
from specc.syntax.tokens import COMMENT, NEWLINE


def place_candidates(failure: Failure) -> Iterator[Candidate]:
    """E209, E211, E215, E216: a free label, a step that a block may not hold, a repeat at the end, `id`."""
    error, step = failure.error, failure.site.step
    assert error.span is not None  # noqa: S101 - these errors have a place
    text = failure.outline.source.slice(error.span)
    match error.code:
        case "E209" if step.label is not None and error.span == step.label.span:
            yield from _free_labels(failure, text, step.label.span)
        case "E211" if step.word is not None and error.span == step.word.span:
            yield left_out(failure, failure.site)
        case "E215" if step.arguments and error.span != step.arguments[-1].span:
            end = Span(step.arguments[-1].span.end, step.arguments[-1].span.end)
            edits = (without(failure.outline, error.span), Edit(end, f" {text}"))
            yield told(failure, failure.site, Kind.ORDER, edits)
        case "E216":
            yield from _with_identity(failure.outline.tokens.of(error.span))
            if (form := in_braces(text)) != text:
                yield Candidate(Kind.SPELLING, (Edit(error.span, form),), f"write `{form}`")
            if step.shortcut is not None and error.span == step.shortcut.span:
                gone = (without(failure.outline, error.span),)
                yield Candidate(Kind.REMOVAL, gone, f"leave out `{text}`")


def _free_labels(failure: Failure, text: str, span: Span) -> Iterator[Candidate]:
    """The same label with the next number that is free; with a `_` where torch has the name."""
    taken = {site.step.label.text for site in failure.outline.sites if site.step.label}
    digits = re.search(r"[0-9]{0,9}$", text)
    last, stem = (digits[0], text[: digits.start()]) if digits else ("", text)
    following = next(number for number in count(int(last or 1) + 1) if f"{stem}{number}" not in taken)
    is_torchs = text in RESERVED_BY_TORCH
    for name in ([f"{text}_"] if is_torchs else []) + [f"{stem}{following}"]:
        yield Candidate(Kind.SPELLING, (Edit(span, name),), f"call it `{name}`")


def _with_identity(tokens: Iterable[Token]) -> Iterator[Candidate]:
    """`id` in the place of each empty branch."""
    signs = [token for token in tokens if token.type not in (NEWLINE, COMMENT)]
    ends = [after.span.start for before, after in pairwise(signs)
            if before.type in ("LBRACE", "BAR") and after.type in ("RBRACE", "BAR")]  # fmt: skip
    edits = [Edit(Span(end, end), "id ") for end in ends]
    if edits:
        yield Candidate(Kind.INSERTION, tuple(edits), "write `id` for a branch that changes nothing")
