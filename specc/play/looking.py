"""The process that computes feature maps for the page: a line of JSON for each question, and one for its answer."""

from __future__ import annotations

import json
import os
import sys
from base64 import b64decode
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import BaseModel

from specc.diagnostics.amounts import in_bytes
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.memory import says_no_memory
from specc.diagnostics.spelling import counted
from specc.ir.shaped import ShapedModel, memory_of
from specc.limits import limit
from specc.pipeline import analyse
from specc.source import Source

if TYPE_CHECKING:
    from torch import Tensor

    from specc.data.load import Dataset
    from specc.evaluate.peek import PeekSubject

MEMORY = 4 << 30  # bytes that this process may have
LARGEST, MOST_PRODUCTS = 2 << 30, 10**11  # bytes of weights and values, and multiplications, of a network


class LookQuestion(BaseModel):
    """What is to be shown.

    text: the network. weights: "stored" ones, from the run or the file at `path`; "fixed", with the filters of lectures
    in the first convolution, or "fresh" ones. picture: a PNG in base64, else test picture `number` of `data`.
    layer: that is looked at.
    """

    text: str
    weights: Literal["fresh", "fixed", "stored"] = "fresh"
    path: str = ""
    picture: str = ""
    data: str = ""
    data_dir: str | None = None
    number: int = 0
    invert: bool = False
    layer: str = ""


class LookedInto(NamedTuple):
    """A network that is looked into. filters: what those of the first convolution are called; note: of its weights."""

    subject: PeekSubject
    filters: tuple[str, ...] = ()
    note: str = ""


def main() -> None:
    """Answers until standard input ends."""
    _bound()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    for line in sys.stdin:
        print(json.dumps(_answer(line)), file=answers, flush=True)


def _bound() -> None:
    """Less of the processor than the editor has, and not all of the memory; Windows has no such bounds."""
    if sys.platform != "win32":
        os.nice(5)
    limit("DATA", MEMORY)


def _answer(line: str) -> dict[str, Any]:
    try:
        return {"maps": _looked(LookQuestion.model_validate_json(line))}
    except Problem as problem:
        return {"refused": problem.diagnostic.message, "helps": list(problem.diagnostic.helps)}
    except Exception as error:  # a network that nobody has thought of must not end the others' answers
        failed = f"this cannot be shown ({type(error).__name__})"
        why = "this took more memory than there is" if says_no_memory(error) else failed
        return {"refused": why, "helps": []}


def _looked(asked: LookQuestion) -> dict[str, Any]:
    from specc.evaluate.maps import maps_of

    changed = os.stat(_file(asked.path)).st_mtime_ns if asked.weights == "stored" else 0  # noqa: PTH116 - a path is text
    looked = _network(asked.text, asked.weights, asked.path, changed)
    image, truth = _image(looked.subject, asked)
    return {**maps_of(looked.subject, image, asked.layer, looked.filters), "truth": truth, "note": looked.note}


def _file(path: str) -> Path:
    from specc.evaluate.trained import weights_of

    return weights_of(Path(path))


@lru_cache(2)
def _network(text: str, weights: str, path: str, changed: int) -> LookedInto:
    """The network, kept until another is asked for. Args: changed, when the file of its weights was.

    Raises: Problem E640, E641, E647.
    """
    model = analyse(Source("net", text)).model
    if model is None:
        raise Problem.of("E647", "a text with errors has no feature maps", help="mend it first")
    _require_small(model)
    if weights == "stored":
        return _stored(model, Path(path))
    from specc.evaluate.filters import fix_first
    from specc.evaluate.peek import of_spec

    subject = of_spec("net", model, fit=True, invert=False)
    filters = fix_first(subject.model, model) if weights == "fixed" else ()
    return LookedInto(subject, filters, "" if filters or weights == "fresh" else "no convolution stands first in it")


def _require_small(model: ShapedModel) -> None:
    """Raises: Problem E647 for a network that would take the machine from who edits it."""
    memory, products = memory_of(model.chain), model.chain.costs.macs
    if memory > LARGEST or products > MOST_PRODUCTS:
        raise Problem.of(
            "E647", f"the network takes {in_bytes(memory)} and {products:,} multiplications for a picture, more than "
            "is computed beside an editor", help="`specc peek` draws the maps of any network",
        )  # fmt: skip


def _stored(model: ShapedModel, path: Path) -> LookedInto:
    """A network with a run's weights, as far as they fit the text. Raises: Problem E640, E641, E647."""
    from specc.evaluate.peek import of_spec, of_trained
    from specc.evaluate.trained import load_trained
    from specc.ir.analysis.compare import same_network

    trained = load_trained(path)
    if same_network(trained.shaped, model):
        return LookedInto(of_trained(trained, fit=True, invert=False))
    subject = of_spec("net", model, fit=True, invert=False)
    own, theirs = subject.model.state_dict(), trained.model.state_dict()
    fitting = {name: value for name, value in theirs.items() if name in own and own[name].shape == value.shape}
    subject.model.load_state_dict(fitting, strict=False)
    note = f"The text has changed: {len(fitting)} of {counted(len(own), 'tensor')} are the run's, the others random."
    return LookedInto(subject, note=note)


def _image(subject: PeekSubject, asked: LookQuestion) -> tuple[Tensor, str]:
    """The picture as the network gets it, and its class where that is known. Raises: Problem E601 to E611, E643."""
    from specc.evaluate.peek import picked

    subject = subject._replace(taker=subject.taker._replace(invert=asked.invert))
    if not asked.picture:
        recipe = subject.recipe.model_copy(update={"data": asked.data, "data_dir": asked.data_dir})
        subject = subject._replace(recipe=recipe)
        dataset = _dataset(subject, f"{recipe.model_dump_json()} {subject.taker.sample}")
        return picked(subject, dataset, asked.number % len(dataset.test))  # behind the last one comes the first
    from PIL import Image

    with Image.open(BytesIO(b64decode(asked.picture, validate=True)), formats=("PNG",)) as picture:
        return subject.taker.take(picture), ""


_datasets: dict[str, Dataset] = {}


def _dataset(subject: PeekSubject, key: str) -> Dataset:
    """A data set, kept until another is asked for."""
    from specc.evaluate.peek import dataset_for

    if key not in _datasets:
        _datasets.clear()
        _datasets[key] = dataset_for(subject, None)
    return _datasets[key]


if __name__ == "__main__":
    main()
