"""Whether a spec and a data set go together, before a picture is decoded: nothing is downloaded, no torch imported."""

from __future__ import annotations

from specc.data.completed import Known, surveyed
from specc.data.fit import require_pictures, require_same_output
from specc.data.survey import Shape, Survey
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.ir.lint.classes import contradicted_classes
from specc.ir.shaped import ShapedModel
from specc.pipeline import Analysis, analyse


def compare(analysis: Analysis, name: str, known: Known | None = None) -> tuple[Diagnostic, ...]:
    """What speaks against training a spec without errors on a data set, as `train` would say it.

    Args:   known, surveys for the next spec.
    Raises: Problem E601 for a name that is neither a data set nor a folder, E608 and E609 for a folder that is none.
    """
    model = analysis.model
    assert model is not None  # noqa: S101 - only a spec without errors is compared
    found = surveyed(analysis.recipe.model_copy(update={"data": name}), {} if known is None else known)
    pictures = _of_pictures(analysis, model, found)
    if analysis.recipe.objective == "reconstruct":
        return (*pictures, *_of_reconstruction(analysis, model))
    warning = contradicted_classes(model, found.name, found.class_count)
    return (*pictures, warning) if warning else pictures


def _of_pictures(analysis: Analysis, model: ShapedModel, found: Survey) -> tuple[Diagnostic, ...]:
    def checks(shape: Shape) -> bool:
        return analyse(analysis.source, shape, analysis.settings).ok

    try:
        require_pictures(found, analysis.recipe, model.input, checks)
    except Problem as problem:
        return (problem.diagnostic._replace(source=analysis.source, span=analysis.resolved.input_span),)
    return ()


def _of_reconstruction(analysis: Analysis, model: ShapedModel) -> tuple[Diagnostic, ...]:
    try:
        require_same_output(model.input, model.output)
    except Problem as problem:
        place = model.chain.steps[-1][1].span if model.chain.steps else model.chain.span
        return (problem.diagnostic._replace(source=analysis.source, span=place),)
    return ()
