"""`report.html`: a run on one page, in one file, without a script and without anything to load."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from importlib.resources import files
from typing import Any

from specc.diagnostics.spelling import counted
from specc.report.content import Content, Shown
from specc.report.matrix import matrix_of
from specc.report.network import network_of, picture_of
from specc.report.table import share_text, table

# Nothing may be loaded or run, whatever a class or a parameter is called.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(content: Content) -> str:
    """The whole document."""
    style = files("specc.report").joinpath("report.css").read_text(encoding="utf-8")
    body = "\n".join(part for part in _parts(content) if part)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(content.name)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _parts(content: Content) -> Iterator[str]:
    yield _head(content)
    yield _curves(content)
    if content.confusion is not None:
        yield matrix_of(content.confusion)
    yield _mistakes(content)
    yield _pairs(content)
    yield f"<h2>Network</h2>\n{network_of(content.model)}\n{_details('Spec', f'<pre>{escape(content.spec)}</pre>')}"
    picture = picture_of(content.model)
    if picture:
        yield _details("Picture", picture)
    yield _record(content)


def _head(content: Content) -> str:
    resume = ""
    if content.resume:
        resume = f'<p class="soft">Continue it with:</p>\n<pre>{escape(content.resume)}</pre>'
    return (
        f'<header>\n<h1>{escape(content.name)}</h1>\n<p class="soft">{escape(content.state)}</p>\n{resume}\n'
        f'<dl class="tiles">\n{"".join(_tile(*tile) for tile in _tiles(content))}</dl>\n{_provenance(content)}</header>'
    )


def _provenance(content: Content) -> str:
    """Whose the figures and the answers are."""
    return f'<p class="soft">{escape(content.weights)}</p>\n' if content.weights else ""


def _tile(name: str, value: str, note: str) -> str:
    small = f"<small>{escape(note)}</small>" if note else ""
    return f"<div><dt>{escape(name)}</dt><dd>{escape(value)}{small}</dd></div>\n"


def _tiles(content: Content) -> Iterator[tuple[str, str, str]]:
    rows, model = content.rows, content.model
    if content.best:
        yield from _scores(rows[-1], rows[content.best - 1])
    if rows:
        yield "epochs", f"{len(rows)} of {content.recipe['epochs']}", f"{_duration(sum(r['seconds'] for r in rows))}"
    pictures = counted(content.confusion.pictures, "test picture") if content.confusion else ""
    yield "data", content.data, pictures
    yield "parameters", f"{model.params:,}", f"{counted(model.macs, 'MAC')} for a picture"


def _scores(last: Mapping[str, Any], best: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Those of the best epoch, whose weights a run is used with; beside them those at the end where that is another."""
    measures = {"test_accuracy": share_text, "test_loss": "{:.4g}".format, "train_loss": "{:.4g}".format}
    for name, text in measures.items():
        if best.get(name) is not None:
            at_end = "" if best is last else f", at the end {text(last[name])}"
            yield (
                name.replace("train_", "training ").replace("_", " "),
                text(best[name]),
                f"epoch {best['epoch']}{at_end}",
            )


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"


def _curves(content: Content) -> str:
    if not content.rows:
        return '<p class="soft">No epoch was finished, so there are no curves.</p>'
    charts = "\n".join(f"<div>{curve}</div>" for curve in content.curves)
    names = list(content.rows[-1])
    cells = [[_number(name, row.get(name)) for name in names] for row in content.rows]
    rows = table([name.replace("_", " ") for name in names], cells)
    return f'<h2>Curves</h2>\n<div class="charts">\n{charts}\n</div>\n{_details("Every epoch", rows)}'


def _number(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if name.endswith("accuracy"):
        return share_text(value)
    return str(value) if isinstance(value, int) else f"{value:.1f}" if name == "seconds" else f"{value:.4g}"


def _mistakes(content: Content) -> str:
    if content.confusion is None:
        return ""
    if not content.mistakes:
        missing = content.confusion.right < content.confusion.pictures
        return "" if missing else "<h2>Mistakes</h2>\n<p>None: every test picture was recognised.</p>"
    figures = "\n".join(map(_figure, content.mistakes))
    said = "The wrong answers that the network was surest of: the true class, then the answer with its probability."
    return f'<h2>Worst mistakes</h2>\n<p class="soft">{said}</p>\n<div class="pictures">\n{figures}\n</div>'


def _figure(one: Shown) -> str:
    true, predicted = escape(one.true), escape(one.predicted)
    said = f'<b class="true">{true}</b> → <b class="wrong">{predicted}</b> {share_text(one.confidence)}'
    image = f'<img alt="{true}, taken for {predicted}" src="{data_uri(one.png)}">'
    return f"<figure>{image}<figcaption>{said}</figcaption></figure>"


def _pairs(content: Content) -> str:
    if not content.pairs:
        return ""
    figures = "\n".join(
        f'<figure><img alt="original" src="{data_uri(one.original)}"> <img alt="reconstruction" '
        f'src="{data_uri(one.made)}"><figcaption>loss {one.loss:.4g}</figcaption></figure>'
        for one in content.pairs
    )
    said = "The first test pictures, each beside what the network makes of it, with the mean squared error."
    return f'<h2>Reconstructions</h2>\n<p class="soft">{said}</p>\n<div class="pictures pairs">\n{figures}\n</div>'


def data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}"


def _record(content: Content) -> str:
    recipe = {name: value for name, value in content.recipe.items() if value is not None and name != "options"}
    options = content.recipe.get("options") or {}
    said = f'<p class="soft">Set outside the spec: {escape(_flat(options))}.</p>' if options else ""
    return (
        f'<div class="columns">\n<section><h2>Recipe</h2>\n{said}{_facts(recipe.items())}</section>\n'
        f"<section><h2>Environment</h2>\n{_facts(_flattened(content.environment))}</section>\n</div>"
    )


def _facts(items: Iterable[tuple[str, Any]]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name.replace("_", " "))}</th><td class="wrap">{escape(_flat(value))}</td></tr>\n'
        for name, value in items
    )
    return f"<table>\n{rows}</table>"


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


def _details(title: str, inner: str) -> str:
    return f'<details><summary>{title}</summary>\n<div class="scroll">{inner}</div></details>'
