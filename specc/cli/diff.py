"""`specc diff`: two specs beside each other."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import click

from specc.cli.checked import checked_model
from specc.cli.options import color_option, input_option, set_option
from specc.cli.printing import page, print_json
from specc.cli.report import wants_colour
from specc.diagnostics.spelling import counted
from specc.diagnostics.visible import shortened
from specc.ir.analysis.compare import Change, RowPair, WeightsMoved, compare_rows, compare_weights
from specc.ir.shaped import Row, ShapedModel
from specc.layers.base import written

_SIGNS: dict[Change, str] = {"same": " ", "changed": "~", "removed": "-", "added": "+"}
_COLOURS: dict[Change, str | None] = {"same": None, "changed": "yellow", "removed": "red", "added": "green"}
SHOWN = 6  # tensors that are named
MOST_CHARACTERS = 200_000  # of the lines of layers


@click.command("diff")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@input_option
@set_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How it is shown.")
@color_option
def command(first: str, second: str, input_shape: tuple[int, ...] | None, settings: dict[str, str], form: str) -> None:
    """Compare the networks of two specs: layers, shapes, parameters, MACs, and which weights of A would fit B.

    --input and --set hold for both. Exit status: 0 even where they differ, 1 errors in a spec, 2 a file could not be
    read or the command was wrong.
    """
    models = [checked_model(path, input_shape, settings) for path in (first, second)]
    pairs, weights = compare_rows(*models), compare_weights(*models)
    if form == "json":
        print_json(as_json((first, second), models, pairs, weights), indent=2)
        return
    colour = wants_colour(sys.stdout)
    for line, change in (
        *_bounded(_layer_lines(pairs)),
        *_total_lines((first, second), models),
        *_weight_lines(weights, models),
    ):
        shown = page([line])
        click.echo(click.style(shown, fg=_COLOURS[change]) if colour and _COLOURS[change] else shown, color=True)


def as_json(
    paths: tuple[str, str], models: list[ShapedModel], pairs: list[RowPair], weights: WeightsMoved
) -> dict[str, Any]:
    """Both totals, every pair of rows with what became of it, and the tensors."""
    sides = {
        side: {"file": path, "input": model.input, "output": model.gives, "params": model.params, "macs": model.macs}
        for side, path, model in zip("ab", paths, models, strict=True)
    }
    layers = [{"change": pair.change, "a": _row(pair.first), "b": _row(pair.second)} for pair in pairs]
    reshaped = [{"name": name, "a": a, "b": b} for name, (a, b) in weights.reshaped.items()]
    tensors = {
        "carried": list(weights.carried), "carried_parameters": weights.carried_parameters, "reshaped": reshaped,
        "only_a": list(weights.only_first), "only_b": list(weights.only_second),
    }  # fmt: skip
    return {**sides, "layers": layers, "weights": tensors}


def _row(row: Row | None) -> dict[str, object] | None:
    return row.public() if row is not None else None


def _bounded(lines: Iterator[tuple[str, Change]]) -> Iterator[tuple[str, Change]]:
    """As many lines as somebody looks through, and how many more there are."""
    length = 0
    for line, change in lines:
        shown = shortened(line)
        length += len(shown)
        if length > MOST_CHARACTERS:
            yield f"  {counted(1 + sum(1 for _ in lines), 'more line')}, which `--format json` has", "same"
            return
        yield shown, change


def _layer_lines(pairs: list[RowPair]) -> Iterator[tuple[str, Change]]:
    """What changed, a line a layer; layers that did not are counted."""
    for same, group in groupby(pairs, key=lambda pair: pair.change == "same"):
        if same:
            yield f"  {counted(len(list(group)), 'layer')} alike", "same"
        else:
            yield from ((f"{_SIGNS[pair.change]} {_pair_text(pair)}", pair.change) for pair in group)


def _pair_text(pair: RowPair) -> str:
    first, second = pair.first, pair.second
    if first is None or second is None:
        row = first or second
        assert row is not None  # noqa: S101 - a pair has one row at least
        return f"{_titled(row)}  {written(row.input)} -> {written(row.output)}{_costs(row)}"
    parts = [_change(written(first.output), written(second.output))]
    if first.input != second.input:
        parts.insert(0, f"gets {_change(written(first.input), written(second.input))}, gives")
    parts += [
        f"{name} {_change(f'{ours:,}', f'{theirs:,}')}"
        for name, ours, theirs in (("params", first.params, second.params), ("MACs", first.macs, second.macs))
        if ours != theirs
    ]
    return f"{_change(_titled(first), _titled(second))}  {'  '.join(parts)}"


def _titled(row: Row) -> str:
    """A row's name, with its kind where a label hides that."""
    own = row.name.rpartition(".")[2]
    return row.name if own.startswith(row.kind) else f"{row.name} ({row.kind})"


def _change(before: str, after: str) -> str:
    return before if before == after else f"{before} => {after}"


def _costs(row: Row) -> str:
    counts = (("params", row.params), ("MACs", row.macs))
    return "".join(f"  {name} {count:,}" for name, count in counts if count)


def _total_lines(paths: tuple[str, str], models: list[ShapedModel]) -> Iterator[tuple[str, Change]]:
    first, second = models
    yield "", "same"
    yield f"{paths[0]} => {paths[1]}", "same"
    yield f"  output  {_change(written(first.gives), written(second.gives))}", "same"
    for name, ours, theirs in (("params", first.params, second.params), ("MACs", first.macs, second.macs)):
        yield f"  {name:<7} {_change(f'{ours:,}', f'{theirs:,}')}{_percent(ours, theirs)}", "same"


def _percent(before: int, after: int) -> str:
    return f" ({100 * (after - before) / before:+.1f} %)" if before and before != after else ""


def _weight_lines(weights: WeightsMoved, models: list[ShapedModel]) -> Iterator[tuple[str, Change]]:
    """Which tensors of A a `load_state_dict` into B would take."""
    count = len(weights.carried)
    total = count + len(weights.reshaped) + len(weights.only_first)
    carry = "carries" if total == 1 else "carry"
    yield (
        f"  weights {count:,} of {counted(total, 'tensor')} {carry} over by name and shape, "
        f"{weights.carried_parameters:,} of {counted(models[0].params, 'parameter')}", "same",
    )  # fmt: skip
    reshaped = [f"{name} ({written(a)} => {written(b)})" for name, (a, b) in weights.reshaped.items()]
    for what, names in (
        ("another shape", reshaped), ("only in A", list(weights.only_first)), ("only in B", list(weights.only_second)),
    ):  # fmt: skip
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            yield f"    {what}: {', '.join(map(shortened, names[:SHOWN]))}{more}", "same"
