"""Rename, and what it refuses: made in the text first, and looked at with the compiler's eyes before it is offered."""

from __future__ import annotations

import re

from pygls.exceptions import JsonRpcException

from specc.fixes.edit import Edit, edited, moved
from specc.ir.model import FORM_WORDS
from specc.ir.names.uses import find_uses
from specc.ir.names.words import Symbol, Use
from specc.layers.registry import find_layer
from specc.pipeline import Analysis, analyse
from specc.source import Source
from specc.syntax.tokens import RESERVED

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class RenameRefused(JsonRpcException):
    """A rename that cannot be made, with the reason in words: the protocol's "request failed", no failure of ours."""

    CODE = -32803


def rename(analysis: Analysis, symbol: Symbol, name: str) -> list[Edit]:
    """The edits that give a symbol another name. Raises: Refused."""
    if any(found.code.startswith("E1") for found in analysis.diagnostics):
        raise RenameRefused("the spec has syntax errors: mend them first, or some places would be missed")
    _require_free(analysis, symbol, name)
    if name == symbol.name:
        return []
    edits = [Edit(use.span, _text_for(use, symbol, name)) for use in symbol.places]
    _require_same_meaning(analysis, symbol, edits)
    return edits


def _require_free(analysis: Analysis, symbol: Symbol, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise RenameRefused(f"`{name}` is not a name: letters, digits and `_`, not beginning with a digit")
    if name in RESERVED:
        raise RenameRefused(f"`{name}` is a reserved word of the language")
    if symbol.kind == "block" and (find_layer(name) is not None or name in FORM_WORDS):
        raise RenameRefused(f"a block may not be called `{name}`: that is a layer's name")
    taken = find_uses(analysis.tree).called(name)
    if symbol.kind in ("param", "block") and taken is not None and taken.name != symbol.name:
        raise RenameRefused(
            f"`{name}` is a {taken.kind} already, at line {analysis.source.place(taken.defined.start).line}"
        )


def _text_for(use: Use, symbol: Symbol, name: str) -> str:
    """A letter that stands for a parameter stays where the new name begins with it."""
    return use.text if use.text != symbol.name and name.startswith(use.text) else name


def _require_same_meaning(analysis: Analysis, symbol: Symbol, edits: list[Edit]) -> None:
    """Whether the text says the same with the edits made: the symbol is used in the same places, and nothing else is
    right or wrong."""
    source = Source(analysis.source.path, edited(analysis.source.text, edits))
    after = analyse(source)
    wanted = [_start(edit.span.start, edits) for edit in sorted(edits)]
    renamed = next((one for one in find_uses(after.tree).symbols if one.defined.start in wanted), None)
    places = [use.span.start for use in renamed.places] if renamed else []
    if places != wanted or _errors(after) != _errors(analysis) or _shapes(after) != _shapes(analysis):
        raise RenameRefused(f"with that name the spec would mean something else: `{symbol.name}` keeps its name")


def _start(offset: int, edits: list[Edit]) -> int:
    return moved(offset, [edit for edit in edits if edit.span.start < offset])


def _errors(analysis: Analysis) -> list[str]:
    return [found.code for found in analysis.diagnostics if found.is_error]


def _shapes(analysis: Analysis) -> list[tuple[object, ...]]:
    rows = analysis.model.rows() if analysis.model else ()
    return [(row.input, row.output, row.params, row.macs) for row in rows]
