"""`specc predict`: what a trained network sees in pictures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from specc.cli.chosen import USAGE_CODES, device_of, device_option, fit_option, invert_option, weights_option
from specc.cli.printing import page, print_json, say, show_page
from specc.cli.report import EXIT_ERRORS, EXIT_USAGE, fail, show
from specc.diagnostics.diagnostic import Problem
from specc.tasks.review import Answer

if TYPE_CHECKING:
    from specc.evaluate.predict import Answered


class Asked(NamedTuple):
    """The options of the command but `--json`."""

    top: int
    invert: bool
    kind: str | None
    fit: bool
    device: str


@click.command("predict")
@click.argument("run", metavar="RUN|WEIGHTS", type=click.Path(path_type=Path))
@click.argument("pictures", metavar="PICTURE...", nargs=-1, required=True)
@click.option("--top", type=click.IntRange(min=1), default=5, metavar="N", help="How many classes to name.  [5]")
@invert_option
@weights_option
@fit_option
@device_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line, one for each picture.")
def command(run: Path, pictures: tuple[str, ...], as_json: bool, **asked: Any) -> None:
    """Name the likeliest classes of PICTUREs: files, folders, or - for standard input.

    A picture is converted as the recipe of the run says: size, colour, mean and deviation of the training pictures.

    Exit status: 0 all pictures were read, 1 some, or the weights, could not be used, 2 the command was wrong or
    there is no such run.
    """
    try:
        complete = _predict(run, pictures, Asked(**asked), as_json)
    except Problem as problem:
        status = fail(problem)
        sys.exit(EXIT_USAGE if problem.diagnostic.code in USAGE_CODES else status)
    sys.exit(0 if complete else EXIT_ERRORS)


def _predict(run: Path, pictures: tuple[str, ...], asked: Asked, as_json: bool) -> bool:
    """Print an answer for each picture. Returns: whether all could be read."""
    from specc.evaluate.trained import load_trained, weights_of

    weights_of(run, asked.kind)
    place = device_of(asked.device)
    from specc.evaluate.pictures import expanded, taker_of
    from specc.evaluate.predict import predict

    trained = load_trained(run, asked.kind, place)
    scaled = asked.fit or trained.recipe.resize is not None
    taker = taker_of(trained.data.sample, trained.data.scaling(), scaled=scaled, invert=asked.invert)
    complete = True
    for one in predict(trained, expanded(pictures, _note), taker, asked.top, place):
        if one.problem is not None:
            complete = False
            show([one.problem])
        if as_json:
            print_json(_as_json(one))
        elif one.answer is not None:
            show_page(_as_text(one.picture, one.answer))
    return complete


def _note(text: str) -> None:
    say(f"note: {text}", err=True)


def _as_json(one: Answered) -> dict[str, Any]:
    values = one.answer.values if one.answer else {"classes": []}
    return {"picture": one.picture, **values, "error": one.problem and one.problem.message}


def _as_text(picture: str, answer: Answer) -> str:
    if len(answer.words) == 1:
        return page([f"{picture}: {answer.words[0]}"])
    return page([picture, *(f"  {line}" for line in answer.words)])
