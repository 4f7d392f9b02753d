"""What others wrote, as it may be shown: in one line, of a bounded length, with nothing in it that acts on a terminal.

Specs, file names, classes, option values and what a run's folder holds come from elsewhere. A character that moves the
cursor, turns the direction of reading or hides what stands beside it is shown as a sign in its place. Whatever prints a
sentence sends it through here: reports where they are rendered, all else in `cli.output`.
"""

from __future__ import annotations

import re
from typing import Any

MOST = 400  # characters of a sentence; those that are written here have under 250
_CUT = " … "
_UNSEEN = "�"
_PICTURES = 0x2400  # signs for the first 32 control characters: ␀, ␊, ␛
_DELETE = 0x7F
_COMMAND = r"\s*(?:::|##\[)"


def visible(text: str) -> str:
    """A text in one line, every character in it to be seen.

    >>> visible("a\\x1b[2Jb\\nc\\u202ed")
    'a␛[2Jb␊c�d'
    """
    return text if text.isprintable() else "".join(char if char.isprintable() else _sign(char) for char in text)


def visible_line(text: str) -> str:
    """The same for the beginning of an output line, where GitHub's runner would read a command.

    >>> visible_line("::add-mask::x.cnn"), visible_line("net.cnn")
    ('./::add-mask::x.cnn', 'net.cnn')
    """
    shown = visible(text)
    return f"./{shown.lstrip()}" if re.match(_COMMAND, shown) else shown


def visible_lines(text: str) -> str:
    """A text of several lines, however they end; tabs stay."""
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    return "\n".join("\t".join(map(visible, line.split("\t"))) for line in lines)


def shortened(text: str, most: int = MOST) -> str:
    """A text of at most so many characters: a longer one lacks its middle.

    >>> shortened("conv64 " * 100, 20)
    'conv64 co … conv64 '
    """
    if len(text) <= most:
        return text
    kept = most - len(_CUT)
    return text[: kept - kept // 2].rstrip() + _CUT + text[-(kept // 2) :].lstrip() if kept > 1 else text[:most]


def as_json(value: Any) -> str:
    """JSON of which every character is to be seen: those that are not are escaped.

    >>> as_json({"é": "\\x7f\\u202e"})
    '{\\n  "é": "\\\\u007f\\\\u202e"\\n}'
    """
    import json

    text = json.dumps(value, indent=2, ensure_ascii=False)
    return re.sub(r"[^\n\x20-\x7e]+", lambda found: _escaped(found[0]), text)


def _escaped(text: str) -> str:
    import json

    return "".join(char if char.isprintable() else json.dumps(char)[1:-1].replace("\x7f", "\\u007f") for char in text)


def _sign(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(_PICTURES + code)
    return "␡" if code == _DELETE else _UNSEEN
