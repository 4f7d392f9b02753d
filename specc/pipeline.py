"""The stages in order: text -> tree -> model -> shaped model -> module. The page to read first.

    text ─parse→ Tree ─resolve→ Model ─infer→ ShapedModel ─build→ nn.Sequential ─train→ Run

Every stage is one function that returns a value and diagnostics; none prints, none exits, and only `build` and
`train` import torch.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from specc.diagnostics.diagnostic import Diagnostic
from specc.ir.lesson import is_lesson, without_answers
from specc.ir.lint import joined
from specc.ir.lint import lint as find_doubtful
from specc.ir.model import Model
from specc.ir.names.holes import OPEN_HOLE
from specc.ir.names.overrides import read_overrides
from specc.ir.names.resolve import resolve
from specc.ir.shaped import ShapedModel
from specc.ir.shapes.infer import Visits, infer
from specc.source import Source, Span
from specc.syntax.parse import Parsed, parse
from specc.syntax.tree import Tree

if TYPE_CHECKING:
    from specc.recipe.recipe import Recipe


class Analysis(NamedTuple):
    """Everything that a spec says without being run.

    model:       the network with its shapes; None where something is wrong.
    diagnostics: what is wrong, in the order of the text; `lint` tells what is doubtful.
    tree:        the text's syntax.
    resolved:    the network before its shapes; whole where there are no errors.
    input_shape, settings: what was given in place of the spec's `input` and of its `param`s.
    lesson:      whether somebody is to find out what mends it: then nothing tells.
    """

    source: Source
    model: ShapedModel | None
    diagnostics: tuple[Diagnostic, ...]
    tree: Tree
    resolved: Model
    input_shape: tuple[int, ...] | None = None
    settings: Mapping[str, Any] = {}
    lesson: bool = False

    @property
    def drawable(self) -> ShapedModel | None:
        """The network as it can be drawn: with boxes for the holes of a lesson; None where something else is wrong."""
        if self.model is not None or any(found.code != OPEN_HOLE for found in self.diagnostics if found.is_error):
            return self.model
        from specc.ir.analysis.sketch import sketch

        return sketch(self.resolved)

    @property
    def recipe(self) -> Recipe:
        """What `train { }` says, and the defaults of what it does not say."""
        return self.resolved.recipe

    @property
    def ok(self) -> bool:
        return not any(diagnostic.is_error for diagnostic in self.diagnostics)


def analyse(
    source: Source,
    input_shape: tuple[int, ...] | None = None,
    settings: Mapping[str, Any] | None = None,
    visits: Visits | None = None,
    parsed: Parsed | None = None,
    *,
    lesson: bool = False,
) -> Analysis:
    """Checks a spec.

    Args:   source, the text; input_shape, in place of its `input`; settings, other values for its `param`s; visits,
            to be filled with the shapes at every step; parsed, the text, where it is read already. Where it has syntax
            errors, the shapes behind the first one are guesses; lesson, whether it answers a lesson, though it does not
            say so.
    Raises: UnknownParameter where a setting names no `param` of the spec.
    """
    with _collector_paused():
        return _analyse(source, parsed or parse(source), input_shape, settings or {}, visits, lesson)


def _analyse(
    source: Source,
    parsed: Parsed,
    input_shape: tuple[int, ...] | None,
    settings: Mapping[str, Any],
    visits: Visits | None,
    lesson: bool,
) -> Analysis:
    overrides = read_overrides(settings, parsed.tree)
    model, named = resolve(source, parsed, overrides, input_shape)
    found = [*parsed.diagnostics, *named]
    shaped = None
    if not parsed.diagnostics:  # an item that could not be read would make every shape after it a guess
        shaped, shapes = infer(model, visits)
        found += shapes
    elif visits is not None:
        infer(model, visits)
    if shaped is not None and model.trained is not None and not any(diagnostic.is_error for diagnostic in found):
        from specc.ir.parts import unknown_parts

        found += unknown_parts(shaped, model.trained, parsed.tree, source)
    ok = not any(diagnostic.is_error for diagnostic in found)
    checked = shaped if ok else None
    lesson = lesson or is_lesson(source, found)
    told = without_answers(found) if lesson else found
    return Analysis(source, checked, _in_order(told), parsed.tree, model, input_shape, settings, lesson)


def analyse_answer(
    source: Source,
    lesson: Analysis,
    input_shape: tuple[int, ...] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Analysis:
    """Checks a text that answers a lesson, and whether it says what the lesson says. Raises: as `analyse`."""
    from specc.ir.departures import ReadText, departures

    answer = analyse(source, input_shape, settings, lesson=True)
    if answer.tree.unread or not answer.tree.items:  # what could not be read differs from everything
        return answer
    changed = departures(ReadText(lesson.source, lesson.tree), ReadText(source, answer.tree))
    if not changed:
        return answer
    return answer._replace(model=None, diagnostics=_in_order((*answer.diagnostics, *changed)))


def lint(analysis: Analysis, more: tuple[Diagnostic, ...] = (), *, apart: bool = False) -> tuple[Diagnostic, ...]:
    """The warnings about a spec without errors, in the order of the text; none for one with errors.

    Args: more, warnings that the caller found; comments in the spec silence them too. apart, each place by itself,
          as an editor marks them; otherwise what would be said again is a note to the first place.
    """
    if analysis.model is None:
        return ()
    with _collector_paused():
        as_written = analysis.input_shape is None and not analysis.settings
        trained = analysis.resolved.trained
        found = find_doubtful(analysis.model, analysis.tree, trained, more=more, as_written=as_written)
    told = _in_order(without_answers(found) if analysis.lesson else found)
    return told if apart else joined(told)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No search for garbage meanwhile: the stages make many small tuples and no cycles, and on a spec of ten thousand
    layers looking through them again and again took half of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """In the order of the text; what concerns the whole file comes first."""
    return tuple(sorted(diagnostics, key=lambda found: found.span or Span(0, 0)))
