"""`report.html`: a run on one page, in one file, without a script and without anything to load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from specc.diagnostics.amounts import duration
from specc.diagnostics.spelling import called, counted
from specc.report.content import Content
from specc.report.matrix import classes_of, scores_of
from specc.report.network import network_of, picture_of
from specc.report.table import ReportTable
from specc.report.template import rendered
from specc.tasks.registry import MEASURES
from specc.tasks.rows import Rows


def page(content: Content) -> str:
    """The whole document."""
    return rendered(
        "report.html", run=content, tiles=list(_tiles(content)), epochs=_epochs(content.rows),
        classes=classes_of(content.confusion, content.scores) if content.confusion else None,
        scores_of_all=None if content.confusion else content.scores and _scores_of_all(content.scores),
        network=network_of(content.model), picture=picture_of(content.model),
        recipe=list(_settings(content.recipe)), options=_options(content.recipe),
        environment=[(_spaced(name), _flat(value)) for name, value in _flattened(content.environment)],
    )  # fmt: skip


def _scores_of_all(rows: Rows) -> dict[str, Any]:
    return {"title": rows.many.capitalize(), "scores": scores_of(rows)}


def _tiles(content: Content) -> Iterator[tuple[str, str, str]]:
    rows, model = content.rows, content.model
    if content.best:
        yield from _scores(rows[-1], rows[content.best - 1])
    if rows:
        yield "epochs", f"{len(rows)} of {content.recipe['epochs']}", f"{duration(sum(r['seconds'] for r in rows))}"
    noun = called(model.input)
    samples = counted(content.samples, f"test {noun}") if content.samples else ""
    yield "data", content.data, samples
    yield "parameters", f"{model.params:,}", f"{counted(model.macs, 'MAC')} for a {noun}"


def _scores(last: Mapping[str, Any], best: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Those of the best epoch, whose weights a run is used with; beside them those at the end where that is another."""
    told = [name for name in best if name.startswith("test_") and name != "test_loss"]
    for name in (*told, "test_loss", "train_loss"):
        text = partial(_number, name)
        if best.get(name) is not None:
            at_end = "" if best is last else f", at the end {text(last[name])}"
            yield (
                _title(name).replace("train ", "training "),
                text(best[name]),
                f"epoch {best['epoch']}{at_end}",
            )


def _epochs(rows: Sequence[Mapping[str, Any]]) -> ReportTable:
    """A row for each epoch."""
    names = list(rows[-1]) if rows else []
    cells = [[_number(name, row.get(name)) for name in names] for row in rows]
    return ReportTable([_title(name) for name in names], cells)


def _number(name: str, value: Any) -> str:
    if value is None:
        return "–"
    measure = MEASURES.get(name.partition("_")[2])
    if measure is not None:
        return measure.text(value)
    return str(value) if isinstance(value, int) else f"{value:.1f}" if name == "seconds" else f"{value:.4g}"


def _settings(recipe: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in recipe.items():
        if value is not None and name != "options":
            yield _spaced(name), _flat(value)


def _options(recipe: Mapping[str, Any]) -> str:
    """What was set outside the spec, empty where nothing was."""
    options = recipe.get("options")
    return _flat(options) if options else ""


def _title(name: str) -> str:
    split, _, measure = name.partition("_")
    return f"{split} {MEASURES[measure].title}" if measure in MEASURES else _spaced(name)


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _flattened(found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Versions and hardware among the other facts; of an environment that was continued, the first."""
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield from value.items()
        elif name == "resumed":
            yield "resumed", counted(len(value), "time") if isinstance(value, list) else "once"
        else:
            yield name, value


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_flat(one)}" for name, one in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return " ".join(map(_flat, value)) or "none"
    return {True: "yes", False: "no", None: "–"}[value] if isinstance(value, bool) or value is None else str(value)
