"""`specc peek`: what each layer makes of a picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specc.cli.checked import checked_model
from specc.cli.chosen import fit_option, invert_option, weights_option
from specc.cli.options import input_option, set_option
from specc.cli.output import STDOUT, deliver
from specc.cli.printing import say
from specc.cli.report import fail
from specc.diagnostics.diagnostic import Problem

if TYPE_CHECKING:
    from specc.evaluate.peek import PeekSubject


@click.command("peek")
@click.argument("network", metavar="RUN|SPEC")
@click.argument("picture", required=False)
@click.option("--output", "-o", default="peek.png", metavar="FILE",
    help="Where it is drawn, a .png; - is standard output.  [peek.png]")  # fmt: skip
@click.option("--sample", type=click.IntRange(min=0), metavar="N",
    help="In place of PICTURE the test picture with this number, from 0.")  # fmt: skip
@click.option("--data-dir", metavar="DIR", help="With --sample: the folder that holds the named data sets' files.")
@click.option("--layer", "layers", multiple=True, metavar="NAME",
    help="Only this layer, or all in this block; may be repeated.")  # fmt: skip
@click.option("--maps", type=click.IntRange(1, 1024), default=16, metavar="N",
    help="How many maps of each layer to draw at most.  [16]")  # fmt: skip
@invert_option
@weights_option
@fit_option
@input_option
@set_option
def command(  # noqa: PLR0913, PLR0917 - an option each
    network: str,
    picture: str | None,
    output: str,
    sample: int | None,
    data_dir: str | None,
    layers: tuple[str, ...],
    maps: int,
    invert: bool,
    kind: str | None,
    fit: bool,
    input_shape: tuple[int, ...] | None,
    settings: dict[str, str],
) -> None:
    """Draw the feature maps after each layer and the first kernels, for one PICTURE (- is standard input); of a
    run that knows classes also what its answer rests on.

    The network is that of a run, of a weights file, or of a spec with fresh weights; --input and --set are for a spec.

    Exit status: 0 drawn, 1 the weights, the spec or the picture cannot be used, 2 the command was wrong or there is no
    such file.
    """
    if (picture is None) == (sample is None):
        raise click.UsageError("Name a PICTURE, or a test picture with --sample N.")
    if output != STDOUT and Path(output).suffix.lower() != ".png":
        raise click.BadParameter(f"'{output}' does not end in .png", param_hint="--output")
    try:
        subject = _subject(network, kind, fit, invert, input_shape, settings)
        deliver(_drawn(subject, picture, sample, data_dir, maps, layers), output)
    except Problem as problem:
        sys.exit(fail(problem))
    if output != STDOUT:
        say(f"wrote {output}")


def _subject(
    network: str, kind: str | None, fit: bool, invert: bool, shape: tuple[int, ...] | None, settings: dict[str, str]
) -> PeekSubject:
    """The network. A folder, and what ends like weights, is a run; anything else a spec."""
    if Path(network).is_dir() or network.endswith(".safetensors"):
        from specc.evaluate.trained import load_trained, weights_of

        weights_of(Path(network), kind)
        from specc.evaluate.peek import of_trained

        return of_trained(load_trained(Path(network), kind), fit=fit, invert=invert)
    model = checked_model(network, shape, settings)
    from specc.evaluate.peek import of_spec

    return of_spec(Path(network).stem, model, fit=fit, invert=invert)


def _drawn(
    subject: PeekSubject,
    picture: str | None,
    sample: int | None,
    data_dir: str | None,
    maps: int,
    layers: tuple[str, ...],
) -> bytes:
    from specc.evaluate.peek import from_data, from_file, peek

    if picture is not None:
        title = "standard input" if picture == STDOUT else Path(picture).name
        return peek(subject, from_file(subject, picture), title, maps, layers)
    number = sample or 0
    return peek(subject, from_data(subject, number, data_dir), f"test picture {number}", maps, layers)
