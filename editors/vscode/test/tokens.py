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
from specc.lsp.scan import scan
from specc.syntax.grow import span_of

SIGNS = ("LPAR", "RPAR", "LSQB", "RSQB", "LBRACE", "RBRACE", "COMMA")


def tokens(text: str) -> list[list[Any]]:
    found = scan(text)
    placed = [[*one.span, one.role + "!" * one.defines] for one in found.placed()]
    placed += [[*span_of(token), token.type] for token in found.tokens if token.type in SIGNS]
    placed += [[*span_of(token), "SEMICOLON"] for token in found.tokens if str(token) == ";"]
    return sorted([*placed, *([*span, "comment"] for span in found.comments())])


if __name__ == "__main__":
    specs = [(entry.name, entry.source.text) for entry in entries()]
    specs += [(Path(name).stem, Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:]]
    print(json.dumps([{"name": name, "text": text, "tokens": tokens(text)} for name, text in specs]))
