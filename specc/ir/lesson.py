"""Lessons: a spec with holes, or one whose comment `# specc: lesson` says that it had some.

What is wrong with a lesson is told like everything else; how to mend it is what the lesson asks. So of its findings no
help says a number, and no edit is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from specc.diagnostics.diagnostic import Diagnostic
from specc.ir.names.holes import OPEN_HOLE
from specc.source import Source

_MARK = r"#[^\n]*\bspecc:[ \t]*lesson\b"
_ANSWERS = ("E20", "E210", "E3", "W5")  # codes, by their beginnings, whose ways out may be what a hole asks for


def is_lesson(source: Source, found: Iterable[Diagnostic]) -> bool:
    """Whether a text says that it is a lesson, or has open holes."""
    marked = "specc:" in source.text and re.search(_MARK, source.text) is not None
    return marked or any(finding.code == OPEN_HOLE for finding in found)


def without_answers(found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The findings of a lesson; where a way out has a number in it, another says where the rule stands."""
    return [_silent(finding) if finding.code.startswith(_ANSWERS) else finding for finding in found]


def _silent(finding: Diagnostic) -> Diagnostic:
    helps = [help for help in finding.helps if not re.search(r"[0-9]", help)]
    rule = f"a lesson leaves the numbers to you; `specc explain {finding.code}` has the rule"
    return finding._replace(help="\n".join(helps or [rule]), proposals=())
