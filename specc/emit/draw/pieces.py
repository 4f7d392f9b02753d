"""Items as pieces of a diagram: boxes on an axis, branches beside each other, blocks in frames.

Every function makes a `Piece` and knows nothing of what lies around it; a piece reserves the room for its texts, so
none can meet another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from specc.diagnostics.spelling import counted
from specc.emit.draw.forks import arrives, fork_piece
from specc.emit.draw.marks import Fold, Mark, NamedMarks, Piece, PlainMark, Rect, TextMark
from specc.emit.draw.metrics import shortened, text_width
from specc.emit.draw.outline import Box, DrawnBranch, DrawnGroup, Fork, Item, KeptMark, is_plain, stacked
from specc.emit.draw.theme import style_of
from specc.emit.draw.ways import DOWN, EDGE, LABEL, Way
from specc.layers.base import written

TITLE, DETAIL = 13.0, 11.0
WIDEST_BOX = 250.0
PAD = 12.0
HEADER = 26.0
NOTE = 14.0  # a line under a frame's title


class FlowStep(NamedTuple):
    """A piece, and what stands beside the line that leads to it."""

    piece: Piece
    label: str


def reach(step: FlowStep, way: Way) -> tuple[float, float]:
    """How far a step reaches to the near and to the far side of the axis."""
    near, far = way.beside(step.label)
    return max(step.piece.near, near), max(step.piece.far, far)


def chain(steps: Sequence[FlowStep], way: Way, *, entry: float = 0) -> Piece:
    """Steps behind each other; entry, the length of the line before the first."""
    marks: list[Mark] = []
    along = 0.0
    for number, (piece, label) in enumerate(steps):
        gap = way.gap(label) if number else max(entry, way.gap(label, entry) if entry else 0)
        if gap:
            marks.append(way.line((0, along), (0, along + gap), arrow=piece.lands))
            marks += way.label(label, 0, along, along + gap)
        marks += way.moved(piece.marks, 0, along + gap)
        along += gap + piece.length
    nears, fars = zip(*(reach(step, way) for step in steps), strict=True)
    return Piece(max(nears), max(fars), along, tuple(marks), lands=bool(entry) or steps[0].piece.lands)


class Pieces(NamedTuple):
    """Makes pieces out of items. parameters: whether boxes tell how many they have; small: whether lines leave out what
    passes, and one strip stands for all under a box."""

    way: Way = DOWN
    parameters: bool = False
    small: bool = False

    def steps(self, items: Sequence[Item]) -> list[FlowStep]:
        """A piece for each stack, frame and fork, with the shape that arrives at it."""
        found = [self.step(part) for part in stacked(items)]
        return [step._replace(label="") for step in found] if self.small else found

    def step(self, part: tuple[Box, ...] | DrawnGroup | Fork | KeptMark) -> FlowStep:
        match part:
            case KeptMark():
                return FlowStep(self.pill(part.name), written(part.shape))
            case DrawnGroup():
                return FlowStep(self.frame(part), written(part.input))
            case Fork():
                return FlowStep(self.fork(part), written(part.input))
        return FlowStep(self.stack(part), written(part[0].input))

    # boxes

    def pill(self, word: str) -> Piece:
        width = text_width(word, DETAIL) + 24
        box = Rect(-width / 2, 0, width, 22, "end", 11)
        return self.leaf(width, 22, (box, TextMark(0, 15, word, DETAIL, "middle")))

    def leaf(self, width: float, height: float, marks: Sequence[Mark]) -> Piece:
        """What stands upright whichever way data flows. marks: around the middle of its upper edge."""
        if self.way.is_upright:
            up = 0 if self.way.sign > 0 else -height
            return Piece(width / 2, width / 2, height, tuple(mark.moved(0, up) for mark in marks))
        turned = tuple(mark.moved(width / 2, -height / 2) for mark in marks)
        return Piece(height / 2, height / 2, width, turned)

    def stack(self, boxes: Sequence[Box]) -> Piece:
        """A box with strips under it: what normalises, activates or drops what it gives."""
        head, *strips = boxes
        if self.small and strips:
            strips = [strips[-1]._replace(title=", ".join(strip.title for strip in strips), detail="")]
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
        return self.leaf(width, y, marks)

    def lines(self, box: Box) -> list[str]:
        times = f" ×{box.times}" if box.times > 1 else ""
        room = WIDEST_BOX - 20 - text_width(times, TITLE, bold=True)
        lines = [shortened(box.title, TITLE, room, bold=True) + times, *_wrapped(box.detail)]
        return [*lines, *self.told(box)]

    def strip_text(self, box: Box) -> str:
        detail = f" {box.detail}" if box.detail else ""
        count = f" · {box.parameters:,}" if self.parameters and box.parameters else ""
        return shortened(box.title + detail, DETAIL, WIDEST_BOX - 90) + count

    def told(self, item: Box | DrawnGroup) -> list[str]:
        if not (self.parameters and item.parameters):
            return []
        return [counted(item.parameters, "parameter") + (" in all" if item.times > 1 else "")]

    # frames

    def frame(self, frame: DrawnGroup) -> Piece:
        steps = self.steps(frame.items)
        notable = frame.varies == "numbers" or (frame.varies == "shapes" and not is_plain(frame.items))
        if is_plain(frame.items) and not frame.title and not notable:
            return self.repeated(frame, steps[0].piece)
        inner = chain([steps[0]._replace(label=""), *steps[1:]], self.way, entry=PAD)
        title = shortened(frame.title, DETAIL, WIDEST_BOX, bold=True)
        badge = f"×{frame.times}" if frame.times > 1 else ""
        notes = [f"{frame.varies} of the first"] if notable else []
        note = ", ".join([*notes, *self.told(frame)])
        left = text_width(title, DETAIL, bold=True) + 20
        right = max(text_width(badge, TITLE, bold=True), text_width(note, LABEL)) + 20
        border = self.around(inner, left, right, HEADER + (NOTE if note else 0))
        marks: list[Mark] = [border.rect]
        x, y, end = border.rect.x, border.rect.y, border.rect.x + border.rect.width
        heading = (TextMark(x + 10, y + 18, title, DETAIL, bold=True),) if title else ()
        marks += _called(frame.name, heading, "open" if frame.folds else "")
        marks += [TextMark(end - 10, y + 19, badge, TITLE, "end", bold=True)] if badge else []
        marks += [TextMark(end - 10, y + 33, note, LABEL, "end", "muted")] if note else []
        return border.piece(inner, marks, self.way)

    def around(self, inner: Piece, left: float, right: float, header: float) -> _Border:
        """The border of a frame. Args: left, right, how wide the texts at both ends of its header are."""
        if self.way.is_upright:
            near, far = max(inner.near + PAD, left), max(inner.far + PAD, right)
            before, behind = (header, PAD) if self.way.sign > 0 else (PAD, header)
            return _border(self.way, near, far, before, inner.length, behind)
        lacking = max(0.0, left + right - inner.length - 2 * PAD) / 2
        return _border(self.way, inner.near + header, inner.far + PAD, PAD + lacking, inner.length, PAD + lacking)

    def repeated(self, frame: DrawnGroup, stack: Piece) -> Piece:
        """A stack that is repeated, with `×3` beside it."""
        badge = f"×{frame.times}"
        wide = text_width(badge, TITLE, bold=True) + 16
        far = stack.far + (wide if self.way.is_upright else 24)
        border = _border(self.way, stack.near + 8, far, 8, stack.length, 8, arrow=True)
        x, y = self.way.at(stack.far + 8, border.length / 2)
        place = (x, y + 5) if self.way.is_upright else (x - wide / 2 + 8, y + 7)
        return border.piece(stack, [border.rect, TextMark(*place, badge, TITLE, bold=True)], self.way)

    # forks

    def fork(self, fork: Fork) -> Piece:
        return fork_piece(fork, [self.branch(fork, branch) for branch in fork.branches], self.way)

    def branch(self, fork: Fork, branch: DrawnBranch) -> Piece | None:
        """What lies in a branch, with the lines before and behind it; None for the identity."""
        if branch.origin is not None or branch.name:
            return self.named(branch)
        if not branch.items:
            return None
        steps = self.steps(branch.items)
        if not arrives(branch):
            return _after_a_gap(chain(steps, self.way), self.way)
        label = written(branch.input) if branch.input != fork.input else ""
        inner = chain([FlowStep(steps[0].piece, label), *steps[1:]], self.way, entry=EDGE if label else 20)
        if branch.times == 1:
            return inner
        note = f"{branch.times} branches alike"
        wide = text_width(note, LABEL) + 16
        if self.way.is_upright:
            before, behind = (HEADER - 8, 8.0) if self.way.sign > 0 else (8.0, HEADER - 8)
            border = _border(self.way, inner.near + PAD, max(inner.far + PAD, wide), before, inner.length, behind)
            place = 8.0, border.rect.y + 14
        else:
            lacking = max(0.0, wide - inner.length - 16) / 2
            border = _border(self.way, inner.near + HEADER, inner.far + PAD, 8 + lacking, inner.length, 8 + lacking)
            place = border.rect.x + 8, border.rect.y + 14
        return border.piece(inner, [border.rect, TextMark(*place, note, LABEL, style="muted")], self.way)

    def named(self, branch: DrawnBranch) -> Piece:
        """A branch that begins with a label, or ends in an output's name."""
        steps = self.steps(branch.items)
        if branch.origin is not None:
            steps.insert(0, FlowStep(self.pill(f"from {branch.origin.name}"), ""))
        elif steps:
            steps[0] = steps[0]._replace(label="")
        if branch.name:
            steps.append(FlowStep(self.pill(branch.name), written(branch.output)))
        if branch.origin is None:
            return chain(steps, self.way, entry=20)
        return _after_a_gap(chain(steps, self.way), self.way)


class _Border(NamedTuple):
    """A frame around a piece that begins `start` behind its edge. arrow: whether the line to it has a head."""

    rect: Rect
    near: float
    far: float
    start: float
    length: float
    arrow: bool

    def piece(self, inner: Piece, marks: list[Mark], way: Way) -> Piece:
        """The frame with what is in it; marks: the frame's own."""
        end = self.start + inner.length
        before, behind = way.line((0, 0), (0, self.start), arrow=self.arrow), way.line((0, end), (0, self.length))
        parts = (*marks, before, *way.moved(inner.marks, 0, self.start), behind)
        return Piece(self.near, self.far, self.length, parts, lands=False)


def _border(
    way: Way, near: float, far: float, start: float, inside: float, end: float, *, arrow: bool = False
) -> _Border:
    length = start + inside + end
    return _Border(way.rect(-near, 0, far, length, "frame", 6), near, far, start, length, arrow)


def _after_a_gap(piece: Piece, way: Way) -> Piece:
    """A piece that no line leads to, as far along as one would be."""
    return piece._replace(length=piece.length + 20, marks=way.moved(piece.marks, 0, 20))


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
