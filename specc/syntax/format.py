"""Text in, the same text in canonical form out.

In:         a `Source`.
Out:        a `Formatted`: the text, or the syntax errors for which it is left alone.
Guarantees: `parse` reads the same tree from it, places aside; every comment is there, in order; formatting it again
            changes nothing.
Leaves:     everything that needs a meaning: a spec with a wrong shape is formatted like any other.

    parse → pieces_of → lay_out → render
"""

from __future__ import annotations

from typing import NamedTuple

from specc.diagnostics.diagnostic import Diagnostic
from specc.source import Source
from specc.syntax.columns import render
from specc.syntax.concrete import pieces_of
from specc.syntax.layout import lay_out
from specc.syntax.parse import parse, read_tokens


class Formatted(NamedTuple):
    """A text in canonical form; None where it has syntax errors, which are the diagnostics."""

    text: str | None
    diagnostics: tuple[Diagnostic, ...]


def format_source(source: Source) -> Formatted:
    """The canonical form of a spec.

    >>> format_source(Source("net.cnn", "input 3x8x8;conv (4 * 2)  k = 3->relu")).text
    'input 3x8x8\\nconv (4*2) k=3 -> relu\\n'
    """
    tokens = read_tokens(source.text)
    spec, errors, _ = parse(source, tokens)
    if errors:
        return Formatted(None, errors)
    return Formatted(render(lay_out(pieces_of(spec, tokens))), ())
