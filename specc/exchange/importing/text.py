"""Blocks and a chain in, the text of a spec out, in canonical form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from specc.diagnostics.spelling import spelled
from specc.exchange.importing.columns import COUNTED, FoundBlock
from specc.exchange.importing.expressions import Expr, Share
from specc.exchange.importing.forms import Chain, Form, FoundCall, FromLabel, Node, Repeated
from specc.exchange.importing.graph import ArgumentToken, Leaf
from specc.layers.base import Shape
from specc.layers.pool import ToSize
from specc.layers.registry import LAYERS, of_family
from specc.source import Source
from specc.syntax.format import format_source

WIDTH = 100
_EXPONENT = re.compile(r"e(-?)[+0]*")
_LABEL = re.compile(r"\w+: ")
_SHORT = {"kernel": "k", "stride": "s", "padding": "p", "dilation": "d", "groups": "g"}
_HEADS = tuple(word for word, cls in LAYERS.items() if issubclass(cls, ToSize))
_STARTS = (*of_family("convolution", "linear"), *_HEADS)
_EXACT = 1e6  # a whole number below this is written without a point
_LONGEST_REPEAT = 12  # as many steps are looked at together


def write_spec(title: str, input: Shape, blocks: Sequence[FoundBlock], chain: Chain) -> str:
    """The text of a spec. Args: title, its first line."""
    known = {block.name: block for block in blocks}
    lines = [f"# {title}", f"input {spelled(input)}", ""]
    for block in blocks:
        lines += [_block(block, known)]
    lines += [""] * bool(blocks) + [_chain(chain, known)]
    text = "\n".join(lines) + "\n"
    formatted = format_source(Source("<import>", text)).text
    return text if formatted is None else formatted


def _block(block: FoundBlock, known: dict[str, FoundBlock]) -> str:
    given = ", ".join(
        one.name if one.default is None else f"{one.name}={_value(one.default)}" for one in block.parameters
    )
    head = f"block {block.name}({given})" if given else f"block {block.name}"
    body = _chain(block.body, known)
    line = f"{head} {{ {body} }}"
    return line if "\n" not in body and len(line) <= WIDTH else f"{head} {{\n{body}\n}}"


# chains


def _chain(chain: Chain, known: dict[str, FoundBlock]) -> str:
    """Steps joined by arrows, a new line before each that begins something."""
    lines: list[str] = []
    steps = _repeated([_node(node, known) for node in chain])
    if steps and steps[0] in _HEADS and "\n" not in (line := " -> ".join(steps)) and len(line) < WIDTH:
        return line  # a gate, or the end of a network
    starts = {*_STARTS, *(name for name, block in known.items() if not _is_layer(block))}
    for step in steps:
        bare = _LABEL.sub("", step, count=1) if _LABEL.match(step) else step
        begins = bare.startswith(("{", *_forms())) or bare.partition(" ")[0] in starts
        fits = not begins and bool(lines) and len(lines[-1].rpartition("\n")[2]) + len(step) < WIDTH
        if fits or (lines and _goes_on(lines[-1], step)):
            lines[-1] += f" -> {step}"
        else:
            lines.append(step)
    return "\n".join(lines)


def _is_layer(block: FoundBlock) -> bool:
    """Whether a block gives one layer another name."""
    return len(block.body) == 1 and isinstance(block.body[0], Leaf)


def _forms() -> tuple[str, ...]:
    return ("residual {", "concat {", "add {", "mul {", "gate {", "split ", "outputs {")


def _goes_on(line: str, step: str) -> bool:
    """`gap -> flatten -> linear 10` stays in one line, and what goes on from a label beside it."""
    if line.startswith("from ") and "->" not in line:
        return True
    head = line.startswith((*_HEADS, "flatten"))
    return step.startswith("linear") and head and "linear" not in line and "\n" not in line


def _repeated(steps: list[str]) -> list[str]:
    """Steps that come again at once, in one: `conv 64 k3 p1 x2`, `{ conv 64 k3 p1 -> relu } x2`."""
    found: list[str] = []
    place = 0
    while place < len(steps):
        length, count = _best_repeat(steps, place)
        if count > 1:
            part = _repeated(steps[place : place + length])
            found.append(f"{part[0]} x{count}" if length == 1 else f"{{ {' -> '.join(part)} }} x{count}")
        else:
            found.append(steps[place])
        place += length * count
    return found


def _best_repeat(steps: list[str], place: int) -> tuple[int, int]:
    """The length and the count of the repeat from a place on that saves the most steps."""
    best = (1, 1)
    for length in range(1, min(_LONGEST_REPEAT, (len(steps) - place) // 2) + 1):
        part, count = steps[place : place + length], 1
        while steps[place + count * length : place + (count + 1) * length] == part:
            count += 1
        if (count - 1) * length > (best[1] - 1) * best[0]:
            best = (length, count)
    return best


# nodes


def _node(node: Node, known: dict[str, FoundBlock]) -> str:
    if isinstance(node, FromLabel):
        return f"from {node.label}"
    text = _step(node, known)
    return f"{node.label}: {text}" if node.label else text


def _step(node: Leaf | Form | FoundCall | Repeated, known: dict[str, FoundBlock]) -> str:
    match node:
        case Leaf():
            return " ".join([node.word, *_arguments(node.tokens)])
        case FoundCall():
            return _call(node, known[node.block])
        case Repeated():
            count = f"x={_value(node.count)}" if isinstance(node.count, Expr) else f"x{node.count}"
            return f"{_call(node.call, known[node.call.block])} {count}"
        case Form():
            return _form(node, known)


def _form(form: Form, known: dict[str, FoundBlock]) -> str:
    shown = form.branches[:1] if form.form == "residual" else form.branches
    heads = [f"{name}: " for name in form.names] or [""] * len(shown)
    branches = [head + (_chain(branch, known) or "id") for head, branch in zip(heads, shown, strict=True)]
    inside = " | ".join(branches)
    word = " ".join([form.form, *map(str, form.parts)])
    text = f"{word} {{ {inside} }}"
    if "\n" in inside or len(text) > WIDTH // (2 if len(branches) > 1 else 1):
        text = f"{word} {{\n" + "\n| ".join(branches) + "\n}"
    if form.shortcut in ("auto", "same"):
        return f"{text} shortcut {form.shortcut}"
    if form.shortcut == "chain":
        return f"{text} shortcut {{ {_chain(form.branches[1], known)} }}"
    return text


def _call(call: FoundCall, block: FoundBlock) -> str:
    """A call with the arguments that are not the usual ones; a letter stands for a parameter where it can."""
    names = [parameter.name for parameter in block.parameters]
    values = dict(call.args)
    words = [block.name]
    for parameter in block.parameters:
        if parameter.name not in values:
            continue  # it follows from what arrives
        value = values[parameter.name]
        if parameter.default is not None and type(value) is type(parameter.default) and value == parameter.default:
            continue
        letter = parameter.name[0]
        alone = sum(name.startswith(letter) for name in names) == 1 and parameter.name in _SHORT
        if parameter.is_channels or parameter.name in COUNTED:
            words.append(_value(value))
        elif alone and _is_size(value):
            words.append(f"{letter}{_value(value)}")
        elif alone and isinstance(value, Expr):
            words.append(f"{letter}={_value(value)}")
        else:
            words.append(f"{parameter.name}={_value(value)}")
    return " ".join(words)


def _is_size(value: Any) -> bool:
    """Whether a letter may stand before it: `k3`, `k1x7`."""
    if isinstance(value, bool | Expr):
        return False
    return (isinstance(value, int) and value >= 0) or (isinstance(value, tuple) and isinstance(value[0], int))


def _arguments(tokens: Sequence[ArgumentToken]) -> Iterator[str]:
    """The arguments that have not their usual values; behind one left out a value needs its key."""
    skipped = False
    for token in tokens:
        value = token.value
        if not isinstance(value, Expr | Share) and type(value) is type(token.default) and value == token.default:
            skipped = skipped or token.style == "positional"
        else:
            yield _token(token._replace(style="named") if skipped and token.style == "positional" else token)


def _token(token: ArgumentToken) -> str:
    """An argument as it is written."""
    value = token.value
    text = _value(value)
    match token.style:
        case "positional" | "word":
            return text
        case "short" if not isinstance(value, Expr):
            return f"{_SHORT[token.name]}{text}"
        case "short":
            return f"{_SHORT[token.name]}={text}"
        case "flag" if not isinstance(value, Expr):
            return token.name if value else f"no{token.name}"
        case _:
            return f"{token.name}={text}"


def _value(value: Any) -> str:
    if isinstance(value, Share):
        value = value.written if isinstance(value.written, float) else Expr(value.written)
    if isinstance(value, Expr):
        return value.text if value.is_whole else f"({value.text})"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        whole = all(isinstance(size, int) for size in value)
        return spelled(value) if whole else "[" + " ".join(map(repr, value)) + "]"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return repr(int(value))
    return _EXPONENT.sub(r"e\1", repr(value)) if isinstance(value, int | float) else str(value)
