"""The whole file: heading, imports, what torch lacks, the classes, and a line that runs the network."""

from __future__ import annotations

import builtins
import keyword
import textwrap
from collections.abc import Iterator
from pathlib import Path

from specc.diagnostics.spelling import counted
from specc.diagnostics.visible import visible
from specc.emit.python.calls import written_program
from specc.emit.python.code import WIDTH
from specc.emit.python.drafts import ClassDraft, class_name
from specc.emit.python.prediction import NAMES, Prediction, constants_text, functions_text, main_lines
from specc.emit.python.supplement import IMPORTED, SUPPLEMENT
from specc.emit.python.trials import ClassTrial, trials_of
from specc.gallery import PREFIX
from specc.ir.names.scope import shown
from specc.ir.shaped import ShapedModel

TAKEN = frozenset((*SUPPLEMENT, *IMPORTED, *NAMES, *keyword.kwlist, *dir(builtins)))
"""Names that an exported file uses for other things than a block's class."""


def write_python(model: ShapedModel, weights: str = "", use: Prediction | None = None) -> str:
    """A stand-alone module with the network as its last class; the same spec gives the same text.

    Given the same seed it starts with the weights of the compiled spec, and its `state_dict()` has the same keys in
    the same order.

    Args:   weights, the file that belongs to it, to be named in the heading. use, of a network that was trained on
            pictures: what its `predict` needs.
    Raises: Problem E660 for a layer whose code specc does not have.
    """
    name = _name_of(model)
    _, classes = written_program(model, name, TAKEN)
    words = set().union(*(text.words for text in classes))
    head = [_heading(model, weights), _imports(words, classes, predicts=use is not None)]
    parts = [source for word, source in SUPPLEMENT.items() if word in words]
    parts += [draft.text(_remark(draft, model)) for draft in classes]
    if use is not None:
        head.append(constants_text(use))
        parts.append(functions_text(use, name))
    parts.append(_main(model, name, predicts=use is not None))
    return "\n\n\n".join([_joined(head), *parts]) + "\n"


def trials(model: ShapedModel) -> Iterator[ClassTrial]:
    """Uses of the file's classes that the spec does not have."""
    program, _ = written_program(model, _name_of(model), TAKEN)
    return trials_of(program)


def _name_of(model: ShapedModel) -> str:
    """The network's class."""
    name = class_name(stem_of(model.source.path))
    return name + "Network" * (name in TAKEN)


def stem_of(path: str) -> str:
    """What a spec is called: its file's name without the ending; `network` for one without a file."""
    name = path.removeprefix(PREFIX).rpartition("/")[2]
    return "network" if path.startswith("<") else Path(name).stem or "network"


def _joined(parts: list[str]) -> str:
    return "\n\n".join(parts)


def _heading(model: ShapedModel, weights: str) -> str:
    """The spec's own heading, and where this comes from."""
    lines: list[str] = []
    for line in model.source.text.splitlines():
        if not line.startswith("#"):
            break
        text = line.lstrip("#").strip()
        if lines and len(lines[-1]) > WIDTH - len("# "):
            lines[-1] += f" {text}"  # too long for a line here, so that both are broken anew
        else:
            lines.append(text)
    if not any("parameters" in line for line in lines):
        lines.append(counted(model.params, "parameter"))
    settings = " ".join(f"{name}={shown(value)}" for name, value in model.resolved.parameters.items())
    if settings:
        lines.append(f"With {settings}")
    if weights:
        lines.append(f'Weights: model.load_state_dict(safetensors.torch.load_file("{weights}"))')
    lines.append("Written by `specc export --to python`.")
    return "\n".join(wrapped for line in lines for wrapped in _comment(line))


def _comment(line: str) -> list[str]:
    return textwrap.wrap(visible(line), WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False) or [
        "#"
    ]


def _imports(words: set[str], classes: list[ClassDraft], *, predicts: bool) -> str:
    text = "\n".join(line for written in classes for line in (*written.head(), *written.lines))
    sources = "\n".join(source for word, source in SUPPLEMENT.items() if word in words)
    lines = ["import sys"] if predicts else []
    if "chain" in words:
        lines.append("from collections import OrderedDict")
    if "Callable[" in text:
        lines.append("from collections.abc import Callable")
    if predicts:
        lines.append("from functools import cache")
    if lines:
        lines.append("")
    lines += ["import torch", "from torch import Tensor, nn"]
    if "F." in text or "F." in sources:
        lines.append("from torch.nn import functional as F")
    return "\n".join(lines)


def _remark(draft: ClassDraft, model: ShapedModel) -> str:
    """A class's docstring."""
    if draft.block:
        return f"The block `{draft.block}`: {draft.shapes}."
    shapes = draft.shapes if model.output else f"{draft.shapes} to several outputs"
    return f"{shapes}, {counted(model.params, 'parameter')}."


def _main(model: ShapedModel, name: str, *, predicts: bool) -> str:
    shape = ", ".join(map(str, (2, *model.input)))
    lines = [f"model = {name}().eval()", _printed(model, shape)]
    if predicts:
        lines = [*main_lines(), "if not sys.argv[1:]:", *(f"    {line}" for line in lines)]
    return "\n".join(['if __name__ == "__main__":', *(f"    {line}" for line in lines)])


def _printed(model: ShapedModel, shape: str) -> str:
    """What the file prints when it is run: the shape of a batch of two, by name where there are several."""
    run = f"model(torch.rand({shape}))"
    if isinstance(model.gives, dict):
        return f"print({{name: tuple(y.shape) for name, y in {run}.items()}})"
    return f"print(tuple({run}.shape))  # {(2, *model.output)}"
