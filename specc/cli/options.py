"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TextIO, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


class ShapeType(click.ParamType[tuple[int, ...]]):
    """`1x28x28` as a tuple of ints."""

    name = "shape"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        if not re.fullmatch(r"[1-9][0-9]{0,8}(x[1-9][0-9]{0,8}){0,3}", value):
            self.fail(f"'{value}' is not a shape; write channels first, such as 1x28x28 or 784", param, ctx)
        return tuple(int(part) for part in value.split("x"))


class WritesWithOption(click.Command):
    """Has one argument and `-o`: a second argument is most often the file that is to be written."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True
        more = super().parse_args(ctx, args)
        if more and not ctx.resilient_parsing:
            from specc.diagnostics.spelling import typed

            first = str(ctx.params[str(self.params[0].name)])
            is_alike = more[0].rpartition(".")[2] == first.rpartition(".")[2]  # a second spec, not what is made of one
            hint = "" if is_alike else f"; to write to it: `-o {typed(more[0])}`"
            ctx.fail(f"Got unexpected extra argument ({' '.join(more)}){hint}")
        return more


def _assignments(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name.strip() or not text.strip():
            raise click.BadParameter(f"'{value}' is not of the form name=value, such as width=32")
        pairs[name.strip()] = text.strip()
    return pairs


def input_option(command: Command) -> Command:
    """`--input 3x32x32`"""
    return click.option(
        "--input", "input_shape", type=ShapeType(), metavar="SHAPE",
        help="Shape of one sample, channels first, in place of the spec's own `input`.",
    )(command)  # fmt: skip


def set_option(command: Command) -> Command:
    """`--set width=32`"""
    return click.option(
        "--set", "settings", multiple=True, callback=_assignments, metavar="NAME=VALUE",
        help="Give a `param` of the spec another value; may be repeated.",
    )(command)  # fmt: skip


_QUIET = "specc.cli.quiet"


def _set_quiet(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    ctx.meta[_QUIET] = value


def quiet_option(command: Command) -> Command:
    """`--quiet`, which `somebody_looks` obeys."""
    return click.option(
        "--quiet", "-q", is_flag=True, expose_value=False, callback=_set_quiet,
        help="Print findings only: on a terminal, too, nothing about a spec that is right.",
    )(command)  # fmt: skip


def somebody_looks(stream: TextIO) -> bool:
    """Whether what is right is told as well: on a terminal, unless `--quiet` is given."""
    return stream.isatty() and not click.get_current_context().meta.get(_QUIET)


def _set_colour(ctx: click.Context, param: click.Parameter, value: str) -> None:
    ctx.color = {"always": True, "never": False}.get(value)


def color_option(command: Command) -> Command:
    """`--color auto|always|never`"""
    return click.option(
        "--color", type=click.Choice(["auto", "always", "never"]), default="auto", expose_value=False,
        callback=_set_colour, help="When to use colour; auto: on a terminal, unless NO_COLOR or FORCE_COLOR is set.",
    )(command)  # fmt: skip
