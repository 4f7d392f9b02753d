"""Lints of two layers that follow each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, zip_longest

from specc.diagnostics.diagnostic import Label
from specc.diagnostics.spelling import counted
from specc.ir.lint.network import Network, Placed
from specc.ir.lint.rule import Finding
from specc.layers.registry import of_family
from specc.source import Span


def bias_before_norm(network: Network) -> Iterator[Finding]:
    cancelled: dict[Span, tuple[Placed, Placed]] = {}
    needed: set[Span] = set()
    for run in network.runs:
        layers = run.without("id")
        for placed, following in zip_longest(layers, layers[1:]):
            if placed.layer.family not in ("convolution", "linear") or getattr(placed.layer, "bias", None) is not True:
                continue
            if following is not None and following.word == "bn":
                cancelled.setdefault(placed.span, (placed, following))
            else:
                needed.add(placed.span)
    for span, (placed, norm) in cancelled.items():
        if span not in needed:
            yield Finding(
                span,
                f"the `bn` after this `{placed.word}` cancels its bias",
                "write `nobias`: fewer parameters, and the same network",
                others=(Label(norm.span, "subtracts the mean of every channel"),),
            )


def linear_after_linear(network: Network) -> Iterator[Finding]:
    for run in network.runs:
        for first, second in pairwise(run.without(*of_family("regularisation"), "flatten", "id")):
            if first.word != "linear" or second.word != "linear":
                continue
            before, between, behind = first.node.input[0], second.node.input[0], second.node.output[0]
            if between < min(before, behind):
                continue
            yield Finding(
                second.span,
                "two `linear` layers with no activation between them can do no more than one",
                "put an activation such as `relu` between them, or leave out the first",
                others=_first(first, second, f"gives {counted(between, 'feature', 'd')}"),
            )


def activation_twice(network: Network) -> Iterator[Finding]:
    for run in network.runs:
        for first, second in pairwise(run.without("id")):
            word = second.word
            if first.word != word or second.layer.family != "activation":
                continue
            again = getattr(first.layer, "is_idempotent", False)
            effect = "changes nothing" if again else "bends the values a second time"
            yield Finding(
                second.span,
                f"`{word}` twice in a row: the second one {effect}",
                f"keep one `{word}`",
                others=_first(first, second, "the first"),
            )


def _first(first: Placed, second: Placed, text: str) -> tuple[Label, ...]:
    """A label on the first of two layers, unless both are one step that is repeated."""
    return (Label(first.span, text),) if first.span != second.span else ()
