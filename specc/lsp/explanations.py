"""The explanations of codes as files, so that an editor can open the one behind a finding's code."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from specc.diagnostics.codes import CODES


def explanation(code: str) -> str | None:
    """A code's page in Markdown, None where there is no such code."""
    known = CODES.get(code)
    return f"# {code}: {known.title}\n\n{known.explanation.strip()}\n" if known else None


class Pages:
    """A folder with a page for each code that was asked for; it goes when `close` is called or the process ends."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="specc-explain-", ignore_cleanup_errors=True)
        self.address = cache(self._address)

    def _address(self, code: str) -> str | None:
        """The address of a code's page; None where there is none, or no place to write it."""
        text = explanation(code)
        page = Path(self._folder.name) / f"{code}.md"
        try:
            page.write_text(text or "", encoding="utf-8")
        except OSError:
            return None
        return page.as_uri() if text else None

    def close(self) -> None:
        self._folder.cleanup()
