"""Digits in, exact numbers out: `12M` and `1.5K` are whole, `0.55` is the fraction 11/20.

Out:        an int or a `Fraction`, never a float: what is written as 0.1 is a tenth.
Guarantees: little work for text of any length. A number beyond every bound comes out as one of two that are beyond
            them as well, so that `ir.values` refuses it as it refuses a result.
"""

from __future__ import annotations

import re
from fractions import Fraction

MAX_MAGNITUDE = 2**62  # of a number in a spec: torch counts in 64 bits
TOO_LARGE = 10**40
FINEST = 10**600  # the largest divisor of a fraction that is calculated with; torch's own floats end at 2^1074
TOO_FINE = Fraction(1, 10 * FINEST)

_MOST_BITS = 4096  # of a power's numerator or divisor: more than `FINEST` and `MAX_MAGNITUDE` together have
_UNITS = {"": 0, "K": 3, "M": 6, "G": 9}
_NUMBER = r"([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?)([0-9]+))?([KMG]?)"
_MOST_DIGITS = 40  # before the point
_MOST_DECIMALS = 600
LARGEST_NAMED = 1e6
_NAMED = r"([\w.*?-]+)=([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?)(x?)"


def whole_of(digits: str) -> int:
    """A whole number, one of those beyond every bound where it has too many digits.

    >>> whole_of("007"), whole_of("9" * 5000) == TOO_LARGE
    (7, True)
    """
    if len(digits) > _MOST_DIGITS:
        digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _MOST_DIGITS else TOO_LARGE


def number_of(text: str) -> int | Fraction:
    """A number of the language, exactly; a whole one is an int however it is written.

    >>> number_of("1.001K"), number_of("1e-3"), number_of("2.50e1"), number_of("7")
    (1001, Fraction(1, 1000), 25, 7)
    """
    if text.isdigit():
        return whole_of(text)
    before, _, after = text.partition(".")
    if before.isdigit() and after.isdigit() and len(text) <= _MOST_DIGITS:  # most of those in a literal weight
        number = Fraction(int(before + after), 10 ** len(after))
        return number.numerator if number.denominator == 1 else number
    match = re.fullmatch(_NUMBER, text)
    if match is None:
        raise ValueError(f"not a number of the language: {text[:40]!r}")
    whole, decimals, sign, exponent, unit = (part or "" for part in match.groups())
    digits = (whole + decimals).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return 0
    power = whole_of(exponent or "0") * (-1 if sign == "-" else 1) + _UNITS[unit] - len(decimals)
    power += len(digits) - len(significant)
    if len(significant) + power > _MOST_DIGITS:
        return TOO_LARGE
    if power < -_MOST_DECIMALS:
        return TOO_FINE
    return int(significant) * 10**power if power >= 0 else Fraction(int(significant), 10**-power)


def power(base: int | Fraction, exponent: int) -> int | Fraction:
    """A whole power, exactly; what would have too many digits is not worked out.

    Raises: ZeroDivisionError for 0 with an exponent below 0.

    >>> power(2, 10), power(Fraction(2, 3), -2), power(10, 10**18) == TOO_LARGE
    (1024, Fraction(9, 4), True)
    """
    if exponent < 0:
        base, exponent = 1 / Fraction(base), -exponent
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if bits > 1 and (bits - 1) * exponent > _MOST_BITS:
        is_fine = (base.denominator.bit_length() - 1) * exponent > FINEST.bit_length()
        return TOO_FINE if is_fine else TOO_LARGE
    if bits == 1:  # 0, 1 and -1 stay as small as they are
        exponent = min(exponent, 2 + exponent % 2)
    return base**exponent


def named_numbers(text: str, unit: str = "") -> tuple[tuple[str, float], ...]:
    """Each name with its number, in their order.

    >>> named_numbers("main=1 aux=0.3"), named_numbers("head=10x, stem*=0.1x", "x")
    ((('main', 1.0), ('aux', 0.3)), (('head', 10.0), ('stem*', 0.1)))

    Raises: ValueError where it says something else.
    """
    found = []
    for part in text.replace(",", " ").split():
        match = re.fullmatch(_NAMED, part)
        if match is None or match[3] != unit or float(match[2]) > LARGEST_NAMED:
            raise ValueError(f"no name with its number: {part}")
        found.append((match[1], float(match[2])))
    return tuple(found)
