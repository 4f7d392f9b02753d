"""The lints of names: those that nothing uses, and bare words with two meanings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from specc.ir.lint.network import Network
from specc.ir.lint.rule import Finding
from specc.syntax import tree


def unused_names(network: Network) -> Iterator[Finding]:
    items = network.tree.items
    defined = [item for item in items if isinstance(item, tree.Param | tree.Block)]
    used = _words(items) if defined else set()
    for item in defined:
        kind = "`param`" if isinstance(item, tree.Param) else "block"
        if item.name.text not in used:
            yield _unused(item.name, f"nothing uses the {kind} `{item.name.text}`")
        if isinstance(item, tree.Block):
            yield from _unused_parameters(item)


def _unused_parameters(block: tree.Block) -> Iterator[Finding]:
    defaults = [parameter.default for parameter in block.parameters]
    used = _words(block.branches) | _words(defaults)
    for parameter in block.parameters:
        name = parameter.name.text
        if name not in used:
            message = f"`{name}` is a parameter of the block `{block.name.text}`, and nothing in the block uses it"
            yield _unused(parameter.name, message)


def _unused(name: tree.Word, message: str) -> Finding:
    return Finding(name.span, message, f"use `{name.text}`, or leave it out")


def words_with_two_meanings(network: Network) -> Iterator[Finding]:
    for doubt in network.model.doubts:
        yield Finding(doubt.span, doubt.message, doubt.help)


def _words(parts: Iterable[Any]) -> set[str]:
    """Every word that may stand for a name: not labels, keys, functions, or what is being defined."""
    found: set[str] = set()
    for part in parts:
        match part:
            case tree.Word():
                found.add(part.text)
            case tree.Block():
                own = {parameter.name.text for parameter in part.parameters}
                defaults = [parameter.default for parameter in part.parameters]
                found |= _words([*part.branches, *defaults]) - own
            case tree.Step() if part.word is not None and part.word.text == "from":
                pass  # a label follows, whatever else has that name
            case tree.Step():
                found |= _words((part.word, part.arguments, part.branches or (), part.shortcut))
            case tree.Param() | tree.Keyword():
                found |= _words((part.value,))
            case tree.Call():
                found |= _words((part.function, *part.arguments))
            case tree.Setting():
                found |= _words(part.arguments)
            case tree.Budget():
                found |= _words((part.bound,))
            case tuple():
                found |= _words(part)
    return found
