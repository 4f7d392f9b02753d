"""Models as students write them, odd ones too: a spec that computes the same, or what stands in its way, by name.

No model may end in a traceback, and none may lose what it does in training alone without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention
from torch.nn.modules.lazy import LazyModuleMixin

import specc
from specc.diagnostics.diagnostic import Problem
from specc.exchange.importing import importer
from specc.exchange.importing.importer import import_model
from specc.exchange.importing.structure import structure

INPUT = (3, 8, 8)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def conv(channels: int = 3, out: int = 3) -> nn.Conv2d:
    return nn.Conv2d(channels, out, 1)


class Student(nn.Module):
    """Layers by name, and what is done with them."""

    def __init__(self, run: Callable[[Any, Any], Any], layers: dict[str, Any]) -> None:
        super().__init__()
        self.run = run
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x: Any) -> Any:
        return self.run(self, x)


class Case(NamedTuple):
    """told: the spec's chain where the model is imported, else a part of each note or of the message."""

    name: str
    run: Callable[[Any, Any], Any]
    layers: Callable[[], dict[str, Any]]
    told: str | list[str]


def zeroed() -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(3)
    nn.init.zeros_(norm.weight)
    return norm


def in_place_before_the_sum(self: Any, x: Any) -> Any:
    h = self.conv(x)
    return x + self.bn(h + F.relu(h, inplace=True))


def module_in_place(self: Any, x: Any) -> Any:
    h = self.conv(x)
    return self.other(self.relu(h)) + h


def detached(self: Any, x: Any) -> Any:
    h = self.conv(x)
    F.relu_(h.detach())
    return h


def cloned(self: Any, x: Any) -> Any:
    h = self.conv(x)
    return F.relu_(h.clone()) + h


def one_half(self: Any, x: Any) -> Any:
    left, right = self.conv(x).chunk(2, 1)
    F.relu_(left)
    return torch.cat([left, right], 1)


def half_of_a_whole(self: Any, x: Any) -> Any:
    h = self.conv(x)
    left, _ = h.chunk(2, 1)
    F.relu_(left)
    return h


def through_a_view(self: Any, x: Any) -> Any:
    h = self.conv(x)
    F.relu_(h.flatten(1))
    return h


def behind_a_dropout(self: Any, x: Any) -> Any:
    h = self.conv(x)
    return F.relu_(self.drop(h)) + h


def dropout_in_place(self: Any, x: Any) -> Any:
    h = self.conv(x)
    return self.drop(h) + h


def item_assigned(self: Any, x: Any) -> Any:
    h = self.conv(x)
    h[:, 0] = 0
    return h


def copied(self: Any, x: Any) -> Any:
    h = self.conv(x)
    h.copy_(x)
    return h


IN_ANOTHER_FORM = ["`relu_` changes in place a tensor that is read again in another form"]
IN_PLACE = [
    Case("a sum with what was rectified in place", in_place_before_the_sum, lambda: {"conv": conv(), "bn": zeroed()},
        "residual {\n  conv 3 k1 -> relu\n  residual { id } -> bn\n}\n"),
    Case("a module in place", module_in_place, lambda: {"conv": conv(), "other": conv(), "relu": nn.ReLU(inplace=True)},
        "conv 3 k1 -> relu\nresidual { conv 3 k1 }\n"),
    Case("through another name", detached, lambda: {"conv": conv()}, "conv 3 k1 -> relu\n"),
    Case("a copy", cloned, lambda: {"conv": conv()}, "conv 3 k1\nresidual { relu }\n"),
    Case("one half", one_half, lambda: {"conv": conv(3, 4)}, "conv 4 k1\nsplit { relu | id }\n"),
    Case("the network's input", lambda self, x: self.conv(F.relu_(x)) + x, lambda: {"conv": conv()},
        "relu\nresidual { conv 3 k1 }\n"),
    Case("a dropout", dropout_in_place, lambda: {"conv": conv(), "drop": nn.Dropout(0.3, inplace=True)},
        "conv 3 k1 -> dropout 0.3\nresidual { id }\n"),
    Case("a half of what is read", half_of_a_whole, lambda: {"conv": conv(3, 4)}, IN_ANOTHER_FORM),
    Case("a view of what is read", through_a_view, lambda: {"conv": conv()}, IN_ANOTHER_FORM),
    Case("behind a dropout", behind_a_dropout, lambda: {"conv": conv(), "drop": nn.Dropout(0.3)},
        IN_ANOTHER_FORM),
    Case("a channel is set", item_assigned, lambda: {"conv": conv()},
        ["values are put into a part of a tensor"]),
    Case("a tensor is copied into", copied, lambda: {"conv": conv()}, ["no layer does what `copy_` does"]),
]  # fmt: skip


def reversible(self: Any, x: Any) -> Any:
    a = b = x
    for f, g in zip(self.f, self.g, strict=True):
        a = a + f(b)
        b = b + g(a)
    return a + b


def reversed_lines(f: str, g: str) -> str:
    """Fourteen reversible blocks: each sum takes the one before, and what is added to it the one before that."""
    added = [f"sum{n}: add {{ from sum{n - 2} | {g if n % 2 == 0 else f} }}\n" for n in range(3, 27)]
    first = f"start: id\nsum1: residual {{ {f} }}\nsum2: add {{ from start | {g} }}\n"
    return f"{first}{''.join(added)}add {{ from sum25 | {f} }}\nadd {{ id | from sum26 | {g} }}\n"


def last_step(self: Any, x: Any) -> Any:
    return self.head(self.rnn(x[:, :, 0])[0][:, -1])


def with_indices(self: Any, x: Any) -> Any:
    pooled, indices = self.pool(x)
    return self.unpool(pooled, indices)


def asserted(self: Any, x: Any) -> Any:
    torch._assert(x.shape[1] == 3, f"3 channels are needed, not {x.shape[1]}")
    return self.conv(x)


def python_asserted(self: Any, x: Any) -> Any:
    assert x.shape[1] == 3
    return self.conv(x)


def counted_by_size(self: Any, x: Any) -> Any:
    for _ in range(x.size(1)):
        x = self.conv(x)
    return x


def with_itself(self: Any, x: Any) -> Any:
    return self.attend(x[:, :, 0], x[:, :, 0], x[:, :, 0])[0]


def tied(module: Any, other: Any) -> Any:
    module.weight = other.weight
    return module


def focus(self: Any, x: Any) -> Any:
    """Jocher et al. 2020: pixels that become channels, one place of four after another."""
    return self.conv(torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1))


def rounded(self: Any, x: Any) -> Any:
    y = F.max_pool2d(1e4 * self.conv(x), 2, 3)
    return y.sum((2, 3)) - y.mean((2, 3)) * 9


def blurred(self: Any, x: Any) -> Any:
    row = torch.tensor([1.0, 2.0, 1.0]) / 4
    weight = (row[:, None] * row).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(self.conv(x), (1, 1, 1, 1), mode="reflect"), weight, stride=2, groups=x.shape[1])


def blurred_by_other_numbers(self: Any, x: Any) -> Any:
    return F.conv2d(self.conv(x), torch.full((3, 1, 3, 3), 0.2), groups=3)


def selective(self: Any, x: Any) -> Any:
    """Li et al. 2019: which of two convolutions counts is weighed for each channel."""
    both = torch.stack([self.a(x), self.b(x)], dim=1)
    weights = self.choose(both.sum(1).mean((2, 3), keepdim=True))
    weights = torch.softmax(weights.view(len(x), 2, 3, 1, 1), dim=1)
    return torch.sum(both * weights, dim=1)


def radix(self: Any, x: Any) -> Any:
    """Zhang et al. 2022: the same, of pieces of one convolution."""
    x = self.conv(x)
    pieces = x.reshape(len(x), 2, 3, 8, 8)
    weights = self.choose(pieces.sum(dim=1).mean((2, 3), keepdim=True)).view(len(x), 1, 2, -1).transpose(1, 2)
    weights = F.softmax(weights, dim=1).reshape(len(x), -1)
    return (pieces * weights.reshape(len(x), 2, 3, 1, 1)).sum(dim=1)


class GivenBack(torch.autograd.Function):
    """Gives the memory of what it read back, as reversible networks do."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, run: Any) -> Tensor:
        left, right = (part.contiguous() for part in x.chunk(2, dim=1))
        y = torch.cat([left + run(right), right], dim=1)
        left.set_()  # type: ignore[call-overload]  # torch takes it without arguments too
        return y


ROUNDED = """\
conv 3 k1 -> scale 10000 -> maxpool 2 s3
residual { gap -> flatten -> scale 9 -> scale -1 } shortcut { gap -> scale 9 -> flatten }
"""
FOCUS = """\
concat {
    maxpool 1 s2
  | pixelunshuffle 2 -> channelshuffle 3 -> slice 6 9
  | pixelunshuffle 2 -> channelshuffle 3 -> slice 3 6
  | pixelunshuffle 2 -> channelshuffle 3 -> slice 9 12
}
conv 3 k1
"""
SELECTIVE = """\
start: id
a: conv 3 k1
add { from start -> conv 3 k1 }
mul {
    concat { from a | id }
  | add { from a | id }
    gap
    conv 6 k1 -> flatten -> unflatten 2x3x1x1 -> softmax -> flatten -> unflatten 6x1x1
}
add { slice 0 3 | slice 3 6 }
"""
GIVEN_BACK = """\
conv_out: conv 4 k1 -> slice 2 4
concat {
    add { from conv_out -> slice 0 2 | conv 2 k1 }
  | id
}
"""
RADIX = """\
conv 6 k1 -> flatten -> unflatten 2x3x8x8
gate {
  channelmean -> scale 2 -> flatten -> unflatten 3x8x8
  gap
  conv 6 k1 -> flatten -> unflatten 2x1x3 -> softmax -> flatten -> unflatten 2x3x1x1
} -> channelmean -> scale 2 -> flatten -> unflatten 3x8x8
"""


ODD = [
    Case("pixels cut off", lambda self, x: self.conv(x[:, :, 1:, :-2]), lambda: {"conv": conv()},
        ["a cut that takes a piece of the picture"]),
    Case("pixels cut off by a margin below 0", lambda self, x: F.pad(self.conv(x), (-1, 1, -1, 1)),
        lambda: {"conv": conv()}, ["padding by (-1, 1, -1, 1), and no word takes pixels away"]),
    Case("every second pixel from the second on", lambda self, x: self.conv(x)[..., 1::2, ::2],
        lambda: {"conv": conv()}, "conv 3 k1 -> pixelunshuffle 2 -> channelshuffle 3 -> slice 6 9\n"),
    Case("every third pixel from the second on", lambda self, x: self.conv(x)[..., 1::3, 1::3],
        lambda: {"conv": conv()}, ["a cut that takes a piece of the picture"]),
    Case("every third pixel of the first six", lambda self, x: self.conv(x)[..., :6:3, :7:3],
        lambda: {"conv": conv()}, ["a cut that takes a piece of the picture"]),
    Case("what is left is rounding", rounded, lambda: {"conv": conv()}, ROUNDED),
    Case("a focus", focus, lambda: {"conv": conv(12)}, FOCUS),
    Case("a sum with one pixel", lambda self, x: self.conv(x) + x.mean((2, 3), keepdim=True),
        lambda: {"conv": conv()}, "residual { gap -> upsample size=8 } shortcut { conv 3 k1 }\n"),
    Case("a sum with one channel", lambda self, x: self.conv(x) + x.mean(1, keepdim=True),
        lambda: {"conv": conv()}, ["a sum of 3×8×8 and 1×8×8, which stretches one of them"]),
    Case("sums of pixels", lambda self, x: self.conv(x).sum((2, 3)), lambda: {"conv": conv()},
        "conv 3 k1\ngap -> scale 64 -> flatten\n"),
    Case("sums of neighbouring channels", lambda self, x: self.conv(x).view(-1, 3, 2, 8, 8).sum(dim=2),
        lambda: {"conv": conv(3, 6)},
        "conv 6 k1 -> flatten -> unflatten 3x2x8x8 -> avgpool 2x1x1 -> scale 2 -> flatten -> unflatten 3x8x8\n"),
    Case("blurred pixels", blurred, lambda: {"conv": conv()},
        "conv 3 k1 -> pad 1 reflect -> avgpool 2 s1 -> avgpool 2\n"),
    Case("pixels blurred by other numbers", blurred_by_other_numbers, lambda: {"conv": conv()},
        ["`conv2d` with weights that the model works out as it runs"]),
    Case("selective kernels", selective, lambda: {"a": conv(), "b": conv(), "choose": conv(3, 6)}, SELECTIVE),
    Case("split attention", radix, lambda: {"conv": conv(3, 6), "choose": conv(3, 6)}, RADIX),
    Case("memory that is given back", lambda self, x: GivenBack.apply(self.conv(x), self.small),
        lambda: {"conv": conv(3, 4), "small": conv(2, 2)},
        GIVEN_BACK),
    Case("reversible blocks", reversible,
        lambda: {part: nn.ModuleList(conv() for _ in range(14)) for part in "fg"},
        reversed_lines("conv 3 k1", "conv 3 k1")),
    Case("reversible blocks without weights", reversible,
        lambda: {"f": nn.ModuleList(nn.ReLU() for _ in range(14)), "g": nn.ModuleList(nn.Tanh() for _ in range(14))},
        reversed_lines("relu", "tanh")),
    Case("an LSTM", last_step, lambda: {"rnn": nn.LSTM(8, 8, batch_first=True), "head": nn.Linear(8, 2)},
        ["a cut that is not along the channels", "rnn: no layer does what `LSTM` does"]),
    Case("a GRU alone", lambda self, x: self.rnn(x[:, :, 0])[0], lambda: {"rnn": nn.GRU(8, 8)},
        ["a cut that is not along the channels", "rnn: no layer does what `GRU` does"]),
    Case("places of maxima", with_indices,
        lambda: {"pool": nn.MaxPool2d(2, return_indices=True), "unpool": nn.MaxUnpool2d(2)},
        ["pool: `MaxPool2d` with `return_indices=True`", "unpool: `MaxUnpool2d`"]),
    Case("places of maxima from a function", lambda self, x: F.max_pool2d(x, 2, return_indices=True)[0], dict,
        ["no layer does what `max_pool2d_with_indices` does"]),
    Case("old weight normalisation", lambda self, x: self.conv(x), lambda: {"conv": nn.utils.weight_norm(conv())},
        ["conv: a `Conv2d` whose weight is made of `weight_g` and `weight_v`"]),
    Case("new weight normalisation", lambda self, x: self.conv(x),
        lambda: {"conv": nn.utils.parametrizations.weight_norm(conv())},
        ["conv: no layer does what `ParametrizedConv2d`"]),
    Case("spectral normalisation", lambda self, x: self.conv(x), lambda: {"conv": nn.utils.spectral_norm(conv())},
        ["conv: a `Conv2d` whose weight is made of"]),
    Case("torch's assertion", asserted, lambda: {"conv": conv()}, "conv 3 k1\n"),
    Case("Python's assertion", python_asserted, lambda: {"conv": conv()}, "conv 3 k1\n"),
    Case("a loop over a size", counted_by_size, lambda: {"conv": conv()}, ["conv: 3 steps share its weights"]),
    Case("attention", with_itself, lambda: {"attend": nn.MultiheadAttention(8, 2)},
        ["a cut", "attend: `MultiheadAttention` of something other than one tensor"]),
    Case("an encoder", lambda self, x: self.encode(x[:, 0]),
        lambda: {"encode": nn.TransformerEncoderLayer(8, 2, batch_first=True)},
        ["a cut", "encode: no layer does what `TransformerEncoderLayer` does"]),
    Case("an embedding", lambda self, x: self.embed(x.flatten(1).long()), lambda: {"embed": nn.Embedding(9, 3)},
        ["no layer does what `long` does", "embed: no layer does what `Embedding` does"]),
    Case("a dictionary", lambda self, x: {"y": self.conv(x)}, lambda: {"conv": conv()},
        "conv 3 k1\noutputs { y: id }\n"),
    Case("no tensor", lambda self, x: {"y": self.conv(x), "n": 1}, lambda: {"conv": conv()}, ["gives a dictionary"]),
    Case("a layer twice", lambda self, x: self.conv(self.conv(x)), lambda: {"conv": conv()},
        ["conv: 2 steps share its weights"]),
    Case("a parameter twice", lambda self, x: self.factor * (self.factor * x),
        lambda: {"factor": nn.Parameter(torch.full((3, 1, 1), 1e-6))}, ["factor: 2 steps share its weights"]),
    Case("tied layers", lambda self, x: self.b(self.a(x)),
        lambda: {"a": (one := conv()), "b": tied(conv(), one)},
        ["a: 2 steps share its weights"]),
    Case("a choice by value", lambda self, x: torch.where(x > 0, x, self.conv(x)), lambda: {"conv": conv()},
        ["no layer does what `gt` does", "no layer does what `where` does"]),
    Case("an item", lambda self, x: self.conv(x) * x.max().item(), lambda: {"conv": conv()},
        ["its code cannot be followed: it reads the values of a tensor, by `item` at test_import_students.py:"]),
    Case("a sum over a stack", lambda self, x: torch.stack([self.conv(x), x], 1).sum(1), lambda: {"conv": conv()},
        "residual { conv 3 k1 }\n"),
    Case("a tensor by its name", lambda self, x: F.relu(input=F.conv2d(input=x, weight=self.conv.weight, bias=None)),
        lambda: {"conv": nn.Conv2d(3, 3, 1, bias=False)}, "conv 3 k1 nobias -> relu\n"),
    Case("a shuffle of one group", lambda self, x: self.conv(x).view(-1, 1, 3, 8, 8).transpose(1, 2).reshape(x.shape),
        lambda: {"conv": conv()}, "conv 3 k1\n"),
    Case("batches of two alone", lambda self, x: self.conv(x).view(2, 192), lambda: {"conv": conv()},
        ["RuntimeError: shape '[2, 192]' is invalid for input of size 576"]),
    Case("a mean over a stack", lambda self, x: torch.stack((self.conv(x), x)).mean(0), lambda: {"conv": conv()},
        "residual { conv 3 k1 } -> scale 0.5\n"),
    Case("the largest of a stack", lambda self, x: torch.stack((self.conv(x), x)).amax(0), lambda: {"conv": conv()},
        ["`amax` of tensors in a dimension of their own"]),
    Case("Einstein's sum", lambda self, x: torch.einsum("bchw->bhwc", self.conv(x)), lambda: {"conv": conv()},
        ["`einsum`"]),
    Case("a buffer as a factor", lambda self, x: self.conv(x) * self.mask,
        lambda: {"conv": conv(), "mask": nn.Buffer(torch.ones(3, 1, 1))}, ["multiplying by a tensor of shape 3×1×1"]),
    Case("NumPy in between", lambda self, x: torch.from_numpy(self.conv(x).detach().numpy()), lambda: {"conv": conv()},
        ["it reads the values of a tensor, by `numpy`"]),
    Case("statistics of the batch", lambda self, x: self.bn(x),
        lambda: {"bn": nn.BatchNorm2d(3, track_running_stats=False)},
        ["bn: `BatchNorm2d` with `track_running_stats=False`"]),
    Case("a lazy layer", lambda self, x: self.conv(x), lambda: {"conv": nn.LazyConv2d(4, 1)}, "conv 4 k1\n"),
    Case("nothing", lambda self, x: x, dict, ""),
    Case("batches flattened too", lambda self, x: torch.flatten(x), dict, ["a change of shape from (3, 8, 8) to ()"]),
    Case("an error of the model's own", lambda self, x: [x].__getitem__(self.place), lambda: {"place": 1},
        ["IndexError: list index out of range"]),
    Case("other channels", lambda self, x: self.conv(x), lambda: {"conv": conv(4)}, ["RuntimeError: Given groups=1"]),
]  # fmt: skip


class DropPath(nn.Module):
    """As it is copied from one repository to the next."""

    def __init__(self, drop_prob: float) -> None:
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: Tensor) -> Tensor:
        if self.drop_prob == 0.0 or not self.training:
            return x
        keep = 1 - self.drop_prob
        kept = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(keep)
        return x * kept.div_(keep)


class Unscaled(DropPath):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * (1 - self.drop_prob) if self.training else x


Unscaled.__name__ = "DropPath"


def frozen(module: Any, name: str = "") -> Any:
    (module.get_parameter(name) if name else module).requires_grad_(False)
    return module


def noisy(self: Any, x: Any) -> Any:
    return self.conv(x + torch.randn_like(x) if self.training else x)


TRAINING = [
    Case("stochastic depth", lambda self, x: self.none(x + self.drop(self.conv(x))),
        lambda: {"conv": conv(), "drop": DropPath(0.2), "none": DropPath(0.0)},
        "residual { conv 3 k1 -> droppath 0.2 }\n"),
    Case("stochastic depth that does not scale", lambda self, x: x + self.drop(self.conv(x)),
        lambda: {"conv": conv(), "drop": Unscaled(0.2)},
        ["drop: `DropPath` does not drop whole samples as `droppath` does"]),
    Case("dropout of the model's mode", lambda self, x: F.dropout(x, 0.3, self.training), dict, "dropout 0.3\n"),
    Case("dropout of channels", lambda self, x: F.dropout2d(x, 0.3, training=self.training), dict, "dropout2d 0.3\n"),
    Case("dropout that is never on", lambda self, x: self.conv(F.dropout(x, 0.3, training=False)),
        lambda: {"conv": conv()}, "conv 3 k1\n"),
    Case("dropout that is always on", lambda self, x: F.dropout(x), dict, ["`dropout` drops in evaluation too"]),
    Case("frozen weights", lambda self, x: self.c(self.b(self.a(x))),
        lambda: {"a": frozen(nn.Sequential(conv(), nn.BatchNorm2d(3))), "b": frozen(conv(), "bias"), "c": conv()},
        "conv 3 k1 frozen -> bn frozen\nconv 3 k1 frozen=bias\nconv 3 k1\n"),
    Case("a frozen factor", lambda self, x: x * self.factor,
        lambda: {"factor": frozen(nn.Parameter(torch.ones(3, 1, 1)))}, "layerscale 1 frozen\n"),
]  # fmt: skip

CASES = [*IN_PLACE, *ODD, *TRAINING]


def told(case: Case) -> str | list[str]:
    """The chain of the imported spec, or the notes of the report."""
    torch.manual_seed(0)
    model = Student(case.run, case.layers()).eval()
    if any(isinstance(module, LazyModuleMixin) for module in model.modules()):
        model(torch.rand(2, *INPUT))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items() if tensor.numel()}
    try:
        found = import_model(model, "net:Net", INPUT)
    except Problem as problem:
        assert problem.diagnostic.code in ("E665", "E666")
        return list(problem.diagnostic.notes)
    finally:
        for name, tensor in before.items():
            assert torch.equal(model.state_dict()[name], tensor), f"{name} was changed"
    assert not found.remarks
    trained = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    for name, parameter in specc.compile(found.text).named_parameters():
        assert parameter.requires_grad == trained[found.names[name]]
    return found.text.partition("\n\n")[2]


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_student_model(case: Case) -> None:
    found = told(case)
    if isinstance(case.told, str):
        assert found == case.told
        return
    assert isinstance(found, list)
    assert len(found) >= len(case.told)
    for part, note in zip(case.told, found, strict=False):
        assert part in note


def test_what_is_random_in_training_alone_is_told() -> None:
    found = import_model(Student(noisy, {"conv": conv()}), "net:Net", INPUT)
    assert found.remarks == (
        "in training the model draws random numbers once a batch, the spec never: "
        "what is random in training alone is not all in the spec",
    )


def frozen_statistics(self: Any, x: Any) -> Any:
    norm = self.norm
    return F.batch_norm(self.conv(x), norm.running_mean, norm.running_var, norm.weight, norm.bias, False)


def test_what_training_mode_does_otherwise_is_refused() -> None:
    """Statistics that stay as they are in training, though they are those of a `bn`."""
    model = Student(frozen_statistics, {"conv": conv(), "norm": nn.BatchNorm2d(3)})
    with pytest.raises(Problem, match="in training the model does something else than in evaluation") as caught:
        import_model(model, "net:Net", INPUT)
    assert caught.value.diagnostic.code == "E666"


def test_outputs_of_training_alone_are_told() -> None:
    def auxiliary(self: Any, x: Any) -> Any:
        x = self.conv(x)
        return (x, self.other(x)) if self.training else x

    found = import_model(Student(auxiliary, {"conv": conv(), "other": conv()}), "net:Net", INPUT)
    assert found.remarks == ("in training the model gives other outputs than in evaluation, and the spec does not",)


def test_the_model_is_left_as_it_was_where_following_it_fails() -> None:
    model = Student(lambda self, x: self.conv(x) if x.sum() > 0 else x, {"conv": conv(), "drop": nn.Dropout()})
    usual = nn.Module.__call__
    with pytest.raises(Problem):
        import_model(model, "net:Net", INPUT)
    assert nn.Module.__call__ is usual
    assert {type(module.training) for module in model.modules()} == {bool}


@pytest.mark.parametrize("zero", ["weight", "running_var"])
def test_a_wrong_spec_does_not_hide_behind_a_factor_of_zero(zero: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain that lost its rectifier agrees with a fresh branch, whose last factor is 0, and with no other."""

    def without_relu(graph: Any) -> Any:
        return dropped(structure(graph))

    def dropped(chain: Any) -> Any:
        kept = [node for node in chain if getattr(node, "word", "") != "relu"]
        return tuple(
            node._replace(branches=tuple(map(dropped, node.branches))) if hasattr(node, "branches") else node
            for node in kept
        )

    norm = nn.BatchNorm2d(3)
    if zero == "weight":
        nn.init.zeros_(norm.weight)
    else:
        norm.get_buffer("running_var").fill_(1e20)
    monkeypatch.setattr(importer, "structure", without_relu)
    model = Student(lambda self, x: x + self.norm(F.relu(self.conv(x))), {"conv": conv(), "norm": norm})
    with pytest.raises(Problem, match="a different output from the model with weights other than its own"):
        import_model(model, "net:Net", INPUT)


def test_a_fault_of_the_import_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(chain: Any) -> Any:
        raise IndexError("tuple index out of range")

    monkeypatch.setattr(importer, "with_blocks", fails)
    with pytest.raises(Problem, match=r"a fault in specc itself: IndexError") as caught:
        import_model(Student(lambda self, x: self.conv(x), {"conv": conv()}), "net:Net", INPUT)
    assert caught.value.diagnostic.code == "E668"
