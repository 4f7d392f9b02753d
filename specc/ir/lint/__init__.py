"""Shaped model in, warnings out: what is allowed and still doubtful.

In:         a checked network with its tree and what its `train { }` says.
Out:        warnings, each place told once a code, in no order; comments that silence them are obeyed.
Guarantees: nothing that is reported here keeps the network from being built.
Leaves:     errors to the stages before it, and whether a warning fails a run to the command.

A rule is a function in one of the files beside this one, listed here under its code. Few specs need `classes` and
`ignore`, so these are loaded when they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.spelling import listed
from specc.ir.lint import names, neighbours, output, pixels, size
from specc.ir.lint.network import Network
from specc.ir.lint.rule import Rule
from specc.ir.shaped import ShapedModel
from specc.source import Source, Span
from specc.syntax.tree import Tree

if TYPE_CHECKING:
    from specc.recipe.recipe import Recipe

RULES: dict[str, Rule] = {
    "W501": output.softmax_before_loss,
    "W502": neighbours.bias_before_norm,
    "W503": neighbours.linear_after_linear,
    "W504": neighbours.activation_twice,
    "W505": pixels.discarded_pixels,
    "W506": pixels.stride_above_kernel,
    "W507": output.dropout_before_output,
    "W508": size.top_heavy,
    "W509": pixels.narrow_receptive_field,
    "W510": names.unused_names,
    "W513": size.channels_last,
    "W514": output.activation_before_loss,
    "W515": names.words_with_two_meanings,
    "W516": size.factor_like_a_size,
}
MOST_NOTES = 10  # further places of a warning that are told one by one


def lint(
    model: ShapedModel,
    tree: Tree,
    trained: Recipe | None,
    *,
    more: tuple[Diagnostic, ...] = (),
    as_written: bool = True,
) -> tuple[Diagnostic, ...]:
    """Every warning about a network.

    Args: more, warnings that were found elsewhere, to be silenced by comments like these; as_written, whether input
          and parameters are the spec's own: with others, a comment may be needed that silences nothing now.
    """
    network = Network(model, tree, trained)
    found = (*_found(network), *more)
    if "specc:" not in model.source.text:
        return found
    from specc.ir.lint.ignore import without_ignored

    judged = {*RULES, *(warning.code for warning in more)} if as_written else set[str]()
    return without_ignored(model.source, tree.comments, found, judged=judged)


def _found(network: Network) -> Iterator[Diagnostic]:
    told: set[tuple[str, Span]] = set()
    for code, rule in RULES.items():
        for finding in rule(network):
            span = _without_check(network.source, finding.span)
            if (code, span) not in told:
                told.add((code, span))
                yield Diagnostic(
                    code, finding.message, network.source, span, finding.label, finding.others, finding.help,
                    finding.notes,
                )  # fmt: skip


def joined(warnings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Warnings of one code with one way out, told once: at the first place, with a note for the further ones.

    In:  warnings in the order of the text. Out: those that remain, in the same order.
    """
    alike: dict[tuple[str, str | None], list[Diagnostic]] = {}
    for number, found in enumerate(warnings):
        alike.setdefault((found.code, found.help or str(number)), []).append(found)
    return tuple(first._replace(notes=(*first.notes, *_further(first, more))) for first, *more in alike.values())


def _further(first: Diagnostic, more: list[Diagnostic]) -> Iterator[str]:
    """A note for all places where the same holds; one for each place of which something else is said."""
    same = sorted({found.line for found in more if found.message == first.message} - {first.line})
    if same:
        yield f"the same at {listed('line', same)}"
    for found in more[:MOST_NOTES]:
        if found.message != first.message:
            yield f"line {found.line}: {found.message}"
    others = sum(found.message != first.message for found in more[MOST_NOTES:])
    if others:
        yield f"and {others:,} more like these"


def _without_check(source: Source, span: Span) -> Span:
    """A step's place without the shape that is checked behind it."""
    text = source.slice(span)
    return Span(span.start, span.start + len(text.partition("::")[0].rstrip())) if "::" in text else span
