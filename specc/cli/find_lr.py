"""`specc train --find-lr`: the loss over the learning rate, as text and as a picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from specc.cli.output import deliver
from specc.cli.printing import page, print_json, say, show_page
from specc.cli.telling import prints_json
from specc.diagnostics.diagnostic import Problem
from specc.recipe.recipe import Recipe
from specc.runner.before import Subject
from specc.runner.callbacks.base import Callback
from specc.runner.find_lr import RateCurve, find_lr

ROWS, BAR = 20, 40  # of the text, in lines and cells
KINDS = (".svg", ".png")


def require_picture(out: Path | None) -> None:
    """Raise Problem E692 where `--out` names no picture."""
    if out is not None and out.suffix.lower() not in KINDS:
        raise Problem.of("E692", f"`--find-lr` writes a picture, and {out} is none",
            help=f"`--out {out.stem or 'curve'}.svg` or `.png`; without `--out` the curve is told as text")  # fmt: skip
    if out is not None and not out.absolute().parent.is_dir():
        raise Problem.of("E692", f"there is no folder {out.parent} for {out.name}",
            help="name another file with `--out`")  # fmt: skip


def tell_rates(subject: Subject, recipe: Recipe, out: Path | None, callback: Callback) -> None:
    """Try the rates, tell the curve and a suggestion, and write the picture. Raises: Problem E692; as `find_lr`."""
    require_picture(out)
    found = find_lr(subject, recipe, callback)
    if prints_json():
        print_json({"event": "find_lr", **found._asdict(), "suggestion": found.suggestion, "lowest": found.lowest})
        _write(found, out)
        return
    show_page(page(text(found)))
    if found.suggestion is None:
        say("the loss falls at no rate; more pictures or a larger batch may show more")
    else:
        say(f"it falls most steeply at {found.suggestion:.2g}, and is smallest at {found.lowest:.2g}: "
            f"try `--lr {found.suggestion:.2g}`")  # fmt: skip
    _write(found, out)
    if out is not None:
        say(f"wrote {out}")


def _write(found: RateCurve, out: Path | None) -> None:
    """The picture where one is asked for, after the curve was told: trying the rates has taken its time."""
    if out is not None:
        deliver(picture(found, out.suffix.lower()), out, "E692", option="--out")


def text(found: RateCurve) -> Iterator[str]:
    """A line for some of the rates, with the mean loss as a bar."""
    yield "rate      loss"
    every = max(1, -(-len(found.rates) // ROWS))
    low = min(found.means, default=0.0)
    range_of = max(found.means, default=0.0) - low or 1.0
    for rate, mean in list(zip(found.rates, found.means, strict=True))[::every]:
        yield f"{rate:.1e}  {mean:<8.4g}{'#' * round(BAR * (mean - low) / range_of)}"


def picture(found: RateCurve, kind: str) -> bytes:
    """The curve as SVG or PNG."""
    from specc.report.chart import Chart, Series
    from specc.report.curves import curves_png, curves_svg

    curves = (("loss", found.losses), ("mean", found.means))
    series = [Series(name, hue, tuple(zip(found.rates, told, strict=True))) for hue, (name, told) in enumerate(curves)]
    charts = [Chart("loss", tuple(series), "learning rate")]
    return curves_png(charts) if kind == ".png" else curves_svg(charts).encode()
