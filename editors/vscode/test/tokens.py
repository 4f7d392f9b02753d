"""Prints the tokens of every spec of the gallery and of the files named, as JSON: what the grammar is held to.

Each spec is {"name", "text", "tokens": [[start, end, kind]]}, in code points; the kind is the token's role, or the
lexer's own name for brackets and signs. A role that is a definition ends with `!`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from specc.gallery import entries
from specc.ir.names.uses import find_uses
from specc.ir.names.words import PlacedWord, whole_text
from specc.source import Source
from specc.syntax.parse import parse, read_tokens

SIGNS = ("LPAR", "RPAR", "LSQB", "RSQB", "LBRACE", "RBRACE", "COMMA")


def tokens(text: str) -> list[list[Any]]:
    found = read_tokens(text)
    pieces = list(whole_text(found.all, find_uses(parse(Source("", text), found).tree)))
    words = [[*one.span, one.role + "!" * one.defines] for one in pieces if isinstance(one, PlacedWord)]
    signs = [[*one.span, one.type] for one in found.words if one.type in SIGNS]
    signs += [[*one.span, "SEMICOLON"] for one in found.words if one.text == ";"]
    return sorted([*words, *signs, *([*span, "comment"] for span in found.comments)])


if __name__ == "__main__":
    specs = [(entry.name, entry.source.text) for entry in entries()]
    specs += [(Path(name).stem, Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:]]
    print(json.dumps([{"name": name, "text": text, "tokens": tokens(text)} for name, text in specs]))
