"""The entry point: commands are looked up by name, so that `specc check` loads nothing of `specc train`."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import TextIOWrapper
from keyword import iskeyword
from typing import Any

import click

from specc import __version__

STOPPED = 130  # what shells say of a program that Ctrl-C ended
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)  # what a `> file` may meet

# A command is a file of this folder with a `command` in it; the text is its line in `specc --help`.
COMMANDS = {
    "check": "Find the mistakes in specs, without running them.",
    "summary": "Show a spec's layers, shapes, parameters and multiply-accumulates.",
    "fmt": "Write specs in canonical form; --shapes notes the shapes.",
    "draw": "Draw a network: SVG, PNG, Mermaid or Graphviz.",
    "diff": "Compare two specs: layers, shapes, parameters, and which weights would carry over.",
    "train": "Train a spec on a data set.",
    "grade": "Mark a folder of answers to a lesson.",
    "bench": "Measure how fast a spec trains on this machine.",
    "sweep": "Search settings: many runs of one spec.",
    "runs": "List runs, or compare some.",
    "eval": "Evaluate a trained network: accuracy, classes, confusion matrix.",
    "predict": "Say what a trained network sees in pictures.",
    "serve": "Answer HTTP requests with a trained network.",
    "play": "Open a page on which a network is edited, drawn and looked into.",
    "peek": "Draw the feature maps after each layer for a picture.",
    "export": "Write a spec or a run as Python, ONNX or a torch program.",
    "import": "Make a spec from a torch model or a Darknet file.",
    "data": "List, fetch, count or show data sets.",
    "specs": "List the specs that come with specc, or print one.",
    "new": "Copy a spec of the gallery to start from.",
    "layers": "Show the reference of all layers, or of one.",
    "explain": "Explain a diagnostic code.",
    "lsp": "Serve an editor: diagnostics, fixes and shapes while a spec is written.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = cmd_name + "_" * iskeyword(cmd_name)  # no module can be called `import`
        command = import_module(f"specc.cli.{module}").command
        assert isinstance(command, click.Command)  # noqa: S101 - narrows the type for mypy
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *args: Any, **extra: Any) -> Any:
        _replace_what_streams_lack()
        with _stoppable():
            return super().main(*args, **extra)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with _stoppable():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _stoppable():
                return super().invoke(ctx)
        except OSError as error:
            if error.filename is None and error.errno in FULL:
                raise _unwritable_output(error) from None
            if error.filename is None:  # a closed pipe, which click knows how to end
                raise
            sys.exit(_unusable_path(error))
        except (MemoryError, RuntimeError) as error:
            from specc.cli.report import fail
            from specc.diagnostics.memory import no_memory, says_no_memory

            if not says_no_memory(error):
                raise
            sys.exit(fail(no_memory()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(_unknown_command(args[0]), ctx) from error


@contextmanager
def _stoppable() -> Iterator[None]:
    """Ctrl-C ends the command; click itself would say that it failed. Its errors are made fit to be shown."""
    try:
        yield
    except click.UsageError as error:
        raise _shown(error) from None
    except KeyboardInterrupt:
        click.echo("\nstopped", err=True)
        sys.exit(STOPPED)


def _shown(error: click.UsageError) -> click.UsageError:
    """An error of the command line, which repeats what was typed, with nothing in it that acts on a terminal."""
    from specc.diagnostics.visible import shortened, visible

    if isinstance(error, click.MissingParameter | click.exceptions.NoArgsIsHelpError):  # of several lines, its own
        return error
    return click.UsageError(visible(shortened(error.format_message())), error.ctx)


def _unwritable_output(error: OSError) -> click.ClickException:
    from specc.runner.callbacks.lines import drop_output

    drop_output()
    return click.ClickException(f"the output cannot be written: {error.strerror}")


def _unusable_path(error: OSError) -> int:
    """Tell that the system refuses a path, which can happen wherever one is looked at. Returns: the exit status."""
    from specc.cli.report import fail
    from specc.diagnostics.diagnostic import Diagnostic
    from specc.reading import Unreadable

    return fail(Unreadable(Diagnostic("E107", f"`{error.filename}` cannot be used: {error.strerror}")))


def _unknown_command(name: str) -> str:
    from specc.diagnostics.spelling import nearest, typed

    guess = nearest(name, COMMANDS)
    if guess:
        return f"There is no command `{name}`; did you mean `{guess}`?"
    if name.endswith(".cnn"):
        return f"There is no command `{name}`; to check that file, write `specc check {typed(name)}`."
    return f"There is no command `{name}`."


def _replace_what_streams_lack() -> None:
    """A sign that a stream's encoding lacks, such as × in ASCII, becomes a question mark, whatever writes it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
            stream.reconfigure(errors="replace")


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="specc %(version)s")
def main() -> None:
    """Declarative specs for convolutional networks: check, price and train them."""
