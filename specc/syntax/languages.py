"""Files of other programs that are taken for specs: told in one error, not in one for each line."""

from __future__ import annotations

import re

from specc.diagnostics.diagnostic import Diagnostic
from specc.source import Source, Span

_EXAMPLE = "such as `conv 32 k3 p1 -> bn -> leakyrelu`"
# What only such a file holds, what it is, and what to do.
_LANGUAGES = (
    (r"^\[(?:net|convolutional|maxpool|connected|shortcut|route)\][ \t\r]*$",
     "this is a Darknet configuration, not a spec", f"write each section as a step, {_EXAMPLE}"),
    (r"^\s*layers?\s*\{(?=(?:[^{}]|\{[^{}]*\})*\btype\s*:)",
     "this is a network of Caffe's, not a spec", f"write each layer as a step, {_EXAMPLE}"),
    (r"^class\s+\w+\s*\(.*Module\)\s*:|^\s*def\s+(?:__init__|forward)\s*\(self",
     "this is a Python program, not a spec", f"write its layers as steps, in the order of `forward`, {_EXAMPLE}"),
    (r"^<(?:\?xml|!DOCTYPE|html)", "this is a page of markup, not a spec", "did the download fetch a web page?"),
    (r'\A\s*\{\s*"', "this is JSON, not a spec", "a spec is plain text: a chain of layers, one per line"),
)  # fmt: skip
LOOKED_AT = 10_000  # characters


def language_of(source: Source) -> Diagnostic | None:
    """The error of a text that is written in another language; None where it may be a spec."""
    text = source.text[:LOOKED_AT]
    for pattern, message, help in _LANGUAGES:
        found = re.search(pattern, text, re.MULTILINE)
        if found:
            start = found.start() + len(found[0]) - len(found[0].lstrip())
            line_end = text.find("\n", start)
            end = min(found.end(), line_end if line_end >= 0 else len(text))
            return Diagnostic("E101", message, source, Span(start, max(end, start + 1)), help=help)
    return None
