"""Lints of the last layers, before the output."""

from __future__ import annotations

from collections.abc import Iterator

from specc.ir.lint.network import Network
from specc.ir.lint.rule import Finding, lint

_DROPOUTS = ("dropout", "dropout2d", "droppath")


@lint(
    "W501",
    "softmax before cross-entropy",
    """\
A classifier is trained with the cross-entropy, and torch's cross-entropy (`specc train` uses it)
takes the raw outputs of the last layer, called logits: it computes the softmax itself, together
with the logarithm, since both at once are exact where one after the other overflows.

A `softmax` at the end of the network is therefore a second one. Its outputs lie between 0 and 1,
so after the second softmax the most certain answer over ten classes is

    e¹ / (e¹ + 9·e⁰) = 2.718 / 11.718 = 0.23

and the loss cannot fall below −ln 0.23 = 1.46, however right the network is. It still learns,
slowly: the usual sign is a loss that stays near 1.5 at a good accuracy. `logsoftmax` at the end
does no harm, since the softmax of it is the softmax itself, but it does no good either.

The largest output is the largest with and without softmax, so the answer needs none. Where you
want probabilities, apply it to what the network gives: `model(x).softmax(1)`.

Wrong:

    input 784
    linear 128 -> relu
    linear 10 -> softmax

Right:

    input 784
    linear 128 -> relu
    linear 10
""",
)
def softmax_before_loss(network: Network) -> Iterator[Finding]:
    last = network.last_run
    trains_classes = getattr(network.recipe, "objective", "classify") == "classify"
    if last is None or not trains_classes or len(network.model.output) > 1 or not network.model.params:
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


@lint(
    "W507",
    "dropout just before the output",
    """\
Dropout sets values to zero at random while training, so that the layers behind it learn not to
rely on any single one. Behind the last layer with weights there is nobody left to learn that:
the zeros fall on the answer itself. With `dropout 0.5` the output of the right class is zero in
half of the training steps, and the loss punishes the network for what chance did.

It belongs before the last layer:

Wrong:

    input 784
    linear 128 -> relu
    linear 10 -> dropout 0.5

Right:

    input 784
    linear 128 -> relu -> dropout 0.5
    linear 10
""",
)
def dropout_before_output(network: Network) -> Iterator[Finding]:
    last = network.last_run
    if last is None or not network.model.params:
        return
    layers = last.without("id", "flatten", "softmax", "logsoftmax")
    if layers and layers[-1].word in _DROPOUTS and getattr(layers[-1].layer, "p", 0) > 0:
        word = layers[-1].word
        yield Finding(
            layers[-1].span,
            f"`{word}` just before the output sets answers to zero, and no layer behind it can make up for that",
            f"put `{word}` before the last layer with weights, or leave it out",
        )
