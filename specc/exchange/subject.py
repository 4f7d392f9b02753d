"""What is exported: a spec, or the spec of a run with the weights that it learned."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.evaluate.trained import StoredSpec, stored_spec
from specc.reading import Unreadable
from specc.runner.listing import way_to_a_run
from specc.runner.run_folder import RECIPE, SPEC, WEIGHTS, Record, read_record
from specc.source import Source

if TYPE_CHECKING:
    from torch import nn

SEED = 0  # of the initial weights, where none are given


class RunSpec(NamedTuple):
    """The spec that a run was made of, with the input and the parameters that it was given."""

    source: Source
    input: tuple[int, ...] | None
    settings: dict[str, Any]


def is_run(path: str) -> bool:
    """Whether a path names a run's folder rather than a spec."""
    return path != "-" and Path(path).is_dir()


def read_run(folder: Path, weights: Path) -> RunSpec:
    """The spec that these weights belong to: the one that they hold, or that of the run where they hold none.

    A run that goes on with another network has the weights of one and the spec of the other for a while.

    Raises: Unreadable where the folder holds no run; Problem E641 where the weights cannot be read.
    """
    record = _record_of(folder)
    name = Path(record.path).name if record.path and record.path != "-" else f"{folder.resolve().name}.cnn"
    spec = stored_spec(weights) or StoredSpec(record.spec, record.input, record.params)
    return RunSpec(Source(name, spec.text), spec.input, spec.params)


def _record_of(folder: Path) -> Record:
    record = read_record(folder / SPEC, folder / RECIPE)
    if record is None:
        help = way_to_a_run(folder) or "name a spec, or a folder that `specc train` wrote"
        raise Unreadable(Diagnostic("E664", f"`{folder}` holds no run", help=help))
    return record


def weights_of(path: str, asked: str | None) -> Path | None:
    """The file with the weights; None for a spec without any.

    Args:   path, the spec or the run; asked, what `--weights` says: best, last or a file; a run's are the best.
    Raises: Unreadable where there is no such file.
    """
    if asked is None and not is_run(path):
        return None
    if asked is not None and asked not in WEIGHTS:
        found = Path(asked)
    elif not is_run(path):
        raise Unreadable(
            Diagnostic("E664", f"`{asked}` weights are a run's, and `{path}` is a spec", help="name the run's folder")
        )
    else:
        kinds = (asked,) if asked is not None else WEIGHTS
        files = [Path(path) / f"{kind}.safetensors" for kind in kinds]
        found = next((file for file in files if os.path.lexists(file)), files[0])
    if not os.path.lexists(found):
        if is_run(path):
            _record_of(Path(path))
        raise Unreadable(Diagnostic("E664", f"there are no weights `{found}`", help=_others(path)))
    return found


def _others(path: str) -> str | None:
    files = sorted(file.name for file in Path(path).glob("*.safetensors")) if is_run(path) else []
    here = [name for name in files if name != "state.safetensors"]
    return f"the run has {', '.join(here)}" if here else None


def fill(network: nn.Module, weights: Path, spec: str = "") -> None:
    """Loads weights by name, or by shape and order where all the names are others.

    Args:   spec, its path; a file beside it may say which tensor is which.
    Raises: Problem E664 where the file cannot be read, its weights belong to another network, or their order alone
            tells which is which.
    """
    from specc.build.load import OrderAlone, load_weights
    from specc.build.names import names_beside, read_names
    from specc.build.stored import are_finite, load_tensors, misfit

    try:
        tensors = load_tensors(weights)
    except ValueError as error:
        raise Problem.of(
            "E664", f"{weights} cannot be read: {error}", help="weights are a `.safetensors` file"
        ) from error
    own = network.state_dict()
    if own.keys() == tensors.keys():
        fault = misfit(own, tensors)
        if fault:
            raise Problem.of("E664", f"the weights in {weights} are not this network's: {fault}")
        network.load_state_dict(tensors)
        return
    beside = names_beside(Path(spec))
    try:
        load_weights(network, tensors, read_names(beside) if beside.is_file() else None, asked=False)
    except OrderAlone as error:
        way = "if the order is right, load them in Python by `specc.load_weights(…, by_order=True)` and save them"
        raise Problem.of("E664", f"in {weights} {error}", help=way) from None
    except (OSError, ValueError) as error:
        raise Problem.of("E664", f"the weights in {weights} are not this network's: {error}") from None
    if not are_finite(tensors.values()):
        raise Problem.of("E664", f"the weights in {weights} hold values that are not finite")
