"""What a generated spec means, and its text: plans are drawn, the reference runs them, specc reads their text."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

Shape: TypeAlias = tuple[int, ...]
Style: TypeAlias = Literal["position", "key", "short", "flag"]


class Expression(NamedTuple):
    """Arithmetic as it is written, `(in*2)`, `width`, `max(in, 4)`: also Python's, but for the word `in`."""

    text: str


class Call(NamedTuple):
    """`normal(0, 0.01)`"""

    name: str
    arguments: tuple[Any, ...]


class Rows(NamedTuple):
    """A list in brackets, `[[0.25 1] [0 -1]]`; a size is a plain tuple."""

    items: tuple[Any, ...]


class Partial(NamedTuple):
    """`conv(8, k3)`: a layer or a block with some of its arguments, as a value."""

    word: str
    arguments: tuple[Argument, ...]


Value: TypeAlias = Any
"""int | float | bool | str (an option word) | a size | Expression | Call | Partial | Rows"""


class Argument(NamedTuple):
    """A field's value and how it is written; key is what stands before the value, where something does."""

    field: str
    value: Value
    style: Style = "position"
    key: str = ""


class Step(NamedTuple):
    """A layer, a call of a block, a group (`word` is "group"), a branch form, or "from" with a label as its argument.

    names: of `outputs`, one for each branch. parts: of a `split`, a value for each branch, None for `_`. repeat: None
    without one. check: the shape after `::`, None for `_`. shortcut: of a residual, a chain or a word.
    """

    word: str
    arguments: tuple[Argument, ...] = ()
    label: str | None = None
    repeat: int | Expression | None = None
    check: tuple[int | None, ...] | None = None
    frozen: bool = False
    branches: tuple[Chain, ...] = ()
    shortcut: Chain | Literal["auto", "same"] | None = None
    parts: tuple[Any, ...] = ()
    names: tuple[str, ...] = ()


Chain: TypeAlias = tuple[Step, ...]


class Block(NamedTuple):
    """parameters: each with its default, None where the call must give it."""

    name: str
    parameters: tuple[tuple[str, Value], ...]
    body: Chain


class Spec(NamedTuple):
    """joint: what stands between two steps of the main chain."""

    input: Shape
    params: tuple[tuple[str, Value], ...]
    blocks: tuple[Block, ...]
    chain: Chain
    joint: str = "\n"

    @property
    def text(self) -> str:
        """The spec as a user would write it."""
        params = [f"param {name} = {written(value)}" for name, value in self.params]
        blocks = [_block(block) for block in self.blocks]
        chain = self.joint.join(map(step_text, self.chain))
        return "\n".join([f"input {_size(self.input)}", *params, *blocks, chain]) + "\n"


def written(value: Value) -> str:
    """A value in the language.

    >>> written((3, 5)), written(Rows((0, -0.5))), written(True), written(Call("normal", (0, 1)))
    ('3x5', '[0 -0.5]', 'true', 'normal(0, 1)')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, Call):
        return f"{value.name}({', '.join(map(written, value.arguments))})" if value.arguments else value.name
    if isinstance(value, Partial):
        return f"{value.word}({', '.join(map(argument_text, value.arguments))})"
    if isinstance(value, Rows):
        return f"[{' '.join(map(written, value.items))}]"
    return _size(value) if isinstance(value, tuple) else str(value)


def _size(size: tuple[int | None, ...]) -> str:
    return "x".join("_" if one is None else str(one) for one in size)


def argument_text(argument: Argument) -> str:
    """`3`, `k3`, `kernel=3` or `ceil`.

    >>> argument_text(Argument("ceil", False, "flag", "ceil")), argument_text(Argument("kernel", (1, 3), "short", "k"))
    ('noceil', 'k1x3')
    """
    text = written(argument.value)
    if argument.style == "flag":
        return {True: argument.key, False: f"no{argument.key}"}.get(argument.value, text)
    return {"position": text, "short": argument.key + text}.get(argument.style, f"{argument.key}={text}")


def step_text(step: Step) -> str:
    """`label: word arguments frozen { branches } shortcut … x2 :: 3x4x4`"""
    parts = [f"{step.label}:"] if step.label else []
    parts += [] if step.word == "group" else [step.word]
    parts += [argument_text(argument) for argument in step.arguments]
    parts += ["_" if part is None else written(part) for part in step.parts]
    if step.branches:
        headings = [f"{name}: " for name in step.names] or [""] * len(step.branches)
        chains = [heading + _chain(chain) for heading, chain in zip(headings, step.branches, strict=True)]
        parts.append("{ " + " | ".join(chains) + " }")
    if step.shortcut is not None:
        parts.append(f"shortcut {step.shortcut}" if isinstance(step.shortcut, str) else _shortcut(step.shortcut))
    parts += ["frozen"] if step.frozen else []
    if step.repeat is not None:
        parts.append(f"x{step.repeat}" if isinstance(step.repeat, int) else f"x={step.repeat.text}")
    parts += [f":: {_size(step.check)}"] if step.check else []
    return " ".join(parts)


def _chain(chain: Chain) -> str:
    return " -> ".join(map(step_text, chain))


def _shortcut(chain: Chain) -> str:
    return "shortcut { " + _chain(chain) + " }"


def _block(block: Block) -> str:
    parameters = [name if default is None else f"{name}={written(default)}" for name, default in block.parameters]
    return f"block {block.name}({', '.join(parameters)}) {{\n  " + "\n  ".join(map(step_text, block.body)) + "\n}"
