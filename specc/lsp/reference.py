"""What the words of the language mean, in Markdown: for hover, completion and signature help.

Layers, settings and codes speak for themselves; statements, forms and functions, which are no classes, are told here.
"""

from __future__ import annotations

from functools import cache

from pydantic.fields import FieldInfo

from specc.ir.model import Block
from specc.ir.names.scope import shown
from specc.layers.base import Layer
from specc.layers.fields import accepts, role
from specc.layers.registry import torch_names
from specc.layers.weighted import INITIALIZERS
from specc.recipe.judging import accepts as setting_accepts
from specc.recipe.judging import example
from specc.recipe.recipe import Recipe
from specc.recipe.written import as_written

STATEMENTS = {
    "input": "The shape of one sample, channels first: `input 3x32x32`, or `input 784` for a vector.",
    "param": "A named value, used anywhere below: `param width = 64`. `--set width=32` overrides it.",
    "block": "A reusable chain with parameters: `block name(a, b=1) { … }`. It is used like a layer.",
    "budget": "An upper bound that `specc check` enforces: `budget params <= 1M`; also on `macs` and `memory`.",
    "train": "The training recipe: one setting per line, named like the options of `specc train`.",
    "shortcut": "What goes round a `residual`: `shortcut auto`, `shortcut same` or `shortcut { … }`.",
    "auto": "The identity where the shapes agree, else a 1×1 convolution and `bn` that fit.",
    "same": "The identity where the shapes agree, else the body alone. As padding: the size stays.",
    "in": "The number of channels or features that arrive at this step.",
    "from": "First in a branch: it begins with what left the labelled step, in place of what arrives.",
    "nth": "The running number of the innermost repeat around, from 1: `conv 64 k3 p=nth d=nth x3`.",
    "x": "How often the step is built, each time with its own weights: `x3` or `x=n`, last in the step.",
    "frozen": "The weights are kept as they are while training.",
}

FORMS = {
    "concat": "Every branch gets the input; their outputs are joined along channels.",
    "add": "Every branch gets the input; their outputs are summed, so their shapes must agree.",
    "mul": "Every branch gets the input; their outputs are multiplied. Dimensions of 1 are broadcast.",
    "residual": "`add { f | id }`: the body's output and what went round it, by `shortcut …` or unchanged.",
    "gate": "`mul { id | f }`: the input, each channel scaled by what the branch gives (squeeze-and-excitation).",
    "outputs": "The network's last step: what each branch gives, by its name. `outputs { cls: a | box: b }`.",
    "split": "The channels are cut into equal parts, or as in `split 16 _ { a | b }`, a branch each, and joined again.",
}

FUNCTIONS = {
    "min": ("min(a, b)", "The smaller one."),
    "max": ("max(a, b)", "The larger one."),
    "divisible": ("divisible(a, 8)", "The nearest multiple, never under 90 % of the value: MobileNet's rule."),
}

QUANTITIES = {
    "params": "Values in all trainable tensors.",
    "macs": "Multiply-accumulates for one sample.",
    "memory": "Bytes in float32: weights and gradients, and the input and every step's output for one sample.",
}


@cache
def parameters(block: Block, text: str) -> list[str]:
    """A block's parameters, each with its default as it is written in a text: `k`, `stride=1`."""
    spans = [(one.name, one.default and one.default.span) for one in block.parameters]
    return [name if span is None else f"{name}={text[span.start : span.end]}" for name, span in spans]


def layer_page(cls: type[Layer]) -> str:
    """What a layer does and takes, with an example."""
    lines = [f"**{cls.keyword}** — {summary(cls)}", ""]
    fields = sorted(cls.model_fields.items(), key=lambda field: not role(field[1]).positional)
    lines += [f"- {field_line(name, info)}" for name, info in fields]
    steps = " -> ".join(part.strip() for part in cls.example.split(";")[1:])
    return "\n".join([*lines, "", f"`{steps}`", "", f"torch: {', '.join(f'`{name}`' for name in torch_names(cls))}"])


def summary(cls: type[Layer]) -> str:
    """A layer's one line."""
    return (cls.__doc__ or "").splitlines()[0].rstrip(".")


def field_line(name: str, info: FieldInfo) -> str:
    """An argument in one line.

    >>> from specc.layers.registry import LAYERS
    >>> field_line("p", LAYERS["dropout"].model_fields["p"])
    '`p` — probability that a value is dropped: a probability from 0 to 1; 0.5 if not given'
    """
    written = role(info)
    keys = f"`{name}`, `{written.short}`" if written.short else f"`{name}`"
    default = (
        "required" if info.is_required() else "" if info.default is None else f"{shown(info.default)} if not given"
    )
    return f"{keys} — {written.doc}: {accepts(info).text}" + (f"; {default}" if default else "")


@cache
def setting_page(name: str) -> str:
    """What a setting of `train { }` does and takes."""
    info = Recipe.model_fields[name]
    lines = [
        f"**{name}** — {info.description}",
        "",
        f"It is {setting_accepts(name)}, such as `{name} {example(name)}`.",
    ]
    if info.default is not None:
        lines.append(f"If not given, `{as_written(info.default)}`.")
    return "\n".join(lines)


def initializer_page(name: str) -> str:
    """An initializer with its arguments."""
    rule = INITIALIZERS[name]
    arguments = ", ".join(rule.arguments)
    call = f"{name}({arguments})" if arguments else name
    return f"**{call}** — {rule.doc or f'fills the weight as `torch.nn.init.{name}_` does'}."


def word_page(word: str) -> str | None:
    """The page of a word that is no layer: a statement's, a form's, a function's, an initializer's."""
    if word in FUNCTIONS:
        call, text = FUNCTIONS[word]
        return f"**{call}** — {text}"
    if word in INITIALIZERS:
        return initializer_page(word)
    known = STATEMENTS | FORMS | QUANTITIES
    return f"**{word}** — {known[word]}" if word in known else None
