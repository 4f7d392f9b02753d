"""Values written as an expression: of a block's parameters, of what arrives, or of a repeat's running number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

IN = "in"  # the channels that arrive at a step
ENTERING = "entering"  # those that arrive at the block, under the name that they get in the end
_CALL = re.compile(r"[a-z]+\([^()]*\)")
_WORD = re.compile(r"[a-z_]\w*")


class Expr(NamedTuple):
    """A value that depends on a block's parameters, as it is written."""

    text: str

    @property
    def is_whole(self) -> bool:
        """Whether it needs no parentheses: a name or a call."""
        return self.text.isidentifier() or _CALL.fullmatch(self.text) is not None


class Share(NamedTuple):
    """A part of a whole, as stochastic depth grows from block to block: whole · (part + nth) / of.

    with_nth: whether the running number of the repeat is added.
    """

    whole: float
    part: int | Expr
    of: int
    with_nth: bool = False

    @property
    def written(self) -> str | float:
        """A number, where it is one."""
        if isinstance(self.part, int) and not self.with_nth:
            return float(f"{self.whole * self.part / self.of:.8g}")
        return f"{self.whole:g}*{self._counted()}/{self.of}"

    def _counted(self) -> str:
        if isinstance(self.part, Expr):
            return f"({self.part.text} + nth)" if self.with_nth else self.part.text
        if not self.part:
            return "nth"
        return f"({self.part} + nth)" if self.part > 0 else f"(nth - {-self.part})"


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """A value whose parameters have other names."""
    match value:
        case Expr():
            return Expr(_WORD.sub(lambda match: names.get(match[0], match[0]), value.text))
        case Share():
            return value._replace(part=renamed(value.part, names))
        case _:
            return value


def is_same(left: Any, right: Any) -> bool:
    """Whether two values are written alike; 1 and true are not."""
    return type(left) is type(right) and bool(left == right)
