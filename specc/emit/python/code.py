"""Code as a tree, laid out as formatters leave it: on one line where it fits, else an argument a line."""

from __future__ import annotations

import keyword
from typing import NamedTuple, TypeAlias

WIDTH = 100
INDENT = 4


class CallText(NamedTuple):
    """`head(key=argument, …)`; an argument without a key has an empty one."""

    head: str
    args: tuple[tuple[str, Code], ...]
    brackets: str = "()"


class Either(NamedTuple):
    """`first if condition else second`"""

    first: Code
    condition: str
    second: Code


class Sum(NamedTuple):
    """Terms with an operator between them."""

    terms: tuple[str, ...]
    operator: str = "+"


Code: TypeAlias = str | CallText | Either | Sum


def flat(code: Code) -> str:
    """Code on one line."""
    match code:
        case CallText():
            inside = ", ".join(f"{_key(key)[0]}{flat(arg)}{_key(key)[1]}" for key, arg in code.args)
            return f"{code.head}{code.brackets[0]}{inside}{code.brackets[1]}"
        case Either():
            return f"{flat(code.first)} if {code.condition} else {flat(code.second)}"
        case Sum():
            return f" {code.operator} ".join(code.terms)
    return code


def can_be_written(name: str) -> bool:
    """Whether a name can stand behind a dot in a class: Python renames what begins with two underscores there.

    >>> can_be_written("conv1"), can_be_written("class"), can_be_written("__stem")
    (True, False, False)
    """
    return not keyword.iskeyword(name) and not name.startswith("__")


def _key(name: str) -> tuple[str, str]:
    """What stands before and behind an argument of that name."""
    if not name:
        return "", ""
    return (f"{name}=", "") if can_be_written(name) else (f'**{{"{name}": ', "}")


def laid_out(before: str, code: Code, after: str = "", indent: int = 2 * INDENT, comment: str = "") -> list[str]:
    """The lines of `before code after  # comment`; a comment that does not fit stands above."""
    margin = " " * indent
    line = f"{margin}{before}{flat(code)}{after}"
    if comment:
        noted = f"{line}  # {comment}"
        if len(noted) <= WIDTH:
            return [noted]
        return [f"{margin}# {comment}", *laid_out(before, code, after, indent)]
    if len(line) <= WIDTH or isinstance(code, str) or (isinstance(code, CallText) and not code.args):
        return [line]
    if isinstance(code, CallText):
        inside = [
            line for key, arg in code.args for line in laid_out(_key(key)[0], arg, f"{_key(key)[1]},", indent + INDENT)
        ]
        return [f"{margin}{before}{code.head}{code.brackets[0]}", *inside, f"{margin}{code.brackets[1]}{after}"]
    return [f"{margin}{before}(", *_parts(code, indent + INDENT), f"{margin}){after}"]


def _parts(code: Either | Sum, indent: int) -> list[str]:
    if isinstance(code, Either):
        return [
            *laid_out("", code.first, "", indent),
            f"{' ' * indent}if {code.condition}",
            *laid_out("else ", code.second, "", indent),
        ]
    first, *rest = code.terms
    return [*laid_out("", first, "", indent), *(" " * indent + f"{code.operator} {term}" for term in rest)]


def literal(value: object) -> Code:
    """A value as Python writes it; lists of numbers may be broken into lines."""
    if isinstance(value, list):
        return CallText("", tuple(("", literal(part)) for part in value), "[]")
    if isinstance(value, str) and type(value) is not str:
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)
