"""An outline as a diagram from top to bottom: boxes on an axis, branches beside each other, blocks in frames.

Every function makes a `Piece` and knows nothing of what lies around it; a piece reserves the room for its texts, so
none can meet another. Long networks go on in a further column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from specc.diagnostics.spelling import counted
from specc.emit.draw.columns import Column, columns
from specc.emit.draw.forks import arrives, fork_piece
from specc.emit.draw.marks import (
    Fold,
    LineMark,
    Mark,
    NamedMarks,
    Piece,
    PlainMark,
    Rect,
    Sheet,
    TextMark,
    moved,
    sheet_of,
)
from specc.emit.draw.metrics import shortened, text_width
from specc.emit.draw.outline import (
    Box,
    DrawnBranch,
    DrawnGroup,
    Fork,
    Item,
    KeptMark,
    Outline,
    is_plain,
    stacked,
)
from specc.emit.draw.theme import style_of
from specc.layers.base import written

TITLE, DETAIL, LABEL = 13.0, 11.0, 11.0
EDGE = 32.0  # from one piece to the next
WIDEST_BOX = 250.0
MARGIN = 16.0
PAD = 12.0
HEADER = 26.0
ASIDE = 7.0  # from a line to the text beside it


def flow(network: Outline, *, parameters: bool = False) -> Sheet:
    """The diagram. parameters: whether boxes tell how many they have."""
    pieces = _Pieces(parameters)
    steps = [FlowStep(_pill("input"), ""), *pieces.steps(network.items)]
    if not ends_in_outputs(network.items):
        steps.append(FlowStep(_pill("output"), written(network.output)))
    chosen = columns([step.piece.height + EDGE for step in steps], [_reach(step) for step in steps])
    return sheet_of(_in_columns(steps, chosen), MARGIN)


class FlowStep(NamedTuple):
    """A piece, and what stands beside the line that leads to it."""

    piece: Piece
    label: str


def _reach(step: FlowStep) -> tuple[float, float]:
    label = text_width(step.label, LABEL) + ASIDE if step.label else 0
    return step.piece.left, max(step.piece.right, label)


def _label(text: str, x: float, y: float) -> tuple[Mark, ...]:
    return (TextMark(x + ASIDE, y, text, LABEL, style="muted"),) if text else ()


def _pill(word: str) -> Piece:
    width = text_width(word, DETAIL) + 24
    box = Rect(-width / 2, 0, width, 22, "end", 11)
    return Piece(width / 2, width / 2, 22, (box, TextMark(0, 15, word, DETAIL, "middle")))


def _chain(steps: Sequence[FlowStep], *, entry: float = 0) -> Piece:
    """Steps below each other; entry, the length of the line above the first."""
    marks: list[Mark] = []
    y = 0.0
    for number, (piece, label) in enumerate(steps):
        gap = EDGE if number else entry
        if gap:
            marks.append(LineMark(((0, y), (0, y + gap)), arrow=piece.lands))
            marks += _label(label, 0, y + gap / 2 + 2)
        marks += moved(piece.marks, 0, y + gap)
        y += gap + piece.height
    lefts, rights = zip(*(_reach(step) for step in steps), strict=True)
    return Piece(max(lefts), max(rights), y, tuple(marks), lands=bool(entry) or steps[0].piece.lands)


class _Pieces:
    """Makes pieces out of items."""

    def __init__(self, parameters: bool) -> None:
        self.parameters = parameters

    def steps(self, items: Sequence[Item]) -> list[FlowStep]:
        """A piece for each stack, frame and fork, with the shape that arrives at it."""
        return [self.step(part) for part in stacked(items)]

    def step(self, part: tuple[Box, ...] | DrawnGroup | Fork | KeptMark) -> FlowStep:
        match part:
            case KeptMark():
                return FlowStep(_pill(part.name), written(part.shape))
            case DrawnGroup():
                return FlowStep(self.frame(part), written(part.input))
            case Fork():
                return FlowStep(self.fork(part), written(part.input))
        return FlowStep(self.stack(part), written(part[0].input))

    # boxes

    def stack(self, boxes: Sequence[Box]) -> Piece:
        """A box with strips under it: what normalises, activates or drops what it gives."""
        head, *strips = boxes
        lines = self.lines(head)
        rows = [lines, *([self.strip_text(strip)] for strip in strips)]
        widths = [
            text_width(line, TITLE if at == number == 0 else DETAIL, bold=at == number == 0)
            for at, row in enumerate(rows)
            for number, line in enumerate(row)
        ]
        width = max(96.0, max(widths) + 20)
        marks, y = [*_called(head.name, _head_box(head, lines, width), _fold_of(head))], 12 + 15.0 * len(lines)
        for strip, (text,) in zip(strips, rows[1:], strict=True):
            bar = Rect(-width / 2, y, width, 18, style_of(strip.family))
            marks += _called(strip.name, (bar, TextMark(0, y + 13, text, DETAIL, "middle")))
            y += 18
        return Piece(width / 2, width / 2, y, tuple(marks))

    def lines(self, box: Box) -> list[str]:
        times = f" ×{box.times}" if box.times > 1 else ""
        room = WIDEST_BOX - 20 - text_width(times, TITLE, bold=True)
        lines = [shortened(box.title, TITLE, room, bold=True) + times, *_wrapped(box.detail)]
        return [*lines, *self.count(box)]

    def strip_text(self, box: Box) -> str:
        detail = f" {box.detail}" if box.detail else ""
        count = f" · {box.parameters:,}" if self.parameters and box.parameters else ""
        return shortened(box.title + detail, DETAIL, WIDEST_BOX - 90) + count

    def count(self, item: Box | DrawnGroup) -> list[str]:
        if not (self.parameters and item.parameters):
            return []
        return [counted(item.parameters, "parameter") + (" in all" if item.times > 1 else "")]

    # frames

    def frame(self, frame: DrawnGroup) -> Piece:
        steps = self.steps(frame.items)
        notable = frame.varies == "numbers" or (frame.varies == "shapes" and not is_plain(frame.items))
        if is_plain(frame.items) and not frame.title and not notable:
            return self.repeated(frame, steps[0].piece)
        inner = _chain([steps[0]._replace(label=""), *steps[1:]], entry=PAD)
        title = shortened(frame.title, DETAIL, WIDEST_BOX, bold=True)
        badge = f"×{frame.times}" if frame.times > 1 else ""
        notes = [f"{frame.varies} of the first"] if notable else []
        notes += self.count(frame)
        note = ", ".join(notes)
        left = max(inner.left + PAD, text_width(title, DETAIL, bold=True) + 20)
        right = max(inner.right + PAD, text_width(badge, TITLE, bold=True) + 20, text_width(note, LABEL) + 20)
        top = HEADER + (14 if note else 0)
        height = top + inner.height + PAD
        marks: list[Mark] = [Rect(-left, 0, left + right, height, "frame", 6)]
        heading = (TextMark(-left + 10, 18, title, DETAIL, bold=True),) if title else ()
        marks += _called(frame.name, heading, "open" if frame.folds else "")
        marks += [TextMark(right - 10, 19, badge, TITLE, "end", bold=True)] if badge else []
        marks += [TextMark(right - 10, 33, note, LABEL, "end", "muted")] if note else []
        marks.append(LineMark(((0, 0), (0, top))))
        marks += moved(inner.marks, 0, top)
        marks.append(LineMark(((0, top + inner.height), (0, height))))
        return Piece(left, right, height, tuple(marks), lands=False)

    def repeated(self, frame: DrawnGroup, stack: Piece) -> Piece:
        """A stack that is repeated, with `×3` beside it."""
        badge = f"×{frame.times}"
        left, right = stack.left + 8, stack.right + text_width(badge, TITLE, bold=True) + 16
        height = stack.height + 16
        marks = (
            Rect(-left, 0, left + right, height, "frame", 6), LineMark(((0, 0), (0, 8)), arrow=True),
            *moved(stack.marks, 0, 8), TextMark(stack.right + 8, height / 2 + 5, badge, TITLE, bold=True),
            LineMark(((0, height - 8), (0, height))),
        )  # fmt: skip
        return Piece(left, right, height, marks, lands=False)

    # forks

    def fork(self, fork: Fork) -> Piece:
        return fork_piece(fork, [self.branch(fork, branch) for branch in fork.branches])

    def branch(self, fork: Fork, branch: DrawnBranch) -> Piece | None:
        """What lies in a branch, with the lines above and below it; None for the identity."""
        if branch.origin is not None or branch.name:
            return self.named(branch)
        if not branch.items:
            return None
        steps = self.steps(branch.items)
        if not arrives(branch):
            return _below(_chain(steps))
        label = written(branch.input) if branch.input != fork.input else ""
        inner = _chain([FlowStep(steps[0].piece, label), *steps[1:]], entry=EDGE if label else 20)
        if branch.times == 1:
            return inner
        note = f"{branch.times} branches alike"
        right = max(inner.right + PAD, text_width(note, LABEL) + 16)
        left, height = inner.left + PAD, inner.height + HEADER
        marks = (
            Rect(-left, 0, left + right, height, "frame", 6), TextMark(8, 14, note, LABEL, style="muted"),
            LineMark(((0, 0), (0, HEADER - 8))), *moved(inner.marks, 0, HEADER - 8),
            LineMark(((0, height - 8), (0, height))),
        )  # fmt: skip
        return Piece(left, right, height, marks, lands=False)

    def named(self, branch: DrawnBranch) -> Piece:
        """A branch that begins with a label, or ends in an output's name."""
        steps = self.steps(branch.items)
        if branch.origin is not None:
            steps.insert(0, FlowStep(_pill(f"from {branch.origin.name}"), ""))
        elif steps:
            steps[0] = steps[0]._replace(label="")
        if branch.name:
            steps.append(FlowStep(_pill(branch.name), written(branch.output)))
        if branch.origin is None:
            return _chain(steps, entry=20)
        return _below(_chain(steps))


def _below(piece: Piece) -> Piece:
    """A piece that no line leads to, as far down as one would be."""
    return piece._replace(height=piece.height + 20, marks=moved(piece.marks, 0, 20))


def ends_in_outputs(items: Sequence[Item]) -> bool:
    """Whether a network has several outputs, which end in names of their own."""
    return bool(items) and isinstance(items[-1], Fork) and items[-1].joined == "outputs"


def _called(name: str, marks: tuple[PlainMark, ...], fold: Fold = "") -> tuple[Mark, ...]:
    """Marks with the name of what they show."""
    return (NamedMarks(marks, name, fold),) if name and marks else marks


def _fold_of(box: Box) -> Fold:
    return "closed" if box.family == "block" else ""


def _head_box(head: Box, lines: list[str], width: float) -> tuple[PlainMark, ...]:
    height = 12 + 15.0 * len(lines)
    radius = 4.0 if head.family != "block" else 6.0
    texts = (
        TextMark(0, 18.5 + 15 * number, line, DETAIL if number else TITLE, "middle", bold=not number)
        for number, line in enumerate(lines)
    )
    return (Rect(-width / 2, 0, width, height, style_of(head.family), radius), *texts)


def _wrapped(detail: str) -> list[str]:
    """Arguments in lines that fit a box."""
    lines: list[str] = []
    for part in detail.split(", ") if detail else []:
        joined = f"{lines[-1]}, {part}" if lines else part
        if lines and text_width(joined, DETAIL) <= 170:
            lines[-1] = joined
        else:
            lines.append(shortened(part, DETAIL, WIDEST_BOX - 20))
    return lines


def _in_columns(steps: Sequence[FlowStep], chosen: Sequence[Column]) -> list[Mark]:
    """The columns beside each other, a line from the foot of each to the head of the next."""
    marks: list[Mark] = []
    x, foot = 0.0, None
    top = 0.0
    for column in chosen:
        part = _chain(steps[column.first : column.last], entry=EDGE if column.first else 0)
        axis = x + part.left
        if foot is not None:
            gutter = x - 20
            low = foot[1] + 16
            marks.append(
                LineMark(
                    (foot, (foot[0], low), (gutter, low), (gutter, top - 16), (axis, top - 16), (axis, top)),
                    "wrap",
                )
            )
        marks += moved(part.marks, axis, top)
        foot = (axis, top + part.height)
        x = axis + part.right + 40
    return marks
