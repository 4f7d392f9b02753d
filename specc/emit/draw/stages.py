"""An outline as the row of feature maps that a lecture draws: what each operation leaves behind.

In:         the outline of a network.
Out:        a `Stage` for each change of shape, and the `Skip`s that lead past some of them.
Guarantees: what changes no shape (activation, normalisation) is told with the stage before it; a branch form is one
            stage, except a skip around layers that change the size of the picture, as in a U-Net, which is an arc.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import prod
from typing import NamedTuple

from specc.diagnostics.spelling import counted
from specc.emit.draw.forks import arrives
from specc.emit.draw.outline import Box, DrawnGroup, Fork, Item, KeptMark, Outline, is_attached
from specc.layers.base import Shape
from specc.layers.windows import Window

COMFORTABLE = 16  # stages: with more of them those that are alike are folded
MOST_OPEN = 36  # stages: with more of them blocks are closed


class Stage(NamedTuple):
    """A feature map or a vector. title, details: the operation that made it; after: what was done to its values; name:
    of the module; beside: the map that it has been joined to; inside: what a block holds."""

    shape: Shape
    before: Shape
    family: str
    title: str
    details: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()
    times: int = 1
    parameters: int = 0
    name: str = ""
    beside: Stage | None = None
    inside: tuple[Item, ...] = ()


class Skip(NamedTuple):
    """From the stage `start` past others to the stage `end`."""

    start: int
    end: int


class StageRow(NamedTuple):
    stages: tuple[Stage, ...]
    skips: tuple[Skip, ...]


def stages_of(network: Outline, *, parameters: bool = False) -> StageRow:
    """The stages of a network; the first is the input.

    Args: parameters, whether stages keep how many they have.
    """
    found = _read(network, closed=False)
    if len(_folded(found.stages)) > MOST_OPEN and not found.skips:
        found = _read(network, closed=True)
    if len(found.stages) > COMFORTABLE and not found.skips:
        found = StageRow(tuple(_folded(found.stages)), ())
    if not parameters:
        found = found._replace(stages=tuple(stage._replace(parameters=0) for stage in found.stages))
    return found


def _folded(stages: Sequence[Stage]) -> list[Stage]:
    """Neighbours that are called alike and give the same shape, as one."""

    def looks(stage: Stage) -> tuple[object, ...]:
        arriving = stage.before if len(stage.before) == 1 else ()  # all of a vector is features
        return stage.title, stage.details, stage.after, stage.shape, stage.family, arriving

    runs = [list(run) for _, run in groupby(stages, key=looks)]
    return [
        run[0]._replace(times=sum(stage.times for stage in run), parameters=sum(stage.parameters for stage in run))
        for run in runs
    ]


def _read(network: Outline, *, closed: bool) -> StageRow:
    """A block that is closed in one place is closed everywhere, which the first of two readings finds out."""
    first = _StageReader(network.input, closed, frozenset())
    first.read(network.items)
    reader = _StageReader(network.input, closed, frozenset(first.titles))
    reader.read(network.items)
    return StageRow(tuple(reader.stages), tuple(reader.skips))


class _StageReader:
    def __init__(self, arriving: Shape, closed: bool, shut: frozenset[str]) -> None:
        self.stages = [Stage(arriving, arriving, "input", "input")]
        self.skips: list[Skip] = []
        self.closed, self.shut = closed, shut
        self.titles: set[str] = set()
        self.kept: dict[str, int] = {}  # by key, the stage that something else goes on from

    def read(self, items: Sequence[Item]) -> None:
        for item in items:
            match item:
                case Box():
                    self.box(item)
                case DrawnGroup():
                    self.frame(item)
                case Fork():
                    self.fork(item)
                case KeptMark():
                    self.kept[item.key] = len(self.stages) - 1

    def box(self, box: Box) -> None:
        last = self.stages[-1]
        if is_attached(box) and last.family != "input":
            words = f"{box.title} ×{box.times}" if box.times > 1 else box.title
            self.stages[-1] = last._replace(after=(*last.after, words), parameters=last.parameters + box.parameters)
            return
        self.add(_stage(box))

    def add(self, stage: Stage) -> None:
        self.stages.append(stage)

    def frame(self, frame: DrawnGroup) -> None:
        if (head := _only_layer(frame)) is not None:
            self.repeated(frame, head)
        elif self.is_open(frame):
            self.read(frame.items)
        else:
            title = _last_word(frame.title) or "group"
            self.titles.add(title)
            stage = _block(title, frame.items, frame.input, frame.output, frame.name)
            self.add(stage._replace(details=_what_is_in(frame.items), times=frame.times, parameters=frame.parameters))
            self.take_up(frame.items)

    def is_open(self, frame: DrawnGroup) -> bool:
        if frame.times > 1 or _last_word(frame.title) in self.shut:
            return False
        return goes_deeper(frame.items) or not (self.closed or any(isinstance(item, Fork) for item in frame.items))

    def repeated(self, frame: DrawnGroup, head: Box) -> None:
        """A layer with what goes with it, repeated."""
        after = tuple(box.title for box in frame.items if isinstance(box, Box) and box is not head)
        stage = _stage(head)._replace(shape=frame.output, after=after, times=frame.times * head.times)
        self.add(stage._replace(parameters=frame.parameters))

    def fork(self, fork: Fork) -> None:
        if fork.joined == "outputs":
            self.outputs(fork)
            return
        if not leads_past(fork):
            stage = _block(fork.word, (fork,), fork.input, fork.output, fork.name)
            before = fork.input if any(map(arrives, fork.branches)) else ()
            self.add(stage._replace(details=_what_is_in((fork,))[1:], before=before))
            self.take_up((fork,))
            return
        start = len(self.stages) - 1
        for branch in fork.branches:
            self.read(branch.items)
        self.skips.append(Skip(start, len(self.stages)))
        self.add(Stage(fork.output, self.stages[-1].shape, "shape", fork.joined, name=fork.name))

    def outputs(self, fork: Fork) -> None:
        """A stage for each output, with a line from what its branch begins with."""
        arriving = len(self.stages) - 1
        for branch in fork.branches:
            layers = tuple(item.title for item in branch.items if isinstance(item, Box))
            start = arriving if branch.origin is None else self.kept.get(branch.origin.key, arriving)
            is_next = start == len(self.stages) - 1
            family = next(_families(branch.items), "block")
            self.add(Stage(branch.output, branch.input if is_next else (), family, branch.name, layers[:4]))
            if not is_next:
                self.skips.append(Skip(start, len(self.stages) - 1))

    def take_up(self, items: Sequence[Item]) -> None:
        """Lines to the last stage from those that something in it goes on from."""
        starts = {self.kept[key] for key in keys(items) if key in self.kept}
        self.skips += [Skip(start, len(self.stages) - 1) for start in sorted(starts)]


def keys(items: Sequence[Item]) -> Iterator[str]:
    """What branches among items go on from."""
    for item in items:
        if isinstance(item, DrawnGroup):
            yield from keys(item.items)
        elif isinstance(item, Fork):
            for branch in item.branches:
                if branch.origin is not None:
                    yield branch.origin.key
                yield from keys(branch.items)


def _block(title: str, items: tuple[Item, ...], before: Shape, shape: Shape, name: str) -> Stage:
    """A block that is drawn as what leaves it, in the colour of the last layer in it that has a window or weights, else
    that makes a shape."""
    families = list(_families(items))
    telling = (family for family in families if family in ("convolution", "linear", "pooling"))
    family = next(telling, families[0] if families else "block")
    return Stage(shape, before, family, title, name=name, inside=items)


def _families(items: Sequence[Item]) -> Iterator[str]:
    """The families of the layers that make shapes, the last first."""
    for item in reversed(items):
        if isinstance(item, Box) and not is_attached(item):
            yield item.family
        elif isinstance(item, DrawnGroup):
            yield from _families(item.items)
        elif isinstance(item, Fork):
            for branch in item.branches:
                yield from _families(branch.items)


def _stage(box: Box) -> Stage:
    details = tuple(box.detail.split(", ")) if box.detail else ()
    return Stage(
        box.output, box.input, box.family, box.title, details, (), box.windows, box.times, box.parameters, box.name
    )  # fmt: skip


def _only_layer(frame: DrawnGroup) -> Box | None:
    """The one layer of a frame that does more than to change values, where there is only one and no form."""
    if not all(isinstance(item, Box) for item in frame.items):
        return None
    heads = [item for item in frame.items if isinstance(item, Box) and not is_attached(item)]
    return heads[0] if len(heads) == 1 else None


def _last_word(title: str) -> str:
    """Of `stage · cell` the inner block."""
    return title.rpartition(" · ")[2]


def leads_past(fork: Fork) -> bool:
    """Whether a form is a skip around layers that change the size of the picture."""
    if len(fork.branches) != 2 or any(branch.origin is not None for branch in fork.branches):
        return False
    filled = [branch for branch in fork.branches if branch.items]
    sizes = {size for branch in filled for size in _sizes(branch.items)}
    return len(filled) == 1 and fork.joined in ("concat", "add") and len(sizes) > 1


def goes_deeper(items: Sequence[Item]) -> bool:
    """Whether items lead to smaller pictures and back: by a skip past them, or one after the other."""
    if any(isinstance(item, Fork) and leads_past(item) for item in items):
        return True
    if any(isinstance(item, DrawnGroup) and item.times == 1 and goes_deeper(item.items) for item in items):
        return True
    sides = [item.output[1:] for item in items if not isinstance(item, KeptMark)]
    return any(len(sides[0]) == len(side) and prod(side) < prod(sides[0]) for side in sides) and sides[0] == sides[-1]


def _sizes(items: Sequence[Item]) -> set[Shape]:
    return {shape[1:] for item in items if not isinstance(item, KeptMark) for shape in (item.input, item.output)}


def _what_is_in(items: Sequence[Item]) -> tuple[str, ...]:
    """The first branch form among items, in words: `concat`, `4 branches`."""
    fork = next((item for item in items if isinstance(item, Fork)), None)
    if fork is None:
        return ()
    count = sum(branch.times for branch in fork.branches)
    return (fork.word,) if fork.word in ("residual", "gate") else (fork.word, counted(count, "branch"))
