"""`specc data`: the data sets that there are, their files, what is in them, and a sheet of samples."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from specc.cli.printing import print_json, say, show_page
from specc.cli.recipe_options import setting_options
from specc.cli.report import fail
from specc.data.sources import BUILT_IN, DataSource, Report, all_entries, data_source, default_data_dir, find, path_of
from specc.diagnostics.diagnostic import Problem
from specc.recipe.augmentations import known
from specc.recipe.reading import overridden
from specc.recipe.recipe import Recipe
from specc.tasks.registry import TASKS

if TYPE_CHECKING:
    from specc.data.inspect.sheet import SheetRow

Command = TypeVar("Command", bound=Callable[..., Any])

SIGNALLED = 128
PREPARED = ("resize", "fit", "channels", "normalize")
SHOWN = (*PREPARED, *(own for name, one in known(Recipe).items() for own in (name, *one.options)))


@click.group("data", short_help="List, fetch, count or show data sets.")
def command() -> None:
    """The data sets that `specc train --data` takes: named ones, and folders of pictures."""


def data_dir_option(command: Command) -> Command:
    """`--data-dir DIR`"""
    return click.option(
        "--data-dir", type=click.Path(path_type=Path), metavar="DIR", callback=_expanded,
        help="Folder that holds the named data sets' files.  [the user's cache]",
    )(command)  # fmt: skip


def json_option(command: Command) -> Command:
    """`--json`"""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def _expanded(context: click.Context, option: click.Parameter, value: Path | None) -> Path:
    try:
        return path_of(str(value)) if value else default_data_dir()
    except Problem as problem:
        raise click.BadParameter(problem.diagnostic.message) from None


@command.command("list", short_help="Data sets that have names, and whether their files are here.")
@data_dir_option
@json_option
def list_(data_dir: Path, as_json: bool) -> None:
    """List the named data sets, and whether their files are here."""
    from specc.cli.data_text import listing, presence_json
    from specc.data.download import presence

    with told():
        found = [presence(entry, data_dir, built_in=entry.name in BUILT_IN) for entry in all_entries()]
        if as_json:
            print_json([presence_json(one) for one in found], indent=2)
        else:
            show_page(listing(found, data_dir))


@command.command(short_help="Download data sets and check every file.")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@data_dir_option
def fetch(names: tuple[str, ...], data_dir: Path) -> None:
    """Download the data sets called NAME and check every file.

    What a stopped download has fetched is kept: the same command goes on with it.
    """
    from specc.cli.data_text import fetched
    from specc.cli.transfer import reporting
    from specc.data.download import presence

    with told("what has arrived is kept, and the same command continues from there"):
        for name in names:
            entry = find(name)
            if entry is None:
                raise click.UsageError(f"{name} is a folder: there is nothing to fetch.")
            with reporting() as report:
                _source(name, data_dir).fetch(report)
            say(fetched(presence(entry, data_dir, built_in=name in BUILT_IN)))


@command.command(short_help="Classes, sizes, mean, duplicates, damaged files.")
@click.argument("source", metavar="NAME|FOLDER|FILE")
@data_dir_option
@json_option
def info(source: str, data_dir: Path, as_json: bool) -> None:
    """Count a data set: pictures of each class, sizes, mean and deviation, duplicates, damaged files."""
    from specc.cli.data_text import census_json, census_text
    from specc.cli.transfer import counting, reporting
    from specc.data.inspect.census import census_of

    with told():
        data = _source(source, data_dir)
        with reporting() as report:
            data.fetch(report)
        with counting() as count:
            found = census_of(data, count)
        if as_json:
            print_json(census_json(found), indent=2)
        else:
            show_page(census_text(found))


@command.command(short_help="Draw a sheet of samples as a picture.")
@click.argument("source", metavar="NAME|FOLDER|FILE")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), metavar="FILE",
    help="The picture; - for standard output.  [NAME.png]")  # fmt: skip
@click.option("--count", type=click.IntRange(1, 100), default=8, help="Pictures of each class.", show_default=True)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, help="Seed by which they are chosen.", show_default=True
)
@data_dir_option
@click.option("--augmented", is_flag=True,
    help="Draw a training batch of --count pictures, prepared and changed as the recipe says.")  # fmt: skip
@click.option("--spec", metavar="SPEC", help="With --augmented: the spec whose recipe it is; options win over it.")
@setting_options(*SHOWN)
def show(
    source: str, out: Path | None, count: int, seed: int, data_dir: Path, augmented: bool, **said: Any
) -> None:  # fmt: skip
    """Draw a sheet of samples, some of each class, as a picture; or a batch as training sees it."""
    from specc.cli.output import deliver
    from specc.cli.transfer import reporting
    from specc.data.inspect.sheet import UNWRITABLE, draw_sheet, encoded, rows_of

    options = {name: value for name, value in said.items() if value is not None}
    if options and not augmented:
        name = next(iter(options)).replace("_", "-")
        raise click.UsageError(f"--{name} goes with --augmented.")
    with told():
        data = _source(source, data_dir)
        with reporting() as report:
            data.fetch(report)
            rows = _batch(data, count, seed, report, options) if augmented else rows_of(data, count, seed)
        sheet = draw_sheet(rows)
        place = out or Path(f"{data.survey().name}.png")
        deliver(encoded(sheet, place), place, UNWRITABLE)
        if str(place) != "-":
            say(f"wrote {place}: {sheet.width}x{sheet.height} pixels")


def _batch(
    data: DataSource, count: int, seed: int, report: Report, options: dict[str, Any]
) -> tuple[SheetRow, ...]:  # fmt: skip
    """A training batch, by a spec's recipe and options. Raises: Problem."""
    from specc.data.inspect.augmented import augmented_rows

    spec = options.pop("spec", None)
    task = next((name for name, one in TASKS.items() if one.target == data.survey().target), "reconstruct")
    recipe = Recipe(task=task) if spec is None else _recipe_of(spec, data.request.data)
    asked = {"data": data.request.data, "data_dir": str(data.request.data_dir), "seed": seed, **options}
    return augmented_rows(data, overridden(recipe, asked), count, report)


def _recipe_of(spec: str, data: str) -> Recipe:
    """The recipe of a spec. Ends where it has errors."""
    from specc.cli.report import EXIT_ERRORS
    from specc.cli.report import show as show_findings
    from specc.data.fit import completed
    from specc.pipeline import analyse
    from specc.reading import read_source

    analysis = completed(analyse(read_source(spec)), {"data": data})
    if not analysis.ok:
        show_findings(analysis.diagnostics)
        sys.exit(EXIT_ERRORS)
    return analysis.recipe


def _source(name: str, data_dir: Path) -> DataSource:
    """What is meant by a name, a folder or a file. Raises: Problem E601, E619."""
    return data_source(Recipe(data=name, data_dir=str(data_dir)))


@contextmanager
def told(stopped: str = "") -> Iterator[None]:
    """Shows a problem, or that Ctrl-C came, and ends with the exit status that it means."""
    try:
        yield
    except Problem as problem:
        sys.exit(fail(problem))
    except KeyboardInterrupt:
        show_page(f"\nstopped{'; ' if stopped else ''}{stopped}", stream=sys.stderr)
        sys.exit(SIGNALLED + signal.SIGINT)
