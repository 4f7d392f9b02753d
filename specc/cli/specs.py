"""`specc specs`: the gallery, listed or one spec printed."""

from __future__ import annotations

import sys

import click

from specc.cli.printing import cut_to_width, in_columns, page, print_text, show_page
from specc.cli.report import fail
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import nearest, shown
from specc.gallery import PREFIX, GalleryEntry, entries


@click.command("specs")
@click.argument("name", required=False)
@click.option(
    "--tag", "tags", multiple=True, metavar="TAG", help="List those of this tag only; several: of all of them."
)
def command(name: str | None, tags: tuple[str, ...]) -> None:
    """List the specs that come with specc, or print the one called NAME.

    Tags say what a network is for (classification, segmentation, detection, generation, restoration, …), what it takes
    (vectors, signals, pictures, volumes) and its folder (lectures, classics, small, more).

    Every command takes gallery:NAME where it takes a file.
    """
    from specc.reading import read_source

    if name is None:
        show_page(listing(_tagged(tags)))
        return
    if tags:
        raise click.UsageError("--tag narrows the list: leave out the name, or --tag")
    try:
        print_text(read_source(PREFIX + name.removeprefix(PREFIX)).text)
    except Problem as problem:
        sys.exit(fail(problem))


def _tagged(tags: tuple[str, ...]) -> list[GalleryEntry]:
    """The specs that have all of some tags. Raises: click.BadParameter for one that no spec has."""
    found = entries()
    known = {tag for spec in found for tag in spec.tags}
    for tag in tags:
        if tag not in known:
            guess = nearest(tag, sorted(known))
            meant = f"did you mean `{guess}`?" if guess else f"there are {', '.join(sorted(known))}"
            raise click.BadParameter(f"no spec has the tag `{shown(tag)}`; {meant}", param_hint="--tag")
    return [spec for spec in found if set(tags) <= set(spec.tags)]


def listing(specs: list[GalleryEntry]) -> str:
    """A line for each spec: name, input, parameters, title; cut to the width of a terminal."""
    rows = [("name", "input", "parameters", "")]
    rows += [(spec.name, spec.input, f"{spec.parameters:,}", spec.title) for spec in specs]
    note = "`specc specs NAME` prints a spec, `specc new NAME` copies it, `gallery:NAME` stands for it."
    return page(cut_to_width([*in_columns(rows, right=[2]), "", note]))
