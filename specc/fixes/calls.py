"""Candidates for code of other frameworks that is pasted into a spec: layers as calls, and what holds them together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from specc.fixes.edit import Candidate, Edit, Kind, edited
from specc.fixes.inputs import input_written
from specc.fixes.translate import own_word, translations
from specc.ir.model import FORM_WORDS
from specc.ir.names.habits import means_input
from specc.layers.registry import find_layer
from specc.source import Source, Span
from specc.syntax.foreign import Foreign, ForeignCall, Written
from specc.syntax.parse import read_tokens
from specc.syntax.tokens import COMMENT, Tokens


def pasted_calls(source: Source, tokens: Tokens, at: int) -> Iterator[Candidate]:
    """All calls of a text as steps; told by the line of a place."""
    code = Foreign(tokens)
    found = list(code.read())
    shape = None if any(sign.type == "INPUT" for sign in code.signs) else _shape_of(found)
    for choice in (0, 1):
        edits = [Edit(one, "") if isinstance(one, Span) else _as_step(one, choice, shape) for one in found]
        made = [edit for edit in edits if edit is not None and not _is_commented(tokens, edit.span)]
        translated = {source.place(edit.span.start).line for edit in made if edit.text}
        made += [edit for edit in _own_words(code) if source.place(edit.span.start).line in translated]
        lines = tuple(_by_line(source, tokens, sorted(made)))
        if lines:
            own = next((edit.text for edit in lines if edit.span.start <= at <= edit.span.end), "")
            told = f"write `{own}`" if own else "leave out what stands around the layers"
            yield Candidate(Kind.SPELLING, lines, told, choice)


def step_of(written: Written, choice: int = 0) -> str | None:
    """A call as a step; a size of equal numbers as one of them, but for the shape of an input.

    >>> step_of(Written("Conv2D", ("32", "3x3"), (("activation", "relu"),)))
    'conv 32 3 -> relu'
    """
    if not means_input(written.word):
        keyed = tuple((key, _compact(value)) for key, value in written.keyed)
        written = Written(written.word, tuple(map(_compact, written.positional)), keyed)
    found = translations(written)
    return found[min(choice, len(found) - 1)] if found else None


def _compact(value: str) -> str:
    sizes = value.split("x")
    return sizes[0] if len(set(sizes)) == 1 else value


def _as_step(call: ForeignCall, choice: int, shape: tuple[ForeignCall, str] | None) -> Edit | None:
    step = step_of(call.written, choice)
    if step is None:
        return None
    before = f"{shape[1]} ; " if shape is not None and shape[0] is call else ""
    return Edit(call.span, f"{before}{step}{' -> ' if call.goes_on else ''}")


def _shape_of(found: Sequence[ForeignCall | Span]) -> tuple[ForeignCall, str] | None:
    """The first call that says what arrives, with the statement that says so here."""
    for call in found:
        sizes = dict(call.written.keyed).get("input_shape", "").split("x") if isinstance(call, ForeignCall) else []
        if isinstance(call, ForeignCall) and all(size.isdecimal() for size in sizes):
            return call, input_written(sizes)
    return None


def _own_words(code: Foreign) -> Iterator[Edit]:
    """A step of one word, in this language."""
    for word in code.words():
        own = own_word(word.text) if find_layer(word.text) is None else None
        if own is not None:
            yield Edit(word.span, own)


def _is_commented(tokens: Tokens, span: Span) -> bool:
    return any(token.type == COMMENT for token in tokens.of(span))


def _by_line(source: Source, tokens: Tokens, edits: Sequence[Edit]) -> Iterator[Edit]:
    """The same edits, one for each line; of a line of which nothing is left, its end goes too."""
    text, waiting = source.text, list(reversed(edits))
    while waiting:
        own, end = list[Edit](), waiting[-1].span.start
        start = text.rfind("\n", 0, end) + 1
        while waiting and waiting[-1].span.start <= end:
            own.append(waiting.pop())
            end = _line_end(text, own[-1].span.end)
        behind = tokens.of(Span(own[-1].span.end, end))
        comment = next((token.span.start for token in behind if token.type == COMMENT), end)
        line = text[start:comment]
        first, last = start + len(line) - len(line.lstrip()), start + len(line.rstrip())
        moved = [Edit(Span(edit.span.start - first, edit.span.end - first), edit.text) for edit in own]
        mended = edited(text[first:last], moved).strip()
        yield Edit(Span(first, last), mended) if mended or comment < end else Edit(Span(start, end + 1), "")


def _line_end(text: str, offset: int) -> int:
    found = text.find("\n", offset)
    return found if found >= 0 else len(text)


# on one line


def step_of_words(line: str) -> str | None:
    """`conv filters=16 activation='relu'`: a layer in Keras' words, without its brackets."""
    code = Foreign(read_tokens(line))
    parts = code.by_gaps(code.signs[1:])
    return step_of(code.written(code.signs[0].text, parts)) if parts else None


def with_calls(line: str) -> str:
    """`act=(leakyrelu 0.2)` as the call that hands over a layer.

    >>> with_calls("cbr 8 act=(leakyrelu 0.2) att=(se 20 act=silu)")
    'cbr 8 act=leakyrelu(0.2) att=se(20, act=silu)'
    """
    code = Foreign(read_tokens(line))
    edits = []
    for opening, closing in code.partners.items():
        around = code.of(opening - 1), code.of(opening), code.of(opening + 1)
        if around == ("EQUAL", "LPAR", "WORD") and code.of(opening + 2) in ("NUMBER", "SIZE", "WORD"):
            arguments = ", ".join(map(code.slice, code.by_gaps(code.signs[opening + 2 : closing])))
            edits.append(Edit(code.place(opening, closing + 1), f"{code.signs[opening + 1].text}({arguments})"))
    return edited(line, edits)


def in_braces(line: str) -> str:
    """`concat(a, b)` and `concat [a, b]` as a form: its branches in braces.

    >>> in_braces("concat [conv 8 k1, id] -> relu")
    'concat { conv 8 k1 | id } -> relu'
    """
    return _rebracketed(line, lambda code, at: code.signs[at - 1].text in FORM_WORDS, (" { ", " | ", " }"))


def with_settings_apart(line: str) -> str:
    """`optimizer adam(lr=0.1)` with spaces for brackets and commas."""
    return _rebracketed(line, lambda code, at: at > 1 and code.signs[at - 2].text == "optimizer", (" ", " ", ""))


def with_sizes(line: str) -> str:
    """`k=(3, 3)` and `conv 16 (3, 3)` with sizes as they are written here."""
    code = Foreign(read_tokens(line))
    edits = []
    for opening, closing in code.partners.items():
        signs = code.signs[opening : closing + 1]
        size = code.value(signs)
        if (
            code.of(opening - 1) not in ("", "FUNCTION")
            and any(sign.type == "COMMA" for sign in signs)
            and re.fullmatch("[0-9]+(x[0-9]+)+", size)
        ):
            space = "" if code.of(opening - 1) == "EQUAL" else " "
            edits.append(Edit(Span(code.end(opening - 1), code.end(closing)), space + size))
    return edited(line, edits)


def _rebracketed(line: str, is_meant: Callable[[Foreign, int], bool], signs: tuple[str, str, str]) -> str:
    """A line with other signs in the place of a bracket, of the commas in it, and of what closes it."""
    code = Foreign(read_tokens(line))
    opening = next((at for at in sorted(code.partners) if at and is_meant(code, at)), None)
    if opening is None or code.partners[opening] == opening + 1:
        return line
    closing, edits = code.partners[opening], list[Edit]()
    for at, sign in ((opening, signs[0]), *((at, signs[1]) for at in code.commas(opening)), (closing, signs[2])):
        behind = code.end(at) if at == closing else code.start(at + 1)
        edits.append(Edit(Span(code.end(at - 1), behind), sign))
    return edited(line, edits)
