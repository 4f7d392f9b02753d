"""What `specc check` adds to an error: edits that mend it; and `--fix`, which makes those that are certain."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from specc.cli.printing import print_text, say, show_page
from specc.diagnostics.diagnostic import Diagnostic
from specc.files import reason
from specc.gallery import PREFIX
from specc.pipeline import Analysis
from specc.reading import Unreadable, read_source

if TYPE_CHECKING:
    from specc.fixes.search import SearchTime


class Advice:
    """The suggestions of one run: for all files within one budget. Nothing is imported before the first error."""

    def __init__(self, input_shape: tuple[int, ...] | None, settings: Mapping[str, Any]) -> None:
        self.input_shape, self.settings = input_shape, settings
        self._budget: SearchTime | None = None

    def on(self, analysis: Analysis) -> Analysis:
        """The analysis, each error with the edits that mend it in the place of its general help."""
        if analysis.ok:
            return analysis
        from specc.fixes.search import Asked, SearchTime, advise

        self._budget = self._budget or SearchTime()
        return analysis._replace(
            diagnostics=advise(analysis, Asked(analysis.input_shape, analysis.settings), self._budget)
        )

    def fix(self, path: str, stream: TextIO) -> Analysis:
        """Mends a file and shows the difference; standard input goes to standard output, mended.

        Raises: Unreadable for a spec of the gallery and for a file that cannot be written.
        """
        if path.startswith(PREFIX):
            name = path.removeprefix(PREFIX)
            help = f"`specc new {name}` copies it to a file of your own"
            raise Unreadable(Diagnostic("E107", f"`{path}` comes with specc and is not changed", help=help))
        from specc.fixes.apply import difference, fix, write_fixed
        from specc.fixes.search import Asked

        source = read_source(path)
        fixed = fix(source, Asked(self.input_shape, self.settings))
        if path == "-":
            print_text(fixed.source.text)
        elif fixed.changed:
            try:
                write_fixed(Path(path), fixed.source.text)
            except OSError as error:
                raise Unreadable(Diagnostic("E107", f"`{path}` cannot be written: {reason(error)}")) from None
        if fixed.changed:
            show_page(difference(source, fixed.source).rstrip("\n"), stream=stream)
            for line in fixed.applied:
                say(f"{source.path}: fixed {line}", stream=stream)
        return fixed.analysis


def report_stream(files: tuple[str, ...], *, fix: bool) -> TextIO:
    """Where findings go: to standard output, unless the mended text goes there."""
    return sys.stderr if fix and "-" in files else sys.stdout
