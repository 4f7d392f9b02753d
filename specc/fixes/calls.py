"""Candidates for what does not parse (E1): signs from slides, layers pasted from Python, sizes with spaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from specc.diagnostics.diagnostic import Diagnostic
from specc.fixes.edit import Candidate, Edit, Kind
from specc.fixes.translate import Written, own_word, translations
from specc.layers.registry import find_layer
from specc.source import Source, Span
from specc.syntax.parse import read_tokens
from specc.syntax.unexpected import lookalike

_LONGEST = 500  # characters of a line that a person wrote
_MOST_SIGNS = 4  # that are told one by one
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
_PREFIX = r"(?:(?:self\.)?\w+\s*=\s*|model\.add\()?(?:(?:torch\.nn|nn|F|(?:tf\.)?(?:keras\.)?layers)\.)?"
_CALL = re.compile(rf"\s*{_PREFIX}([A-Za-z_]\w*)\((.*)\)\s*,?\s*(?:#.*)?")
_AROUND = re.compile(r"\s*(?:(?:\w+\s*=\s*)?(?:torch\.nn\.|nn\.|keras\.)?Sequential\(\[?|\]?\)+)\s*,?\s*")
_INPUT_SHAPE = re.compile(r"()\binput_shape\s*=\s*[(\[]([^()\[\]]*)[)\]]")
_PART = re.compile(r"(?:[^,()\[\]]|\([^()]*\)|\[[^\[\]]*\])+")


def syntax_candidates(source: Source, error: Diagnostic) -> Iterator[Candidate]:
    """E101 to E103: the whole file mended of one habit, else the place of the error."""
    yield from _signs(source)
    if error.span is not None:
        yield from _pasted_calls(source, error.span.start)
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


def _pasted_calls(source: Source, at: int) -> Iterator[Candidate]:
    """All lines that are calls, as steps; told by the one at a place."""
    has_input = re.search(r"^[ \t]*input\b", source.text, re.MULTILINE) is not None
    for choice in (0, 1):
        edits = []
        for start, line in _code(source):
            step = _step_of(line, choice)
            shape = _INPUT_SHAPE.search(line)
            if step and shape and not has_input:
                step = f"{_shape(shape).strip()} ; {step}"
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
    if "->" in line:
        parts = [part.strip() for part in line.split("->")]
        steps = [_step_of(part, choice) if "(" in part else _own_spelling(part) for part in parts]
        return " -> ".join(step or part for step, part in zip(steps, parts, strict=True)) if any(steps) else None
    call = _CALL.fullmatch(line)
    if call is None:
        return None
    inner = call[2] + ")" * (call[2].count("(") - call[2].count(")"))
    if line.lstrip().startswith("model.add("):
        inner = inner.removesuffix(")") if inner.count(")") > inner.count("(") else inner
    found = translations(written_of(call[1], inner))
    return found[min(choice, len(found) - 1)] if found else None


def _own_spelling(part: str) -> str:
    """A step of one word, in this language."""
    return own_word(part) or part if part.isidentifier() and find_layer(part) is None else part


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
    start, line = [found for found in _code(source) if found[0] <= span.start][-1]
    habitual = line
    if len(line) > _LONGEST:
        return
    for pattern, replacement in _HABITS:
        mended = re.sub(pattern, replacement, line)
        habitual = re.sub(pattern, replacement, habitual)
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
    """`conv filters=16 activation='relu'`: a layer in Keras' words, without its brackets."""
    word, *arguments = line.split() or [""]
    if "'" in line and "->" not in line and "(" not in line:
        for step in translations(written_of(word, ",".join(arguments)))[:1]:
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
    """`input (28, 28, 1)` and the like as an `input` whose channels come first."""
    sizes = re.findall(r"[0-9]+", found[2])
    if len(sizes) == 3 and sizes[2] in ("1", "3") and sizes[0] not in ("1", "3"):
        sizes = [sizes[2], *sizes[:2]]
    return f"{found[1]}input {'x'.join(['1', *sizes] if len(sizes) == 2 else sizes)}"


def _branches(found: re.Match[str]) -> str:
    """`concat(a, b)` in braces."""
    return f"{found[1]} {{ {' |'.join(found[2].split(','))} }}"


def _spaced(found: re.Match[str]) -> str:
    """`optimizer adam(lr=0.1, betas=[0.9 0.99])` with spaces for brackets and commas."""
    return f"{found[1]} {' '.join(part.strip() for part in found[2].split(','))}"


_STEP = r"(\b(?:id\b|[a-z_]+\s+[\w= ]*\w|[a-z]\w*(?=\s*$|\s*\+)))"
_LAYER_FOLLOWS = r"(?=[a-z_]\w*\b(?!\s*=))"
# What people write on one line out of habit, and what stands there then.
_HABITS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"(?i)^(\s*)input(?:_?shape)?\s*[:=]?\s*\(?\s*(\d+(?:[\s,xX*×]+\d+)*)\s*,?\s*\)?\s*$", _shape),
    (r"(?<![\w.])\d+(?:\s*[xX*×]\s*\d+)+", lambda found: "x".join(re.findall(r"\d+", found[0]))),
    (r"(?<=\w)\s+[xX*×]\s*(\d+)(?=\s*(?:$|->|::|\}))", r" x\1"),
    (r"(?<==)\(\s*(\d+)\s*,\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", lambda found: "x".join(filter(None, found.groups()))),
    (r"\s*\(\s*(\d+)\s*,\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", lambda found: " " + "x".join(filter(None, found.groups()))),
    (r"(?<![\w.])\.(?=\d)", "0."),
    (r"(?<![\w.])(\d+(?:\.\d+)?)\s*%", lambda found: f"{float(found[1]) / 100:g}"),
    (r"(?<=\d)([KMG])B\b", r"\1"),
    (r"(?<=[\w)])\s*(\d+(?:x\d+)?)\s*/\s*(\d+)\s*(?=$|->|\})", r" \1 s\2"),
    (r"^(\s*)(\d+)\s+((?:dw)?conv|convtranspose|linear)\b", r"\1\3 \2"),
    (r"^(\s*)for\s+\w+\s+in\s+(?:range\()?(\d+)\)?\s*:\s*(\S.*?)\s*$", r"\1{ \3 } x\2"),
    (r"^(\s*)(\d+)\s*[xX*]\s+([a-z_]\w*[^-|{}]*?)\s*$", r"\1\3 x\2"),
    (r"(\}\s*)shortcut\s+(?!auto\b|same\b)([a-z][^{}|]*?)\s*(?=$|->\s*relu\s*$)", r"\1shortcut { \2 }"),
    (r"^(\s*)shortcut\s*(?=\{)", r"\1residual "),
    (r"(\boptimizer\s+\w+)\s*\(([^()]*)\)", _spaced),
    (rf"^(\s*){_STEP}\s*\+\s*{_STEP}\s*$", r"\1add { \2 | \3 }"),
    (r"(?<![\w.])(\d+)(?=[kspdg]\d)", r"\1 "),
    (r"^(\s*)(?:[-*•+]|\d+[.)])\s+(?=[a-z])", r"\1"),
    (r"^(\s*)x\s*=\s*", r"\1"),
    (rf"^(\s*)\w+\s*=\s*{_LAYER_FOLLOWS}", r"\1"),
    (r"^(\s*)(\w+)\s*=\s*(?=[\d(])", r"\1param \2 = "),
    (r"^(\s*param\s+\w+)\s*:?\s+(?=[^\s=])", r"\1 = "),
    (r"^(\s*)(\w+)\s*::\s*(?=[A-Za-z])", r"\1\2: "),
    (r"^(\s*block\s+\w+\s*(?:\([^)]*\))?)\s*:\s*(\S.*?)\s*$", r"\1 { \2 }"),
    (r"^(\s*)[(\[]\s*([a-z].*)[)\]](\s*x\d+)?\s*$", r"\1{ \2 }\3"),
    (r"\b(concat|add|mul|residual|gate|split)\s*\((.*)\)", _branches),
    (r"(?<=[\w)\]])\s*,\s*", " "),
    (r"'", '"'),
    (r"=\s*['\"](\w+)['\"]", r"=\1"),
    (r"(?<=\w)-(?=[A-Za-z])", "_"),
    (r"(?<!\()\b(\w+\s*[*+/]\s*\w+)\b(?!\))", r"(\1)"),
    (r"\s*(?:=>|-\s+>|(?<![-=<])>|(?<=\s)[-–—](?=\s+[a-z]))\s*", " -> "),
    (r"->\s*->", "->"),
    (r"^(\s*)->\s*", r"\1"),
    (r"\s*->\s*$", ""),
    (r"\s*/\*.*?\*/\s*", " "),
    (r"^\s*(?://|--|\"\"\")\s*(.*?)(?:\"\"\")?\s*$", r"# \1"),
    (r"\s*(?://|--)\s*(\D.*?)\s*$", r"  # \1"),
)
