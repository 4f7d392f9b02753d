"""What a spec leaves to its data set: the shape of its input, and the number of its classes where they are `auto`.

A network is checked with both given from outside, so that what is wrong is shown in the text as it was written. What is
trained is the text with both written into it: from then on it needs no data set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specc.data.catalogue import data_source
from specc.data.survey import Survey
from specc.diagnostics.spelling import spelled
from specc.ir.names.resolve import FROM_DATA, is_auto
from specc.pipeline import Analysis, analyse
from specc.recipe.reading import overridden
from specc.recipe.recipe import Recipe
from specc.source import Source
from specc.syntax import tree
from specc.tasks.registry import task_of

Known = dict[tuple[object, ...], Survey]


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
