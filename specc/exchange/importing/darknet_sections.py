"""The text of a Darknet `.cfg` in, its sections with their options out."""

from __future__ import annotations

from typing import NamedTuple

from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.diagnostics.spelling import nearest, shown
from specc.exchange.importing.darknet_options import SIZES, options_of
from specc.source import Source, Span

LARGEST = 1_000_000  # characters; no network's file comes near


class DarknetSection(NamedTuple):
    """`[convolutional]` with its options, its place in the text, and theirs."""

    name: str
    options: dict[str, str]
    span: Span
    places: dict[str, Span]


def read_sections(source: Source) -> list[DarknetSection]:
    """The sections, `[net]` first. Raises: Problem E667."""
    if len(source.text) > LARGEST:
        raise wrong(source, Span(0, 0), f"the file has more than {LARGEST:,} characters")
    found: list[DarknetSection] = []
    start = 0
    for line in source.text.splitlines(keepends=True):
        text, span = line.strip(), Span(start, start + len(line.rstrip()))
        start += len(line)
        if not text or text[0] in "#;":
            continue
        text = text.partition("#")[0].rstrip()  # Darknet reads numbers up to there, and so may a remark follow
        if text.startswith("[") and text.endswith("]"):
            found.append(DarknetSection(text[1:-1].strip().lower(), {}, span, {}))
        elif "=" in text and found:
            key, _, value = text.partition("=")
            _add_option(source, found[-1], key.strip().lower(), value.strip(), span)
        else:
            raise wrong(source, span, "this line is neither a section nor an option of one")
    if not found or found[0].name not in ("net", "network"):
        raise wrong(source, found[0].span if found else Span(0, 0), "the first section has to be `[net]`")
    return found


def _add_option(source: Source, section: DarknetSection, key: str, value: str, span: Span) -> None:
    """The first of two is Darknet's. Raises: Problem E667 where a second one may have been meant."""
    if key in section.options and section.name in ("net", "network") and key not in SIZES:
        return
    if key in section.options:
        raise wrong(source, span, f"`{shown(key)}=` is given twice in this `[{shown(section.name)}]`")
    section.options[key] = value
    section.places[key] = span


def require_known(source: Source, section: DarknetSection) -> None:
    """Raises: Problem E667 for an option that the section does not have."""
    known = options_of(section.name)
    for key in section.options if known is not None else ():
        if known is not None and key not in known:
            guess = nearest(key, known)
            help = f"did you mean `{guess}`?" if guess else "leave it out: Darknet ignores what it does not know"
            raise wrong(source, section.places[key], f"`[{section.name}]` has no option `{shown(key)}`", help)


def wrong(source: Source, span: Span, message: str, help: str | None = None) -> Problem:
    return Problem(Diagnostic("E667", message, source, span, help=help))
