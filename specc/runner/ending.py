"""What a run leaves for people when it ends: `report.html`.

Nothing here can make a run fail: what goes wrong is told in one line, and the file of before stays.
"""

from __future__ import annotations

import copy
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specc import files
from specc.data.batches import WHOLE
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, typed
from specc.pipeline import analyse
from specc.report.content import Content, Figure, Shown
from specc.report.curves import charts_of, curves_svg
from specc.report.page import page
from specc.report.pictures import png_of
from specc.runner.callbacks.base import why_best
from specc.runner.metrics import Metrics, best_of, is_complete
from specc.runner.review import reviewed
from specc.runner.run_folder import ENVIRONMENT, SPEC, file_of
from specc.runner.views import views_of
from specc.source import Source
from specc.tasks.review import Gallery

if TYPE_CHECKING:
    from specc.data.batches import Batches, Scaling
    from specc.runner.callbacks.base import Callback
    from specc.runner.run_folder import Record, RunFolder
    from specc.runner.session import Session

REPORT = "report.html"


def write_report(
    session: Session,
    folder: RunFolder,
    record: Record,
    callback: Callback,
    weights: str | None,
    *,
    stopped: int | None = None,
    failed: str = "",
) -> Path | None:
    """Write the page as the session stands.

    Args:    weights, the file with those of the network; None where it is not looked at. stopped, the signal that ended
             the run; failed, what did.
    Returns: the page, None where it could not be written, or another process writes it.
    """
    if not folder.writes:
        return None
    try:
        content = _content(session, folder.path, record, weights, stopped, failed)
        folder.write(REPORT, page(content).encode())
    except KeyboardInterrupt:
        callback.warn(f"stopped again: {REPORT} is not written; everything else is")
    except Problem as problem:
        callback.warn(f"{problem.diagnostic.message}; everything that the run has learned is in {folder.path}")
    except Exception as error:  # hours of training must not end in a failure over a picture of it
        callback.warn(f"{REPORT} could not be written ({type(error).__name__}: {error}); the run itself is complete")
    else:
        return folder.path / REPORT
    return None


def _content(
    session: Session, path: Path, record: Record, weights: str | None, stopped: int | None, failed: str
) -> Content:
    metrics = tuple(session.state.position.metrics)
    best, done = best_of(metrics[record.adopted_after :]), is_complete(metrics, record.recipe, record.adopted_after)
    analysis = analyse(Source(str(path / SPEC), record.spec), record.input, record.params)
    assert analysis.model is not None  # noqa: S101 - it has just been trained
    rows = tuple(one.row() for one in metrics)
    content = Content(
        name=path.resolve().name,
        state=_state(session, record, stopped, failed),
        resume=None if done else f"specc train --resume {typed(path)}",
        spec=record.spec, model=analysis.model, data=session.dataset.name,
        rows=rows, curves=tuple(curves_svg([chart]) for chart in charts_of(rows)), best=best.epoch if best else None,
        recipe=record.as_json(), environment=_environment(path),
        weights="" if weights is None else _provenance(weights, metrics[record.adopted_after :]),
    )  # fmt: skip
    if weights is None:
        return content
    is_best = best is not None and weights == file_of("best")
    return _with_answers(content, session, best.epoch if best and is_best else 0)


def _provenance(weights: str, metrics: Sequence[Metrics]) -> str:
    """Which weights gave the answers, and why those."""
    best = best_of(metrics)
    if best is None:
        which = "as they were before the first epoch was finished"
    elif weights != file_of("best"):
        which = "those at the end"
    else:
        which = f"those of epoch {best.epoch}" + (f", {why_best(best)}" if len(metrics) > 1 else "")
    return f"The answers below were given with the weights in {weights}, {which}."


def _state(session: Session, record: Record, stopped: int | None, failed: str) -> str:
    """How the run ended, and of which epochs that does not speak."""
    first = record.adopted_after
    before = "the first epoch is" if first == 1 else f"the first {first} epochs are"
    adopted = f" Before that, {before} of another network or other data." if first else ""
    return _outcome(session, record, stopped, failed) + adopted


def _outcome(session: Session, record: Record, stopped: int | None, failed: str) -> str:
    done, asked = len(session.state.position.metrics), counted(record.recipe.whole_epochs, "epoch")
    if failed:
        return f"Failed after {done} of {asked}: {failed}."
    if stopped:
        return f"Stopped by {signal.Signals(stopped).name} after {done} of {asked}."
    if done < record.recipe.whole_epochs:
        return f"Complete: stopped early after {done} of {asked}."
    return f"Complete: {counted(done, 'epoch')}."


def _environment(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found = files.read_json(path / ENVIRONMENT)
        if isinstance(found, dict):
            return found
    return {}


def _with_answers(content: Content, session: Session, epoch: int) -> Content:
    """The same with what the network says to the test samples: with the weights of an epoch, or of none (0)."""
    batches, scaling, outputs = _whole(session.test), session.test.scaling, session.outputs_of(epoch)
    found = reviewed(session.evaluated, batches, session.goal, session.task.examples, outputs)
    return content._replace(
        samples=len(batches), confusion=found.confusion, scores=found.rows,
        gallery=found.gallery and _shown(found.gallery, scaling), views=_views(session, found.gallery),
    )  # fmt: skip


def _views(session: Session, gallery: Gallery | None) -> tuple[Shown, ...]:
    """Further views. None where one cannot be had, of a layer of another package without a slope for instance."""
    try:
        return tuple(views_of(session, gallery))
    except (RuntimeError, ValueError, TypeError):
        return ()


def _shown(gallery: Gallery, scaling: Scaling | None) -> Shown:
    """The same with its images as PNG."""
    figures = (
        Figure(tuple((png_of(image, scaling), said) for image, said in one.images), one.caption)
        for one in gallery.examples
    )
    return Shown(gallery.title, gallery.said, tuple(figures), gallery.is_wide)


def _whole(batches: Batches) -> Batches:
    """All pictures of a split, also where this process tests only its part of them."""
    whole = copy.copy(batches)
    whole.shard = WHOLE
    return whole
