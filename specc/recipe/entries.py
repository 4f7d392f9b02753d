"""What a table names as text, found when it is needed: so that the tables themselves import nothing."""

from importlib import import_module
from typing import Any


def resolved(name: str) -> Any:
    """The object at `module:name`, or a module.

    >>> resolved("math:gcd")(12, 18)
    6
    """
    module, _, attribute = name.partition(":")
    found = import_module(module)
    return getattr(found, attribute) if attribute else found
