"""Jupyter and IPython: `%load_ext specc`, then cells that begin with `%%specc`.

    %%specc net --input 1x28x28
    conv 32 k3 p1 -> relu -> maxpool 2
    flatten -> linear 10

The cell is checked and its report shown; where it has no errors, `net` is the compiled module.
"""

from __future__ import annotations

import keyword
from argparse import ArgumentParser
from typing import NoReturn

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, cell_magic, magics_class
from IPython.display import display

from specc.api import Report, check_source
from specc.emit.draw.styles import STYLES, Style
from specc.emit.html import report_html, totals
from specc.source import Source


@magics_class
class SpecMagics(Magics):
    """The magics of this extension."""

    @cell_magic
    def specc(self, line: str, cell: str) -> None:
        """Check a spec, show its picture and its layers, and compile it.

        %%specc [NAME] [--input SHAPE] [--set NAME=VALUE]… [--style flow|lecture]

        NAME, the variable for the compiled module; without it the cell is only checked. --input, the shape of one
        sample, such as 1x28x28, in place of the cell's `input`; --set, another value for a `param`; --style, how it
        is drawn.
        """
        given = _parser().parse_args(line.split())
        if given.name is not None and (not given.name.isidentifier() or keyword.iskeyword(given.name)):
            raise UsageError(f"`{given.name}` is not a name for a variable")
        assert self.shell is not None  # noqa: S101 - a magic is registered with a shell
        report = _checked(_source(cell), given.input, given.set)
        display(_Shown(report, given.style))  # type: ignore[no-untyped-call]  # IPython's own
        if given.name is not None and report.model is not None:
            from specc.build.compile import build

            self.shell.push({given.name: build(report.model)})  # type: ignore[no-untyped-call]  # the same


class _Parser(ArgumentParser):
    """Arguments of a magic; what is wrong with them is told in a line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def _parser() -> _Parser:
    parser = _Parser(prog="%%specc", add_help=False, allow_abbrev=False)
    parser.add_argument("name", nargs="?")
    parser.add_argument("--input")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--style", choices=STYLES, default="flow")
    return parser


class _Shown:
    """What stands under a cell: a page in a notebook, text in a terminal."""

    def __init__(self, report: Report, style: Style) -> None:
        self.report, self.style = report, style

    def _repr_html_(self) -> str:
        return report_html(self.report.diagnostics, self.report.model, self.style)

    def __repr__(self) -> str:
        found = [str(self.report)] if self.report.diagnostics else []
        return "\n\n".join([*found, *([totals(self.report.model)] if self.report.model else [])])


def _source(cell: str) -> Source:
    """The cell's text; an empty line stands for that of the magic, so that lines are counted as the notebook does."""
    return Source("cell", "\n" + cell)


def _checked(source: Source, shape: str | None, settings: list[str]) -> Report:
    """Raises: UsageError for an option that is wrong."""
    pairs = dict(_pair(setting) for setting in settings)
    try:
        return check_source(source, shape, pairs)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _pair(setting: str) -> tuple[str, str]:
    name, equals, value = setting.partition("=")
    if not (name and equals and value):
        raise UsageError(f"`{setting}` is not of the form NAME=VALUE, such as width=32")
    return name, value


def load_ipython_extension(shell: InteractiveShell) -> None:
    """What `%load_ext specc` calls."""
    shell.register_magics(SpecMagics)
