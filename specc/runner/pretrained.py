"""Weights to begin with: those of a run, of a file, or of torchvision. What fits is loaded, and all of it is told."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from specc import files
from specc.build.names import names_beside, read_names
from specc.data.identity import read_description
from specc.data.sources import path_of
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, nearest, shown
from specc.runner.listing import way_to_a_run
from specc.runner.run_folder import WEIGHTS

if TYPE_CHECKING:
    from torch import Tensor, nn

    from specc.ir.shaped import ShapedModel
    from specc.recipe.recipe import Recipe

TORCHVISION = "torchvision:"
PICKLED = (".pt", ".pth")  # read as weights alone: nothing in them can run
SHOWN = 4  # names in a line
COUNT = "num_batches_tracked"  # which weights saved before torch 0.4.1 do not have


class Pretrained(NamedTuple):
    """Weights from elsewhere.

    name: where they are from. tensors: as they are called there. mean, deviation: what the samples were shifted and
    scaled by that they were trained on, where that is known. classes: that their last layer tells apart.
    """

    name: str
    tensors: dict[str, Tensor]
    mean: tuple[float, ...] | None = None
    deviation: tuple[float, ...] | None = None
    classes: tuple[str, ...] = ()


def require_there(source: str) -> None:
    """What can be known without torch. Raises: Problem E634 where there is no such run or file."""
    if not source.startswith(TORCHVISION):
        _file_of(source)


def read_pretrained(source: str) -> Pretrained:
    """The weights of a run's best epoch, of a `.safetensors`, `.pt` or `.pth` file, or of `torchvision:NAME`.

    Raises: Problem E634 where there are none, E635 where they cannot be downloaded, E641 where they cannot be used.
    """
    if source.startswith(TORCHVISION):
        return _of_torchvision(source.removeprefix(TORCHVISION))
    path = _file_of(source)
    if path.suffix in PICKLED:
        return Pretrained(source, _pickled(path))
    return _stored(source, path)


def _file_of(source: str) -> Path:
    path = path_of(source)
    if path.is_dir():
        found = next(
            (path / f"{kind}.safetensors" for kind in WEIGHTS if (path / f"{kind}.safetensors").exists()), None
        )
        if found is None:
            raise _nothing(f"{source} is no run with weights", way_to_a_run(path))
        return found
    if not path.exists():
        raise _nothing(f"there is no run or file {source}", way_to_a_run(path))
    if path.suffix not in (*PICKLED, ".safetensors"):
        raise _nothing(f"{source} holds no weights: it is no .safetensors, .pt or .pth file")
    return path


def _stored(source: str, path: Path) -> Pretrained:
    from specc.build.stored import load_tensors, load_texts

    try:
        texts, tensors = load_texts(path), _sound(path, load_tensors(path))
    except ValueError as error:
        raise _unusable(path, str(error)) from error
    about = read_description(texts.get("data", ""))
    if about is None:
        return Pretrained(source, tensors)
    return Pretrained(source, tensors, about.mean, about.deviation, about.classes)


def _pickled(path: Path) -> dict[str, Tensor]:
    """A `state_dict()` that torch saved, or one inside a checkpoint."""
    import torch

    try:
        files.require_regular(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its unpickler meets
        raise _unusable(path, "it is damaged, or holds more than weights") from error
    for key in ("state_dict", "model"):
        found = found.get(key, found) if isinstance(found, dict) else found
    if not isinstance(found, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in found.values()):
        raise _unusable(path, "it holds more than a `state_dict()`")
    return _sound(path, found)


def _sound(path: Path | str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    from specc.build.stored import are_finite

    if not are_finite(tensors.values()):
        raise _unusable(path, "it holds values that are not finite")
    return tensors


def _of_torchvision(name: str) -> Pretrained:
    from torchvision import models

    if name not in models.list_models():
        guess = nearest(name, models.list_models())
        help = f"did you mean `{TORCHVISION}{guess}`?" if guess else "torchvision's page of models lists them"
        raise Problem.of("E634", f"torchvision has no model `{name}`", help=help)
    weights = models.get_model_weights(name).DEFAULT
    try:
        tensors = weights.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise Problem.of("E635", f"the weights of {name} could not be downloaded: {error}",
            help=f"put the file of {weights.url} into `$TORCH_HOME/hub/checkpoints`, or name it after `--from`"
        ) from error  # fmt: skip
    about = weights.transforms()
    return Pretrained(f"{TORCHVISION}{name}", tensors, tuple(about.mean), tuple(about.std))


def _nothing(message: str, help: str | None = None) -> Problem:
    return Problem.of("E634", message,
        help=help or "`--from` takes a run's folder, a weights file, or `torchvision:resnet18`")  # fmt: skip


def _unusable(path: Path | str, reason: str) -> Problem:
    return Problem.of("E641", f"the weights in {path} cannot be used: {reason}", help="copy the file again")


# which of them fit


def normalised_alike(recipe: Recipe, found: Pretrained, channels: int) -> Recipe:
    """The recipe with the normalisation of the weights' origin, where it says nothing of its own."""
    if found.mean is None or found.deviation is None or len(found.mean) not in (1, channels):
        return recipe
    if recipe.exact or recipe.mean is not None:
        return recipe
    return recipe.model_copy(update={"normalize": True, "mean": found.mean, "deviation": found.deviation})


def begin_with(found: Pretrained, model: nn.Module, shaped: ShapedModel, classes: tuple[str, ...]) -> str:
    """Copy what fits into a model. Returns: what was loaded, what was not, and why, in a line.

    Tensors go where the import of the spec says; else to those of their names and shapes, or, where that pairs more,
    to those in the same place, up to the first that has another shape. The last layer, of each output, keeps its fresh
    values where it tells other classes apart.
    Raises: Problem E636 where nothing fits.
    """
    import torch

    own = model.state_dict()
    pairs, how = _imported(own, found.tensors, shaped) or _pairs(own, found.tensors)
    last = _last_layers(shaped) if found.classes and classes and found.classes != classes else ()
    pairs = {mine: theirs for mine, theirs in pairs.items() if mine.rpartition(".")[0] not in last}
    if not any(own[name].dim() > 1 for name in pairs):
        raise _nothing_fits(found, own)
    with torch.no_grad():
        for mine, theirs in pairs.items():
            own[mine].copy_(found.tensors[theirs].reshape(own[mine].shape))
    return _told(found, own, pairs, how, bool(last))


def _imported(
    own: Mapping[str, Tensor], other: Mapping[str, Tensor], shaped: ShapedModel
) -> tuple[dict[str, str], str] | None:
    """Which tensor goes where by the file that `specc import` wrote beside the spec; None where it names none of them.

    Raises: Problem E641 where the file is damaged.
    """
    path = names_beside(Path(shaped.source.path))
    if not path.is_file():
        return None
    try:
        names = read_names(path)
    except (OSError, ValueError) as error:
        raise _unusable(path, str(error)) from error
    pairs = {mine: theirs for mine, theirs in names.items() if mine in own and theirs in other}
    pairs = {mine: theirs for mine, theirs in pairs.items() if own[mine].numel() == other[theirs].numel()}
    return (pairs, f"by the names in {path.name}") if pairs else None


def _pairs(own: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> tuple[dict[str, str], str]:
    """Which tensor goes where, by the way that pairs more of them: some names are the same by chance."""
    by_name = {name: name for name, tensor in own.items() if name in other and _fit(tensor, other[name])}
    counted_there = any(name.endswith(COUNT) for name in other)
    mine = [name for name in own if counted_there or not name.endswith(COUNT)]
    by_order = dict(
        takewhile(
            lambda pair: _kind(pair[0]) == _kind(pair[1]) and _fit(own[pair[0]], other[pair[1]]),
            zip(mine, other, strict=False),
        )
    )
    return (by_name, "by name") if len(by_name) >= len(by_order) else (by_order, "by their order")


def _fit(mine: Tensor, theirs: Tensor) -> bool:
    return mine.shape == theirs.shape and mine.is_floating_point() == theirs.is_floating_point()


def _kind(name: str) -> str:
    return name.rpartition(".")[2]


def _last_layers(shaped: ShapedModel) -> tuple[str, ...]:
    """The name of the last layer with weights; of a network with several outputs that of each."""
    names = [row.name for row in shaped.rows() if row.params]
    if not isinstance(shaped.gives, dict):
        return tuple(names[-1:])
    form = shaped.chain.steps[-1][0]
    heads = ([name for name in names if name.startswith(f"{form}.{head}.")] for head in shaped.gives)
    return tuple(inside[-1] for inside in heads if inside)


def _told(found: Pretrained, own: Mapping[str, Tensor], pairs: dict[str, str], how: str, other_classes: bool) -> str:
    loaded = [name for name in pairs if not name.endswith(COUNT)]
    fresh = [name for name in own if name not in pairs and not name.endswith(COUNT)]
    unused = [name for name in found.tensors if name not in pairs.values() and not name.endswith(COUNT)]
    line = f"begins with {counted(len(loaded), 'tensor')} of {_seen_from_here(found.name)}, {how}"
    if fresh:
        line += f"; at fresh values: {_names(fresh)}{', since the classes are others' if other_classes else ''}"
    return f"{line}; not used: {_names(unused)}" if unused and not (other_classes and unused == fresh) else line


def _seen_from_here(name: str) -> str:
    """A path as somebody in this folder would type it: a recipe keeps it absolute."""
    path, here = Path(name), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else name


def _names(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(shown, names[:SHOWN])) + more


def _nothing_fits(found: Pretrained, own: Mapping[str, Tensor]) -> Problem:
    from specc.diagnostics.spelling import spelled

    def first(tensors: Mapping[str, Tensor]) -> str:
        kernels = ((name, tensor) for name, tensor in tensors.items() if tensor.dim() > 1)
        name, tensor = next(kernels, ("", None))
        return "no kernel" if tensor is None else f"`{shown(name)}` of {spelled(tensor.shape)}"

    origin = _seen_from_here(found.name)
    return Problem.of("E636", f"nothing of {origin} fits the network: they begin with {first(found.tensors)}, "
        f"the network with {first(own)}", help="`specc diff` compares the specs of two runs")  # fmt: skip
