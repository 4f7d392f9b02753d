"""What a plan gives in torch: every step is built for the batch that arrives and run at once, no shape is computed.

Written from the language page. Torch's exceptions are its verdict; what it would let pass and the page forbids is a
`Refusal`. The reference knows nothing of specc.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from generate.plan import Argument, Block, Call, Chain, Expression, Partial, Shape, Spec, Step
from generate.reference_layers import LAYERS, Refusal, module_for
from generate.reference_weights import set_weights, take_weight_fields

TORCH_REFUSES = (RuntimeError, ValueError, AssertionError, ArithmeticError, IndexError)
MOST_VALUES = 200_000  # in one output; what is drawn stays far below
FORMS = ("concat", "add", "mul", "residual", "gate", "split")


class TooLarge(Exception):
    """The network is no longer a small one: no verdict."""


class Row(NamedTuple):
    """A line of the summary."""

    name: str
    kind: str
    input: Shape
    output: Any  # of `outputs` a shape for each name
    params: int
    macs: int


class Weight(NamedTuple):
    """A trainable tensor; known: its initial values are not random."""

    tensor: Tensor
    known: bool


class Scope(NamedTuple):
    """The names that a step sees; shared: those that every block sees too; nth: None outside of every repeat."""

    values: Mapping[str, Any]
    shared: Mapping[str, Any]
    blocks: Mapping[str, Block]
    nth: int | None = None


class Result(NamedTuple):
    """What running a plan gave. refused_at: the word that was refused, with the reason; None where all went well."""

    rows: list[Row]
    weights: list[Weight]
    input: Tensor
    output: Any  # a tensor, of a network with `outputs` one for each name
    refused_at: str | None = None
    reason: str = ""


def run(spec: Spec) -> Result:
    """A plan on a batch of two."""
    torch.manual_seed(0)
    x = torch.randn(2, *spec.input)
    scope = Scope(dict(spec.params), dict(spec.params), {block.name: block for block in spec.blocks})
    return run_chain(spec.chain, x, scope)


def run_chain(chain: Chain, x: Tensor, scope: Scope) -> Result:
    """A chain on any batch; the first exception is the verdict."""
    running = _Run()
    try:
        output = running.chain(chain, x, scope, "")
    except (Refusal, *TORCH_REFUSES) as error:
        return Result(running.rows, running.weights, x, x, running.at, f"{type(error).__name__}: {error}")
    return Result(running.rows, running.weights, x, output)


class _Run:
    """One run: rows and weights in the order of execution, and the word of the step that it stands at."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.weights: list[Weight] = []
        self.at = ""
        self.labels: list[dict[str, Tensor | None]] = []  # what left the labelled steps of the chains around

    def branch(self, chain: Chain, x: Tensor, scope: Scope, prefix: str) -> Tensor:
        """A chain that may begin `from` a label."""
        if chain and chain[0].word == "from":
            self.at = "from"
            x = self.labelled(chain[0].arguments[0].value)
            chain = chain[1:]
        return self.chain(chain, x, scope, prefix)

    def labelled(self, label: str) -> Tensor:
        """What left the step of a label, in the innermost chain that has it."""
        for labels in reversed(self.labels):
            if label in labels:
                found = labels[label]
                if found is None:
                    raise Refusal("nothing left that step")
                return found
        raise Refusal("no step that is seen here has that label")

    def chain(self, chain: Chain, x: Tensor, scope: Scope, prefix: str) -> Tensor:
        self.labels.append({})
        x = self.steps(chain, x, scope, prefix)
        self.labels.pop()
        return x

    def steps(self, chain: Chain, x: Tensor, scope: Scope, prefix: str) -> Tensor:
        numbers: Counter[str] = Counter()
        container = nn.Sequential()
        for step in chain:
            self.at = step.word
            if not isinstance(x, Tensor):
                raise Refusal("nothing follows the outputs")
            if step.word == "outputs" and (prefix or step.repeat is not None or step.check is not None):
                raise Refusal("outputs are the last step, once")
            if step.word == "from":
                raise Refusal("from stands first in a branch")
            repeat = evaluate(step.repeat, scope, x)
            kept: dict[str, Tensor | None] = {} if step.label is None else {step.label: None}
            if repeat is not None and (not isinstance(repeat, int) or repeat < 0):
                raise Refusal("a repeat is a whole number")
            for number in range(1, (1 if repeat is None else repeat) + 1):
                numbers[step.word] += 1
                self.at = step.word
                name = f"{step.word}{numbers[step.word]}" if step.label is None else step.label
                name += str(number) if step.label is not None and repeat is not None else ""
                _take_name(container, name)
                x = self.step(step, x, scope if repeat is None else scope._replace(nth=number), prefix + name)
                if step.label is not None:
                    kept |= {name: x, step.label: x}
            self.labels[-1] |= kept
            if step.check is not None:
                self.at = "::"
                _check_shape(step.check, x)
        return x

    def step(self, step: Step, x: Tensor, scope: Scope, name: str) -> Tensor:
        first = len(self.weights)
        held = scope.values.get(step.word)
        word = held if isinstance(held, str) else step.word
        if isinstance(held, Partial):
            word, step = held.word, step._replace(arguments=_with_those_given(held.arguments, step.arguments))
        if word == "outputs":
            outputs: Tensor = self.outputs(step, x, scope, name)
            return outputs
        if word in FORMS:
            y = self.form(step, x, scope, name)
        elif word == "group":
            y = self.chain(step.branches[0], x, scope, f"{name}.")
        elif word in scope.blocks:
            around, self.labels = self.labels, []
            y = self.chain(scope.blocks[word].body, x, _inner(step, scope.blocks[word], scope, x), f"{name}.")
            self.labels = around
        else:
            y = self.layer(step, word, x, scope, name)
        if step.frozen:
            for weight in self.weights[first:]:
                weight.tensor.requires_grad_(False)
        return y

    def layer(self, step: Step, word: str, x: Tensor, scope: Scope, name: str) -> Tensor:
        if word not in LAYERS:
            raise Refusal("no such layer")
        fields = {argument.field: evaluate(argument.value, scope, x) for argument in step.arguments}
        if word == "upsample" and "like" in fields:
            fields = self.sized_like(fields)
        initial = take_weight_fields(word, fields)
        module = module_for(word, x, fields)
        known = set_weights(word, module, initial)
        y = run_module(module, x)
        parameters = dict(module.named_parameters())
        self.weights += [Weight(tensor, tensor_name in known) for tensor_name, tensor in parameters.items()]
        params = sum(tensor.numel() for tensor in parameters.values())
        self.rows.append(Row(name, step.word, sample(x), sample(y), params, macs(module, x, y)))
        return y

    def sized_like(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The fields with the size of a labelled step in the place of its label."""
        if {"scale", "size"} & fields.keys():
            raise Refusal("a size is said once")
        size = sample(self.labelled(fields["like"]))[1:]
        if not size:
            raise Refusal("a vector has no size")
        return {name: value for name, value in fields.items() if name != "like"} | {"size": size}

    def outputs(self, step: Step, x: Tensor, scope: Scope, name: str) -> Any:
        container, first = nn.Sequential(), len(self.weights)
        for heading in step.names:
            self.at = step.word
            _take_name(container, heading)
        found = {
            heading: self.branch(branch, x, scope, f"{name}.{heading}.")
            for heading, branch in zip(step.names, step.branches, strict=True)
        }
        if step.frozen:
            for weight in self.weights[first:]:
                weight.tensor.requires_grad_(False)
        self.rows.append(Row(name, step.word, sample(x), shape_of(found), 0, 0))
        return found

    def form(self, step: Step, x: Tensor, scope: Scope, name: str) -> Tensor:
        y = self.joined(step, x, scope, name)
        self.at = step.word
        _require_size(y)
        self.rows.append(Row(name, step.word, sample(x), sample(y), 0, 0))
        return y

    def joined(self, step: Step, x: Tensor, scope: Scope, name: str) -> Tensor:
        """The outputs of the branches, joined as the page's table says."""
        if step.word == "residual":
            return self.residual(step, x, scope, name)
        inputs = [x] * len(step.branches)
        if step.word == "split":
            inputs = _cut(x, len(inputs), [evaluate(part, scope, x) for part in step.parts])
        begin = self.chain if step.word == "split" else self.branch
        outputs = [
            begin(branch, part, scope, f"{name}.branch{number}.")
            for number, (branch, part) in enumerate(zip(step.branches, inputs, strict=True), start=1)
        ]
        self.at = step.word
        if step.word in ("concat", "split"):
            return torch.cat(outputs, dim=1)
        if step.word == "gate":
            return _product([x, *outputs])
        return _product(outputs) if step.word == "mul" else _sum(outputs)

    def residual(self, step: Step, x: Tensor, scope: Scope, name: str) -> Tensor:
        body = self.branch(step.branches[0], x, scope, f"{name}.body.")
        self.at = step.word
        if isinstance(step.shortcut, tuple):
            other = self.branch(step.shortcut, x, scope, f"{name}.shortcut.")
            self.at = step.word
            return _sum([body, other])
        if body.shape == x.shape or step.shortcut is None:
            return _sum([body, x])
        if step.shortcut == "same":
            return body
        return _sum([body, self.projection(x, body, scope, f"{name}.shortcut.")])

    def projection(self, x: Tensor, body: Tensor, scope: Scope, prefix: str) -> Tensor:
        """`shortcut auto`: `conv C k1 s=S nobias -> bn`, or `linear C nobias -> bn`, with the smallest S that fits."""
        if body.dim() != x.dim():
            raise Refusal("no shortcut between ranks")
        channels, nobias = body.shape[1], Argument("bias", False)
        if x.dim() == 2:
            return self.chain((Step("linear", (Argument("out", channels), nobias)), Step("bn")), x, scope, prefix)
        stride = _smallest_stride(x, body)
        fields = (Argument("out", channels), Argument("kernel", 1), Argument("stride", stride), nobias)
        return self.chain((Step("conv", fields), Step("bn")), x, scope, prefix)


def evaluate(value: Any, scope: Scope, x: Tensor) -> Any:
    """A value where the batch `x` arrives: arithmetic is Python's, and an integral result is a whole number."""
    if isinstance(value, Expression):
        if scope.nth is None and re.search(r"\bnth\b", value.text):
            raise Refusal("nothing is repeated")
        names = {**scope.values, "in_": x.shape[1], "nth": scope.nth, "min": min, "max": max, "divisible": _divisible}
        value = eval(_python(value.text), {"__builtins__": {}}, names)
    if isinstance(value, Call):
        return Call(value.name, tuple(evaluate(argument, scope, x) for argument in value.arguments))
    if isinstance(value, Partial):
        given = (argument._replace(value=evaluate(argument.value, scope, x)) for argument in value.arguments)
        return Partial(value.word, tuple(given))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _with_those_given(given: tuple[Argument, ...], more: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """The arguments of a value and of the step that it becomes."""
    if {argument.field for argument in given} & {argument.field for argument in more}:
        raise Refusal("an argument that is given twice")
    return (*given, *more)


def _python(text: str) -> str:
    """`in` is a word of Python's own."""
    return re.sub(r"\bin\b", "in_", text)


def _divisible(value: float, divisor: int) -> int:
    """The nearest multiple of the divisor, at least 90 % of the value, and at least the divisor."""
    multiple = max(divisor, int(value / divisor + 0.5) * divisor)
    return multiple if multiple >= 0.9 * value else multiple + divisor


def run_module(module: nn.Module, x: Tensor) -> Tensor:
    """What a module gives in evaluation mode; it also has to run in training mode."""
    with torch.no_grad():
        y: Tensor = module.eval()(x)
    trained = module.train()(x)
    assert trained.shape == y.shape
    _require_size(y)
    return y


def sample(x: Tensor) -> Shape:
    """The shape of one sample."""
    return tuple(x.shape[1:])


def shape_of(output: Any) -> Any:
    """The shape of one sample; of several outputs, each by its name."""
    return {name: sample(y) for name, y in output.items()} if isinstance(output, dict) else sample(output)


def macs(module: nn.Module, x: Tensor, y: Tensor) -> int:
    """Multiply-accumulates for one sample, by the page's formulas, from the tensors themselves."""
    weight = getattr(module, "weight", None)
    if isinstance(module, nn.Linear):
        return module.weight.numel()
    if isinstance(module, nn.modules.conv._ConvTransposeNd):
        return x[0].numel() * module.weight[0].numel()
    if isinstance(module, nn.modules.conv._ConvNd):
        assert isinstance(weight, Tensor)
        return y[0].numel() * weight[0].numel()
    return 0


def _take_name(container: nn.Sequential, name: str) -> None:
    """torch refuses the names of its own attributes; a child of the same name it would replace."""
    if name in container._modules:
        raise Refusal("a name that is taken")
    try:
        container.add_module(name, nn.Identity())
    except KeyError as error:
        raise Refusal(str(error)) from None


def _check_shape(check: tuple[int | None, ...], x: Tensor) -> None:
    found = sample(x)
    if len(found) != len(check) or any(wanted not in (None, size) for wanted, size in zip(check, found, strict=True)):
        raise Refusal("the checked shape does not hold")


def _require_size(y: Tensor) -> None:
    if y.numel() == 0:
        raise Refusal("nothing is left")
    if y.numel() > MOST_VALUES:
        raise TooLarge


def _cut(x: Tensor, branches: int, parts: list[Any]) -> list[Tensor]:
    """Equal parts, or those that are given, None for what is left: torch refuses others than make up the whole."""
    if not parts:
        if x.shape[1] % branches:
            raise Refusal("an uneven cut")
        return list(torch.split(x, x.shape[1] // branches, dim=1))
    known = [part for part in parts if part is not None]
    if len(parts) != branches or len(known) < len(parts) - 1:
        raise Refusal("a part for each branch, one of them what is left")
    if any(isinstance(part, bool) or not isinstance(part, int) or part < 1 for part in known):
        raise Refusal("a part is a whole number of at least 1")
    left = x.shape[1] - sum(known)
    if left < 1 and len(known) < len(parts):
        raise Refusal("nothing is left")
    return list(torch.split(x, [left if part is None else part for part in parts], dim=1))


def _sum(outputs: list[Tensor]) -> Tensor:
    if any(output.shape != outputs[0].shape for output in outputs):
        raise Refusal("add needs equal shapes")
    return sum(outputs[1:], start=outputs[0])


def _product(outputs: list[Tensor]) -> Tensor:
    """torch stretches dimensions of 1, and would stretch missing ones."""
    if any(output.dim() != outputs[0].dim() for output in outputs):
        raise Refusal("mul needs equal ranks")
    product = outputs[0]
    for output in outputs[1:]:
        product = product * output
    return product


def _inner(step: Step, block: Block, scope: Scope, x: Tensor) -> Scope:
    """What the body of a block sees: the spec's names and its own, whose defaults are evaluated at the call."""
    given = {argument.field: evaluate(argument.value, scope, x) for argument in step.arguments}
    if not set(given) <= {name for name, _ in block.parameters}:
        raise Refusal("a parameter that the block does not have")
    values = dict(scope.shared)
    for name, default in block.parameters:
        if name not in given and default is None:
            raise Refusal("a parameter without a value")
        seen = scope._replace(values=values)
        values = {**values, name: given[name] if name in given else evaluate(default, seen, x)}
    return scope._replace(values=values, nth=None)


def _smallest_stride(x: Tensor, wanted: Tensor) -> Any:
    """One number where one fits; else the smallest for each dimension."""
    sizes, targets = sample(x)[1:], sample(wanted)[1:]
    for stride in range(1, max(sizes) + 1):
        if all(_strided(size, stride) == target for size, target in zip(sizes, targets, strict=True)):
            return stride
    fitting = [
        next((stride for stride in range(1, size + 1) if _strided(size, stride) == target), None)
        for size, target in zip(sizes, targets, strict=True)
    ]
    if None in fitting:
        raise Refusal("no stride fits")
    return tuple(fitting)


def _strided(size: int, stride: int) -> int:
    """How many pixels a 1×1 window with this stride reads."""
    return len(range(0, size, stride))
