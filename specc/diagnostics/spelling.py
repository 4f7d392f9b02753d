"""Did you mean …? The nearest known word to a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that a person most likely meant, or None where nothing is near; cutoff is the least likeness.

    >>> nearest("maxpol", ["maxpool", "avgpool"])
    'maxpool'
    """
    from difflib import get_close_matches

    matches = get_close_matches(word.lower(), list(known), n=1, cutoff=cutoff)
    return matches[0] if matches else None
