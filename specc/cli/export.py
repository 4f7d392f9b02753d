"""`specc export`: a spec or a run as Python, ONNX or a torch program."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from specc.cli.checked import checked_model
from specc.cli.options import WritesWithOption, input_option, set_option
from specc.cli.output import STDOUT, deliver
from specc.cli.printing import print_text, say
from specc.cli.report import fail
from specc.diagnostics.amounts import in_bytes
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, typed
from specc.ir.shaped import ShapedModel

if TYPE_CHECKING:
    from specc.emit.program.compared import Exported, Quantised


@click.command("export", cls=WritesWithOption)
@click.argument("source", metavar="SPEC|RUN")
@click.option("--to", type=click.Choice(["python", "onnx", "pt2"]), help="The format.  [by the ending of -o]")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE",
    help="Where to write it, replacing any file; - is standard output.  [-, or NAME.onnx and NAME.pt2]")  # fmt: skip
@click.option("--weights", metavar="best|last|FILE",
    help="Which weights: a run's best or last, or a .safetensors file.  [a run's best]")  # fmt: skip
@click.option("--pictures", is_flag=True,
    help="The program takes pictures as bytes and gives what `predict` tells: onnx and pt2 of a run.")  # fmt: skip
@click.option("--int8", is_flag=True,
    help="The program computes with bytes, on ranges from training pictures: onnx of a run.")  # fmt: skip
@click.option("--data", metavar="NAME|FOLDER|FILE",
    help="With --int8: pictures to find the ranges on and to measure with.  [the run's own]")  # fmt: skip
@input_option
@set_option
def command(  # noqa: PLR0913, PLR0917 - an option each
    source: str,
    to: Any,
    output: Path | None,
    weights: str | None,
    pictures: bool,
    int8: bool,
    data: str | None,
    input_shape: tuple[int, ...] | None,
    settings: dict[str, str],
) -> None:
    """Write SPEC, or the network of RUN with what it learned, for use without specc.

    \b
    python  a readable nn.Module that imports nothing but torch; the weights of a run load into it by name
    onnx    one file with the weights, for any batch size; compared with the network by onnxruntime
    pt2     torch.export's format, for any batch size; loaded again and compared

    A program without learned weights holds the initial ones of seed 0. What int8 costs is measured on test pictures and
    told.
    """
    from specc.exchange.export import format_of
    from specc.exchange.subject import weights_of

    to = to or format_of(output)
    if to is None:
        raise click.UsageError(
            "give the format: `--to python`, `--to onnx` or `--to pt2`, or end -o in .py, .onnx, .pt2"
        )
    if pictures and to == "python":
        raise click.UsageError("`--pictures` is for `--to onnx` and `--to pt2`; the Python of a run has `predict`")
    if int8 and to != "onnx":
        raise click.UsageError("`--int8` is for `--to onnx`")
    if data is not None and not int8:
        raise click.UsageError("`--data` is for `--int8`")
    try:
        file = weights_of(source, weights)
        model = _model(source, file, input_shape, settings)
        if to == "python":
            _write_python(model, output, file)
        else:
            _write(model, to, output, lambda: _program(model, file, to, pictures, int8, data))
    except Problem as problem:
        sys.exit(fail(problem))


def _model(
    source: str, weights: Path | None, input_shape: tuple[int, ...] | None, settings: dict[str, Any]
) -> ShapedModel:
    from specc.exchange.subject import is_run, read_run

    if weights is None or not is_run(source):
        return checked_model(source, input_shape, settings)
    if input_shape or settings:
        raise click.UsageError("a run has its own input and parameters; `--input` and `--set` are for specs")
    run = read_run(Path(source), weights)
    return checked_model(run.source, run.input, run.settings)


def _program(
    model: ShapedModel, weights: Path | None, to: Any, pictures: bool, int8: bool, data: str | None
) -> Exported | Quantised:
    from specc.exchange.export import export_int8, export_program

    if int8:
        return export_int8(model, weights, data, pictures=pictures)
    return export_program(model, weights, to, pictures=pictures)


def _write(model: ShapedModel, to: str, output: Path | None, make: Callable[[], Exported | Quantised]) -> None:
    from specc.emit.python.program import stem_of

    exported = make()
    target = output or Path(f"{stem_of(model.source.path)}.{to}")
    deliver(exported.content, target)
    if str(target) != STDOUT:
        say(f"wrote {target}: {in_bytes(len(exported.content))}; {exported.told}", err=True)


def _write_python(model: ShapedModel, output: Path | None, weights: Path | None) -> None:
    from specc.exchange.export import export_source, require_free_name

    to_file = output is not None and str(output) != STDOUT
    if output is not None and to_file:
        require_free_name(output)
    exported = export_source(model, weights, output.parent if output is not None and to_file else Path())
    if output is None or not to_file:
        print_text(exported.text)
        return
    deliver(exported.text.encode(), output)
    length = counted(exported.text.count("\n"), "line")
    same = "names, weights and outputs" if exported.is_run else "names and shapes (too large to be run here)"
    use = " PICTURE…` predicts pictures" if exported.predicts else "` runs a batch of two"
    told = f"{same} are the network's; `python {typed(output)}{use}"
    say(f"wrote {output}: {length}; {told}", err=True)
