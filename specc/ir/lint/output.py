"""Lints of the last layers, before the output."""

from __future__ import annotations

from collections.abc import Iterator

from specc.ir.lint.network import Network, Placed
from specc.ir.lint.rule import Finding, lint
from specc.layers.activation import Activation
from specc.layers.base import Shape
from specc.layers.registry import of_family

_DROPOUTS = of_family("regularisation")


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


@lint(
    "W514",
    "an activation after the last layer",
    """\
A classifier is trained with the cross-entropy of its softmax, which takes numbers of any size and
sign: one class far up, the others far down. An activation after the last layer takes that away.

- `sigmoid` gives values from 0 to 1, `tanh` from −1 to 1. The most certain answer over ten
  classes is then e¹ / (e¹ + 9·e⁰) = 0.23, or with `tanh` e¹ / (e¹ + 9·e⁻¹) = 0.45, and the loss
  cannot fall below −ln 0.23 = 1.46, or 0.80, however right the network is.
- `relu` turns every negative answer into 0 and its gradient with it: a class whose answer is
  negative for all pictures is never learned. On scikit-learn's digits a small network is right
  in 52 % of the pictures after three epochs, and without the `relu` in 82 %.

Wrong:

    input 784
    linear 128 -> relu
    linear 10 -> sigmoid

Right:

    input 784
    linear 128 -> relu
    linear 10

Activations stand between layers; the last layer has none. For probabilities apply the softmax to
what the network gives: `model(x).softmax(1)`.

Nothing is said of an autoencoder (`task reconstruct`, or an output of the input's shape),
whose `sigmoid` at the end gives pixels from 0 to 1, nor of a network with a single output.
""",
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


@lint(
    "W507",
    "dropout just before the output",
    """\
Dropout sets values to zero at random while training, so that the layers after it learn not to
rely on any single one. After the last layer with weights there is nothing left to learn that:
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
            f"`{word}` just before the output sets answers to zero, and no layer after it can make up for that",
            f"put `{word}` before the last layer with weights, or leave it out",
        )
