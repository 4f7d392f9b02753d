"""What one diagnostic code is."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """A stable name for one kind of finding.

    code:        `E301`; the letter is the severity, the first digit the family.
    title:       what went wrong, in a few words, without numbers.
    explanation: what a student who meets it for the first time needs, in Markdown.
    """

    code: str
    title: str
    explanation: str

    @property
    def severity(self) -> str:
        return "warning" if self.code.startswith("W") else "error"
