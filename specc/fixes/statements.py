"""Candidates for lines that are no steps: input (E210, E214), budgets (E217), recipes (E220 to E222, E637, E720)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.proposal import Rename
from specc.fixes.arguments import without_line
from specc.fixes.edit import Candidate, Edit, Kind
from specc.fixes.inputs import input_edits
from specc.fixes.outline import SpecOutline
from specc.source import Span
from specc.syntax import tree

_COMMON_INPUTS = ("1x28x28", "3x32x32", "3x224x224", "784")


def batchless_input(error: Diagnostic, outline: SpecOutline) -> Iterator[Candidate]:
    """E210: the shape without the batch, or with its channels first."""
    yield from input_edits(outline)


def usual_input(error: Diagnostic, outline: SpecOutline) -> Iterator[Candidate]:
    """E214: a shape that people use; a guess, so never applied without asking."""
    first = next((item for item in outline.items if isinstance(item, tree.Chain)), None)
    if first is None or outline.input is not None:
        return
    start = Span(first.span.start, first.span.start)
    for distance, shape in enumerate(_COMMON_INPUTS):
        edit = Edit(start, f"input {shape}\n")
        text = f"`input {shape}`" if distance else f"add a line such as `input {shape}`"
        yield Candidate(Kind.INSERTION, (edit,), text, distance, certain=False, bare=distance > 0)


def respelled(error: Diagnostic, outline: SpecOutline) -> Iterator[Candidate]:
    """E217, E220, E221, E637 and E720: the quantity, the setting, the word, the part or the output that is meant."""
    for proposal in error.proposals:
        if isinstance(proposal, Rename) and error.span is not None:
            yield Candidate(Kind.SPELLING, (Edit(error.span, proposal.word),), proposal.text)


def number_of_param(error: Diagnostic, outline: SpecOutline) -> Iterator[Candidate]:
    """E207: a number for a word in a `param`; which one is a guess."""
    for name, item in outline.params.items():
        if item.value.span == error.span and isinstance(item.value, tree.Word):
            number = 10 if "class" in name else 64
            why = f": then `--set {name}=…` gives another number"
            edits = (Edit(item.value.span, str(number)),)
            yield Candidate(Kind.SHAPE, edits, f"`param {name} = {number}`", certain=False, why=why, bare=True)


def second_line(error: Diagnostic, outline: SpecOutline) -> Iterator[Candidate]:
    """E222: the later of two lines left out; which of them was meant is not known."""
    for setting in _settings(outline):
        if error.span is not None and setting.span.start <= error.span.start < setting.span.end:
            text = outline.source.slice(setting.span)
            edit = without_line(outline, setting.span)
            yield Candidate(Kind.REMOVAL, (edit,), f"leave out `{text}`", certain=False)


def second_definition(error: Diagnostic, outline: SpecOutline) -> Iterator[Candidate]:
    """E208: the later of two left out, or the first; two recipes made one."""
    kinds = (tree.Param, tree.Block, tree.Input, tree.Train)
    found = [item for item in outline.items if isinstance(item, kinds) and error.span is not None
             and item.span.start <= error.span.start < item.span.end]  # fmt: skip
    for item in found:
        if isinstance(item, tree.Train):
            yield from _merged(item, outline)
        elif isinstance(item, tree.Block) and item.name.span != error.span:
            yield from _other_parameter(error, outline)
        else:
            first = next(
                (other for other in outline.items if isinstance(other, type(item)) and _alike(other, item)), item
            )
            for gone in (item, first):
                text = outline.source.slice(gone.span).partition("\n")[0].rstrip(" {")
                place = outline.source.place(gone.span.start).line
                edit = without_line(outline, gone.span)
                told = f"leave out `{text}` at line {place}"
                yield Candidate(Kind.REMOVAL, (edit,), told, certain=False, placed=True)


def _alike(one: tree.Param | tree.Block | tree.Input | tree.Train, other: tree.Param | tree.Block | tree.Input) -> bool:
    names = [item.name.text if isinstance(item, tree.Param | tree.Block) else "" for item in (one, other)]
    return names[0] == names[1]


def _merged(second: tree.Train, outline: SpecOutline) -> Iterator[Candidate]:
    """The settings of a second recipe, behind those of the first."""
    first = next(item for item in outline.items if isinstance(item, tree.Train))
    if first.settings and second.settings:
        end = first.settings[-1].span.end
        moved = "".join(f" ; {outline.source.slice(setting.span)}" for setting in second.settings)
        edits = (Edit(Span(end, end), moved), without_line(outline, second.span))
        yield Candidate(Kind.ORDER, edits, "put all settings into the first `train { }`")


def _other_parameter(error: Diagnostic, outline: SpecOutline) -> Iterator[Candidate]:
    assert error.span is not None  # noqa: S101 - a definition has a place
    name = outline.source.slice(error.span).partition("=")[0].strip()
    edit = Edit(Span(error.span.start, error.span.start + len(name)), f"{name}2")
    yield Candidate(Kind.SPELLING, (edit,), f"call it `{name}2`", certain=False)


def _settings(outline: SpecOutline) -> Iterator[tree.Setting]:
    for item in outline.items:
        if isinstance(item, tree.Train):
            yield from item.settings


StatementMaker = Callable[[Diagnostic, SpecOutline], Iterable[Candidate]]
STATEMENT_MAKERS: dict[str, tuple[StatementMaker, ...]] = {
    "E207": (number_of_param,),
    "E208": (second_definition,),
    "E210": (batchless_input,),
    "E214": (usual_input,),
    "E217": (respelled,),
    "E220": (respelled,),
    "E221": (respelled,),
    "E222": (second_line,),
    "E637": (respelled,),
    "E720": (respelled,),
}
