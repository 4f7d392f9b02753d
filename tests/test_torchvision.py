"""The gallery's networks against torchvision's: counts, outputs and gradients with the same weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

import specc

# A network of the gallery, torchvision's function, its arguments, and the side of the pictures that it is run on.
EQUAL: list[tuple[str, str, dict[str, Any], int]] = [
    ("classics/alexnet", "alexnet", {}, 64),
    ("classics/vgg16", "vgg16", {"init_weights": False}, 64),
    ("classics/vgg16_bn", "vgg16_bn", {"init_weights": False}, 64),
    ("classics/googlenet", "googlenet", {"aux_logits": False, "transform_input": False, "init_weights": False}, 64),
    ("classics/resnet18", "resnet18", {}, 64),
    ("classics/resnet50", "resnet50", {}, 64),
    ("classics/resnet152", "resnet152", {}, 64),
    ("more/mobilenet_v2", "mobilenet_v2", {}, 64),
    ("more/densenet121", "densenet121", {}, 64),
    ("more/shufflenet_v2", "shufflenet_v2_x1_0", {}, 64),
    ("more/squeezenet", "squeezenet1_0", {}, 64),
    ("more/resnext50", "resnext50_32x4d", {}, 64),
    ("more/efficientnet_b0", "efficientnet_b0", {}, 64),
    ("more/mobilenet_v3_large", "mobilenet_v3_large", {}, 64),
    ("more/efficientnet_v2_s", "efficientnet_v2_s", {}, 64),
    ("more/regnet_y_400mf", "regnet_y_400mf", {}, 64),
    ("more/inception_v3", "inception_v3", {"aux_logits": False, "transform_input": False, "init_weights": False}, 96),
    ("more/convnext_tiny", "convnext_tiny", {"layer_scale": 1.0}, 64),  # 1e-6 would hide what is in the blocks
]

# Further networks whose parameters are counted, with other values for the spec's `param`s.
COUNTED: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    *[(f"classics/vgg{name}", {}, f"vgg{name}", {}) for name in ("11", "11_bn", "13", "13_bn", "19", "19_bn")],
    ("classics/resnet34", {}, "resnet34", {}),
    ("classics/resnet101", {}, "resnet101", {}),
    ("classics/resnet50", {"classes": 10}, "resnet50", {"num_classes": 10}),
    ("more/r2plus1d18", {}, "r2plus1d_18", {}),
    ("more/mobilenet_v2", {"width": 0.5}, "mobilenet_v2", {"width_mult": 0.5}),
    ("more/mobilenet_v2", {"width": 1.4}, "mobilenet_v2", {"width_mult": 1.4}),
]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Small pictures gain nothing from threads, and threads that wait for a busy processor cost much."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def trained_a_little(function: str, arguments: dict[str, Any], side: int) -> nn.Module:
    """torchvision's network, seeded, after three training forwards: its running statistics are not trivial."""
    torch.manual_seed(0)
    model: nn.Module = torchvision.models.get_model(function, weights=None, **arguments).train()
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(2, 3, side, side))
    return model.eval()


def in_order_of_the_spec(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """torchvision registers ConvNeXt's layer scale before its block, and its 1×1 convolutions are linear layers."""
    ordered: dict[str, Tensor] = {}
    waiting: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        if name.endswith("layer_scale"):
            waiting[name] = tensor.flatten()
            continue
        is_mixing = ".block." in name and tensor.dim() == 2
        ordered[name] = tensor[:, :, None, None] if is_mixing else tensor
        if name.endswith("block.5.bias"):
            ordered |= waiting
            waiting = {}
    return ordered


def largest_difference(ours: Tensor, theirs: Tensor) -> float:
    """In units of the largest value; 0 where both are zero."""
    ours, theirs = ours.detach(), theirs.detach()
    difference = float((ours - theirs).abs_().max())
    return difference / float(theirs.abs().max()) if difference else 0.0


@pytest.mark.parametrize(("name", "function", "arguments", "side"), EQUAL, ids=[case[1] for case in EQUAL])
def test_same_weights_give_the_same_output_and_gradients(
    name: str, function: str, arguments: dict[str, Any], side: int
) -> None:
    theirs = trained_a_little(function, arguments, side)
    with torch.device("meta"):  # no initial values are drawn for what is loaded at once
        ours = specc.compile(f"gallery:{name}").to_empty(device="cpu").eval()
    own_order = function != "convnext_tiny"
    weights = theirs.state_dict() if own_order else in_order_of_the_spec(theirs.state_dict())
    specc.load_weights(ours, weights, by_order=True)
    inputs = [torch.randn(2, 3, side, side, generator=torch.manual_seed(1)).requires_grad_() for _ in range(2)]
    outputs = [model(x) for model, x in zip((ours, theirs), inputs, strict=True)]
    assert largest_difference(outputs[0], outputs[1]) <= 1e-5
    for output in outputs:
        output.sum().backward()
    assert inputs[0].grad is not None and inputs[1].grad is not None
    assert float(inputs[1].grad.abs().max()) > 0
    assert largest_difference(inputs[0].grad, inputs[1].grad) <= 1e-5
    assert count(ours) == count(theirs)
    if own_order:
        for own, other in zip(gradients(ours), gradients(theirs), strict=True):
            assert largest_difference(own, other) <= 1e-5


def gradients(model: nn.Module) -> Iterator[Tensor]:
    for parameter in model.parameters():
        assert parameter.grad is not None
        yield parameter.grad


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_deeplab_gives_the_same_output_with_the_same_weights() -> None:
    """Its classes come under a name, so that it is no case of the table."""
    theirs = trained_a_little("deeplabv3_resnet50", {"weights_backbone": None}, 64)
    ours = specc.compile("gallery:more/deeplabv3_resnet50", input=(3, 64, 64)).eval()
    specc.load_weights(ours, theirs.state_dict(), by_order=True)
    x = torch.randn(2, 3, 64, 64, generator=torch.manual_seed(1))
    with torch.no_grad():
        assert largest_difference(ours(x), theirs(x)["out"]) <= 1e-5


def test_the_pyramid_gives_the_same_outputs_with_the_same_weights() -> None:
    """torchvision holds the convolutions of all levels in their order, the spec those of the coarsest first."""
    from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

    torch.manual_seed(0)
    theirs = resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=nn.BatchNorm2d, trainable_layers=5)
    ours = specc.compile("gallery:more/fpn_resnet50", input=(3, 64, 64)).eval()
    specc.load_weights(ours, theirs.state_dict(), by_order=True)
    x = torch.randn(2, 3, 64, 64, generator=torch.manual_seed(1))
    with torch.no_grad():
        found, wanted = ours(x), theirs.eval()(x)
    for name, level in zip(("p2", "p3", "p4", "p5"), "0123", strict=True):
        assert largest_difference(found[name], wanted[level]) <= 1e-5


def test_the_classifiers_on_the_way_give_the_same_outputs_with_the_same_weights() -> None:
    """torchvision gives them in training alone, where dropout would draw: its parts are in evaluation mode here."""
    theirs = trained_a_little("googlenet", {"aux_logits": True, "transform_input": False, "init_weights": False}, 64)
    theirs.training = True
    with torch.device("meta"):
        ours = specc.compile("gallery:more/googlenet_heads").to_empty(device="cpu").eval()
    specc.load_weights(ours, theirs.state_dict(), by_order=True)
    x = torch.randn(2, 3, 64, 64, generator=torch.manual_seed(1))
    with torch.no_grad():
        found, wanted = ours(x), theirs(x)
    for name, one in (("main", wanted.logits), ("aux1", wanted.aux_logits1), ("aux2", wanted.aux_logits2)):
        assert largest_difference(found[name], one) <= 1e-5
    assert count(ours) == count(theirs)


def test_a_network_of_videos_gives_the_same_output_with_the_same_weights() -> None:
    torch.manual_seed(0)
    theirs = torchvision.models.get_model("r2plus1d_18", weights=None).eval()
    with torch.device("meta"):
        ours = specc.compile("gallery:more/r2plus1d18", input=(3, 4, 32, 32)).to_empty(device="cpu").eval()
    specc.load_weights(ours, theirs.state_dict(), by_order=True)
    x = torch.randn(2, 3, 4, 32, 32, generator=torch.manual_seed(1))
    with torch.no_grad():
        assert largest_difference(ours(x), theirs(x)) <= 1e-5


@pytest.mark.parametrize(("name", "settings", "function", "arguments"), COUNTED)
def test_same_number_of_parameters(
    name: str, settings: dict[str, Any], function: str, arguments: dict[str, Any]
) -> None:
    with torch.device("meta"):
        theirs = torchvision.models.get_model(function, weights=None, **arguments)
    report = specc.check(f"gallery:{name}", **settings)
    assert report.ok, str(report)
    assert sum(row.params for row in report.layers) == count(theirs)


def test_squeeze_and_excitation_costs_what_the_paper_says() -> None:
    """Two matrices of C·C/16 and their biases in every block of ResNet-50 (Hu et al. 2018, equation 5)."""
    blocks = {256: 3, 512: 4, 1024: 6, 2048: 3}
    gates = sum(n * (2 * c * c // 16 + c // 16 + c) for c, n in blocks.items())
    se, plain = (specc.check(f"gallery:{name}").layers for name in ("se_resnet50", "resnet50"))
    assert sum(row.params for row in se) == sum(row.params for row in plain) + gates


# Weights as others count them, to the last one.
PUBLISHED = {
    "xception": (22_855_952, "Chollet 2017, table 3"),
    "m5": (26_915, "PyTorch's tutorial on the classification of speech"),
    "mobilenet_v1": (4_231_976, "keras.applications.MobileNet, trainable; pytorchcv"),
    "densenet_bc100": (769_162, "pytorchcv, densenet100_k12_bc_cifar10"),
    "pyramidnet110": (1_772_706, "pytorchcv, pyramidnet110_a48_cifar10"),
    "dla34": (15_742_104, "pytorchcv"),
    "se_resnet50": (28_088_024, "pytorchcv"),
    "cbam_resnet50": (28_089_624, "pytorchcv"),
    "eca_resnet50": (
        25_557_032 + 3 * 5 + 4 * 5 + 6 * 5 + 3 * 7,
        "ResNet-50, and a kernel by equation 12 in each block",
    ),
    "dcgan_discriminator": (2_765_568, "PyTorch's tutorial on DCGAN"),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_those_that_others_publish(name: str) -> None:
    assert sum(row.params for row in specc.check(f"gallery:{name}").layers) == PUBLISHED[name][0]


def test_the_3d_unet_counts_what_its_paper_counts() -> None:
    """Çiçek et al. 2016, section 3: 19069955, with one number for each normalised channel, and no transposed bias."""
    layers = specc.check("gallery:unet3d").layers
    norms = sum(row.params // 2 for row in layers if row.kind == "bn")
    shapes = [row.output for row in layers if row.kind == "convtranspose"]
    widened = sum(shape[0] for shape in shapes if isinstance(shape, tuple))
    assert sum(row.params for row in layers) - norms - widened == 19_069_955


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("resnet20", 0.27),
        ("resnet56", 0.85),
        ("wide_resnet28", 36.5),
        ("se_resnet50", 28.1),
        ("convnext_v2_tiny", 28.6),
        ("res2net50", 25.7),
        ("edsr", 1.37),
        ("pix2pix_generator", 54.414),
        ("pointnet", 0.8),
        ("repvgg_a0", 9.1),
        ("c3d", 78.4),
    ],
)
def test_counts_in_millions_are_those_of_the_papers(name: str, millions: float) -> None:
    total = sum(row.params for row in specc.check(f"gallery:{name}").layers)
    digits = len(str(millions).partition(".")[2])
    assert round(total / 1e6, digits) == millions


def test_zero_initialised_residuals_start_as_the_identity() -> None:
    model = specc.compile("gallery:resnet34", gamma=0).train()
    block = model.get_submodule("stage1.basic2")
    x = torch.rand(2, 64, 8, 8)
    assert torch.equal(block(x), x)


SMALL = "input 3x8x8\nconv 4 k3 nobias -> bn -> relu\nflatten -> linear 2\n"


def same_layers() -> nn.Sequential:
    """The layers of SMALL under torch's own names."""
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))


def test_weights_are_loaded_by_order_and_shape() -> None:
    model, other = specc.compile(SMALL), same_layers()
    specc.load_weights(model, other.state_dict())
    for own, theirs in zip(model.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(own, theirs)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_weights_are_converted_to_the_precision_of_the_model() -> None:
    model = specc.compile(SMALL)
    specc.load_weights(model, same_layers().half().state_dict())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_batch_counts_may_be_missing() -> None:
    model, other = specc.compile(SMALL), same_layers()
    old = {name: tensor for name, tensor in other.state_dict().items() if not name.endswith("num_batches_tracked")}
    specc.load_weights(model, old)
    assert torch.equal(model.get_parameter("linear1.weight"), other.get_parameter("4.weight"))


def changed(**tensors: Tensor | None) -> dict[str, Tensor]:
    """The weights of `same_layers` with some replaced or, where None is given, left out."""
    weights = {**same_layers().state_dict(), **{name.replace("_", "."): t for name, t in tensors.items()}}
    return {name: tensor for name, tensor in weights.items() if tensor is not None}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            changed(**{"0_weight": torch.zeros(4, 3, 5, 5)}),
            "tensor 1 does not fit: the model needs `conv1.weight` of shape 4x3x3x3, "
            "the weights hold `0.weight` of shape 4x3x5x5",
        ),
        (
            changed(**{"4_weight": torch.zeros(3, 144), "4_bias": torch.zeros(3)}),
            "tensor 7 does not fit: the model needs `linear1.weight` of shape 2x144, "
            "the weights hold `4.weight` of shape 3x144",
        ),
        (changed(**{"4_bias": None}), "tensor 8 is missing: the weights end before `linear1.bias` of shape 2"),
        (changed(aux_weight=torch.zeros(2, 2)), "tensor 9 is one too many: the weights go on with `aux.weight`"),
        ({"state_dict": {}, "epoch": 3}, "`state_dict` is not a tensor but dict"),
    ],
)
def test_weights_that_do_not_fit_change_nothing(weights: dict[str, Any], message: str) -> None:
    model = specc.compile(SMALL)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(ValueError) as raised:
        specc.load_weights(model, weights)
    assert message in str(raised.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
