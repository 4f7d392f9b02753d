"""Every code that specc reports: each is a file in `explanations`, which is read when somebody asks for it.

    ---
    title: the device is not available
    status: 2
    ---
    What a student who meets it for the first time needs, in Markdown.

`status` stands there where it is not 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple


def severity_of(code: str) -> str:
    """`error` or `warning`."""
    return "warning" if code.startswith("W") else "error"


class Code(NamedTuple):
    """A stable name for one kind of finding.

    code:        `E301`; the letter is the severity, the first digit the family.
    title:       what went wrong, in a few words, without numbers.
    explanation: the text, in Markdown.
    status:      how a command ends that it stops: 1, or 2 where the command itself was wrong.
    """

    code: str
    title: str
    explanation: str
    status: int = 1

    @property
    def severity(self) -> str:
        return severity_of(self.code)


class _Codes(Mapping[str, Code]):
    """All codes, in their order."""

    folder = Path(__file__).parent / "explanations"

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(sorted(path.stem for path in self.folder.glob("*.md")))

    def __getitem__(self, code: str) -> Code:
        if code not in self._names:
            raise KeyError(code)
        return _read(self.folder / f"{code}.md")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@cache
def _read(page: Path) -> Code:
    _, head, text = page.read_text(encoding="utf-8").split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    return Code(page.stem, fields["title"], text, int(fields.get("status", 1)))


CODES: Mapping[str, Code] = _Codes()
