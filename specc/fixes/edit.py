"""An edit of a text, and a candidate: edits that may mend an error, not yet tried."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from specc.source import Span


class Kind(IntEnum):
    """What an edit changes, in the order in which a person would try it: first what leaves the network as it was meant.

    This is the first key of the ranking; see `fixes.search`.
    """

    SPELLING = 1  # a word, a key or a sign as this language writes it
    ORDER = 2  # the same numbers or steps in another order: channels first, `flatten` further down
    INSERTION = 3  # a step without weights of its own kind: `flatten`, `id`, `shortcut auto`
    PADDING = 4
    STRIDE = 5
    WINDOW = 6  # kernel, dilation
    NOTE = 7  # the checked shape instead of the network
    CHANNELS = 8  # out, groups
    SHAPE = 9  # a shape that is written out: `unflatten`, `slice`, the input
    REPLACEMENT = 10  # another layer, or one more that loses information
    PADDINGS = 11  # padding in every convolution
    REMOVAL = 12
    SEVERAL = 13  # edits in several places
    LOSS = 14  # a layer with weights left out

    @property
    def is_last_resort(self) -> bool:
        """Whether it is tried only where nothing else helps."""
        return self >= Kind.SEVERAL


class Edit(NamedTuple):
    """A piece of the text, and what is to stand there; an empty span inserts."""

    span: Span
    text: str


class Candidate(NamedTuple):
    """Edits that may mend an error.

    text:     how the edit is told to the user, with quotes around what to write.
    bare:     whether the text is what to write, without a verb. placed: whether a line is named in it.
    why:      what follows the text where the edit stands alone: what it gives, or why.
    elsewhere: the text where another error is shown, and "it" would be something else.
    distance: how many steps away from the error the edit is; 0 is the step with the error.
    certain:  whether it may be applied without asking; a guess may not.
    shows:    the start of a step whose output completes the text ("gives 16×1×1"), or None.
    """

    kind: Kind
    edits: tuple[Edit, ...]
    text: str
    distance: int = 0
    certain: bool = True
    shows: int | None = None
    why: str = ""
    elsewhere: str = ""
    bare: bool = False
    placed: bool = False


def edited(text: str, edits: Sequence[Edit]) -> str:
    """The text with the edits made; they do not overlap.

    >>> edited("conv 6 k5", [Edit(Span(7, 9), "k3"), Edit(Span(9, 9), " p1")])
    'conv 6 k3 p1'
    """
    pieces, end = [], 0
    for edit in sorted(edits):
        pieces += [text[end : edit.span.start], edit.text]
        end = edit.span.end
    return "".join([*pieces, text[end:]])


def moved(offset: int, edits: Sequence[Edit]) -> int:
    """Where a place of the old text stands in the new one; a place at an insertion stands behind it."""
    shift = 0
    for edit in sorted(edits):
        if edit.span.start > offset or (edit.span.start == offset and edit.span.end > offset):
            break
        if edit.span.end > offset:
            return edit.span.start + shift
        shift += len(edit.text) - (edit.span.end - edit.span.start)
    return offset + shift


def origin(offset: int, edits: Sequence[Edit]) -> int:
    """Where a place of the new text stood in the old one: the start of an edit for what the edit wrote."""
    shift = 0
    for edit in sorted(edits):
        start = edit.span.start + shift
        if offset < start:
            break
        if offset < start + len(edit.text):
            return edit.span.start
        shift += len(edit.text) - (edit.span.end - edit.span.start)
    return offset - shift
