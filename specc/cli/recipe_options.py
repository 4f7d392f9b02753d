"""Options of commands that are settings of the recipe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from specc.recipe.judging import choices, explain_wrong, from_text, is_switch, is_whole
from specc.recipe.recipe import Recipe

FLAGS = {"from_weights": "from"}  # no argument of Python's can be called so
METAVARS = {
    "from_weights": "RUN|FILE|torchvision:NAME", "freeze": "NAMES", "freeze_after": "NAME=3,...",
    "rates": "NAME=10x,...", "decays": "NAME=0x,...",
    "heads": "NAME=1,...",
    "betas": "X,Y", "data": "NAME|FOLDER|FILE",
    "data_dir": "DIR", "device": "DEVICE", "resize": "SIZE", "class_weights": "balanced|LIST",
}  # fmt: skip


def _metavar(name: str) -> str:
    return METAVARS.get(name) or "|".join(choices(name)) or ("N" if is_whole(name) else "X")


def _help(name: str, description: str | None) -> str:
    default = Recipe.model_fields[name].default
    return f"{description}  [{default}]" if default is not None else f"{description}"


def _read(context: click.Context, option: click.Parameter, text: str | None) -> object:
    name = option.name or ""
    if text is None:
        return None
    value = from_text(name, text)
    wrong = explain_wrong(name, value)
    if wrong:
        raise click.BadParameter(f"{wrong.message}" + (f"; {'; '.join(wrong.help.splitlines())}" if wrong.help else ""))
    return value


def setting_options(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option for each of some fields of the recipe, in their order."""

    def added(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            flag, about = f"--{FLAGS.get(name, name).replace('_', '-')}", Recipe.model_fields[name].description
            if is_switch(name):
                option = click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=about)
            else:
                option = click.option(flag, name, callback=_read, metavar=_metavar(name), help=_help(name, about))
            command = option(command)
        return command

    return added


def recipe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each field of the recipe, in the fields' order."""
    return setting_options(*Recipe.model_fields)(command)
