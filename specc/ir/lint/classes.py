"""The lint of a class count that the data set contradicts: looked for where the data set is known."""

from __future__ import annotations

from specc.diagnostics.codes import add
from specc.diagnostics.codes.code import Code
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.spelling import counted
from specc.ir.shaped import ShapedModel
from specc.layers.base import written

CONTRADICTED = Code(
    "W511",
    "a class count that the data set contradicts",
    """\
A classifier gives one number for each class, and the largest says which class it is. CIFAR-10
has ten classes and CIFAR-100 a hundred, so the last layer has ten or a hundred outputs. With
fewer outputs than classes the loss cannot be computed; with more, training works and the rest is
dead weight, which most often means that another data set was in mind.

It is looked for where the data set is named, here by `specc check FILE --data cifar10`; `specc
train` refuses to begin.

Wrong:

    # specc check net.cnn --data cifar10
    input 3x32x32
    flatten -> linear 100

Right:

    # specc check net.cnn --data cifar10
    input 3x32x32
    flatten -> linear 10

A number that belongs to the data set is best a `param classes = 10`: then `--set classes=100` is
all that another data set needs.
""",
)
add([CONTRADICTED])


def contradicted_classes(model: ShapedModel, data: str, classes: int) -> Diagnostic | None:
    """The warning where the output is not one number for each class of the data set, placed on the last layer."""
    if model.output == (classes,):
        return None
    node = model.chain.steps[-1][1] if model.chain.steps else model.chain
    help = f"end the network with `linear {classes}`"
    if len(model.output) > 1:
        help = f"end the network with `flatten -> linear {classes}`"
    return Diagnostic(
        CONTRADICTED.code,
        f"{data} has {counted(classes, 'class')}, and the network gives {written(model.output)}",
        model.source, node.span, help=help,
    )  # fmt: skip
