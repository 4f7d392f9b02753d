"""Imports published models, as many libraries as are installed, and prints how many come in and why the others do not.

A model is a success where `specc import` gives a spec whose outputs are those of the model with random weights; its own
`state_dict()` is then loaded into the compiled spec, with the names that the import keeps and without them, and the
outputs are compared once more.

    pip install timm pytorchcv segmentation-models-pytorch
    python benchmarks/zoo.py [--library torchvision timm pytorchcv smp] [--match REGEX] [--log zoo.jsonl] [--again]
    python benchmarks/zoo.py --darknet FOLDER

Of timm the first two models of each module are taken, of pytorchcv the first of each stem of a name. With `--again`
models that the log tells of already are not run again. Seconds are the processor's, but for runs of the networks
themselves: those to compare outputs, and what one plain run takes of the run that is followed.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import torch
from torch import nn

import specc
from specc.diagnostics.diagnostic import Problem
from specc.exchange.importing.calls import tensors_of
from specc.exchange.importing.importer import Imported, import_model, import_source

MOST_SECONDS = 300  # of the processor
MOST_PIXELS = 400 * 400  # of a picture that may be smaller
TOLERANCE = 1e-3  # of the largest value: the weights are random, and deep networks amplify rounding
SIZES = {"smp": 64, "timm": 128, "torchvision": 128, "pytorchcv": 224}  # of the picture, where a model names none
LIBRARIES = ("torchvision", "timm", "pytorchcv", "smp")
DARKNET = "darknet"
# Modules of timm and stems of pytorchcv whose networks are built of attention, and of what is no network for pictures.
NOT_CONVOLUTIONAL = re.compile(
    r"vit|beit|cait|coat|deit|eva|former|hiera|mixer|mvit|nest|pit|pvt|swin|tnt|twins|volo|xcit|levit|mamba|sequencer"
    r"|jasper|quartznet|wav2letter|pose|bert|nvpatt"
)
CONVOLUTIONAL = ("convmixer", "fastvit", "mambaout", "repvit", "resnest")  # in spite of their names
DATASETS = re.compile(r"_(cifar|svhn|cub|coco|voc|ade20k|cityscapes|celeba|widerface|cmupan|en|de|fr|it|es|ca|pl|ru)")


class Candidate(NamedTuple):
    """A model that is to be imported."""

    library: str
    family: str
    name: str
    make: Callable[[], nn.Module]


class Outcome(NamedTuple):
    """What came of it. reason: of a refusal, or empty; loading: how its weights went in, by `names` and without."""

    library: str
    family: str
    name: str
    reason: str
    seconds: float
    loading: str = ""
    plain: str = ""


class Late(BaseException):
    """A model took too long; not an error, which those who import expect of a model."""


class Runs:
    """How long whole networks run, one after another, by the processor's time."""

    def __init__(self) -> None:
        self.depth, self.started = 0, 0.0
        self.seconds: list[float] = []
        torch.nn.modules.module.register_module_forward_pre_hook(self._begins)
        torch.nn.modules.module.register_module_forward_hook(self._ends, always_call=True)

    def _begins(self, *_: object) -> None:
        self.started = self.started if self.depth else time.process_time()
        self.depth += 1

    def _ends(self, *_: object) -> None:
        self.depth -= 1
        if not self.depth:
            self.seconds.append(time.process_time() - self.started)

    def beside(self) -> float:
        """All of them but what following took: the second run is followed, and the first is not."""
        plain, followed = (*self.seconds, 0.0, 0.0)[:2]
        return sum(self.seconds) - max(0.0, followed - plain)


def of_torchvision() -> Iterator[Candidate]:
    from torchvision import models

    for name in models.list_models(module=models):
        if not re.search("vit|swin", name):
            stem = re.split(r"[_\d]", name)[0]
            settings: dict[str, Any] = {"googlenet": {"aux_logits": False}, "inception_v3": {"aux_logits": False}}
            plain = {"transform_input": False, "init_weights": False} if name in settings else {}
            yield Candidate("torchvision", stem, name,
                partial(models.get_model, name, weights=None, **settings.get(name, {}), **plain))  # fmt: skip
    for name in models.list_models(module=models.segmentation):
        yield Candidate("torchvision", "segmentation", name,
            partial(models.get_model, name, weights=None, weights_backbone=None))  # fmt: skip


def of_timm() -> Iterator[Candidate]:
    import timm

    for module in timm.list_modules():
        if module in CONVOLUTIONAL or not NOT_CONVOLUTIONAL.search(module):
            for name in timm.list_models(module=module)[:2]:
                yield Candidate("timm", module, name, partial(timm.create_model, name, pretrained=False))


def of_pytorchcv() -> Iterator[Candidate]:
    from pytorchcv.model_provider import _models, get_model

    seen = set()
    for name in sorted(_models, key=lambda name: (DATASETS.search(name) is not None, name)):
        stem = re.split(r"_|\d", name)[0]
        if stem not in seen and not NOT_CONVOLUTIONAL.search(name):
            seen.add(stem)
            yield Candidate("pytorchcv", stem, name, partial(get_model, name, pretrained=False))


def of_smp() -> Iterator[Candidate]:
    import segmentation_models_pytorch as smp

    made = partial(smp.create_model, encoder_weights=None, classes=3)
    for encoder in ENCODERS:
        yield Candidate("smp", "encoders", f"unet of {encoder}", partial(made, "unet", encoder_name=encoder))
    for decoder in DECODERS:
        encoder = "tu-resnet18" if decoder == "dpt" else "resnet18"
        yield Candidate("smp", "decoders", decoder, partial(made, decoder, encoder_name=encoder))


ENCODERS = (
    "resnet18", "resnext50_32x4d", "se_resnet50", "vgg11_bn", "densenet121", "mobilenet_v2", "efficientnet-b0",
    "xception", "dpn68", "inceptionv4", "timm-regnetx_002",
)  # fmt: skip
DECODERS = (
    "unetplusplus", "linknet", "fpn", "pspnet", "pan", "manet", "deeplabv3", "deeplabv3plus", "upernet", "segformer",
    "dpt",
)  # fmt: skip
SOURCES = {"torchvision": of_torchvision, "timm": of_timm, "pytorchcv": of_pytorchcv, "smp": of_smp}


def shuffled(model: nn.Module) -> nn.Module:
    """The model with weights and statistics of which no two are equal, of a size that keeps its values finite."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                fan = max(1, tensor[0].numel() if tensor.dim() > 1 else 1)
                noise = torch.randn(tensor.shape, generator=generator) / fan**0.5
                positive = tensor.dim() == 1 and ("var" in name or "weight" in name)
                tensor.copy_(1 + noise.abs() / 4 if positive else noise)
    return model.eval()


def input_of(candidate: Candidate, model: nn.Module) -> tuple[int, int, int]:
    """A shape that the model takes: fixed windows at its end need the size that it was made for."""
    if candidate.library == "pytorchcv":
        first = next((one for one in model.modules() if isinstance(one, nn.Conv2d)), None)
        height, width = getattr(model, "in_size", (224, 224))
        while not getattr(model, "fixed_size", False) and height * width > MOST_PIXELS:
            height, width = height // 2, width // 2
        return (first.in_channels if first else 3, height, width)
    size = 299 if "inception" in candidate.name and candidate.library == "torchvision" else SIZES[candidate.library]
    try:
        with torch.no_grad():
            model(torch.rand(2, 3, size, size))
    except Exception:  # of any kind: the model says what it does not take
        size = getattr(model, "default_cfg", {}).get("input_size", (3, 224, 224))[-1]
    return (3, size, size)


def size_of(candidate: Candidate) -> int:
    """Its parameters, without their memory where that can be done; 0 where it cannot be made."""
    try:
        with torch.device("meta"):
            return sum(one.numel() for one in candidate.make().parameters())
    except Exception:  # of any kind: what is wrong is told when it is tried
        return 0


def tried(candidate: Candidate, runs: Runs) -> Outcome:
    about = candidate[:3]
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    try:
        model = shuffled(candidate.make())
        input = input_of(candidate, model)
        runs.seconds.clear()
        started = time.process_time()
        found = import_model(model, f"{candidate.library}:{candidate.name}", input)
        seconds = time.process_time() - started - runs.beside()
    except Problem as problem:
        return Outcome(*about, reason_of(problem), time.process_time() - started - runs.beside())
    except Late:
        return Outcome(*about, f"over {MOST_SECONDS} seconds", MOST_SECONDS)
    except Exception as error:
        return Outcome(*about, f"cannot be made: {type(error).__name__}: {error}", 0.0)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        runs.depth = 0
    with torch.no_grad():
        x = torch.rand(2, *input, generator=torch.Generator().manual_seed(1))
        return Outcome(*about, "", seconds, loaded(found, model, x, found.names), loaded(found, model, x, None))


def reason_of(problem: Problem) -> str:
    found = problem.diagnostic
    return f"{found.code}: {(found.notes or (found.message,))[0]}"


def read(path: Path) -> Outcome:
    """What becomes of a Darknet file, which has no weights to compare with."""
    started = time.process_time()
    try:
        import_source(str(path), None)
        reason = ""
    except Problem as problem:
        reason = reason_of(problem)
    return Outcome(DARKNET, "files", path.name, reason, time.process_time() - started)


def loaded(found: Imported, model: nn.Module, x: torch.Tensor, names: dict[str, str] | None) -> str:
    """What becomes of the model's own weights in a newly compiled spec."""
    network = specc.compile(found.text)
    try:
        specc.load_weights(network, model.state_dict(), names=names)
    except ValueError as error:
        return f"refused: {error}"
    pairs = zip(tensors_of(model(x)), tensors_of(network.eval()(x)), strict=True)
    close = all(bool((wanted - got).abs().max() <= TOLERANCE * wanted.abs().max()) for wanted, got in pairs)
    return "right" if close else "WRONG"


def rows(outcomes: list[Outcome]) -> Iterator[str]:
    by_family: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for one in outcomes:
        by_family[one.library, one.family].append(one)
    for (library, family), some in by_family.items():
        came = [one for one in some if not one.reason]
        reasons = "; ".join(sorted({shortened(one.reason) for one in some if one.reason}))
        yield f"{library:12}{family:22}{len(came):3} of {len(some):3}  {reasons}"
    for library in dict.fromkeys(one.library for one in outcomes):
        some = [one for one in outcomes if one.library == library]
        came = [one for one in some if not one.reason]
        yield f"\n{library}: {len(came)} of {len(some)} imported, the slowest in {max(o.seconds for o in some):.1f} s"
        if library == DARKNET:
            continue
        for title, how in (("with the import's names", "loading"), ("without them", "plain")):
            counts = Counter(getattr(one, how).partition(":")[0] for one in came)
            yield f"  weights {title}: " + ", ".join(f"{count} {what}" for what, count in counts.most_common())


def told(log: Path) -> list[Outcome]:
    """What a log tells of."""
    return [Outcome(**json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []


def shortened(reason: str) -> str:
    return reason if len(reason) <= 90 else f"{reason[:89]}…"


def _late(number: int, frame: FrameType | None) -> None:
    raise Late


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", nargs="*", choices=LIBRARIES, default=LIBRARIES)
    parser.add_argument("--match", type=re.compile, default=re.compile(""), help="of a model's name")
    parser.add_argument("--log", type=Path)
    parser.add_argument("--largest", type=float, default=float("inf"), help="millions of parameters; more are left out")
    parser.add_argument("--darknet", type=Path, metavar="FOLDER", help="the `.cfg` files in a folder, and no library")
    parser.add_argument("--again", action="store_true", help="go on with a log that was begun")
    options = parser.parse_args()
    if options.darknet:
        print("\n".join(rows([read(path) for path in sorted(options.darknet.glob("**/*.cfg"))])))
        return
    signal.signal(signal.SIGPROF, _late)
    outcomes = told(options.log) if options.again and options.log else []
    done, runs = {outcome[:3] for outcome in outcomes}, Runs()
    for library in options.library:
        try:
            candidates = [one for one in SOURCES[library]() if options.match.search(one.name)]
        except ImportError as error:
            print(f"{library} is not installed: {error}")
            continue
        for candidate in candidates:
            if candidate[:3] in done or size_of(candidate) > options.largest * 1e6:
                continue
            outcomes.append(tried(candidate, runs))
            print(*outcomes[-1][:4], f"{outcomes[-1].seconds:.1f} s", *outcomes[-1][5:], sep=" | ", file=sys.stderr)
            if options.log:
                with options.log.open("a") as file:
                    file.write(json.dumps(outcomes[-1]._asdict()) + "\n")
    print("\n".join(rows(outcomes)))


if __name__ == "__main__":
    main()
