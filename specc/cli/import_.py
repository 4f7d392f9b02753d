"""`specc import`: a spec of a torch model or of a Darknet file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from specc.cli.options import WritesWithOption, input_option
from specc.cli.output import STDOUT, deliver
from specc.cli.printing import print_text, say
from specc.cli.report import fail
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, spelled, typed


@click.command("import", cls=WritesWithOption)
@click.argument("source")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE",
    help="Where to write the spec, overwriting a file that exists.  [standard output]")  # fmt: skip
@click.option("--weights", type=click.Path(path_type=Path), metavar="FILE",
    help="Write the model's weights too, under the spec's names, as .safetensors.")  # fmt: skip
@input_option
def command(source: str, output: Path | None, weights: Path | None, input_shape: tuple[int, ...] | None) -> None:
    """Make a spec from SOURCE.

    \b
    torchvision:resnet18      one of torchvision's models
    package.module:factory    a function or class of your own that makes an nn.Module, or a model that is there
    darknet19.cfg             a Darknet file, without weights

    A torch model is followed in one run, call by call. The spec is compiled, gets the model's weights, and is written
    only if it gives the same output; what has no word is listed. Importing runs the module that is named: never name
    one that you do not trust.
    """
    from specc.exchange.importing.importer import import_source

    try:
        found = import_source(source, input_shape)
        if weights is not None:
            _write_weights(found, weights)
        if output is not None and str(output) != STDOUT:
            deliver(found.text.encode(), output)
            _write_names(found, source, output)
    except Problem as problem:
        sys.exit(fail(problem))
    if output is None or str(output) == STDOUT:
        print_text(found.text)
    _tell(found, source, output)
    if weights is not None and source.startswith("torchvision:"):
        own = f'torchvision.models.{source.partition(":")[2]}(weights="DEFAULT")'
        made = f"note: {weights} holds the random weights that torchvision's model was made with"
        say(f"{made}; for learned ones import a function of your own that returns `{own}`", err=True)


def _write_weights(found: Any, path: Path) -> None:
    from specc.build.stored import weights_file

    if found.network is None:
        raise Problem.of("E664", "a Darknet `.cfg` holds no weights", help="leave out `--weights`")
    deliver(weights_file(found.network, {"spec": found.text}), path)


def _write_names(found: Any, source: str, output: Path) -> None:
    """Beside a spec with that ending, so that nothing else is put where somebody did not ask for it."""
    from specc.build.names import names_beside, names_text

    if found.names and output.suffix == ".cnn":
        deliver(names_text(source, found.names).encode(), names_beside(output))


def _tell(found: Any, source: str, output: Path | None) -> None:
    from specc.build.names import names_beside

    shape = spelled(found.model.input)
    if found.assumed:
        say(f"input {shape} is assumed; give another with `--input`", err=True)
    checked = f"; largest difference from the model {found.difference:.1e}" if found.network is not None else ""
    size = f"{counted(found.text.count(chr(10)), 'line')}, {counted(found.model.params, 'parameter')}"
    say(f"imported {source}: {size}{checked}", err=True)
    for remark in found.remarks:
        say(f"note: {remark}", err=True)
    if output is not None and str(output) != STDOUT:
        say(f"wrote {output}; `specc summary {typed(output)}` shows it", err=True)
        if found.names and output.suffix == ".cnn":
            say(f"wrote {names_beside(output)}; by it `specc.load_weights` takes the model's own weights", err=True)
