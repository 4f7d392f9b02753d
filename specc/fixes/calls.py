"""Candidates for what does not parse (E1): signs from slides, layers pasted from Python, sizes with spaces."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specc.diagnostics.diagnostic import Diagnostic
from specc.fixes.edit import Candidate, Edit, Kind
from specc.fixes.translate import Written, translations
from specc.source import Source, Span

# What a slide or a word processor writes in place of the language's signs.
_SIGNS = {
    "→": "->", "⟶": "->", "×": "x", "−": "-", "–": "-", "“": '"', "”": '"', "≤": "<=", "\u00a0": " ", "\u200b": "",
    "\ufeff": "",
}  # fmt: skip
_PREFIX = r"(?:(?:self\.)?\w+\s*=\s*|model\.add\()?(?:(?:torch\.nn|nn|F|(?:tf\.)?(?:keras\.)?layers)\.)?"
_CALL = re.compile(rf"\s*{_PREFIX}([A-Za-z_]\w*)\((.*)\)\s*,?\s*(?:#.*)?")
_AROUND = re.compile(r"\s*(?:(?:\w+\s*=\s*)?(?:torch\.nn\.|nn\.|keras\.)?Sequential\(\[?|\]?\)+)\s*,?\s*")
_PART = re.compile(r"(?:[^,()\[\]]|\([^()]*\)|\[[^\[\]]*\])+")


def syntax_candidates(source: Source, error: Diagnostic) -> Iterator[Candidate]:
    """E101 to E103: the whole file mended of one habit, else the place of the error."""
    yield from _signs(source)
    if error.span is not None:
        yield from _pasted_calls(source, error.span.start)
        yield from _at(source, error.span, error.code)


def _signs(source: Source) -> Iterator[Candidate]:
    edits = [
        Edit(Span(index, index + 1), _SIGNS[sign])
        for start, text in _code(source)
        for index, sign in enumerate(text, start=start)
        if sign in _SIGNS
    ]
    if edits:
        found = dict.fromkeys(source.slice(edit.span) for edit in edits)
        pairs = ", ".join(f"`{_SIGNS[sign]}` for `{sign}`" for sign in found if sign.isprintable() and sign.strip())
        yield Candidate(Kind.SPELLING, tuple(edits), f"write {pairs}" if pairs else "leave out the invisible signs")


def _code(source: Source) -> Iterator[tuple[int, str]]:
    """Every line without its comment, with the place where it begins."""
    start = 0
    for line in source.text.split("\n"):
        yield start, line.partition("#")[0]
        start += len(line) + 1


def _pasted_calls(source: Source, at: int) -> Iterator[Candidate]:
    """All lines that are calls, as steps; told by the one at a place."""
    for choice in (0, 1):
        edits = []
        for start, line in _code(source):
            step = _step_of(line, choice)
            if step == "":
                edits.append(Edit(Span(start, source.text.find("\n", start) + 1 or len(source.text)), ""))
            elif step is not None:
                indent = len(line) - len(line.lstrip())
                edits.append(Edit(Span(start + indent, start + len(line.rstrip())), step))
        own = next((edit.text for edit in edits if edit.span.start <= at <= edit.span.end), "")
        if edits:
            text = f"write `{own}`" if own else "leave out what stands around the layers"
            yield Candidate(Kind.SPELLING, tuple(edits), text, choice)


def _step_of(line: str, choice: int) -> str | None:
    """A line of Python as a step, empty for the brackets around a list of layers, None for anything else."""
    if _AROUND.fullmatch(line):
        return ""
    call = _CALL.fullmatch(line)
    if call is None:
        return None
    inner = call[2] + ")" * (call[2].count("(") - call[2].count(")"))
    if line.lstrip().startswith("model.add("):
        inner = inner.removesuffix(")") if inner.count(")") > inner.count("(") else inner
    found = translations(written_of(call[1], inner))
    return found[min(choice, len(found) - 1)] if found else None


def written_of(word: str, inside: str) -> Written:
    """A call's arguments, parted.

    >>> written_of("Conv2D", "32, (3, 3), activation='relu'")
    Written(word='Conv2D', positional=('32', '3'), keyed=(('activation', 'relu'),))
    """
    positional, keyed = [], []
    for part in _PART.findall(inside):
        key, equals, value = part.partition("=")
        if equals:
            keyed.append((key.strip(), _value(value)))
        elif part.strip():
            positional.append(_value(part))
    return Written(word, tuple(positional), tuple(keyed))


def _value(text: str) -> str:
    """`(3, 3)` as `3`, `(3, 5)` as `3x5`, `'same'` as `same`."""
    plain = text.strip().strip("'\"")
    if re.fullmatch(r"[(\[]\s*\d+(\s*,\s*\d+)*\s*,?\s*[)\]]", plain):
        sizes = re.findall(r"\d+", plain)
        return sizes[0] if len(set(sizes)) == 1 else "x".join(sizes)
    return plain


def _at(source: Source, span: Span, code: str) -> Iterator[Candidate]:
    place = source.place(span.start)
    start = span.start - (place.column - 1)
    line = source.line(place.line).partition("#")[0]
    for pattern, replacement in _HABITS:
        mended = re.sub(pattern, replacement, line)
        if mended != line:
            yield Candidate(Kind.SPELLING, (Edit(Span(start, start + len(line)), mended),), f"write `{mended.strip()}`")
    if code == "E102":
        yield from _closed(source, span, start + len(line.rstrip()))
    if source.slice(span) == "}":
        yield Candidate(Kind.SPELLING, (Edit(span, ""),), "leave out this `}`")


def _closed(source: Source, opening: Span, end_of_line: int) -> Iterator[Candidate]:
    """The bracket that is missing, at the end of the line, or of the file."""
    closing = {"(": ")", "[": "]", "{": "}"}[source.slice(opening)]
    end_of_file = len(source.text.rstrip())
    for end, text in ((end_of_line, closing), (end_of_file, f"\n{closing}")):
        told = f"add `{closing}` at the end of line {source.place(end).line}"
        yield Candidate(Kind.SPELLING, (Edit(Span(end, end), text),), told, certain=False)


# What people write on one line out of habit, and what stands there then.
_HABITS = (
    (r"(?<=\d)\s*[xX*×]\s*(?=\d)", "x"),
    (r"\(\s*(\d+)\s*,\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", lambda found: "x".join(filter(None, found.groups()))),
    (r"(?<![\w.])\.(?=\d)", "0."),
    (r"(?<=\d)([KMG])B\b", r"\1"),
    (r"(?<=[\w)\]])\s*,\s*", " "),
    (r"'", '"'),
    (r"=\s*['\"](\w+)['\"]", r"=\1"),
    (r"(?<=\w)-(?=[A-Za-z])", "_"),
    (r"(?<!\()\b(\w+\s*[*+/]\s*\w+)\b(?!\))", r"(\1)"),
    (r"\s*=>\s*", " -> "),
)
