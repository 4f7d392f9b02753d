"""Lints of two layers that follow each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, zip_longest

from specc.diagnostics.diagnostic import Label
from specc.diagnostics.spelling import counted
from specc.ir.lint.network import Network, Placed
from specc.ir.lint.rule import Finding, lint
from specc.layers.registry import of_family
from specc.source import Span


@lint(
    "W502",
    "a bias before batch normalisation",
    """\
Batch normalisation subtracts from every channel its mean over the batch. A bias is one number
that is added to every value of a channel, so the mean grows by exactly that number, and the
subtraction takes it away again:

    (x + b) − mean(x + b) = x + b − mean(x) − b = x − mean(x)

Whatever is learned for b, nothing after the normalisation changes; its gradient is zero. The
shift that the network needs is there already: `bn` adds a learned number (torch calls it bias,
papers β) after it has divided by the deviation.

The bias costs one parameter a channel, and its additions. It does no harm either, which is why
some published networks keep it (torchvision's VGG with batch normalisation does, and its weights
have a place for it). Write `nobias`:

Wrong:

    input 3x32x32
    conv 16 k3 p1 -> bn -> relu
    gmp -> flatten -> linear 10   # specc: ignore[W509]

Right:

    input 3x32x32
    conv 16 k3 p1 nobias -> bn -> relu
    gmp -> flatten -> linear 10   # specc: ignore[W509]

A step inside a block is reported only if `bn` follows it in every call of the block.
""",
)
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


@lint(
    "W503",
    "two linear layers with nothing between",
    """\
A linear layer multiplies with a matrix and adds a vector. Two of them in a row are again one
matrix and one vector:

    W₂·(W₁·x + b₁) + b₂ = (W₂·W₁)·x + (W₂·b₁ + b₂)

So the pair can do nothing that the second layer alone could not do, with fewer parameters: 784
features through 128 to 10 are 784·128 + 128·10 = 101,632 weights for a map that 784·10 = 7,840
describe. It is the activation between two layers that makes a network more than one layer.

`dropout`, `flatten` and `id` do not help: while evaluating they change no value.

Wrong:

    input 784
    linear 128 -> dropout 0.5
    linear 10

Right:

    input 784
    linear 128 -> relu -> dropout 0.5
    linear 10

Nothing is said of a bottleneck, where the features between the two layers are fewer than both
before and after: 784 through 32 to 784 is a compression, and has fewer weights than one layer.
""",
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


@lint(
    "W504",
    "an activation twice",
    """\
The same activation stands twice in a row. For some that does nothing: what `relu` gives is
never negative, so a second `relu` changes no value. The same holds for `relu6`, `hardtanh` and
`logsoftmax`; such functions are called idempotent.

    relu(relu(x)) = max(0, max(0, x)) = max(0, x) = relu(x)

With others the second one does change the values, and seldom for the better: `sigmoid` gives
values from 0 to 1, and sigmoid of these lies between 0.50 and 0.73, where all inputs look alike.
`tanh` twice squeezes towards 0.76. `leakyrelu` twice is a `leakyrelu` with the square of the
slope.

Most often a block ends with the activation and what follows begins with it, or a line was
copied once too often.

Wrong:

    input 3x32x32
    conv 16 k3 p1 -> relu -> relu
    flatten -> linear 10

Right:

    input 3x32x32
    conv 16 k3 p1 -> relu
    flatten -> linear 10
""",
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
