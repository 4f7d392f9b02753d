"""Texts that nobody would write: a gallery spec with a few tokens changed, as data so that hypothesis can shrink it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

TOKEN = re.compile(r"\s+|\w+|\W")
PIECES = (
    "(", ")", "[", "]", "{", "}", "|", "->", "::", ";", "\n", "=", "x2", "x0", "x=in", "in", "auto", "same", "shortcut",
    "-1", "0", "1", "3", "7", "64", "99999999999", "1e999", "0.5", "3x3", "1x1x1x1", "_x_", "conv", "maxpool 2",
    "flatten", "linear 10", "concat { id | id }", "residual { ", "gate { gap }", "bn", "block b(c) {", "b 3",
    "param p = (", "input 3x8x8", "train {",
    "epochs", "budget params <= 1", "# specc: ignore", '"', "é", "\t", "\r", "\x00", "×", "\ufeff", "\ud800", "\u202e",
)  # fmt: skip


class Change(Enum):
    REPLACE = 0
    INSERT = 1
    DELETE = 2
    SWAP = 3


class Mutation(NamedTuple):
    """One change of a text.

    at, other: numbers of tokens, counted round and round. piece: what is written. removed: tokens that are taken away.
    """

    change: Change
    at: int
    other: int = 0
    piece: str = ""
    removed: int = 1


def mutated(text: str, mutations: Iterable[Mutation]) -> bytes:
    """A text with one change after another made.

    >>> mutated("conv 8 k3", [Mutation(Change.REPLACE, 2, piece="-1")])
    b'conv -1 k3'
    """
    tokens = TOKEN.findall(text) or [" "]
    for mutation in mutations:
        at, other = mutation.at % len(tokens), mutation.other % len(tokens)
        match mutation.change:
            case Change.REPLACE:
                tokens[at] = mutation.piece
            case Change.INSERT:
                tokens.insert(at, f" {mutation.piece} ")
            case Change.DELETE:
                del tokens[at : at + mutation.removed]
            case Change.SWAP:
                tokens[at], tokens[other] = tokens[other], tokens[at]
        tokens = tokens or [" "]
    return "".join(tokens).encode("utf-8", errors="surrogatepass")
