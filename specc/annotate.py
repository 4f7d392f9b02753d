"""Checked shapes written by the compiler: `specc fmt --shapes`.

In:         a `Source`.
Out:        its canonical form, with the true shape at the end of every chain outside blocks and in every checked shape
            that is written there.
Guarantees: `_` stays `_`; what stands inside blocks is left alone, since a block has a shape for every call.
"""

from __future__ import annotations

from collections.abc import Iterator

from specc.diagnostics.diagnostic import Diagnostic
from specc.ir.names.resolve import resolve
from specc.ir.shapes.infer import Visits, infer
from specc.layers.base import Shape
from specc.pipeline import analyse
from specc.source import Source, Span
from specc.syntax import tree
from specc.syntax.format import Formatted, format_source
from specc.syntax.parse import parse

OUT_OF_DATE = "E306"


def format_with_shapes(source: Source) -> Formatted:
    """The canonical form with true checked shapes.

    Returns: no text where the spec has other errors than checked shapes that are out of date; with a text, the
    diagnostics are those of checked shapes that have no single true value, as in a block.
    """
    parsed = parse(source)
    found = list(parsed.diagnostics)
    visits: Visits = {}
    if not found:
        model, named = resolve(source, parsed, {}, None)
        _, shapes = infer(model, visits)
        found += [*named, *shapes]
    if any(diagnostic.is_error and diagnostic.code != OUT_OF_DATE for diagnostic in found):
        return Formatted(None, analyse(source).diagnostics)
    text = format_source(Source(source.path, _with_checks(source.text, parsed.tree, visits))).text
    return Formatted(text, _errors(Source(source.path, text or "")))


def _errors(source: Source) -> tuple[Diagnostic, ...]:
    return tuple(diagnostic for diagnostic in analyse(source).diagnostics if diagnostic.is_error)


def _with_checks(text: str, spec: tree.Tree, visits: Visits) -> str:
    pieces, end = [], 0
    for span, check in _checks(spec, visits):
        pieces += [text[end : span.start], check]
        end = span.end
    return "".join([*pieces, text[end:]])


def _checks(spec: tree.Tree, visits: Visits) -> Iterator[tuple[Span, str]]:
    """The spans to replace, in the order of the text, and what comes in their place."""
    for chain in spec.items:
        if isinstance(chain, tree.Chain):
            yield from _refreshed(chain, visits)
            last = chain.items[-1]
            shape = _only_shape(last, visits)
            if last.check is None and shape is not None:
                yield Span(last.span.end, last.span.end), f" {_written(shape)}"


def _refreshed(chain: tree.Chain, visits: Visits) -> Iterator[tuple[Span, str]]:
    """The checked shapes of a chain and of the branches inside it."""
    for step in chain.items:
        for branch in (*(step.branches or ()), *(step.shortcut.branches if step.shortcut else ())):
            yield from _refreshed(branch, visits)
        shape = _only_shape(step, visits)
        if step.check is not None and shape is not None:
            yield step.check.span, _written(shape, step.check.dims)


def _only_shape(step: tree.Step, visits: Visits) -> Shape | None:
    """What leaves a step, where it is the same each time."""
    shapes = {visit.leaving for visit in visits.get(step.span, ())}
    return next(iter(shapes)) if len(shapes) == 1 else None


def _written(shape: Shape, dims: tuple[int | None, ...] | None = None) -> str:
    """`:: 64x16x16`, with `_` where these dims have it."""
    free = [dim is None for dim in dims] if dims is not None and len(dims) == len(shape) else [False] * len(shape)
    return ":: " + "x".join("_" if any_size else str(size) for size, any_size in zip(shape, free, strict=True))
