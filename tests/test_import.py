"""What `specc import` makes of a model: a spec that gives the same output, or all that has no word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torchvision
from click.testing import CliRunner, Result
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

import specc
from specc.cli.main import main
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.exchange.importing.importer import Imported, import_model, import_source
from specc.layers.base import Shape
from specc.source import Source
from specc.syntax.format import format_source


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def imported(model: nn.Module, input: Shape) -> Imported:
    """A model imported after its running statistics have moved; the text is in canonical form."""
    torch.manual_seed(0)
    with torch.no_grad():
        model.train()(torch.rand(3, *input))
    found = import_model(model, "net:Net", input)
    assert format_source(Source("net.cnn", found.text)).text == found.text
    assert specc.check(found.text).ok
    return found


def body(text: str) -> str:
    """A spec without its heading."""
    return text.partition("\n\n")[2]


# torchvision

MODELS = [
    ("resnet18", 64), ("densenet121", 64), ("squeezenet1_1", 64),
    ("mobilenet_v3_small", 64), ("shufflenet_v2_x0_5", 64), ("mnasnet0_5", 64), ("regnet_y_400mf", 64),
]  # fmt: skip


@pytest.mark.parametrize(("name", "side"), MODELS, ids=[name for name, _ in MODELS])
def test_torchvision(name: str, side: int) -> None:
    model = torchvision.models.get_model(name, weights=None)
    found = imported(model, (3, side, side))
    assert found.model.params == sum(parameter.numel() for parameter in model.parameters())
    assert found.text.count("\n") < 60
    again = specc.compile(found.text).eval()
    specc.load_weights(again, model.state_dict(), names=found.names)
    x = torch.rand(2, 3, side, side)
    with torch.no_grad():
        assert torch.allclose(again(x), model(x), rtol=1e-4, atol=1e-5)


def test_resnet18_is_as_short_as_a_person_writes_it() -> None:
    found = import_source("torchvision:resnet18", (3, 224, 224))
    assert found.text == (
        "# ResNet, imported from torchvision:resnet18\n# 11,689,512 parameters\ninput 3x224x224\n\n"
        "block basic_block(c, stride=1) {\n"
        "  residual {\n"
        "    conv c k3 s=stride p1 nobias -> bn -> relu\n"
        "    conv c k3 p1 nobias -> bn\n"
        "  } shortcut auto -> relu\n"
        "}\n\n"
        "conv 64 k7 s2 p3 nobias -> bn -> relu -> maxpool 3 s2 p1\n"
        "basic_block 64 x2\nbasic_block 128 s2\nbasic_block 128\nbasic_block 256 s2\nbasic_block 256\n"
        "basic_block 512 s2\nbasic_block 512\n"
        "gap -> flatten -> linear 1000\n"
    )


# models as students write them


class Functional(nn.Module):
    """Layers in the constructor, functions in the forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 8, 3), nn.Conv2d(8, 16, 3)
        self.drop, self.pool = nn.Dropout(0.25), nn.MaxPool2d(2, 2)
        self.fc1, self.fc2 = nn.Linear(400, 32), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.pool(self.conv1(x)))
        x = self.drop(F.leaky_relu(F.max_pool2d(self.conv2(x), 2), 0.2))
        x = x.view(x.size(0), -1)
        x = F.dropout(torch.tanh(self.fc1(x)), 0.3, self.training)
        output: Tensor = F.log_softmax(self.fc2(x), dim=1)
        return output


class Excite(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(channels, channels // 4), nn.ReLU(), nn.Linear(channels // 4, channels))

    def forward(self, x: Tensor) -> Tensor:
        b, c, _, _ = x.size()
        weights = torch.sigmoid(self.fc(F.adaptive_avg_pool2d(x, 1).view(b, c))).view(b, c, 1, 1)
        return x * weights.expand_as(x)


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.excite = nn.Conv2d(3, 8, 3, padding="same"), Excite(8)
        self.body, self.project = nn.Conv2d(8, 12, 3, 2, 1, bias=False), nn.Conv2d(8, 12, 1, 2)
        self.scale = nn.Parameter(torch.full((12, 1, 1), 0.5))
        self.head = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.excite(self.stem(x)) / 2
        x = self.scale * self.body(x) + self.project(x)
        output: Tensor = self.head(x.mean([2, 3]))
        return output


class Encoder(nn.Module):
    """A U-Net in small: a value that is joined again later."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.bottom, self.up = (
            nn.Conv2d(1, 4, 3, 1, 1),
            nn.Conv2d(4, 8, 3, 1, 1),
            nn.ConvTranspose2d(8, 4, 2, 2),
        )
        self.out = nn.Conv2d(8, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        skip = F.relu(self.down(x))
        deep = self.up(F.relu(self.bottom(F.max_pool2d(skip, 2))))
        output: Tensor = self.out(torch.cat([skip, deep], 1))
        return output


class Halves(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(2, 2, 1), nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        left, right = x.chunk(2, dim=1)
        x = torch.cat([self.left(left), right], dim=1)
        output: Tensor = x[:, 1:3] + self.right(x)[:, 2:]
        return output


class Uneven(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Conv2d(1, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        left, right = torch.split(x, [1, 3], dim=1)
        return torch.cat([self.left(left), right], dim=1)


class Last(nn.Module):
    """Channels last in the middle, as in ConvNeXt."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise, self.norm = nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.LayerNorm(4)
        self.wide, self.narrow = nn.Linear(4, 16), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        output: Tensor = x + self.narrow(F.gelu(self.wide(y))).permute(0, 3, 1, 2)
        return output


class Unshifted(nn.Module):
    """Layer normalisation without a shift, as a module and as a function."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(4, bias=False), nn.LayerNorm(4, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = F.layer_norm(torch.relu(self.first(x)), (4,), self.second.weight)
        return output


class Derived(nn.Conv2d):
    """A class of torch's with arguments of its own."""

    def __init__(self, out_channels: int) -> None:
        super().__init__(3, out_channels, 3, padding=1)


class Resized(nn.Module):
    """Margins of one side, sizes, and aligned corners."""

    def __init__(self) -> None:
        super().__init__()
        self.causal, self.grey = nn.ZeroPad2d((2, 0, 1, 0)), nn.ConstantPad2d(1, 0.5)
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.aligned = nn.UpsamplingBilinear2d(scale_factor=2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.grey(self.causal(x))
        x = F.pad(F.pad(x, (1, 2, 0, 0), mode="reflect"), (0, 1, 0, 1), value=2.0)
        x = self.aligned(self.up(x))
        return F.interpolate(F.interpolate(x, size=(9, 7), mode="nearest"), size=(18, 14))


class GRN(nn.Module):
    """Woo et al. 2023, as it is copied from one repository to the next: with channels last."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.zeros(1, 1, 1, dim)), nn.Parameter(torch.zeros(1, 1, 1, dim))

    def forward(self, x: Tensor) -> Tensor:
        strength = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
        output: Tensor = self.gamma * (x * (strength / (strength.mean(dim=-1, keepdim=True) + 1e-6))) + self.beta + x
        return output


class OverChannels(nn.Module):
    """What looks at all channels, adds to them, or adds more of them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.look, self.grn = Derived(8), nn.Conv2d(2, 1, 7, padding=3), GRN(8)
        self.offset, self.down = nn.Parameter(torch.zeros(8, 1, 1)), nn.PixelUnshuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x - 0.5)
        both = torch.cat([torch.max(x, 1)[0].unsqueeze(1), torch.mean(x, 1).unsqueeze(1)], dim=1)
        x = self.grn((x * torch.sigmoid(self.look(both))).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        x = F.pad(x + self.offset + 1.5, (0, 0, 0, 0, 1, 2))
        x = x * x.amax(1, keepdim=True) * x.max(dim=1, keepdim=True).values
        return F.pixel_unshuffle(self.down(x), 2)


class Crossing(nn.Module):
    """Branches that cross, as in a bidirectional pyramid."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(3, 3, 1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        first = self.a(x)
        second = self.b(first) + x
        output: Tensor = self.c(first) * second
        return output


class Pyramid(nn.Module):
    """Several outputs, each made from the one before and from further up."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(nn.Conv2d(c, 2 * c, 3, 2, 1) for c in (2, 4))
        self.side = nn.ModuleList(nn.Conv2d(c, 3, 1) for c in (4, 8))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        fine = self.down[0](x)
        coarse = self.down[1](fine)
        top = self.side[1](coarse)
        wide = F.interpolate(top, size=fine.shape[-2:], mode="bilinear", align_corners=True)
        return {"fine": self.side[0](fine) + wide, "coarse": top}


class SamePadding(nn.Conv2d):
    """A class of torch's whose forward is replaced: padding that depends on the size, as TensorFlow has it."""

    def forward(self, x: Tensor) -> Tensor:
        sides = []
        for size, kernel, stride in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
            extra = max(0, (-(size // -stride) - 1) * stride + kernel - size)
            sides += [extra // 2, extra - extra // 2]
        return F.conv2d(F.pad(x, sides), self.weight, self.bias, self.stride, (0, 0), self.dilation, self.groups)


class NormAct(nn.BatchNorm2d):
    """Normalisation and activation in one module."""

    def forward(self, x: Tensor) -> Tensor:
        x = F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training,
            self.momentum or 0.0,
            self.eps,
        )
        return F.relu(x, inplace=True)


class Own(nn.Module):
    """Functions that are called with the model's own weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = SamePadding(3, 8, 3, stride=2), NormAct(8)
        self.group, self.mix, self.head = nn.GroupNorm(2, 8), nn.Conv2d(8, 4, 1, bias=False), nn.Linear(4, 2)
        self.up = nn.ConvTranspose2d(4, 4, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        x = F.group_norm(x, 2, self.group.weight, self.group.bias, 1e-3)
        x = F.conv_transpose2d(F.conv2d(x, self.mix.weight), self.up.weight, stride=2)
        x = F.layer_norm(x.permute(0, 2, 3, 1), (4,)).permute(0, 3, 1, 2)
        return F.linear(x.flatten(2).mean(2), self.head.weight, self.head.bias)


class Spelled(nn.Module):
    """Activations and reorderings that are spelled out, attention over channels, and a margin that no maximum takes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.look = nn.Conv2d(12, 8, 1), nn.Conv1d(1, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        x = x.view(n, c, h // 2, 2, w // 2, 2).permute(0, 3, 5, 1, 2, 4).contiguous()
        x = self.conv(x.view(n, -1, h // 2, w // 2))
        x = x * F.relu6(x + 3) / 6
        x = x * torch.sigmoid(x) - x.clamp(0, 6)
        y = self.look(x.mean((2, 3)).view(n, 1, -1)).sigmoid()
        x = x * y.view(n, -1, 1, 1)
        x = F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-torch.inf), 3, 2)
        x = x.reshape(n, 2, 4, *x.shape[2:]).transpose(1, 2).flatten(1, 2)
        return 1 - x[:, :, ::2, ::2].amax(3, keepdim=True)


class Fires(nn.Module):
    """A concatenation of every step's output with those of the steps behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        first = self.a(x)
        return sum(torch.cat([x, first, self.b(first)], 1).chunk(3, 1))  # type: ignore[return-value]  # it begins at 0


LADDERS = """\
block ladder {
  step_out3: conv 3 k1
  conv 3 k1 -> bn -> step_out4: relu
  add { conv 3 k1 -> bn -> relu | from step_out3 }
  concat {
      from step_out4
    | id
    | add { conv 3 k1 -> bn -> relu | from step_out3 }
  }
  conv 3 k1
}

ladder x2
"""


class Unit(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.ReLU())


class Ladder(nn.Module):
    """Units that nothing but this class uses, the first of which is read again further on."""

    def __init__(self) -> None:
        super().__init__()
        self.start, self.end = nn.Conv2d(3, 3, 1), nn.Conv2d(9, 3, 1)
        self.first, self.second, self.third = Unit(), Unit(), Unit()

    def forward(self, x: Tensor) -> Tensor:
        start = self.start(x)
        first = self.first(start)
        second = self.second(first) + start
        third = self.third(second) + start
        output: Tensor = self.end(torch.cat([first, second, third], 1))
        return output


STUDENTS: list[tuple[nn.Module, Shape, str]] = [
    (
        Functional(),
        (1, 28, 28),
        "conv 8 k3 -> maxpool 2 -> relu\n"
        "conv 16 k3 -> maxpool 2 -> leakyrelu 0.2 -> dropout 0.25 -> flatten\n"
        "linear 32 -> tanh -> dropout 0.3\n"
        "linear 10 -> logsoftmax\n",
    ),
    (
        nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)),
        (1, 4, 4),
        "flatten\n{ linear 8 -> relu } x2\nlinear 2\n",
    ),
    (
        Gated(),
        (3, 8, 8),
        "conv 8 k3 same\n"
        "gate { gap -> flatten -> linear 2 -> relu -> linear 8 -> sigmoid -> unflatten 8x1x1 } -> scale 0.5\n"
        "residual { conv 12 k3 s2 p1 nobias -> layerscale 0.5 } shortcut { conv 12 k1 s2 }\n"
        "gap -> flatten -> linear 4\n",
    ),
    (
        Encoder(),
        (1, 8, 8),
        "conv 4 k3 p1 -> relu\n"
        "concat {\n    id\n  | maxpool 2\n    conv 8 k3 p1 -> relu\n    convtranspose 4 k2 s2\n}\n"
        "conv 1 k1\n",
    ),
    (Halves(), (4, 3, 3), "split { conv 2 k1 | id }\nresidual { conv 4 k1 -> slice 2 4 } shortcut { slice 1 3 }\n"),
    (Uneven(), (4, 3, 3), "split 1 3 { conv 2 k1 | id }\n"),
    (Unshifted(), (4,), "layernorm nobias -> relu -> layernorm nobias\n"),
    (
        Resized(),
        (3, 8, 8),
        "pad 1x2 0 -> pad 1 value=0.5 -> pad 0x1 0x2 reflect -> pad 0 1 value=2"
        " -> upsample 2 linear corners x2\nupsample size=9x7 -> upsample 2\n",
    ),
    (
        OverChannels(),
        (3, 8, 8),
        "shift -0.5\n"
        "conv 8 k3 p1\n"
        "gate {\n  concat { channelmax | channelmean }\n  conv 1 k7 p3 -> sigmoid\n}"
        " -> grn -> layershift -> shift 1.5 -> channelpad 1 2\n"
        "mul { gate { channelmax } | channelmax } -> pixelunshuffle 2 x2\n",
    ),
    (Crossing(), (3, 8, 8), "start: id\nconv 3 k1\nmul { conv 3 k1 | add { conv 3 k1 | from start } }\n"),
    (nn.Sequential(Ladder(), Ladder()), (3, 8, 8), LADDERS),
    (
        Pyramid(),
        (2, 8, 8),
        "down_0: conv 4 k3 s2 p1\nconv 8 k3 s2 p1\nconv 3 k1\n"
        "outputs {\n    fine: add {\n        from down_0 -> conv 3 k1\n      | upsample 2 linear corners\n    }\n"
        "  | coarse: id\n}\n",
    ),
    (
        Own(),
        (3, 8, 8),
        "pad 0 1\nconv 8 k3 s2 -> bn -> relu -> groupnorm 2 eps=0.001\nconv 4 k1 nobias\n"
        "convtranspose 4 k2 s2 nobias -> layernorm noaffine -> flatten -> unflatten 4x64\ngap -> flatten -> linear 2\n",
    ),
    (
        Spelled(),
        (3, 8, 8),
        "pixelunshuffle 2 -> channelshuffle 3\nconv 8 k1 -> hardswish\n"
        "residual { relu6 -> scale -1 } shortcut { silu }\n"
        "gate {\n  gap -> flatten -> unflatten 1x8 -> conv 1 k3 p1 nobias -> sigmoid -> flatten -> unflatten 8x1x1\n}"
        " -> maxpool 3 s2 ceil -> channelshuffle 2 -> maxpool 1 s2 -> maxpool 1 -> scale -1 -> shift 1\n",
    ),
    (
        Fires(),
        (3, 8, 8),
        "concat {\n    id\n  | conv 3 k1\n    concat { id | conv 3 k1 }\n}\n"
        "add { slice 0 3 | slice 3 6 | slice 6 9 }\n",
    ),
    (
        Last(),
        (4, 6, 6),
        "residual {\n  dwconv k3 p1 -> layernorm\n  conv 16 k1 -> gelu\n  conv 4 k1\n}\n",
    ),
]


@pytest.mark.parametrize(("model", "input", "text"), STUDENTS, ids=[type(model).__name__ for model, _, _ in STUDENTS])
def test_models_as_they_are_written(model: nn.Module, input: Shape, text: str) -> None:
    assert body(imported(model, input).text) == text


# what has no word


class Foreign(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.attend = nn.Conv2d(3, 3, 1), nn.LSTM(3, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.cumsum(self.conv(x), dim=1) + 1.0
        return self.conv(x), x


class Branching(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (Foreign(), ["`cumsum` does (test_import.py:", "conv: 2 steps share its weights"]),
        (Branching(), ["cannot be followed"]),
        (nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 2)), ["0: layer normalisation", "1: a linear layer"]),
        (nn.Upsample(scale_factor=2, mode="area"), ["upsampling by `area`"]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_everything_without_a_word_is_listed(model: nn.Module, told: list[str]) -> None:
    with pytest.raises(Problem) as caught:
        import_model(model, "net:Net", (3, 8, 8))
    found = caught.value.diagnostic
    assert found.code == "E666"
    assert len(found.notes) == len(told)
    for note, words in zip(found.notes, told, strict=True):
        assert words in note


# Darknet

DARKNET = """\
[net]
width=16
height=16
channels=3
learning_rate=0.1

# the stem
[convolutional]
batch_normalize=1
filters=8
size=3
pad=1
activation=leaky

[maxpool]
size=2
stride=2

[convolutional]
batch_normalize=1
filters=4
size=1
activation=leaky

[convolutional]
batch_normalize=1
filters=8
size=3
pad=1
activation=leaky

[shortcut]
from=-3
activation=linear

[route]
layers=-1,1

[avgpool]

[connected]
output=10
activation=linear

[softmax]

[cost]
"""


def darknet(text: str, folder: Path) -> Imported:
    (folder / "net.cfg").write_text(text)
    return import_source(str(folder / "net.cfg"), None)


def test_darknet(tmp_path: Path) -> None:
    assert darknet(DARKNET, tmp_path).text == (
        "# net, imported from a Darknet file\n# 746 parameters\ninput 3x16x16\n\n"
        "conv 8 k3 p1 nobias -> bn -> leakyrelu 0.1 -> maxpool 2\n"
        "concat {\n    residual {\n      conv 4 k1 nobias -> bn -> leakyrelu 0.1\n"
        "      conv 8 k3 p1 nobias -> bn -> leakyrelu 0.1\n    }\n  | id\n}\n"
        "gap -> flatten -> linear 10 -> softmax\n"
    )


@pytest.mark.parametrize("pixels", [12, 13])
@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (3, 1), (5, 1), (3, 3), (2, 1), (4, 1), (4, 3)])
def test_darknets_pooling_pads_both_sides_together(size: int, stride: int, pixels: int, tmp_path: Path) -> None:
    text = f"[net]\nwidth={pixels}\nheight={pixels}\nchannels=1\n[maxpool]\nsize={size}\nstride={stride}\n"
    found = specc.compile(darknet(text, tmp_path).text)
    x = torch.rand(1, 1, pixels, pixels)
    near = (size - 1) // 2
    padded = F.pad(x, (near, size - 1 - near) * 2, value=-torch.inf)
    assert torch.equal(found(x), F.max_pool2d(padded, size, stride))


def test_darknets_sections_without_a_word_are_listed(tmp_path: Path) -> None:
    text = DARKNET.replace("[avgpool]", "[local]\nsize=2\n\n[avgpool]").replace("[softmax]", "[gru]")
    with pytest.raises(Problem) as caught:
        darknet(text, tmp_path)
    notes = caught.value.diagnostic.notes
    assert [note.partition(":")[0] for note in notes] == ["line 39, [local]", "line 48, [gru]"]


def test_darknets_softmax_at_a_temperature(tmp_path: Path) -> None:
    text = "[net]\ninputs=4\n[connected]\noutput=3\nactivation=linear\n[softmax]\ntemperature=4\n"
    assert darknet(text, tmp_path).text.endswith("input 4\n\nlinear 3 -> scale 0.25 -> softmax\n")


HEAD = "[net]\nwidth=8\nheight=8\nchannels=3\n"


def test_darknets_heads_are_outputs(tmp_path: Path) -> None:
    text = (
        f"{HEAD}[convolutional]\nfilters=4\nactivation=linear\n[yolo]\nclasses=2\n[route]\nlayers=-2\n"
        "[maxpool]\nsize=2\nstride=2\n[yolo]\nclasses=2\n"
    )
    found = darknet(text, tmp_path)
    assert body(found.text) == "conv 4 k1\noutputs { yolo1: id | yolo2: maxpool 2 }\n"
    assert "`yolo1` and `yolo2`" in found.remarks[0]
    assert body(darknet(text.partition("[route]")[0], tmp_path).text) == "conv 4 k1\n"
    assert "has no option `clases`" in report(text.replace("classes", "clases", 1), tmp_path).message


def test_darknets_reorganisation(tmp_path: Path) -> None:
    """As the loops of its source have it: a picture read as one of fewer channels first (`reorg_cpu`)."""
    text = f"{HEAD.replace('channels=3', 'channels=8')}[reorg]\nstride=2\n"
    x = torch.rand(2, 8, 8, 8)
    wanted = torch.empty(2, 8 * 8 * 8)
    flat = x.flatten(1)
    for k in range(8):
        for j in range(8):
            for i in range(8):
                offset = k // 2
                column, row = i * 2 + offset % 2, j * 2 + offset // 2
                wanted[:, i + 8 * (j + 8 * k)] = flat[:, column + 16 * (row + 16 * (k % 2))]
    assert torch.equal(specc.compile(darknet(text, tmp_path).text)(x), wanted.reshape(2, 32, 4, 4))


def test_darknets_other_reorganisation(tmp_path: Path) -> None:
    """As the loops of its source have it for `[reorg3d]`: all channels of one place in a square, then of the next."""
    text = f"{HEAD}[reorg3d]\nstride=2\n"
    x = torch.rand(2, 3, 8, 8)
    wanted = torch.empty(2, 12, 4, 4)
    for k in range(12):
        row, column = k // 3 // 2, k // 3 % 2
        wanted[:, k] = x[:, k % 3, row::2, column::2]
    assert torch.equal(specc.compile(darknet(text, tmp_path).text)(x), wanted)


def test_darknets_attention_multiplies(tmp_path: Path) -> None:
    convolution = "[convolutional]\nfilters=4\nactivation={}\n"
    text = f"{HEAD}{convolution.format('relu')}{convolution.format('logistic')}[sam]\nfrom=-2\n"
    assert body(darknet(text, tmp_path).text) == "conv 4 k1 -> relu\ngate { conv 4 k1 -> sigmoid }\n"
    told = report(text.replace("filters=4\nactivation=logistic", "filters=5\nactivation=logistic"), tmp_path)
    assert "cannot be multiplied" in told.message


def test_a_setting_of_training_may_stand_twice_in_a_darknet_file(tmp_path: Path) -> None:
    layers = "[convolutional]\nfilters=4\nactivation=linear\n[Gaussian_yolo]\nuc_normalizer=1\n"
    text = f"{HEAD}batch=1\nbatch=64\nmax_epochs=3\n{layers}"
    assert body(darknet(text, tmp_path).text) == "conv 4 k1\n"
    assert "`width=` is given twice" in report(text.replace("batch=64", "width=9"), tmp_path).message


@pytest.mark.parametrize(("channels", "pixels"), [(2, 8), (6, 8), (4, 16), (6, 16)])
def test_darknets_sums_add_what_both_have(channels: int, pixels: int, tmp_path: Path) -> None:
    stride = pixels // 8
    text = (
        f"[net]\nwidth={pixels}\nheight={pixels}\nchannels={channels}\n[activation]\nactivation=linear\n"
        f"[convolutional]\nfilters=4\nstride={stride}\nactivation=linear\n[shortcut]\nfrom=-2\n"
    )
    network = specc.compile(darknet(text, tmp_path).text)
    x = torch.rand(1, channels, pixels, pixels)
    own = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    wanted = own(x)
    wanted[:, : min(4, channels)] += x[:, :4, ::stride, ::stride]
    assert torch.allclose(network(x), wanted)


def test_darknets_crop_is_the_size_of_the_input(tmp_path: Path) -> None:
    text = f"{HEAD}[crop]\ncrop_height=6\ncrop_width=4\nflip=0\n[maxpool]\nsize=2\nstride=1\n"
    assert darknet(text, tmp_path).text.partition("input")[2] == (
        " 3x6x4\n\nscale 2 -> shift -1 -> pad 0 1 replicate -> maxpool 2 s1\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[net]", "[convolutional]", "the first section"),
        ("width=16", "width=sixteen", "not a whole number"),
        ("channels=3", "", "`channels=`"),
        ("from=-3", "from=-9", "there is no layer -9"),
        ("layers=-1,1", "layers=a", "not the number of a layer"),
        ("size=3", "size 3", "neither a section nor an option"),
        ("size=3\npad=1", "size=99", "does not fit"),
        ("size=3\npad=1", "size=3\npad=1\n[maxpool]\nsize=2\nstride=0", "stride"),
        ("size=3", "sizze=3", "`[convolutional]` has no option `sizze`"),
        ("height=16", "heigth=16", "`[net]` needs `height=`"),
        ("learning_rate=0.1", "learnin_rate=0.1", "`[net]` has no option `learnin_rate`"),
        ("[avgpool]", "[avgpool]\nsize=2", "`[avgpool]` has no option `size`"),
        ("size=3", "size=3\nsize=5", "`size=` is given twice"),
        ("[softmax]", "[softmax]\ntemperature=0", "`temperature=0` is nothing to divide by"),
    ],
)
def test_darknet_files_that_are_wrong(old: str, new: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        darknet(DARKNET.replace(old, new, 1), tmp_path)
    assert caught.value.diagnostic.code == "E667"
    assert told in caught.value.diagnostic.message


def report(text: str, folder: Path) -> Diagnostic:
    with pytest.raises(Problem) as caught:
        darknet(text, folder)
    return caught.value.diagnostic


def test_a_slip_in_an_option_is_told_at_its_line(tmp_path: Path) -> None:
    found = report(DARKNET.replace("size=3", "sizze=3", 1), tmp_path)
    assert found.source is not None and found.span is not None
    assert (found.source.place(found.span.start).line, found.help) == (11, "did you mean `size`?")


def test_remarks_behind_options_and_sections_are_passed_over(tmp_path: Path) -> None:
    remarked = DARKNET.replace("filters=8", "filters=8 #32").replace("[maxpool]", "[maxpool] # halves")
    assert darknet(remarked, tmp_path).text == darknet(DARKNET, tmp_path).text


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[convolutional]", "[convolutional]\nxnor=1", "line 8, [convolutional]: no layer has `xnor=1`"),
        ("[convolutional]", "[conv]\nbinary=1\nxnor=0", "line 8, [conv]: no layer has `binary=1`"),
        ("[softmax]", "[softmax]\nspatial=1", "line 45, [softmax]: no layer has `spatial=1`"),
        ("from=-3", "from=-3\nalpha=0.5", "line 32, [shortcut]: no layer has `alpha=0.5`"),
        ("size=2\nstride=2", "size=2\nstride=2\nstride_x=1", "line 15, [maxpool]: a pooling with a different stride"),
    ],
)
def test_options_that_no_word_has_are_listed(old: str, new: str, told: str, tmp_path: Path) -> None:
    found = report(DARKNET.replace(old, new, 1), tmp_path)
    assert found.code == "E666"
    assert [note[: len(told)] for note in found.notes] == [told]


@pytest.mark.parametrize("usual", ["xnor=0", "binary=0", "stopbackward=1", "dontload=1"])
def test_options_without_an_effect_change_nothing(usual: str, tmp_path: Path) -> None:
    assert darknet(DARKNET.replace("size=3", f"size=3\n{usual}", 1), tmp_path).text == darknet(DARKNET, tmp_path).text


def test_shapes_behind_a_section_without_a_word_are_not_guessed(tmp_path: Path) -> None:
    """A route that joins what the reorganisation made smaller fits; said from the shape before it, it would not."""
    head = "[net]\nwidth=16\nheight=16\nchannels=3\n[convolutional]\nfilters=8\nsize=3\npad=1\n"
    tail = "[maxpool]\nsize=2\nstride=2\n[local]\nstride=2\n[route]\nlayers=-1,-3\n[shortcut]\nfrom=-4\n[gru]\n"
    found = report(head + tail, tmp_path)
    assert found.code == "E666"
    assert [note.partition(":")[0] for note in found.notes] == ["line 12, [local]", "line 18, [gru]"]
    wrong = report(f"{head}{tail}[convolutional]\nfilters=many\n", tmp_path)
    assert wrong.code == "E667"
    assert wrong.notes == (
        "without a word: line 12, [local]: no layer does what it does",
        "without a word: line 18, [gru]: no layer does what it does",
    )


# the command


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["import", *arguments])


STUDENT = """\
from torch import nn
def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
loaded = net()
def fails(size):
    return net()
"""


def test_the_command_writes_spec_and_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("student_nets.py").write_text(STUDENT)
    done = run("student_nets:loaded", "--input", "3x8x8", "-o", "net.cnn", "--weights", "net.safetensors")
    assert done.exit_code == 0, done.output
    assert body(Path("net.cnn").read_text()) == "conv 4 k3 -> bn -> relu -> flatten\nlinear 2\n"
    assert "random" not in done.stderr
    network = specc.compile("net.cnn").eval()
    network.load_state_dict(load_file("net.safetensors"))
    import student_nets  # type: ignore[import-not-found]  # written above

    x = torch.rand(2, 3, 8, 8)
    assert torch.equal(network(x), student_nets.loaded(x))


def test_random_weights_are_told(tmp_path: Path) -> None:
    file = tmp_path / "random.safetensors"
    done = run("torchvision:squeezenet1_1", "--input", "3x64x64", "--weights", str(file))
    assert done.exit_code == 0, done.output
    assert file.is_file()
    assert "holds the random weights that torchvision's model was made with" in done.stderr


@pytest.mark.parametrize(
    ("source", "status", "told"),
    [
        ("nothing.cfg", 2, "there is no file"),
        ("nothing", 2, "is not something to import"),
        ("torchvision:resnet19", 2, "did you mean `torchvision:resnet18`?"),
        ("no_such_module:Net", 2, "No module named"),
        ("student_wrong:missing", 2, "has no attribute"),
        ("student_wrong:fails", 1, "without arguments"),
        ("student_wrong:nn", 1, "gives module"),
    ],
)
def test_what_cannot_be_imported(
    source: str, status: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("student_wrong.py").write_text(STUDENT)
    done = run(source, "-o", "net.cnn")
    assert (done.exit_code, told in done.output) == (status, True), done.output
    assert not Path("net.cnn").exists()
