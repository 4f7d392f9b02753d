"""Imported specs look written: blocks in flat code, units cut where people cut them, and numbers as people say them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

import specc
from specc.exchange.importing.importer import import_model


def body(model: nn.Module, input: tuple[int, ...] = (3, 8, 8)) -> str:
    """The imported text behind the remarks and the input."""
    return import_model(model.eval(), "x:y", input).text.split("\n\n", 1)[1]


def conv(before: int, out: int, kernel: int = 1, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, out, kernel, stride, kernel // 2, bias=False)


class Flat(nn.Module):
    """Residuals in flat code, as beginners write them."""

    def __init__(self, plan: list[tuple[int, int]]) -> None:
        super().__init__()
        self.projected: list[bool] = []
        convs: list[nn.Conv2d] = []
        c = 3
        for out, stride in plan:
            convs += [conv(c, out, 3, stride=stride), conv(out, out, 3)]
            self.projected.append(c != out)
            convs += [conv(c, out, stride=stride)] * self.projected[-1]
            c = out
        self.convs, self.norms = nn.ModuleList(convs), nn.ModuleList(nn.BatchNorm2d(one.out_channels) for one in convs)

    def forward(self, x: Any) -> Any:
        steps = iter(zip(self.norms, self.convs, strict=True))
        for projects in self.projected:
            y = x
            norm, layer = next(steps)
            y = F.relu(norm(layer(y)))
            norm, layer = next(steps)
            y = norm(layer(y))
            if projects:
                norm, layer = next(steps)
                x = norm(layer(x))
            x = F.relu(y + x)
        return x


class Unit(nn.Sequential):
    """A class of conv, norm and act, as most libraries have one."""

    def __init__(self, before: int, out: int, kernel: int = 1, stride: int = 1, act: type[nn.Module] = nn.ReLU) -> None:
        super().__init__(conv(before, out, kernel, stride=stride), nn.BatchNorm2d(out), act())


class Inverted(nn.Module):
    """An inverted residual, made of units."""

    def __init__(self, c: int, factor: int) -> None:
        super().__init__()
        self.wide, self.narrow = Unit(c, factor * c), Unit(factor * c, c, act=nn.Identity)

    def forward(self, x: Any) -> Any:
        return x + self.narrow(self.wide(x))


class Grown(nn.Module):
    """A residual whose projection is registered first or last."""

    def __init__(self, before: int, out: int, *, first: bool) -> None:
        super().__init__()
        if first:
            self.shortcut = nn.Sequential(conv(before, out, stride=2), nn.BatchNorm2d(out))
        self.body = nn.Sequential(conv(before, out, 3, stride=2), nn.BatchNorm2d(out), nn.ReLU(), conv(out, out, 3))
        if not first:
            self.shortcut = nn.Sequential(conv(before, out, stride=2), nn.BatchNorm2d(out))

    def forward(self, x: Any) -> Any:
        return self.shortcut(x) + self.body(x)


class Narrowed(nn.Module):
    """Two units with a quarter of the channels, as decoders have them."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.units = nn.Sequential(Unit(c, c // 4), Unit(c // 4, c // 4))

    def forward(self, x: Any) -> Any:
        return F.interpolate(self.units(x), scale_factor=2)


class Neck(nn.Sequential):
    """What a bottleneck does, as a class of its own."""

    def __init__(self, before: int, c: int, stride: int = 1) -> None:
        super().__init__(Unit(before, c), Unit(c, c, 3, stride), Unit(c, 2 * c, act=nn.Identity))


class Around(nn.Module):
    """A residual around it, whose units in a row have half of the channels that arrive."""

    def __init__(self, before: int, c: int, stride: int = 1) -> None:
        super().__init__()
        self.body = Neck(before, c, stride)
        self.around = nn.Identity() if before == 2 * c else conv(before, 2 * c, stride=stride)

    def forward(self, x: Any) -> Any:
        return F.relu(self.body(x) + self.around(x))


class Stage(nn.Sequential):
    """A class whose name and a number are an attribute below."""

    def __init__(self, before: int, out: int) -> None:
        super().__init__(conv(before, out, 3), nn.BatchNorm2d(out), nn.ReLU(), conv(out, out, 3))


class Staged(nn.Module):
    """Branches that cross, from a step called `stage2`."""

    def __init__(self) -> None:
        super().__init__()
        self.stage1, self.stage2, self.stage3 = Stage(3, 4), Stage(4, 6), Stage(6, 8)
        self.a, self.b, self.c = conv(4, 8), conv(6, 8), conv(6, 8)

    def forward(self, x: Any) -> Any:
        x = self.stage1(x)
        y = self.stage2(x)
        z = self.stage3(y)
        return self.c(y) * (z + self.a(x) + self.b(y) * z)


def separable(plan: list[tuple[int, int, int]]) -> nn.Module:
    """What MobileNet's code makes: one long chain without a class."""
    layers: list[nn.Module] = []
    for before, out, stride in plan:
        layers += [nn.Conv2d(before, before, 3, stride, 1, groups=before, bias=False), nn.BatchNorm2d(before)]
        layers += [nn.ReLU(), conv(before, out), nn.BatchNorm2d(out), nn.ReLU()]
    return nn.Sequential(*layers)


def inverted() -> nn.Module:
    return nn.Sequential(
        Unit(3, 8, 3, 2), Inverted(8, 4), Inverted(8, 4), Unit(8, 16), Inverted(16, 6), Inverted(16, 4), Unit(16, 24),
        Inverted(24, 6), Inverted(24, 4),
    )  # fmt: skip


CASES: list[tuple[str, Callable[[], nn.Module], str]] = [
    ("residuals", lambda: Flat([(8, 1), (8, 1), (16, 2), (16, 1)]),
        "block unit(c, stride=1) {\n  residual {\n    conv c k3 s=stride p1 nobias -> bn -> relu\n"
        "    conv c k3 p1 nobias -> bn\n  } shortcut auto -> relu\n}\n\nunit 8 x2\nunit 16 s2\nunit 16\n"),
    ("two residuals are no block", lambda: Flat([(3, 1), (8, 2)]),
        "residual {\n  conv 3 k3 p1 nobias -> bn -> relu\n  conv 3 k3 p1 nobias -> bn\n} -> relu\n"
        "residual {\n  conv 8 k3 s2 p1 nobias -> bn -> relu\n  conv 8 k3 p1 nobias -> bn\n} shortcut auto -> relu\n"),
    ("long chains", lambda: separable([(3, 8, 1), (8, 16, 2), (16, 16, 1), (16, 16, 1), (16, 32, 2)]),
        "block unit(c, stride=1) {\n  dwconv k3 s=stride p1 nobias -> bn -> relu\n  conv c k1 nobias -> bn -> relu\n}\n"
        "\nunit 8\nunit 16 s2\nunit 16 x2\nunit 32 s2\n"),
    ("few short steps", lambda: nn.Sequential(*(layer for c in (4, 8, 12, 16)
        for layer in (nn.LazyConv2d(c, 1), nn.ReLU()))),
        "conv 4 k1 -> relu\nconv 8 k1 -> relu\nconv 12 k1 -> relu\nconv 16 k1 -> relu\n"),
    ("units and factors", inverted,
        "block conv_bn_act(c, act=relu) { conv c k1 nobias -> bn -> act }\nblock inverted(c=in, t=4) {\n  residual {\n"
        "    conv_bn_act (t*c)\n    conv_bn_act c act=id\n  }\n}\n\nconv 8 k3 s2 p1 nobias -> bn -> relu\ninverted x2\n"
        "conv_bn_act 16\n"
        "inverted t=6\ninverted\nconv_bn_act 24\ninverted t=6\ninverted\n"),
    ("a repeat whose channels follow from those of its block",
        lambda: nn.Sequential(conv(3, 16), Narrowed(16), conv(4, 64), Narrowed(64), conv(16, 32), Narrowed(32)),
        "block conv_bn_relu(c) { conv c k1 nobias -> bn -> relu }\n"
        "block narrowed(c=(in // 4)) { conv_bn_relu c x2 -> upsample 2 }\n\n"
        "conv 16 k1 nobias\nnarrowed\nconv 64 k1 nobias\nnarrowed\nconv 32 k1 nobias\nnarrowed\n"),
    ("a label that a block's name and a number would be", Staged,
        "block stage_2(c) {\n  conv c k3 p1 nobias -> bn -> relu\n  conv c k3 p1 nobias\n}\n\n"
        "stage1: stage_2 4\nstage2: stage_2 6\nstage_2 8\nmul {\n    from stage2 -> conv 8 k1 nobias\n  | add {\n"
        "        id\n      | from stage1 -> conv 8 k1 nobias\n"
        "      | mul { from stage2 -> conv 8 k1 nobias | id }\n    }\n}\n"),
    ("a unit of a part of what arrives at it",
        lambda: nn.Sequential(Around(3, 4), Around(8, 4), Around(8, 8, 2), Around(16, 8)),
        "block neck(c, stride=1) {\n  conv c k1 nobias -> bn -> relu\n  conv c k3 s=stride p1 nobias -> bn -> relu\n"
        "  conv (2*c) k1 nobias -> bn\n}\nblock around(c, stride) {\n"
        "  residual { neck c s=stride } shortcut { conv (2*c) k1 s=stride nobias } -> relu\n}\n"
        "block around_2 { residual { neck (in // 2) } -> relu }\n\naround 4 s1\naround_2\naround 8 s2\naround_2\n"),
    ("few units", lambda: nn.Sequential(Unit(3, 4, 3), Unit(4, 8), Unit(8, 4)),
        "conv 4 k3 p1 nobias -> bn -> relu\nconv 8 k1 nobias -> bn -> relu\nconv 4 k1 nobias -> bn -> relu\n"),
    ("a projection behind the body", lambda: Grown(3, 8, first=False),
        "residual {\n  conv 8 k3 s2 p1 nobias -> bn -> relu\n  conv 8 k3 p1 nobias\n} shortcut auto\n"),
    ("a projection before the body", lambda: Grown(3, 8, first=True),
        "add {\n    conv 8 k1 s2 nobias -> bn\n  | conv 8 k3 s2 p1 nobias -> bn -> relu\n    conv 8 k3 p1 nobias\n}\n"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make", "text"), CASES, ids=[name for name, *_ in CASES])
def test_as_people_write_it(name: str, make: Callable[[], nn.Module], text: str) -> None:
    assert body(make()) == text


@pytest.mark.parametrize("first", [True, False])
def test_weights_stand_in_the_order_of_the_source(first: bool) -> None:
    model = Grown(3, 8, first=first).eval()
    found = import_model(model, "x:y", (3, 8, 8))
    names = [name for name in found.names.values() if not name.endswith("num_batches_tracked")]
    assert names == [name for name in model.state_dict() if not name.endswith("num_batches_tracked")]
    assert specc.compile(found.text).state_dict().keys() >= found.names.keys()
