"""Candidates for what does not parse (E1): signs from slides, layers pasted from Python, sizes with spaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from specc.diagnostics.diagnostic import Diagnostic
from specc.fixes.calls import in_braces, pasted_calls, step_of_words, with_calls, with_settings_apart, with_sizes
from specc.fixes.edit import Candidate, Edit, Kind
from specc.fixes.inputs import input_written
from specc.fixes.outline import SpecOutline
from specc.source import Source, Span
from specc.syntax.parse import read_tokens
from specc.syntax.unexpected import lookalike

_LONGEST = 500  # characters of a line that a person wrote
_MOST_SIGNS = 4  # that are told one by one
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"


def syntax_candidates(error: Diagnostic, outline: SpecOutline) -> Iterator[Candidate]:
    """E101 to E103: the whole file mended of one habit, else the place of the error."""
    source = outline.source
    yield from _signs(source)
    if error.span is not None:
        yield from pasted_calls(source, outline.tokens, error.span.start)
        yield from _at(source, error.span, error.code)


def _signs(source: Source) -> Iterator[Candidate]:
    edits = [
        Edit(Span(index, index + 1), _sign(sign))
        for start, text in _code(source)
        for index, sign in enumerate(text, start=start)
        if not sign.isascii() and _sign(sign) != sign
    ]
    if edits:
        found = dict.fromkeys(source.slice(edit.span) for edit in edits)
        pairs = ", ".join(f"`{_sign(sign)}` for `{sign}`" for sign in found if sign.isprintable() and sign.strip())
        if len(found) > _MOST_SIGNS:
            pairs = "the plain characters of the keyboard"
        yield Candidate(Kind.SPELLING, tuple(edits), f"write {pairs}" if pairs else "leave out the invisible signs")


def _sign(sign: str) -> str:
    """What stands for a sign that a slide or a word processor wrote."""
    if sign.isspace() or sign in _INVISIBLE:
        return "" if sign in _INVISIBLE else " "
    return lookalike(sign) or sign


def _code(source: Source) -> Iterator[tuple[int, str]]:
    """Every line without its comment, with the place where it begins."""
    comments = {source.place(comment.start).line: comment.start for comment in read_tokens(source.text).comments}
    start = 0
    for number, line in enumerate(source.text.split("\n"), start=1):
        yield start, source.text[start : comments.get(number, start + len(line))].rstrip("\r")
        start += len(line) + 1


def _at(source: Source, span: Span, code: str) -> Iterator[Candidate]:
    start, line = [found for found in _code(source) if found[0] <= span.start][-1]
    habitual = line
    if len(line) > _LONGEST:
        return
    for habit in _HABITS:
        mended, habitual = habit(line), habit(habitual)
        if mended != line:
            yield _line(start, line, mended)
    if habitual != line:
        yield _line(start, line, habitual)._replace(distance=1)
    if code == "E102":
        yield from _closed(source, span, start + len(line.rstrip()))
    if source.slice(span) in ("param", "budget", "train", "input"):
        yield from _moved_out(source, span)
    yield from _quoted_arguments(start, line)
    yield from _without_value(start, line)
    if line.rstrip().endswith(":"):
        yield from _braced(source, start)
    if source.slice(span) == "}":
        yield Candidate(Kind.SPELLING, (Edit(span, ""),), "leave out this `}`")


def _quoted_arguments(start: int, line: str) -> Iterator[Candidate]:
    step = step_of_words(line) if "'" in line and "->" not in line and "(" not in line else None
    if step is not None:
        yield _line(start, line, step)


def _without_value(start: int, line: str) -> Iterator[Candidate]:
    """`param classes` with a number, which is a guess."""
    name = re.fullmatch(r"\s*param\s+([A-Za-z_]\w*)\s*=?\s*", line)
    if name:
        number = 10 if "class" in name[1] else 64
        why = f": then `--set {name[1]}=…` gives another number"
        mended = f"param {name[1]} = {number}"
        yield _line(start, line, mended)._replace(text=f"`{mended}`", certain=False, why=why, bare=True)


def _line(start: int, line: str, mended: str) -> Candidate:
    told = f"write `{mended.strip()}`" if mended.strip() else f"leave out `{line.strip()}`"
    return Candidate(Kind.SPELLING, (Edit(Span(start, start + len(line)), mended),), told)


def _moved_out(source: Source, span: Span) -> Iterator[Candidate]:
    """A statement inside braces, moved to before the item that they belong to."""
    text, depth, top = source.text, 0, 0
    for start, line in _code(source):
        if start > span.start:
            break
        top = start if depth == 0 else top
        depth += line.count("{") - line.count("}")
    first, end = text.rfind("\n", 0, span.start) + 1, text.find("\n", span.start) + 1 or len(text)
    statement = text[first:end].strip()
    if top < first and not re.search(r"[{}]", statement):
        edits = (Edit(Span(top, top), f"{statement}\n"), Edit(Span(first, end), ""))
        line_number = source.place(top).line
        yield Candidate(Kind.ORDER, edits, f"move `{statement}` out of the braces, to before line {line_number}")


def _braced(source: Source, start: int) -> Iterator[Candidate]:
    """A block in Python's manner: what is indented behind the colon, in braces."""
    text = source.text
    header = text[start : text.find("\n", start)]
    body = re.compile(r"(?:\n[ \t]+\S[^\n]*|\n[ \t]*(?=\n))+").match(text, start + len(header))
    if body is not None and header.lstrip().startswith("block"):
        colon = start + header.rindex(":")
        edits = (Edit(Span(colon, colon + 1), " {"), Edit(Span(body.end(), body.end()), "\n}"))
        yield Candidate(Kind.SPELLING, edits, f"write `{header.strip().rstrip(':')} {{`, and `}}` after the last step")


def _closed(source: Source, opening: Span, end_of_line: int) -> Iterator[Candidate]:
    """The bracket that is missing, at the end of the line, or of the file."""
    closing = {"(": ")", "[": "]", "{": "}"}[source.slice(opening)]
    end_of_file = len(source.text.rstrip())
    for end, text in ((end_of_line, closing), (end_of_file, f"\n{closing}")):
        told = f"add `{closing}` at the end of line {source.place(end).line}"
        yield Candidate(Kind.SPELLING, (Edit(Span(end, end), text),), told, certain=False)


def _shape(found: re.Match[str]) -> str:
    """`input (28, 28, 1)` and the like."""
    return found[1] + input_written(re.findall(r"[0-9]+", found[2]))


def _habit(pattern: str, replacement: str | Callable[[re.Match[str]], str]) -> Callable[[str], str]:
    return partial(re.compile(pattern).sub, replacement)


_STEP = r"(\b(?:id\b|[a-z_]+\s+[\w= ]*\w|[a-z]\w*(?=\s*$|\s*\+)))"
_LAYER_FOLLOWS = r"(?=[a-z_]\w*\b(?!\s*=))"
# What people write on one line out of habit, and what stands there then.
_HABITS: tuple[Callable[[str], str], ...] = (
    _habit(r"(?i)^(\s*)input(?:_?shape)?\s*[:=]?\s*\(?\s*(\d+(?:[\s,xX*×]+\d+)*)\s*,?\s*\)?\s*$", _shape),
    _habit(r"(?<![\w.])\d+(?:\s*[xX*×]\s*\d+)+", lambda found: "x".join(re.findall(r"\d+", found[0]))),
    _habit(r"(?<=\w)\s+[xX*×]\s*(\d+)(?=\s*(?:$|->|::|\}))", r" x\1"),
    with_sizes,
    with_calls,
    _habit(r"(?<![\w.])\.(?=\d)", "0."),
    _habit(r"(?<![\w.])(\d+(?:\.\d+)?)\s*%", lambda found: f"{float(found[1]) / 100:g}"),
    _habit(r"(?<=\d)([KMG])B\b", r"\1"),
    _habit(r"(?<=[\w)])\s*(\d+(?:x\d+)?)\s*/\s*(\d+)\s*(?=$|->|\})", r" \1 s\2"),
    _habit(r"^(\s*)(\d+)\s+((?:dw)?conv|convtranspose|linear)\b", r"\1\3 \2"),
    _habit(r"^(\s*)for\s+\w+\s+in\s+(?:range\()?(\d+)\)?\s*:\s*(\S.*?)\s*$", r"\1{ \3 } x\2"),
    _habit(r"^(\s*)(\d+)\s*[xX*]\s+([a-z_]\w*[^-|{}]*?)\s*$", r"\1\3 x\2"),
    _habit(r"(\}\s*)shortcut\s+(?!auto\b|same\b)([a-z][^{}|]*?)\s*(?=$|->\s*relu\s*$)", r"\1shortcut { \2 }"),
    _habit(r"^(\s*)shortcut\s*(?=\{)", r"\1residual "),
    with_settings_apart,
    _habit(rf"^(\s*){_STEP}\s*\+\s*{_STEP}\s*$", r"\1add { \2 | \3 }"),
    _habit(r"(?<![\w.])(\d+)(?=[kspdg]\d)", r"\1 "),
    _habit(r"^(\s*)(?:[-*•+]|\d+[.)])\s+(?=[a-z])", r"\1"),
    _habit(r"^(\s*)x\s*=\s*", r"\1"),
    _habit(rf"^(\s*)\w+\s*=\s*{_LAYER_FOLLOWS}", r"\1"),
    _habit(r"^(\s*)(\w+)\s*=\s*(?=[\d(])", r"\1param \2 = "),
    _habit(r"^(\s*param\s+\w+)\s*:?\s+(?=[^\s=])", r"\1 = "),
    _habit(r"^(\s*)(\w+)\s*::\s*(?=[A-Za-z])", r"\1\2: "),
    _habit(r"^(\s*block\s+\w+\s*(?:\([^)]*\))?)\s*:\s*(\S.*?)\s*$", r"\1 { \2 }"),
    _habit(r"^(\s*)[(\[]\s*([a-z].*)[)\]](\s*x\d+)?\s*$", r"\1{ \2 }\3"),
    in_braces,
    _habit(r"(?<=[\w)\]])\s*,\s*", " "),
    _habit(r"'", '"'),
    _habit(r"=\s*['\"](\w+)['\"]", r"=\1"),
    _habit(r"(?<=\w)-(?=[A-Za-z])", "_"),
    _habit(r"(?<!\()\b(\w+\s*[*+/]\s*\w+)\b(?!\))", r"(\1)"),
    _habit(r"\s*(?:=>|-\s+>|(?<![-=<])>|(?<=\s)[-–—](?=\s+[a-z]))\s*", " -> "),
    _habit(r"->\s*->", "->"),
    _habit(r"^(\s*)->\s*", r"\1"),
    _habit(r"\s*->\s*$", ""),
    _habit(r"\s*/\*.*?\*/\s*", " "),
    _habit(r"^\s*(?://|--|\"\"\")\s*(.*?)(?:\"\"\")?\s*$", r"# \1"),
    _habit(r"\s*(?://|--)\s*(\D.*?)\s*$", r"  # \1"),
)
