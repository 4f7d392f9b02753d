"""Whether specc and torch say the same of a spec: the verdict, and for a right one everything that can be counted."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

import specc
from generate import reference
from generate.plan import Shape, Spec
from generate.reference import Result, Row, sample, shape_of


class Verdict(NamedTuple):
    """What came of one spec.

    disagreement: None where specc and torch agree. codes: of specc's errors. result: what the reference gave.
    """

    disagreement: str | None
    codes: tuple[str, ...]
    result: Result


def compare(spec: Spec, result: Result | None = None) -> Verdict:
    """What specc says of a spec, held against the reference."""
    result = reference.run(spec) if result is None else result
    try:
        report = specc.check(spec.text)
        codes = tuple(found.code for found in report.diagnostics)
        return Verdict(_difference(spec.text, report, result), codes, result)
    except Exception as error:  # a crash of the checker or of the compiled module is the worst disagreement
        return Verdict(f"specc raises {type(error).__name__}: {error}", (), result)


def _difference(text: str, report: specc.api.Report, result: Result) -> str | None:
    unread = [str(found.message) for found in report.diagnostics if found.code.startswith("E1")]
    if unread:
        return f"specc cannot read this: {unread[0]}"
    if report.ok != (result.refused_at is None):
        said = "accepts" if report.ok else "refuses"
        return f"specc {said}, torch says {result.reason or 'nothing'} at {result.refused_at}\n{report}"
    if not report.ok:
        return None
    rows = [Row(row.name, row.kind, row.input, row.output, row.params, row.macs) for row in report.layers]
    if rows != result.rows:
        wrong = [pair for pair in zip(rows, result.rows, strict=False) if pair[0] != pair[1]]
        return f"specc and torch have these rows: {wrong[:2] or (len(rows), len(result.rows))}"
    if report.output != shape_of(result.output):
        return f"the output is {report.output}, torch gives {shape_of(result.output)}"
    return _difference_when_run(specc.compile(text), rows, result)


def _difference_when_run(model: nn.Sequential, rows: list[Row], result: Result) -> str | None:
    found = _differing_weights(model, result)
    if found is not None:
        return found
    with torch.no_grad():
        output = model.eval()(result.input)
    for mine, theirs in zip(_tensors(output), _tensors(result.output), strict=True):
        if not torch.allclose(mine, theirs, rtol=1e-4, atol=1e-4, equal_nan=True):
            return f"with the same weights the outputs differ by {(mine - theirs).abs().max()}"
    return difference_to_rows(model, rows, result.input)


def _tensors(output: Any) -> list[Tensor]:
    return list(output.values()) if isinstance(output, dict) else [output]


def difference_to_rows(model: nn.Sequential, rows: list[Row], x: Tensor) -> str | None:
    """Whether what the modules do under their names is what the rows say, in training and in evaluation."""
    seen = _watched(model, rows)
    for training in (False, True):
        seen.clear()
        with torch.set_grad_enabled(training):
            model.train(training)(x)
        for row in rows:
            if seen.get(row.name) != (row.input, row.output, row.params, row.macs):
                return f"the compiled module does otherwise: {row}, {seen.get(row.name)}"
    total = sum(parameter.numel() for parameter in model.parameters())
    return None if total == sum(row.params for row in rows) else f"the module has {total} parameters"


def _differing_weights(model: nn.Sequential, result: Result) -> str | None:
    """Compares the weights in their order, then gives the model those of the reference."""
    mine, theirs = list(model.parameters()), result.weights
    if [parameter.shape for parameter in mine] != [weight.tensor.shape for weight in theirs]:
        return "the weights have other shapes, or another order"
    for number, (parameter, weight) in enumerate(zip(mine, theirs, strict=True)):
        if parameter.requires_grad != weight.tensor.requires_grad:
            return f"weight {number} is frozen in one of the two"
        if weight.known and not torch.equal(parameter, weight.tensor):
            return f"weight {number} begins with other values"
        with torch.no_grad():
            parameter.copy_(weight.tensor)
    return None


Seen = tuple[Shape, Any, int, int]


def _watched(model: nn.Sequential, rows: list[Row]) -> dict[str, Seen]:
    """Hooks on every row's module; the dictionary fills up when the model runs."""
    seen: dict[str, Seen] = {}
    modules = dict(model.named_modules())
    forms = {row.name for row in rows if row.kind in (*reference.FORMS, "outputs")}

    def note(name: str, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        x = inputs[0]
        params = 0 if name in forms else sum(parameter.numel() for parameter in module.parameters())
        seen[name] = (sample(x), shape_of(output), params, 0 if name in forms else reference.macs(module, x, output))

    for row in rows:
        modules[row.name].register_forward_hook(partial(note, row.name))
    return seen
