"""`specc layers`: the reference of every layer, generated from the layer classes."""

from __future__ import annotations

import sys
from itertools import groupby

import click

from specc.cli.printing import in_columns, say, show_page
from specc.cli.report import EXIT_USAGE
from specc.layers.base import Layer
from specc.layers.fields import accepts, role
from specc.layers.registry import LAYERS, find_layer, torch_names


@click.command("layers")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """Show all layers, or one: its arguments, their defaults, an example, and what it becomes in torch."""
    if name is None:
        show_page(overview())
        return
    cls = find_layer(name)
    if cls is None:
        say(f"Error: there is no layer `{name}`{_meant(name)}", err=True)
        sys.exit(EXIT_USAGE)
    show_page(reference(cls))


def _meant(name: str) -> str:
    from specc.diagnostics.spelling import nearest
    from specc.ir.names.foreign import own_layer_word

    guess = own_layer_word(name) or nearest(name, LAYERS)
    return f"; did you mean `{guess}`?" if guess else "; `specc layers` lists them all"


def overview() -> str:
    """Every layer with its one line, by family."""
    lines = []
    for family, classes in groupby(LAYERS.values(), key=lambda cls: cls.family):
        lines.append(f"\n{family}")
        lines += [f"  {cls.keyword:<16} {_first_line(cls)}" for cls in classes]
    return "\n".join(lines).strip() + "\n\n`specc layers NAME` explains a layer's arguments."


def reference(cls: type[Layer]) -> str:
    """The page of one layer."""
    lines = [
        f"{cls.keyword} — {_first_line(cls)}",
        "",
        f"  family   {cls.family}",
        f"  torch    {' '.join(torch_names(cls))}",
    ]
    lines += [f"  example  {cls.example.replace(' ; ', '; ')}", ""]
    rows = [_row(name, cls) for name in cls.model_fields]
    if not rows:
        return "\n".join([*lines, "It takes no arguments."])
    told = in_columns([(f"  {key}", text) for key, text, _ in rows])
    for title, positional in (
        ("arguments without a key, in this order", True),
        ("arguments with a key, or flags", False),
    ):
        chosen = [line for line, (_, _, bare) in zip(told, rows, strict=True) if bare is positional]
        lines += [title, *chosen, ""] if chosen else []
    return "\n".join(lines).rstrip()


def _row(name: str, cls: type[Layer]) -> tuple[str, str, bool]:
    info = cls.model_fields[name]
    written = role(info)
    key = f"{name}, {written.short}" if written.short else name
    default = "required" if info.is_required() else f"default {_shown(info.default)}"
    return key, f"{written.doc} ({accepts(info).text}; {default})", written.positional


def _shown(value: object) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _first_line(cls: type[Layer]) -> str:
    return (cls.__doc__ or "").splitlines()[0].rstrip(".")
