"""Classes of a program while it is written: each one for all uses whose code is the same."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from specc.emit.python import code
from specc.emit.python.code import CallText, Code, laid_out


class ClassParameter(NamedTuple):
    """Of a class's constructor. default: what need not be given, None where it must; is_layer: whether it makes
    modules, and takes_channels, of how many channels."""

    default: Code | None = None
    is_layer: bool = False
    takes_channels: bool = False


@dataclass(eq=False)
class ClassDraft:
    """A class without its first line.

    parameters: in order. lines: those below the head of its constructor. base: what it is derived from. words: names
    of helpers that its code uses. block: the word that it is, empty for the network. shapes: what it makes of what.
    kinds: of the values that its parameters got. targets: the classes that its code calls.
    """

    name: str
    parameters: Mapping[str, ClassParameter]
    lines: tuple[str, ...]
    base: str
    words: frozenset[str]
    block: str
    shapes: str
    targets: tuple[ClassDraft, ...]
    kinds: dict[str, set[str]] = field(default_factory=dict)

    def note(self, values: Mapping[str, Any]) -> None:
        """One more use, by the values of the names there."""
        for name in self.parameters:
            self.kinds.setdefault(name, set()).add(_kind(values[name]))

    def head(self) -> list[str]:
        """`def __init__(self, in_channels: int, stride: int = 1) -> None:`"""
        args: list[tuple[str, Code]] = [("", "self")]
        for name, parameter in self.parameters.items():
            kinds = self.kinds[name] - ({"int"} if "float" in self.kinds[name] else set())
            kind = "Callable[..., nn.Module]" if parameter.is_layer else " | ".join(sorted(kinds))
            kind += " | None" * (parameter.default == "None")
            default = f" = {code.flat(parameter.default)}" if parameter.default is not None else ""
            args.append(("", f"{name}: {kind}{default}"))
        return laid_out("", CallText("def __init__", tuple(args)), " -> None:", code.INDENT)

    def text(self, remark: str) -> str:
        body = [f"class {self.name}({self.base}):", f'    """{remark}"""', "", *self.head(), *self.lines]
        return "\n".join(body)

    def reached(self, seen: set[int]) -> Iterator[ClassDraft]:
        """The classes that this one is made of, and itself, each once, inner ones first."""
        if id(self) in seen:
            return
        seen.add(id(self))
        for target in self.targets:
            yield from target.reached(seen)
        yield self


def without_comments(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The code alone: classes whose code is the same are one, though their uses have other sizes."""
    return tuple(re.sub(r"\s*# .*$", "", line) for line in lines)


def _kind(value: Any) -> str:
    if isinstance(value, tuple):
        return f"tuple[{', '.join(['int'] * len(value))}]"
    return type(value).__name__ if isinstance(value, bool | str | float) else "int"


def class_name(word: str) -> str:
    """A name as a class has it.

    >>> class_name("conv_bn"), class_name("resnet18"), class_name("3d-net")
    ('ConvBn', 'Resnet18', 'Net3dNet')
    """
    cleaned = "".join(char if char.isalnum() and char.isascii() else " " for char in word)
    name = "".join(part[0].upper() + part[1:] for part in cleaned.split()) or "Network"
    return f"Net{name}" if name[0].isdigit() or keyword.iskeyword(name) else name
