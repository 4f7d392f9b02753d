"""Whether a spec and a data set go together, before a picture is decoded: nothing is downloaded, no torch imported."""

from __future__ import annotations

from specc.data.completed import Known, surveyed
from specc.data.fit import misfit_of, require_pictures, way_out
from specc.data.survey import Shape, Survey
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.ir.shaped import ShapedModel
from specc.pipeline import Analysis, analyse
from specc.tasks.registry import task_of


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
    if refused is not None:
        return (refused.diagnostic._replace(source=analysis.source, span=model.chain.span),)
    misfit = misfit_of(task, model, found.targets)
    if misfit is None:
        return ()
    place = model.chain.steps[-1][1].span if model.chain.steps else model.chain.span
    return (
        Diagnostic(
            misfit.check or misfit.code, misfit.message, analysis.source, place, help=way_out(misfit, model)
        ),
    )  # fmt: skip
