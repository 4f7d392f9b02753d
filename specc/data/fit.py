"""How a spec and a data set go together: whether the samples fit the input and what is learned the output, what the
spec leaves to the data set, and all that speaks against training it. Nothing is downloaded, no torch imported.

A spec may leave open the shape of its input, and the number of its classes where they are `auto`. It is checked with
both given from outside, so that what is wrong is shown in the text as it was written. What is trained is the text with
both written into it: from then on it needs no data set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from specc.data.sources import data_source
from specc.data.survey import Shape, Survey
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.diagnostics.spelling import called, spelled
from specc.ir.lint.classes import way_to_output
from specc.ir.names.resolve import FROM_DATA, is_auto
from specc.ir.shaped import ShapedModel
from specc.pipeline import Analysis, analyse
from specc.recipe.augmentations import asked_of
from specc.recipe.reading import overridden
from specc.recipe.recipe import Recipe
from specc.recipe.samples import SampleSettings
from specc.source import Source
from specc.syntax import tree
from specc.tasks.heads import wrong_head
from specc.tasks.registry import settings_of, task_of
from specc.tasks.task import Misfit, Targets, Task

READ_AS = ("resize", "fit", "channels")  # settings of how pictures are read
Known = dict[tuple[object, ...], Survey]


def require_augmentable(name: str, sample: Shape, recipe: Recipe) -> None:
    """Raise Problem E605 where samples of a shape cannot be read, or changed in training, as a recipe says."""
    augmented, fields = [one.setting for one in asked_of(recipe)], type(recipe).model_fields
    asked = [*augmented, *(one for one in READ_AS if getattr(recipe, one) != fields[one].default)]
    if asked and len(sample) != 3:
        what = "augmented" if augmented else "scaled or made grey or RGB"
        raise Problem.of("E605", f"{name}: only pictures can be {what}, and its samples are {spelled(sample)}",
            help=f"leave out {', '.join(f'`{one}`' for one in asked)}")  # fmt: skip
    if recipe.crop_padding == "reflect" and (recipe.crop or 0) >= min(sample[1:], default=0):
        raise Problem.of("E605", f"pictures of {spelled(sample)} cannot be mirrored {recipe.crop} pixels beyond their "
            "border", help=f"`--crop {min(sample[1:]) - 1}` is the widest there")  # fmt: skip


def require_pictures(survey: Survey, recipe: Recipe, expected: Shape, checks: Callable[[Shape], bool]) -> None:
    """Raise Problem E605, E607 or E610 where a data set's pictures cannot reach a network with this input.

    Args: recipe, for its `resize` and `channels`; the others as for `require_input`.
    """
    channels = 1 if survey.is_grey else 3
    fitting = _fitting_options((recipe.channels or channels, 0, 0), expected)
    way_out = f"`{fitting}` makes all of them {spelled(expected)} as they are read" if fitting else ""
    sample = survey.shape(recipe, way_out)
    require_input(survey.name, sample, expected, checks)
    require_augmentable(survey.name, sample, recipe)


def require_input(name: str, sample: Shape, expected: Shape, checks: Callable[[Shape], bool]) -> None:
    """Raise Problem E605 where the pictures are not what the spec's `input` says.

    Args: sample: shape of one picture as it would reach the network. expected: the spec's input.
          checks: whether the spec is right with another input; it is a way out only where it is.
    """
    if sample == expected:
        return
    ways, notes = [], []
    fitting, other = _fitting_options(sample, expected), f"`--input {spelled(sample)}`"
    if fitting:
        ways.append(f"`{fitting}` makes the {called(sample)}s {spelled(expected)}")
    if not fitting and expected == (prod(sample),):
        ways.append(f"write `input {spelled(sample)}` and `flatten` as the first step")
    elif checks(sample):
        ways.append(f"{other} trains the network on {called(sample)}s of that shape")
    else:
        notes.append(f"with {other} this spec has errors: `specc check` with that option lists them")
    if name == SampleSettings.model_fields["data"].default:
        ways.append("`--data NAME` takes another data set; `specc data list` lists them")
        notes.append(f"`{name}` is the data set where none is named")
    raise Problem.of(
        "E605", f"the {called(sample)}s of {name} are {spelled(sample)}, but the spec's input is {spelled(expected)}",
        help="\n".join(ways) or "change the spec's `input`, or take another data set with `--data`", notes=tuple(notes),
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
    outputs = model.gives if isinstance(model.gives, dict) else {}
    if not task.weighed:
        return _several(task, outputs) if outputs else task.objection(model.input, model.output, targets)
    wrong = wrong_head(task.weighed, outputs)
    if wrong is not None:
        return Misfit("E720", wrong.message, help=wrong.help)
    for name, _ in task.weighed:
        found = task.objection(model.input, outputs[name], targets)
        if found is not None:
            return found._replace(message=f"{found.message} as `{name}`", output=name)
    return None


def _several(task: Task, outputs: Mapping[str, Shape]) -> Misfit:
    """What speaks against training a network with several outputs where nothing is said of what each counts."""
    message = f"this network has several outputs ({', '.join(outputs)}), and "
    single = "end the spec with the branch that is to be trained, without `outputs`\n"
    single += "`specc export` takes all of them elsewhere"
    fitting = [name for name, shape in outputs.items() if task.objection(shape, shape, None) is None]
    if "heads" not in settings_of(type(task)) or not fitting:
        return Misfit("E606", f"{message}`task {task.keyword}` needs a single one", help=single)
    said = " ".join([f"{fitting[0]}=1", *(f"{name}=0.3" for name in fitting[1:])])
    help = f"`heads {said}` in `train {{ }}` adds up their losses; the first one is what is told\n{single}"
    return Misfit("E606", f"{message}nothing says what each of them counts", help=help)


def way_out(found: Misfit, model: ShapedModel) -> str:
    """What makes a network's output one for its task, several ways a line each."""
    return found.help or way_to_output(model, found.wanted, found.output)


def compare(analysis: Analysis, name: str, known: Known | None = None) -> tuple[Diagnostic, ...]:
    """What speaks against training a spec without errors on a data set, as `train` would say it.

    Args:   known, surveys for the next spec.
    Raises: Problem E601 for a name that is neither a data set nor a folder, E608 and E609 for a folder that is none.
    """
    model = analysis.model
    assert model is not None  # noqa: S101 - only a spec without errors is compared
    found = surveyed(analysis.recipe.model_copy(update={"data": name}), {} if known is None else known)
    return (*_of_pictures(analysis, model, found), *_of_output(analysis, model, found))


def _of_pictures(analysis: Analysis, model: ShapedModel, found: Survey) -> tuple[Diagnostic, ...]:
    def checks(shape: Shape) -> bool:
        return analyse(analysis.source, shape, analysis.settings).ok

    try:
        require_pictures(found, analysis.recipe, model.input, checks)
    except Problem as problem:
        return (problem.diagnostic._replace(source=analysis.source, span=analysis.resolved.input_span),)
    return ()


def _of_output(analysis: Analysis, model: ShapedModel, found: Survey) -> tuple[Diagnostic, ...]:
    """On the last step what speaks against training it; a warning where nothing is wrong with the network itself."""
    task = task_of(analysis.recipe)
    refused = task.accepts(found.targets)
    place = model.chain.steps[-1][1].span if model.chain.steps else model.chain.span
    if refused is not None:
        return (refused.diagnostic._replace(source=analysis.source, span=place),)
    misfit = misfit_of(task, model, found.targets)
    if misfit is None:
        return ()
    return (
        Diagnostic(
            misfit.check or misfit.code, misfit.message, analysis.source, place, help=way_out(misfit, model)
        ),
    )  # fmt: skip


def surveyed(recipe: Recipe, known: Known) -> Survey:
    """The survey of a recipe's data. Args: known, of the specs before, to which it is added."""
    of = (recipe.data, recipe.limit, bool(recipe.validation))
    if of not in known:
        known[of] = data_source(recipe).survey()
    return known[of]


def completed(analysis: Analysis, options: Mapping[str, Any], known: Known | None = None) -> Analysis:
    """The analysis with what the spec leaves to its data set; the same where it leaves nothing, or names no data set.

    Args:   options, settings of the recipe that win over the spec's own, `data` among them.
    Raises: Problem E601 to E610, E619 for the data, E220, E221 for an option.
    """
    left_open = analysis.resolved.left_open
    if not left_open or not (options.get("data") or _names_data(analysis.tree)):
        return analysis
    recipe = overridden(analysis.recipe, dict(options))
    survey = surveyed(recipe, {} if known is None else known)
    shape, settings = analysis.input_shape, dict(analysis.settings)
    if "input" in left_open:
        shape = survey.shape(recipe)
    if FROM_DATA in left_open:
        settings[FROM_DATA] = task_of(recipe).outputs(survey.targets)
    return analyse(analysis.source, shape, settings)


def as_before(analysis: Analysis, before: Analysis) -> Analysis:
    """The analysis of a spec with what another one says, where it leaves that open."""
    shape, settings = analysis.input_shape, dict(analysis.settings)
    if "input" in analysis.resolved.left_open:
        shape = before.resolved.input
    if FROM_DATA in analysis.resolved.left_open:
        settings[FROM_DATA] = before.resolved.parameters.get(FROM_DATA)
    given = {name: value for name, value in settings.items() if value is not None}
    return analyse(analysis.source, shape, given)


def written_out(analysis: Analysis, left_open: frozenset[str]) -> Analysis:
    """The analysis of the same text with what it left open in it; one with errors stays as it is.

    Args: left_open, before it was completed.
    """
    if not left_open or analysis.model is None:
        return analysis
    edits = []
    for item in analysis.tree.items:
        if isinstance(item, tree.Param) and item.name.text == FROM_DATA and is_auto(item.value):
            edits.append((item.value.span, str(analysis.settings[FROM_DATA])))
    shape, settings = analysis.input_shape, dict(analysis.settings)
    if "input" in left_open and shape is not None:
        start = analysis.tree.items[0].span.start
        edits.append((analysis.tree.items[0].span._replace(end=start), f"input {spelled(shape)}\n"))
        shape = None
    if FROM_DATA in left_open:
        del settings[FROM_DATA]
    text = analysis.source.text
    for span, new in sorted(edits, reverse=True):
        text = text[: span.start] + new + text[span.end :]
    return analyse(Source(analysis.source.path, text), shape, settings)


def _names_data(spec: tree.Tree) -> bool:
    """Whether the spec's own recipe says which data are meant."""
    recipes = (item for item in spec.items if isinstance(item, tree.Train))
    return any(setting.name.text == "data" for recipe in recipes for setting in recipe.settings)
