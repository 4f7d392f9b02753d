"""Whether a data set fits a network: its pictures the input, what is learned the output."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from specc.data.survey import Shape, Survey
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import spelled
from specc.ir.lint.classes import way_to_output
from specc.ir.shaped import ShapedModel
from specc.recipe.recipe import Recipe
from specc.tasks.task import Misfit, Targets, Task


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


def require_output(task: Task, model: ShapedModel, targets: Targets | None) -> None:
    """Raise Problem E606, E630 or E638 where data or the network's output are none for a task.

    Args: targets, what the data say of their samples; None where no data are known.
    """
    refused = targets and task.accepts(targets)
    if refused:
        raise refused
    found = misfit_of(task, model, targets)
    if found is not None:
        raise Problem.of(found.code, found.message, help=way_out(found, model))


def misfit_of(task: Task, model: ShapedModel, targets: Targets | None) -> Misfit | None:
    """Why a network's output is none for a task; None where it is one."""
    if isinstance(model.gives, dict):
        message = f"this network has several outputs ({', '.join(model.gives)}), and training needs a single one"
        help = "end the spec with the branch that is to be trained, without `outputs`\n"
        help += "`specc export` takes all of them elsewhere"
        return Misfit("E606", message, help=help)
    return task.objection(model.input, model.output, targets)


def way_out(found: Misfit, model: ShapedModel) -> str:
    """What makes a network's output one for its task, several ways a line each."""
    return found.help or way_to_output(model, found.wanted)
