"""Specs about each word and form of the page's latest growth, counted: accepted and refused so often at every rank."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from generate.agreement import compare
from generate.arguments import Thrown
from generate.plan import Chain, Partial, Spec, Step, step_text
from generate.specs import draw_spec
from generate.topics import TOPICS
from generate.words import FORMS, LAYERS

EVERYWHERE = (0, 1, 2, 3)
MOST = 60  # specs that are drawn for each that is wanted, until a cell is given up
RANKS = ("vector", "signal", "picture", "volume")

# What a spec is about, how it is called here, and the ranks at which it can be accepted; refused it can be anywhere.
COUNTED: dict[str, tuple[str, tuple[int, ...]]] = {
    "from": ("`from LABEL`", EVERYWHERE),
    "outputs": ("`outputs { }`", EVERYWHERE),
    "parts": ("`split 16 _ 32`", EVERYWHERE),
    "nth": ("`nth`", EVERYWHERE),
    "power": ("`**`", EVERYWHERE),
    "value": ("layer values", EVERYWHERE),
    "after": ("`pad before after`", (1, 2, 3)),
    "channelpad": ("`channelpad`", EVERYWHERE),
    "channelmean": ("`channelmean`", EVERYWHERE),
    "channelmax": ("`channelmax`", EVERYWHERE),
    "grn": ("`grn`", (1, 2, 3)),
    "shift": ("`shift`", EVERYWHERE),
    "layershift": ("`layershift`", EVERYWHERE),
    "pixelunshuffle": ("`pixelunshuffle`", (2,)),
    "size": ("`upsample size=`", (1, 2, 3)),
    "like": ("`upsample like=`", (1, 2, 3)),
    "corners": ("`upsample corners`", (1, 2, 3)),
    "nobias": ("`layernorm nobias`", EVERYWHERE),
}
FIELDS = {
    "after": ("pad", "after"), "size": ("upsample", "size"), "like": ("upsample", "like"),
    "corners": ("upsample", "corners"), "nobias": ("layernorm", "bias"),
}  # fmt: skip


class Cell(NamedTuple):
    """What is counted: specs about something that are right, or wrong at that, at a rank."""

    about: str
    rank: int
    right: bool

    def __str__(self) -> str:
        return f"{self.about}-{RANKS[self.rank]}-{'right' if self.right else 'wrong'}"


CELLS = [
    Cell(about, rank, right)
    for about, (_, accepted) in COUNTED.items()
    for rank in EVERYWHERE
    for right in (True, False)
    if rank in accepted or not right
]


class Found(NamedTuple):
    """Different specs of a cell by their texts, and what specc and torch disagree about."""

    texts: set[str]
    disagreements: dict[str, str]


def count(cell: Cell, wanted: int) -> Found:
    """Draw specs until there are so many of a cell, or it is given up."""
    found = Found(set(), {})
    intents = ["right"] if cell.right else ["value", "shape"]
    for number in range(MOST * wanted):
        spec = draw_spec(Thrown(f"{cell} {number}"), cell.about, intents[number % len(intents)], cell.rank)
        if spec.text in found.texts or cell.about not in used(spec):
            continue
        verdict = compare(spec)
        if verdict.disagreement is not None:
            found.disagreements[spec.text] = verdict.disagreement
        elif _is_of(cell, verdict.result.refused_at):
            found.texts.add(spec.text)
        if len(found.texts) >= wanted or found.disagreements:
            break
    return found


def _is_of(cell: Cell, refused_at: str | None) -> bool:
    """Whether a verdict is the cell's: a wrong spec was refused at what it is about."""
    if cell.right or refused_at is None:
        return cell.right and refused_at is None
    words = {"from": ("from", *FORMS), "parts": ("split",), "value": (*LAYERS, "f")}
    return refused_at in (TOPICS[cell.about].words if cell.about in TOPICS else words.get(cell.about, (cell.about,)))


def used(spec: Spec) -> set[str]:
    """What is counted here and stands in a spec."""
    found = set()
    for step in _steps((*spec.chain, *(one for block in spec.blocks for one in block.body))):
        text = step_text(step._replace(branches=(), shortcut=None, names=()))
        values = [argument.value for argument in step.arguments]
        said = {(step.word, argument.field) for argument in step.arguments}
        found |= {step.word} | {about for about, field in FIELDS.items() if field in said}
        found |= {"nth"} if "nth" in text else set()
        found |= {"power"} if "**" in text else set()
        found |= {"parts"} if step.parts else set()
        found |= {"value"} if any(map(_is_layer, values)) else set()
    defaults = [default for block in spec.blocks for _, default in block.parameters]
    return found | ({"value"} if any(map(_is_layer, defaults)) else set())


def _is_layer(value: Any) -> bool:
    return isinstance(value, Partial) or (isinstance(value, str) and value in LAYERS)


def _steps(chain: Chain) -> Iterator[Step]:
    """Every step, those in braces too."""
    for step in chain:
        yield step
        for branch in (*step.branches, *([step.shortcut] if isinstance(step.shortcut, tuple) else [])):
            yield from _steps(branch)
