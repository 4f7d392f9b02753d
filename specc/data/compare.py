"""Whether a spec and a data set go together, by what the catalogue says: nothing is downloaded, no torch imported."""

from __future__ import annotations

from specc.data.catalogue import Entry, find, path_of
from specc.data.fit import Shape, require_input, require_same_output
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.ir.lint.classes import contradicted_classes
from specc.ir.recipe import Recipe
from specc.ir.shaped import ShapedModel
from specc.pipeline import Analysis, analyse


def compare(analysis: Analysis, name: str) -> tuple[Diagnostic, ...]:
    """What speaks against training a spec without errors on a data set: its pictures, its number of classes.

    Of a folder only the classes are counted: its pictures are scaled to what the recipe says when they are read.

    Raises: Problem E601 for a name that is neither a data set nor a folder, E608 and E609 for a folder that is none.
    """
    model = analysis.model
    assert model is not None  # noqa: S101 - only a spec without errors is compared
    entry = find(name)
    pictures = () if entry is None else _of_pictures(analysis, model, entry)
    if analysis.recipe.objective == "reconstruct":
        return (*pictures, *_of_reconstruction(analysis, model))
    return (*pictures, *_of_classes(model, name, _class_count(name) if entry is None else entry.classes))


def _of_pictures(analysis: Analysis, model: ShapedModel, entry: Entry) -> tuple[Diagnostic, ...]:
    def checks(shape: Shape) -> bool:
        return analyse(analysis.source, shape).ok

    try:
        require_input(entry.name, _prepared(entry.sample, analysis.recipe), model.input, checks)
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


def _prepared(sample: Shape, recipe: Recipe) -> Shape:
    """The shape of a picture after the recipe's `resize` and `channels`."""
    channels, *sides = sample
    size = recipe.resize
    if size is not None:
        sides = [size, size] if isinstance(size, int) else list(size)
    return (recipe.channels or channels, *sides)


def _of_classes(model: ShapedModel, name: str, classes: int) -> tuple[Diagnostic, ...]:
    warning = contradicted_classes(model, name, classes)
    return (warning,) if warning else ()


def _class_count(folder: str) -> int:
    from specc.data.folder import list_folder

    return len(list_folder(path_of(folder)).classes)
