"""`specc predict`: what a trained network sees in pictures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

from specc.cli.chosen import device_of, device_option, fit_option, invert_option, tta_option, weights_option
from specc.cli.output import csv_of
from specc.cli.printing import page, print_json, print_text, say, show_page
from specc.cli.report import EXIT_ERRORS, fail, show
from specc.diagnostics.diagnostic import Problem

if TYPE_CHECKING:
    from specc.evaluate.predict import Answered


class Predicted(NamedTuple):
    """The options of the command but for how it is told."""

    top: int
    invert: bool
    kind: str | None
    fit: bool
    device: str
    out: Path
    tta: Literal["flip", "shift"] | None


@click.command("predict")
@click.argument("run", metavar="RUN|WEIGHTS", type=click.Path(path_type=Path))
@click.argument("pictures", metavar="PICTURE...", nargs=-1, required=True)
@click.option("--top", type=click.IntRange(min=1), default=5, metavar="N", help="How many classes to name.  [5]")
@invert_option
@weights_option
@fit_option
@tta_option
@device_option
@click.option("--out", type=click.Path(path_type=Path), default=Path("predicted"), metavar="DIR",
    help="Folder for the masks of a run that gives a class for each pixel.  [predicted]")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line, as does --format json.")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text",
    help="How it is told: json is an object per line, csv a table.  [text]")  # fmt: skip
def command(run: Path, pictures: tuple[str, ...], as_json: bool, form: str, **asked: Any) -> None:
    """Tell what a network sees in PICTUREs: the likeliest classes, the labels, the numbers, or a mask and the picture
    with the mask over it.

    A PICTURE is a file, a folder, a .zip file, a quoted pattern such as 'photos/**/*.jpg', or - for one on standard
    input. It is converted as the recipe of the run says: size, colour, mean and deviation of the training pictures. A
    note tells of those that are light where training pictures were dark, or of other proportions.

    Exit status: 0 all pictures were read, 1 some, or the weights, could not be used, 2 the command was wrong or
    there is no such run.
    """
    try:
        complete = _predict(run, pictures, Predicted(**asked), TELLERS["json" if as_json else form]())
    except Problem as problem:
        sys.exit(fail(problem))
    sys.exit(0 if complete else EXIT_ERRORS)


def _predict(run: Path, pictures: tuple[str, ...], asked: Predicted, teller: TextWriter) -> bool:
    """Print an answer for each picture. Returns: whether all could be read."""
    from specc.evaluate.trained import load_trained, weights_of

    weights_of(run, asked.kind)
    place = device_of(asked.device)
    from specc.evaluate.flipped import with_tta
    from specc.evaluate.named import expanded
    from specc.evaluate.oddities import Oddities
    from specc.evaluate.pictures import taker_of
    from specc.evaluate.predict import predict

    trained = load_trained(run, asked.kind, place)
    data = trained.data
    taker = taker_of(data.sample, data.scaling(), trained.recipe, convert=asked.fit, invert=asked.invert)
    complete = True
    trained = trained._replace(model=with_tta(trained.model, trained, asked.tta))
    odd = Oddities(data, taker)
    for one in predict(trained, expanded(pictures, _note), taker, asked.top, place, asked.out, odd.look):
        if one.problem is not None:
            complete = False
            show([one.problem])
        teller.tell(one)
    teller.end()
    for note in odd.notes():
        _note(note)
    return complete


def _note(text: str) -> None:
    say(f"note: {text}", err=True)


class TextWriter:
    """For people."""

    def tell(self, one: Answered) -> None:
        """An answer, or what is wrong with a picture."""
        if one.answer is None:
            return
        lines = (*one.answer.words, *(f"{name} {path}" for name, path in one.files.items()))
        if len(lines) == 1:
            show_page(page([f"{one.picture}: {lines[0]}"]))
        else:
            show_page(page([one.picture, *(f"  {line}" for line in lines)]))

    def end(self) -> None:
        """There is no picture left."""


class Json(TextWriter):
    """An object a line."""

    def tell(self, one: Answered) -> None:
        print_json(one.values)


class Csv(TextWriter):
    """A table with a head, told at the end: what its columns are the first answer says."""

    def __init__(self) -> None:
        self._rows: list[dict[str, object]] = []

    def tell(self, one: Answered) -> None:
        cells = dict(one.answer.cells) if one.answer else {}
        error = one.problem.message if one.problem else ""
        self._rows.append({"picture": one.picture, **cells, **one.files, "error": error})

    def end(self) -> None:
        print_text(csv_of(self._rows, ("picture",), ("error",)))


TELLERS: dict[str, type[TextWriter]] = {"text": TextWriter, "json": Json, "csv": Csv}
