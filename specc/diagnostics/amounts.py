"""Amounts as everything here writes them, one way each: bytes, shares, times."""

from __future__ import annotations

_UNITS = ((1e3, "kB"), (1e6, "MB"), (1e9, "GB"))


def in_bytes(count: float) -> str:
    """Bytes in powers of 1000, as a budget counts them.

    >>> in_bytes(480), in_bytes(18_816), in_bytes(999_999), in_bytes(2.5e9)
    ('480 B', '18.8 kB', '1.0 MB', '2.5 GB')
    """
    if count < 999.5:
        return f"{count:.0f} B"
    size, unit = next(((size, unit) for size, unit in _UNITS if count < 999.95 * size), _UNITS[-1])
    return f"{count / size:,.1f} {unit}"


def percent(share: float, digits: int = 1) -> str:
    """A share of one.

    >>> percent(0.125), percent(0.9375, 2)
    ('12.5 %', '93.75 %')
    """
    return f"{100 * share:.{digits}f} %"


def duration(seconds: float) -> str:
    """A time as long as somebody waits.

    >>> duration(1.25), duration(150), duration(7380)
    ('1.2 s', '2 min 30 s', '2 h 3 min')
    """
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"
