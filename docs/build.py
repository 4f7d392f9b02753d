"""Writes the reference pages from the code that they describe: `python docs/build.py`.

A layer, a code, a command says everything about itself in one place; a page here is that, laid out. A test compares
the pages with what this writes, so that they cannot fall behind.
"""

from __future__ import annotations

import inspect
import runpy
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from specc.cli.main import COMMANDS, main
from specc.diagnostics.codes import CODES
from specc.layers.base import Layer
from specc.layers.fields import accepts, role
from specc.layers.registry import LAYERS, torch_names

FOLDER = Path(__file__).parent
LAYERS_INTRODUCTION = """\
What `specc layers NAME` shows, on one page. How words, sizes and flags are written is told in
[the language](../language.md#steps)."""
FAMILIES = {
    "E1": "Syntax",
    "E2": "Names and arguments",
    "E3": "Shapes",
    "E4": "Limits and budgets",
    "W5": "Lints",
    "E6": "Data and runs",
    "E7": "Use elsewhere",
}


def layers() -> str:
    """Every layer by family: what it does, its arguments, an example, the class of torch that it becomes."""
    lines = ["# Layers", "", LAYERS_INTRODUCTION, ""]
    for family, classes in groupby(LAYERS.values(), key=lambda cls: cls.family):
        lines += [f"## {family.capitalize()}", ""]
        for cls in classes:
            lines += _layer(cls)
    return "\n".join(lines).rstrip() + "\n"


def _layer(cls: type[Layer]) -> Iterator[str]:
    yield from (f"### `{cls.keyword}`", "")
    yield from (f"{_about(cls)}. In torch: {_torch(cls)}.", "")
    yield from ("```cnn", *cls.example.split(" ; "), "```", "")
    names = sorted(cls.model_fields, key=lambda name: not role(cls.model_fields[name]).positional)
    rows = [_argument(cls, name) for name in names]
    if rows:
        yield from ("| argument | meaning | takes | default |", "|---|---|---|---|", *rows, "")


def _about(cls: type[Layer]) -> str:
    first = (cls.__doc__ or "").splitlines()[0].rstrip(".")
    return first[0].upper() + first[1:] if first[1:2] != "·" else first


def _torch(cls: type[Layer]) -> str:
    return ", ".join(f"`{name}`" if name.isidentifier() else name for name in torch_names(cls))


def _argument(cls: type[Layer], name: str) -> str:
    info = cls.model_fields[name]
    written = role(info)
    keys = [f"`{key}`" for key in (name, written.short) if key]
    bare = "" if not written.positional else " (also without a key)"
    default = "required" if info.is_required() else _default(info.default)
    return f"| {', '.join(keys)}{bare} | {_cell(written.doc)} | {_cell(accepts(info).text)} | {default} |"


def _default(value: object) -> str:
    if value is None:
        return ""
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def codes() -> str:
    """Every error and warning with its explanation."""
    lines = ["# Codes", "", "What `specc explain CODE` tells. Codes are stable: a program may rely on them.", ""]
    known = sorted(CODES.values())
    for prefix, title in FAMILIES.items():
        family = [code for code in known if code.code.startswith(prefix)]
        lines += [f"- [{title}](#{title.lower().replace(' ', '-')}): {family[0].code} to {family[-1].code}"]
    for prefix, title in FAMILIES.items():
        lines += ["", f"## {title}", ""]
        for code in known:
            if code.code.startswith(prefix):
                lines += [f"### {code.code}: {code.title}", "", code.explanation.strip(), ""]
    return "\n".join(lines).rstrip() + "\n"


def commands() -> str:
    """Every command's help: read from the options themselves, so that it does not depend on click's layout."""
    lines = ["# Commands", "", "What `specc COMMAND --help` shows.", ""]
    lines += [f"- [`specc {name}`](#specc-{name}): {_cell(about)}" for name, about in COMMANDS.items()]
    root = click.Context(main, info_name="specc")
    for name in COMMANDS:
        lines += ["", *_command(main.get_command(root, name), f"specc {name}", "##")]
    return "\n".join(lines).rstrip() + "\n"


def _command(command: click.Command | None, path: str, heading: str) -> Iterator[str]:
    if command is None:
        raise LookupError(f"`{path}` is listed and is not there")
    arguments = [part for part in command.params if isinstance(part, click.Argument)]
    options = [part for part in command.params if isinstance(part, click.Option) and not part.hidden]
    yield from (
        f"{heading} `{path}`",
        "",
        "```text",
        " ".join([path, *map(_placeholder, arguments), "[OPTIONS]"]),
        "```",
    )
    yield from ("", inspect.cleandoc(command.help or "").replace("\b\n", ""), "")
    if options:
        yield from ("| option | meaning |", "|---|---|", *map(_option, options))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from ("", *_command(command.get_command(context, name), f"{path} {name}", f"{heading}#"))


def _placeholder(argument: click.Argument) -> str:
    name = argument.metavar or (argument.name or "").upper() + ("…" if argument.nargs == -1 else "")
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _option(option: click.Option) -> str:
    value = "" if option.is_flag else f" {option.metavar or _kind(option.type)}"
    written = ", ".join(f"`{name}{_cell(value)}`" for name in option.opts)
    return f"| {'/'.join([written, *(f'`{name}`' for name in option.secondary_opts)])} | {_cell(option.help or '')} |"


def _kind(kind: click.ParamType[Any]) -> str:
    if isinstance(kind, click.Choice):
        return "|".join(map(str, kind.choices))
    return "N" if isinstance(kind, (click.types.IntParamType, click.types.FloatParamType)) else kind.name.upper()


def recipe() -> str:
    """Every setting of the recipe by section."""
    return str(runpy.run_path(str(FOLDER / "recipe_page.py"))["page"]())


PAGES: dict[str, Callable[[], str]] = {
    "reference/layers": layers,
    "reference/codes": codes,
    "reference/commands": commands,
    "recipe": recipe,
}


def build() -> None:
    """Write every page."""
    (FOLDER / "reference").mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / f"{name}.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    build()
