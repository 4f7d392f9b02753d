"""Whether a data set fits a network: its pictures the input, its classes the output."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from specc.data.survey import Shape, Survey
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, spelled
from specc.ir.lint.classes import way_to_classes
from specc.ir.shaped import ShapedModel
from specc.recipe.recipe import Recipe


def require_pictures(survey: Survey, recipe: Recipe, expected: Shape, checks: Callable[[Shape], bool]) -> None:
    """Raise Problem E605, E607 or E610 where a data set's pictures cannot reach a network with this input.

    Args: recipe, for its `resize` and `channels`; the others as for `require_input`.
    """
    channels = 1 if survey.is_grey else 3
    fitting = _fitting_options((recipe.channels or channels, 0, 0), expected)
    way_out = f"`{fitting}` makes all of them {spelled(expected)} as they are read" if fitting else ""
    require_input(survey.name, survey.shape(recipe, way_out), expected, checks)


def require_input(name: str, sample: Shape, expected: Shape, checks: Callable[[Shape], bool]) -> None:
    """Raise Problem E605 where the pictures are not what the spec's `input` says.

    Args: sample: shape of one picture as it would reach the network. expected: the spec's input.
          checks: whether the spec is right with another input; a way out that fails is named as such.
    """
    if sample == expected:
        return
    help = f"`--input {spelled(sample)}` trains the network on pictures of that shape"
    notes: tuple[str, ...] = ()
    if not checks(sample):
        notes = (f"with `--input {spelled(sample)}` this spec has errors: `specc check` lists them",)
    fitting = _fitting_options(sample, expected)
    if fitting:
        help = f"`{fitting}` makes the pictures {spelled(expected)}\n{help}"
    elif expected == (prod(sample),):
        help = f"write `input {spelled(sample)}` and `flatten` as the first step"
        notes = ()
    raise Problem.of(
        "E605", f"the pictures of {name} are {spelled(sample)}, but the spec's input is {spelled(expected)}",
        help=help, notes=notes,
    )  # fmt: skip


def _fitting_options(sample: Shape, expected: Shape) -> str:
    """The options that make the pictures fit, empty where none do."""
    if len(sample) != 3 or len(expected) != 3 or expected[0] not in (1, 3, sample[0]):
        return ""
    options = []
    if sample[1:] != expected[1:]:
        height, width = expected[1:]
        options.append(f"--resize {height}" if height == width else f"--resize {height}x{width}")
    if sample[0] != expected[0]:
        options.append(f"--channels {expected[0]}")
    return " ".join(options)


def require_same_output(expected: Shape, output: Shape) -> None:
    """Raise Problem E630 where an autoencoder's output has not the shape of its input."""
    if output != expected:
        raise Problem.of(
            "E630", f"an autoencoder gives back its input, {spelled(expected)}, but the network's output is "
            f"{spelled(output)}", help=_way_back(expected, output),
        )  # fmt: skip


def _way_back(expected: Shape, output: Shape) -> str:
    if prod(output) == prod(expected):
        reshape = "flatten" if len(expected) == 1 else f"unflatten {spelled(expected)}"
        return f"end the network with `{reshape}`"
    if len(expected) == 3 and len(output) == 3 and output[1:] == expected[1:]:
        return f"end the network with `conv {expected[0]} k1`"
    return (
        "add layers that lead back to it, such as `upsample 2` or `convtranspose`\n"
        "`objective classify` trains a classifier"
    )


def require_vector(model: ShapedModel) -> None:
    """Raise Problem E606 where a classifier's output is no vector, whatever the classes are."""
    output = model.output
    if len(output) > 1:
        raise Problem.of(
            "E606", f"a classifier gives one number for each class, but the network's output is {spelled(output)}",
            help=way_to_classes(model, output[0]),
        )  # fmt: skip


def require_output(name: str, classes: int, model: ShapedModel) -> None:
    """Raise Problem E606 where the network does not end in one number for each class."""
    output = model.output
    if output == (classes,):
        return
    raise Problem.of(
        "E606", f"{name} has {counted(classes, 'class')}, but the network's output is {spelled(output)}",
        help=way_to_classes(model, classes),
    )  # fmt: skip
