"""Candidates for words (E201, E202, E207): other spellings, mistyped names, what another language would write."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specc.diagnostics.proposal import Rename
from specc.diagnostics.spelling import nearest
from specc.fixes.arguments import behind_arguments, without, without_line
from specc.fixes.changes import Failure, removal, told
from specc.fixes.edit import Candidate, Edit, Kind
from specc.fixes.outline import Site, SpecOutline
from specc.fixes.translate import argument, own_word, translations
from specc.ir.model import FORM_WORDS
from specc.ir.names.bind import take_repeat
from specc.ir.names.foreign import DROPPED, NO_EFFECT, inferred
from specc.ir.names.habits import CHAIN_WORDS, means_input, option_meant
from specc.ir.names.signature import SHORT_KEYS, layer_signature
from specc.layers.registry import find_layer
from specc.source import Span
from specc.syntax import tree
from specc.syntax.foreign import Written

_RUN_TOGETHER = re.compile(r"([a-wyz][0-9]+(?:x[0-9]+)?){2,}")
_PARTED = re.compile(r"(?<=\s)([kspdg])\s+([0-9]+(?:x[0-9]+)*)(?![\w.])")
_NAMED_NUMBERS = (("class", 10), ("width|channel|filter|feature|hidden|units", 64))


def step_candidates(failure: Failure) -> Iterator[Candidate]:
    """E201: the step in this language's words."""
    step = failure.site.step
    if step.word is None or failure.error.span != step.word.span:
        return
    if failure.site.word.lower() in CHAIN_WORDS:
        edit = Edit(step.word.span, "") if step.branches is not None else removal(failure.outline, failure.site)
        yield Candidate(Kind.SPELLING, (edit,), f"leave out `{failure.site.word}`")
    if step.branches is not None:
        yield from _word(failure, step.word.span, nearest(failure.site.word, FORM_WORDS))
        return
    if failure.site.word in failure.outline.blocks:
        yield from above_its_use(failure, failure.outline.blocks[failure.site.word])
        return
    if any(site.step.label and site.step.label.text == failure.site.word for site in failure.outline.sites):
        source = f"from {failure.site.word}"
        yield Candidate(Kind.SPELLING, (Edit(step.word.span, source),), f"write `{source}`")
        return
    own = own_word(failure.site.word, list(failure.outline.blocks))
    written = _written(failure)
    counts_input = len(written.positional) > 1 and len(translations(written)) > 1
    if not counts_input:  # then a new word alone would leave torch's number of input channels where none belongs
        yield from _word(failure, step.word.span, own)
    yield from _run_into(failure, step.word)
    for position, text in enumerate(translations(written)):
        edits = (Edit(Span(step.word.span.start, behind_arguments(failure.outline, failure.site)), text),)
        meant = failure.renaming
        told_as = f"write `{text}`"
        if meant is not None:
            told_as = meant.text if text == meant.word else f"{meant.lead}: `{text}`"
        is_guess = text.startswith("adaptiveavgpool") and own is None
        yield Candidate(Kind.SPELLING, edits, told_as, position, certain=not is_guess)
    if step.arguments and means_input(failure.site.word):
        yield from _statement_for(failure)


def _run_into(failure: Failure, word: tree.Word) -> Iterator[Candidate]:
    """`conv3x3 16`, `maxpool2`: a size that is run into its word, as the argument that it is most often."""
    parts = re.fullmatch(r"([a-z]+?)_?([0-9]+(?:x[0-9]+)*)", word.text)
    layer = find_layer(own_word(parts[1]) or "") if parts else None
    if parts is None or layer is None:
        return
    number = parts[2].split("x")[0] if len(set(parts[2].split("x"))) == 1 else parts[2]
    end = failure.site.step.head.end
    rest = failure.outline.source.slice(Span(word.span.end, end))
    has_number = re.match(r"\s+[0-9]", rest)
    for position, tail in enumerate((f"{rest} k{number}" if has_number else f" {number}{rest}", rest)):
        text = f"{layer.keyword}{tail}"
        edits = (Edit(Span(word.span.start, end), text),)
        yield Candidate(Kind.SPELLING, edits, f"write `{text}`", position, certain=False)


def _statement_for(failure: Failure) -> Iterator[Candidate]:
    """`Input 3x32x32` as the statement; several numbers make one shape."""
    text = failure.outline.source.slice(failure.site.step.head)
    sizes = re.findall(r"[0-9]+", text)
    yield Candidate(
        Kind.SPELLING, (Edit(failure.site.step.head, f"input {'x'.join(sizes)}"),), f"write `input {'x'.join(sizes)}`"
    )


def above_its_use(failure: Failure, definition: tree.Block | tree.Param) -> Iterator[Candidate]:
    """A definition that stands too far down, moved to before the line or the block that uses it."""
    outline, site = failure.outline, failure.site
    use = site.block.span if site.block else _line_of(outline, site)
    if definition.span.start > use.start:
        text = outline.source.slice(definition.span)
        gone = without_line(outline, definition.span)
        kind = "block" if isinstance(definition, tree.Block) else "param"
        edits = (Edit(Span(use.start, use.start), f"{text}\n"), gone)
        yield Candidate(Kind.ORDER, edits, f"move `{kind} {definition.name.text}` above its use")


def _line_of(outline: SpecOutline, site: Site) -> Span:
    """The statement's chain in which a step stands, which begins a line."""
    chains = [item.span for item in outline.items if isinstance(item, tree.Chain)]
    start = site.step.span.start
    return next((span for span in chains if span.start <= start < span.end), site.step.span)


def _written(failure: Failure) -> Written:
    """The step's arguments as text, without its repeat."""
    slice_ = failure.outline.source.slice
    rest, _, _ = take_repeat(failure.site.step.arguments, failure.outline.scope(failure.site))
    keyed = [item for item in rest if isinstance(item, tree.Keyword)]
    bare = [slice_(item.span) for item in rest if not isinstance(item, tree.Keyword)]
    return Written(
        failure.site.word, tuple(bare), tuple((item.key.text, _bare(slice_(item.value.span))) for item in keyed)
    )


def _bare(text: str) -> str:
    return text[1:-1] if re.fullmatch(r'"\w+"', text) else text


def _word(failure: Failure, span: Span, own: str | None) -> Iterator[Candidate]:
    """Another word in a place, told as the error tells it where it names that word."""
    if own is not None:
        meant = failure.renaming
        text = (meant if meant is not None and meant.word == own else Rename(own)).text
        yield Candidate(Kind.SPELLING, (Edit(span, own),), text)


def key_candidates(failure: Failure) -> Iterator[Candidate]:
    """E202 and E207: an argument under its own name, a mistyped name, a word too much."""
    span, site = failure.error.span, failure.site
    assert span is not None  # noqa: S101 - every error in a name has a place
    text = failure.outline.source.slice(span)
    if find_layer(text) is not None and span.start > site.step.head.start:
        yield Candidate(Kind.SPELLING, (Edit(Span(span.start, span.start), "-> "),), f"write `-> {text}`")
    yield from _defined(failure, text)
    parted = _PARTED.sub(r"\1\2", failure.outline.text(site))
    if text in SHORT_KEYS.values() and parted != failure.outline.text(site):
        yield Candidate(Kind.SPELLING, (Edit(site.step.head, parted),), f"write `{parted}`")
    if site.layer is not None and text not in layer_signature(site.layer).keys and _foreign_words(failure) > 1:
        for whole in translations(_written(failure))[:1]:
            edit = Edit(Span(site.step.head.start, behind_arguments(failure.outline, site)), whole)
            yield Candidate(Kind.SPELLING, (edit,), f"write `{whole}`")
    if _RUN_TOGETHER.fullmatch(text):
        parted = " ".join(re.findall(r"[a-z][0-9]+(?:x[0-9]+)?", text))
        yield Candidate(Kind.SPELLING, (Edit(span, parted),), f"write `{parted}`")
    keyed = next((item for item in site.step.arguments if item.span.start <= span.start < item.span.end), None)
    if isinstance(keyed, tree.Keyword) and keyed.key.span == span:
        yield from _key(failure, keyed)
    elif isinstance(keyed, tree.Keyword) and site.layer is not None and option_meant(text, ("true", "false")):
        yield _as_said(failure, Edit(keyed.span, argument(keyed.key.text, text, layer_signature(site.layer))))
    elif text in inferred() | DROPPED:
        yield _dropped(failure, span, None)
    elif text in failure.outline.params:
        yield from above_its_use(failure, failure.outline.params[text])
    else:
        yield from _word(failure, span, _name_in_scope(failure, text))


def _defined(failure: Failure, text: str) -> Iterator[Candidate]:
    """A `param` for a name that says what number it stands for; which number is a guess."""
    number = next((number for pattern, number in _NAMED_NUMBERS if re.search(pattern, text.lower())), None)
    if number is not None and text.isidentifier() and find_layer(text) is None:
        edit = Edit(Span(0, 0), f"param {text} = {number}\n")
        why = f": then `--set {text}=…` gives another number"
        yield Candidate(Kind.INSERTION, (edit,), f"write `param {text} = {number}` at the top", certain=False, why=why)


def _foreign_words(failure: Failure) -> int:
    """How many keys of a step are another framework's."""
    assert failure.site.layer is not None  # noqa: S101 - asked for layers
    keys = layer_signature(failure.site.layer).keys
    return sum(isinstance(item, tree.Keyword) and item.key.text not in keys for item in failure.site.step.arguments)


def _as_said(failure: Failure, edit: Edit) -> Candidate:
    """An edit of the step that does what the error's own help says."""
    candidate = told(failure, failure.site, Kind.SPELLING, (edit,))
    said = failure.renaming.lead if failure.renaming else failure.error.help or "write"
    return candidate._replace(text=f"{said}: {candidate.text}", shows=None)


def _dropped(failure: Failure, span: Span, value: tree.Value | None) -> Candidate:
    """The step without something that this language infers or has no use for; certain where nothing is lost."""
    edit, text = without(failure.outline, span), failure.outline.source.slice(span)
    if text.partition("=")[0] in inferred():
        certain = value is not None and failure.says_what_arrives(value)
        return _as_said(failure, edit)._replace(certain=certain)
    return Candidate(Kind.SPELLING, (edit,), f"leave out `{text}`", certain=text.partition("=")[0] in NO_EFFECT)


def _key(failure: Failure, keyed: tree.Keyword) -> Iterator[Candidate]:
    site, key = failure.site, keyed.key.text
    value = _bare(failure.outline.source.slice(keyed.value.span))
    flags = layer_signature(site.layer).flags if site.layer is not None else {}
    if key in flags:
        off = option_meant(value, ("false",)) or value == "false"
        other = key.removeprefix("no") if key.startswith("no") else f"no{key}"
        yield _as_said(failure, Edit(keyed.span, other if off else key))
    elif key in inferred() | DROPPED:
        yield _dropped(failure, keyed.span, keyed.value)
    elif key == "activation" and own_word(value):
        end = Span(site.step.span.end, site.step.span.end)
        edits = (without(failure.outline, keyed.span), Edit(end, f" -> {own_word(value)}"))
        yield Candidate(Kind.SPELLING, edits, f"write the activation as a step: `-> {own_word(value)}`")
    elif site.layer is not None:
        yield _as_said(failure, Edit(keyed.span, argument(key, value, layer_signature(site.layer))))
    elif site.word in failure.outline.blocks:
        names = [parameter.name.text for parameter in failure.outline.blocks[site.word].parameters]
        yield from _word(failure, keyed.key.span, nearest(key, names))


def _name_in_scope(failure: Failure, text: str) -> str | None:
    """The name that a mistyped one means: of a `param`, of a block's parameter, of one of the layer's own words."""
    if failure.renaming is not None and failure.renaming.verb:
        return failure.renaming.word
    scope = failure.outline.scope(failure.site)
    known = [*scope.values, *scope.open]
    if failure.site.layer is not None:
        known += layer_signature(failure.site.layer).flags
    return nearest(text, known) or own_word(text)
