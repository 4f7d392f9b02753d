"""The page's templates: what they are given is text, and stays text, but for what they say is `safe`."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from specc.report.table import share_text


def rendered(name: str, **values: Any) -> str:
    """A template of `specc/report/templates`, filled in. Raises: jinja2.UndefinedError for what it is not given."""
    return _environment().get_template(name).render(**values)


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("specc.report", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    found.filters |= {"share": share_text, "data_uri": data_uri, "short": _short}
    return found


def data_uri(png: bytes) -> str:
    """A picture inside its page."""
    return f"data:image/png;base64,{b64encode(png).decode()}"


def _short(name: str) -> str:
    return name if len(name) <= 9 else f"{name[:8]}…"
