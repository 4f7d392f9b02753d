"""Lints of the last layers, before the output."""

from __future__ import annotations

from collections.abc import Iterator

from specc.ir.lint.network import Network, Placed
from specc.ir.lint.rule import Finding
from specc.layers.activation import Activation
from specc.layers.base import Shape
from specc.layers.registry import of_family

_DROPOUTS = of_family("regularisation")


def softmax_before_loss(network: Network) -> Iterator[Finding]:
    last = network.last_run
    if last is None or not network.is_classifier or len(network.model.output) > 1 or not network.model.params:
        return
    layers = last.without("id", "flatten", *_DROPOUTS)
    if layers and layers[-1].word in ("softmax", "logsoftmax"):
        word = layers[-1].word
        effect = "it is there twice" if word == "softmax" else "this one changes nothing"
        yield Finding(
            layers[-1].span,
            f"`{word}` at the end: the cross-entropy that trains a classifier computes it already, so {effect}",
            f"leave out `{word}`\nfor probabilities write `model(x).softmax(1)` where the model is used",
        )


def activation_before_loss(network: Network) -> Iterator[Finding]:
    model, last = network.model, network.last_run
    if last is None or not network.is_classifier or len(model.output) > 1 or model.output in ((1,), model.input):
        return
    *before, end = last.without("id", "flatten", *_DROPOUTS) or last.layers
    weighted = [placed for placed in before if placed.word != "bn"]
    limits = isinstance(end.layer, Activation) and (end.layer.cuts or end.layer.bounds)
    if not limits or not weighted or not _gives_classes(weighted[-1], model.output):
        return
    word = end.word
    effect = (
        "keeps every answer in a narrow range"
        if getattr(end.layer, "bounds", False)
        else "cuts off every negative answer"
    )
    yield Finding(
        end.span,
        f"`{word}` after the last layer {effect}, and the cross-entropy that trains a classifier needs them all",
        f"leave out `{word}`\nfor probabilities write `model(x).softmax(1)` where the model is used",
    )


def _gives_classes(placed: Placed, output: Shape) -> bool:
    """Whether a layer has an output of its own for each class."""
    return placed.layer.family in ("linear", "convolution") and placed.node.output[0] == output[0]


def dropout_before_output(network: Network) -> Iterator[Finding]:
    last = network.last_run
    if last is None or not network.model.params:
        return
    layers = last.without("id", "flatten", "softmax", "logsoftmax")
    if layers and layers[-1].word in _DROPOUTS and getattr(layers[-1].layer, "p", 0) > 0:
        word = layers[-1].word
        yield Finding(
            layers[-1].span,
            f"`{word}` just before the output sets answers to zero, and no layer after it can make up for that",
            f"put `{word}` before the last layer with weights, or leave it out",
        )
