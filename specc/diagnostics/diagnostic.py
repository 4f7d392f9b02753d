"""One finding about one source: what is wrong, where, why, and what to do."""

from __future__ import annotations

from typing import NamedTuple

from specc.diagnostics.codes import severity_of
from specc.diagnostics.proposal import Proposal
from specc.source import Place, Source, Span


class Label(NamedTuple):
    """A second place that explains the first, such as the step that made the arriving shape."""

    span: Span
    text: str


class Diagnostic(NamedTuple):
    """An error or a warning, as data; `render` and `formats` turn it into text.

    code:     a key of `CODES`; its first letter is the severity.
    message:  one sentence with the numbers in it.
    source:   the text that it is about; None for what concerns no text (a data set, a run).
    span:     the place; None where the whole file is meant.
    label:    what stands under the place, most often the formula with the numbers put in.
    others:   further places in the same source.
    help:     the ways out, the best first, one a line; None where there is none.
    notes:    further sentences, such as the chain of blocks and repeats that led here.
    shapes:   the shapes in question: what arrived, then what each branch gives; or what is there instead of a note.
    proposals: what the rule would do about it, the likeliest first; `fixes` makes edits of these.
    """

    code: str
    message: str
    source: Source | None = None
    span: Span | None = None
    label: str = ""
    others: tuple[Label, ...] = ()
    help: str | None = None
    notes: tuple[str, ...] = ()
    shapes: tuple[tuple[int, ...], ...] = ()
    proposals: tuple[Proposal, ...] = ()

    @property
    def severity(self) -> str:
        return severity_of(self.code)

    @property
    def is_error(self) -> bool:
        return self.severity == "error"

    @property
    def helps(self) -> tuple[str, ...]:
        """The ways out, the best first."""
        return tuple(self.help.split("\n")) if self.help else ()

    @property
    def line(self) -> int:
        """Where it begins, counted from 1; 1 for what concerns the whole file."""
        return self._place(end=False).line

    @property
    def column(self) -> int:
        """Where it begins in its line, in code points from 1."""
        return self._place(end=False).column

    @property
    def end_line(self) -> int:
        """The line where it ends."""
        return self._place(end=True).line

    @property
    def end_column(self) -> int:
        """The column behind its end."""
        return self._place(end=True).column

    def _place(self, *, end: bool) -> Place:
        if self.source is None or self.span is None:
            return Place(1, 1)
        return self.source.place(max(self.span) if end else self.span.start)


class Problem(Exception):
    """A diagnostic on its way to the user from code that cannot go on; never shown as a traceback."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic

    @classmethod
    def of(cls, code: str, message: str, help: str | None = None, notes: tuple[str, ...] = ()) -> Problem:
        """A problem that concerns no place in a text: a data set, a device, a run folder."""
        return cls(Diagnostic(code, message, help=help, notes=notes))
