"""One submission, marked: what a process of its own does, `python -m specc.grade.marking`.

In:         a `MarkingJob` as JSON, on standard input.
Out:        a `SubmissionMark` as JSON, on what was standard output; whatever else would be printed is lost.
Guarantees: it ends by itself after the time that is allowed, though nobody waits any more; it writes to a temporary
            folder alone. The text is a spec: nothing in it is run.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from specc.data.fit import completed
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.memory import says_no_memory
from specc.diagnostics.render import render_all
from specc.diagnostics.visible import shortened, visible_lines
from specc.grade.mark import OVER_BUDGET, MarkingJob, SubmissionMark
from specc.ir.departures import DEPARTS
from specc.ir.names.holes import OPEN_HOLE
from specc.ir.shaped import ShapedModel
from specc.ir.shapes.infer import infer
from specc.layers.base import written
from specc.limits import limit
from specc.pipeline import Analysis, analyse, analyse_answer
from specc.recipe.reading import overridden
from specc.recipe.recipe import Recipe
from specc.source import Source
from specc.syntax import tree

GRACE = 5  # seconds after which a process ends that is not waited for any more


def mark(asked: MarkingJob) -> SubmissionMark:
    """Looks at a submission, and trains it where that is asked and possible."""
    lesson = analyse(Source("lesson", asked.lesson))
    source = Source(asked.file, asked.text)
    answer = _completed(analyse_answer(source, lesson), lesson, asked.options)
    errors = [found for found in answer.diagnostics if found.is_error]
    holes = sum(found.code == OPEN_HOLE for found in errors)
    codes = list(dict.fromkeys(found.code for found in errors))
    report = visible_lines(render_all(answer.diagnostics))
    found = SubmissionMark(file=asked.file, holes=holes, errors=len(errors) - holes, codes=codes, report=report)
    network, within = _measured(answer, lesson)
    if network is None:
        return found
    found = found.model_copy(update=_costs(network) | {"budget": within})
    if not asked.options.get("data"):
        return found
    return found.model_copy(update=_trained(network, answer, _recipe(asked, answer, lesson)))


def _completed(answer: Analysis, lesson: Analysis, options: dict[str, Any]) -> Analysis:
    """What a spec leaves to its data is taken from there; the findings about the lesson stay."""
    if not answer.resolved.left_open or not options.get("data"):
        return answer
    whole = completed(answer, options)
    return analyse_answer(answer.source, lesson, whole.input_shape, whole.settings)


def _measured(answer: Analysis, lesson: Analysis) -> tuple[ShapedModel | None, bool | None]:
    """The network, though it is over a budget or departs from the lesson; and whether the lesson's budgets are met."""
    if any(found.is_error and found.code not in (OVER_BUDGET, DEPARTS) for found in answer.diagnostics):
        return None, None
    network, _ = infer(answer.resolved._replace(budgets=()))
    budgets = lesson.resolved.budgets
    _, found = infer(answer.resolved._replace(budgets=budgets))
    return network, (not any(one.code == OVER_BUDGET for one in found) if budgets else None)


def _costs(network: ShapedModel) -> dict[str, Any]:
    costs = network.chain.costs
    return {"output": written(network.gives), "params": costs.parameters, "macs": costs.macs}


def _recipe(asked: MarkingJob, answer: Analysis, lesson: Analysis) -> Recipe:
    """How it is trained: as the reference, unless the lesson asks for a part of its recipe, and this answers it."""
    blocks = [item for item in lesson.tree.items if isinstance(item, tree.Train)]
    holes = [found.span for found in lesson.diagnostics if found.code == OPEN_HOLE and found.span is not None]
    own = any(block.span.start <= hole.start < block.span.end for block in blocks for hole in holes)
    departs = any(found.code == DEPARTS for found in answer.diagnostics)
    if (own and not departs) or not asked.reference:
        return overridden(answer.recipe, asked.options)
    return overridden(analyse(Source("reference", asked.reference)).recipe, asked.options)


def _trained(network: ShapedModel, answer: Analysis, recipe: Recipe) -> dict[str, Any]:
    """What comes of training: by the runner, in a folder that is not kept."""
    from specc.runner.before import Subject
    from specc.runner.callbacks.base import result
    from specc.runner.cpu.process import claim
    from specc.runner.run import train_subject

    claim()
    with TemporaryDirectory(prefix="specc-grade-") as folder:
        subject = Subject(answer.source, network, answer.input_shape, answer.settings)
        try:
            run = train_subject(subject, recipe, Path(folder) / "run")
        except Problem as problem:
            return {"trained": shortened(problem.diagnostic.message)}
        last = run.metrics[-1]
    found = last.compared("test")
    score = -last.test_loss if found is None else found[1] if last.by.direction == "max" else -found[1]
    return {"score": score, "result": result(last)}


def main() -> None:
    """Reads what is asked, and answers."""
    out = os.dup(1)
    os.dup2(2, 1)
    asked = MarkingJob.model_validate_json(sys.stdin.buffer.read())
    _bound(asked)
    try:
        found = mark(asked)
    except Problem as problem:
        found = SubmissionMark(state="failed", note=shortened(problem.diagnostic.message))
    except (MemoryError, RuntimeError) as error:
        first = shortened(str(error).partition("\n")[0])
        why = "there is not enough memory" if says_no_memory(error) or not first else first
        found = SubmissionMark(state="failed", note=f"it did not go through: {why}")
    with os.fdopen(out, "wb") as answer:
        answer.write(found.model_dump_json().encode())


def _bound(asked: MarkingJob) -> None:
    """Has the system refuse what is more than allowed; Windows has no such limits."""
    if hasattr(signal, "alarm"):
        signal.alarm(asked.seconds + GRACE)
    cores = os.cpu_count() or 1
    limits = {"DATA": asked.memory, "CPU": cores * asked.seconds + GRACE, "FSIZE": asked.memory, "CORE": 0}
    for name, most in limits.items():
        limit(name, most)


if __name__ == "__main__":
    main()
