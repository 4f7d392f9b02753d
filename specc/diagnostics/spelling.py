"""Words in messages: the nearest known one to a mistyped one, a count with its noun, sizes, a path in a command."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that a person most likely meant, or None where nothing is near; cutoff is the least likeness.

    >>> nearest("maxpol", ["maxpool", "avgpool"]), nearest("rl", ["epochs", "lr"])
    ('maxpool', 'lr')
    """
    from difflib import get_close_matches

    names, letters = list(known), sorted(word.lower())
    # Letters in another order are a slip of the hand, however short the word.
    matches = [one for one in names if sorted(one) == letters] or get_close_matches(word.lower(), names, 1, cutoff)
    return matches[0] if matches else None


def counted(count: int, noun: str, form: str = ",") -> str:
    """A count with its noun, which is given for one and ends in the word that changes.

    Args: form, of the number: "d" where a person may copy it into a spec, which has no commas in numbers.

    >>> counted(1, "epoch"), counted(60_000, "epoch"), counted(4, "more class"), counted(3072, "feature", "d")
    ('1 epoch', '60,000 epochs', '4 more classes', '3072 features')
    """
    ending = "" if count == 1 else "es" if noun.endswith(("ss", "x", "sh", "tch", "nch")) else "s"
    return f"{count:{form}} {noun}{ending}"


def called(sample: Sequence[object]) -> str:
    """What a sample of a shape is called: a picture where it has channels, a height and a width.

    >>> called((1, 28, 28)), called((2, 16000))
    ('picture', 'sample')
    """
    return "picture" if len(sample) == 3 else "sample"


def listed(noun: str, numbers: Sequence[int]) -> str:
    """Numbers with their noun, the last two joined by "and"; of many the first ten.

    >>> listed("line", [4]), listed("line", [4, 5, 9])
    ('line 4', 'lines 4, 5 and 9')
    """
    if len(numbers) == 1:
        return f"{noun} {numbers[0]}"
    shown = [str(number) for number in numbers[:10]]
    last = f"{len(numbers) - 10} more" if len(numbers) > 10 else shown.pop()
    return f"{noun}s {', '.join(shown)} and {last}"


def spelled(sizes: Iterable[object]) -> str:
    """Sizes as a spec writes them.

    >>> spelled((3, 32, 32))
    '3x32x32'
    """
    return "x".join(map(str, sizes))


def typed(path: object) -> str:
    """A path as a person types it in a command: in quotes where a shell would take it apart.

    >>> typed("runs/net-1"), typed("my runs/net-1")
    ('runs/net-1', "'my runs/net-1'")
    """
    if os.name == "nt":
        return f'"{path}"' if set(str(path)) & set(" &()^;,=") else str(path)
    from shlex import quote

    return quote(str(path))


def shown(text: str, most: int = 60) -> str:
    """A name out of a file as a message quotes it: cut to so many characters, what cannot be printed made visible.

    >>> shown("conv1.weight"), shown("a" * 100, most=5), shown("red\\x1b[0m")
    ('conv1.weight', 'aaaa…', 'red�[0m')
    """
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return "".join(char if char.isprintable() else "�" for char in cut)
