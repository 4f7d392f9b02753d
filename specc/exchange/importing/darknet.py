"""A Darknet `.cfg` in, its graph out.

In:         the text of a file: sections of `key=value`, one a layer, that refer to each other by number.
Out:        a `Graph`.
Raises:     Unreadable, Problem E667 for what is no such file, E666 with everything that has no word.
Source:     the options and defaults of each section are those of Darknet's parser (Redmon 2013–2018).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from specc.diagnostics.diagnostic import Problem
from specc.exchange.importing.darknet_options import ACTIVATIONS, full_name, in_effect
from specc.exchange.importing.darknet_sections import DarknetSection, read_sections, require_known, wrong
from specc.exchange.importing.graph import Op, TracedGraph, Wordless, reached
from specc.exchange.importing.steps import step
from specc.ir.names.instantiate import WrongValue
from specc.layers.base import Shape, ShapeError, written
from specc.layers.torch_call import compact
from specc.reading import read_source
from specc.source import Source

_TRAINING = ("cost", "net")  # sections that say nothing of the network's output


class _Unfit(Exception):
    """Shapes that do not go together."""


class _NoWord(Exception):
    """A section that the language cannot say. by_shape: whether that depends on the shape that arrives."""

    def __init__(self, what: str, *, by_shape: bool = False) -> None:
        super().__init__(what)
        self.by_shape = by_shape


def read_darknet(path: str, input: Shape | None) -> tuple[TracedGraph, str, tuple[str, ...]]:
    """The graph of a file, what the network is called, and remarks. Args: input, in place of the file's own."""
    source = read_source(path)
    sections = read_sections(source)
    reader = _DarknetReader(source, sections[0], input)
    for section in sections[1:]:
        reader.add(section)
    return reader.graph(path), Path(path).stem, reader.remarks()


class _DarknetReader:
    """The operations so far, and which of them gives the output of each section."""

    def __init__(self, source: Source, net: DarknetSection, input: Shape | None) -> None:
        self.source, self.section = source, net
        is_vector = "inputs" in net.options and "channels" not in net.options
        names = ("inputs",) if is_vector else ("channels", "height", "width")
        own = tuple(map(self._count, names)) if input is None else input
        require_known(source, net)
        self.ops = [Op("input", (), own)]
        self.outputs: list[int] = []
        self.referred: set[int] = set()  # operations that this section names
        self.unknown: set[int] = set()  # operations whose shape depends on a section without a word
        self.heads: dict[str, int] = {}  # what arrives at the heads that boxes are worked out in, by their names
        self.wordless: list[Wordless] = []

    def graph(self, path: str) -> TracedGraph:
        if self.wordless:
            what = "a section" if len(self.wordless) == 1 else f"{len(self.wordless)} sections"
            verb = "has" if len(self.wordless) == 1 else "have"
            notes = tuple(map(str, self.wordless))
            raise Problem.of("E666", f"{what} of {path} {verb} no word", notes=notes)
        last = self.outputs[-1] if self.outputs else 0
        if not self.heads or list(self.heads.values()) == [last]:
            return reached(self.ops, last)
        if last not in self.heads.values():
            self.heads["end"] = last
        places = tuple(self.heads.values())
        self.ops.append(Op("outputs", places, self.ops[last].output, None, "outputs", tuple(self.heads)))
        return reached(self.ops, len(self.ops) - 1)

    def remarks(self) -> tuple[str, ...]:
        """What the spec lacks: the boxes that heads work out of what arrives at them."""
        names = [f"`{name}`" for name in self.heads if name != "end"]
        if not names:
            return ()
        return (f"the boxes that Darknet works out of {' and '.join(names)} are no part of the spec, the numbers are",)

    def add(self, section: DarknetSection) -> None:
        """One section more; where it has no word, the next ones go on from a shape that is not known."""
        if full_name(section.name) in _TRAINING:
            return
        self.section, self.referred = section, set()
        before, last = len(self.ops), self._last
        try:
            self.outputs.append(self._read(section))
        except (_NoWord, _Unfit, ShapeError, WrongValue) as error:
            self._note(error)
            del self.ops[before:]
            self.ops.append(Op(f"line {self._line}", (self._last,), self.ops[self._last].output))
            self.outputs.append(len(self.ops) - 1)
            self.unknown.add(self.outputs[-1])
        except Problem as problem:
            told = (*problem.diagnostic.notes, *(f"without a word: {part}" for part in self.wordless))
            raise Problem(problem.diagnostic._replace(notes=told)) from None
        if (self.referred | (set() if section.name == "route" else {last})) & self.unknown:
            self.unknown |= set(range(before, len(self.ops)))

    def _read(self, section: DarknetSection) -> int:
        read = _SECTIONS.get(full_name(section.name))
        if read is None:
            raise _NoWord("no layer does what it does")
        strange = in_effect(section.name, section.options)
        if strange:
            raise _NoWord(f"no layer has `{'`, `'.join(strange)}`")
        place = read(self, self._last)
        require_known(self.source, section)
        return place

    def _note(self, error: Exception) -> None:
        """What a section lacks; said of a shape that is not known it would be a guess. Raises: Problem E667."""
        is_unknown = bool(({self._last} | self.referred) & self.unknown)
        if isinstance(error, _NoWord):
            if not (error.by_shape and is_unknown):
                self.wordless.append(Wordless(f"line {self._line}, [{self.section.name}]", str(error)))
        elif not is_unknown:
            raise self._problem(str(error)) from None

    @property
    def _last(self) -> int:
        return self.outputs[-1] if self.outputs else 0

    @property
    def _line(self) -> int:
        return self.source.place(self.section.span.start).line

    # sections

    def convolutional(self, place: int) -> int:
        size = self._number("size", 1)
        strides = (self._number("stride_y", 0), self._number("stride_x", 0))
        stride: Any = strides if all(strides) else self._number("stride", 1)
        padding = size // 2 if self._number("pad", 0) else self._number("padding", 0)
        normalises = bool(self._number("batch_normalize", 0))
        dilation, groups = self._number("dilation", 1), self._number("groups", 1)
        owner = f"section{len(self.outputs)}"
        place = self._step(
            "conv", place, owner, out=self._number("filters", 1), kernel=size, stride=compact(stride),
            padding=padding * dilation, dilation=dilation, groups=groups, bias=not normalises,
        )  # fmt: skip
        if normalises:
            place = self._step("bn", place, owner)
        return self._activated(place, "logistic", owner)

    def deconvolutional(self, place: int) -> int:
        size, normalises = self._number("size", 1), bool(self._number("batch_normalize", 0))
        padding = size // 2 if self._number("pad", 0) else self._number("padding", 0)
        out, stride = self._number("filters", 1), self._number("stride", 1)
        place = self._step(
            "convtranspose", place, out=out, kernel=size, stride=compact(stride), padding=padding, bias=not normalises
        )
        return self._activated(self._step("bn", place) if normalises else place, "logistic")

    def connected(self, place: int) -> int:
        normalises = bool(self._number("batch_normalize", 0))
        place = self._flat(place)
        place = self._step("linear", place, out=self._number("output", 1), bias=not normalises)
        return self._activated(self._step("bn", place) if normalises else place, "logistic")

    def maxpool(self, place: int) -> int:
        """Darknet counts the padding of both sides together, and gives the odd pixel to the far end."""
        stride = self._number("stride", 1)
        if {self._number("stride_x", stride), self._number("stride_y", stride)} != {stride}:
            raise _NoWord("a pooling with a different stride in each direction")
        size = self._number("size", stride)
        total = self._number("padding", size - 1)
        near = total // 2
        own = None if stride == size else stride
        if total % 2 and stride:  # one of 0 is the layer's to refuse
            sizes = self.ops[place].output[1:]
            same = all((pixels + total - size) // stride == (pixels + 2 * near - size) // stride for pixels in sizes)
            if not same and stride == 2:
                return self._step("maxpool", place, kernel=size, stride=own, padding=near, ceil=True)
            if not same:  # the pixel at the edge again changes no maximum that it is in
                place = self._step("pad", place, before=near, after=total - near, mode="replicate")
                near = 0
        return self._step("maxpool", place, kernel=size, stride=own, padding=near)

    def avgpool(self, place: int) -> int:
        return self._step("gap", place)

    def dropout(self, place: int) -> int:
        return self._step("dropout", place, p=self._real("probability", 0.5))

    def softmax(self, place: int) -> int:
        if self._number("groups", 1) != 1 or "tree" in self.section.options:
            raise _NoWord("a softmax over groups of classes")
        place, temperature = self._flat(place), self._real("temperature", 1.0)
        if not 0 < temperature < float("inf"):
            raise self._problem(f"`temperature={temperature:g}` is nothing to divide by", "temperature")
        return self._step("softmax", self._step("scale", place, value=1 / temperature) if temperature != 1 else place)

    def upsample(self, place: int) -> int:
        return self._step("upsample", place, scale=self._number("stride", 2))

    def batchnorm(self, place: int) -> int:
        return self._step("bn", place)

    def activation(self, place: int) -> int:
        return self._activated(place, "linear")

    def route(self, place: int) -> int:
        places = [self._referred(text) for text in self._text("layers").split(",")]
        groups, part = self._number("groups", 1), self._number("group_id", 0)
        if groups > 1:
            places = [self._piece(source, groups, part) for source in places]
        if len(places) == 1:
            return places[0]
        sizes = {self.ops[source].output[1:] for source in places}
        if len(sizes) > 1:
            raise _Unfit(f"pictures of {' and '.join(map(written, sorted(sizes)))} cannot be joined")
        channels = sum(self.ops[source].output[0] for source in places)
        return self._join("concat", places, (channels, *sizes.pop()))

    def shortcut(self, place: int) -> int:
        output = self.ops[place].output
        others = [self._like(self._referred(text), output) for text in self._text("from").split(",")]
        return self._activated(self._join("add", [place, *others], output), "linear")

    def scale_channels(self, place: int) -> int:
        other = self._referred(self._text("from"))
        return self._activated(self._join("mul", [other, place], self.ops[other].output), "linear")

    def sam(self, place: int) -> int:
        """Attention for each value: what another section gave, times what arrives."""
        other = self._referred(self._text("from"))
        shapes = sorted({self.ops[other].output, self.ops[place].output})
        if len(shapes) > 1:
            raise _Unfit(f"pictures of {' and '.join(map(written, shapes))} cannot be multiplied")
        return self._activated(self._join("mul", [other, place], shapes[0]), "linear")

    def reorg3d(self, place: int) -> int:
        """Pixels become channels: all channels of one place in a square, then those of the next."""
        stride = self._number("stride", 1)
        channels, *sides = self.ops[place].output
        if stride < 1 or len(sides) != 2 or any(side % stride for side in sides):
            raise _NoWord("a reordering of pixels that do not go into whole channels", by_shape=True)
        place = self._step("pixelunshuffle", place, r=stride)
        return self._step("channelshuffle", place, groups=channels) if channels > 1 else place

    def reorg(self, place: int) -> int:
        """Pixels become channels, of a picture that is first read as one of fewer channels and more pixels."""
        stride = self._number("stride", 1)
        channels, *sides = self.ops[place].output
        wide = tuple(side * stride for side in sides)
        if stride < 1 or len(sides) != 2 or channels % stride**2 or any(side % stride for side in sides):
            raise _NoWord("a reordering of pixels that do not go into whole channels", by_shape=True)
        place = self._folded(place, (channels // stride**2, *wide))
        place = self._step("pixelunshuffle", place, r=stride)
        place = self._step("channelshuffle", place, groups=channels // stride**2)
        return self._folded(place, (channels * stride**2, *(side // stride for side in sides)))

    def crop(self, place: int) -> int:
        """A piece of the picture: where it comes first, the network takes a picture of that size."""
        if place:
            raise _NoWord("a piece of a picture behind other sections")
        sizes = tuple(self._number(name, 0) for name in ("crop_height", "crop_width"))
        if min(sizes) < 1:
            raise self._problem(f"`[{self.section.name}]` needs `crop_height=` and `crop_width=`")
        self.ops[0] = self.ops[0]._replace(output=(self.ops[0].output[0], *sizes))
        if self._number("noadjust", 0):
            return place
        return self._step("shift", self._step("scale", place, value=2), value=-1)

    def head(self, place: int) -> int:
        """Boxes are worked out of what arrives; the network ends before that."""
        name = full_name(self.section.name)
        self.heads[f"{name}{sum(one.startswith(name) for one in self.heads) + 1}"] = place
        return place

    # parts of sections

    def _folded(self, place: int, shape: Shape) -> int:
        return self._step("unflatten", self._step("flatten", place), shape=shape)

    def _like(self, place: int, wanted: Shape) -> int:
        """What Darknet adds to an output of another shape: the channels that both have, of every so manieth pixel."""
        channels, *sides = self.ops[place].output
        strides = {side // want for side, want in zip(sides, wanted[1:], strict=True)} if sides else {1}
        whole = all(side == want * max(strides) for side, want in zip(sides, wanted[1:], strict=True))
        if len(strides) > 1 or not whole:
            parts = " and ".join(map(written, sorted({self.ops[place].output, wanted})))
            raise _NoWord(f"a sum of {parts}, part of which is left out", by_shape=True)
        if strides != {1}:
            place = self._step("maxpool", place, kernel=1, stride=strides.pop())
        if channels > wanted[0]:
            return self._step("slice", place, start=0, end=wanted[0])
        return self._step("channelpad", place, before=0, after=wanted[0] - channels) if channels < wanted[0] else place

    def _activated(self, place: int, default: str, owner: str = "") -> int:
        name = self.section.options.get("activation", default)
        if name not in ACTIVATIONS:
            raise _NoWord(f"the activation `{name}`")
        known = ACTIVATIONS[name]
        return place if known is None else self._step(known[0], place, owner, **known[1])

    def _flat(self, place: int) -> int:
        return self._step("flatten", place) if len(self.ops[place].output) > 1 else place

    def _piece(self, place: int, groups: int, part: int) -> int:
        size = self.ops[place].output[0] // max(groups, 1)
        return self._step("slice", place, start=part * size, end=(part + 1) * size)

    def _step(self, word: str, place: int, owner: str = "", **fields: Any) -> int:
        """A layer; its shape rule gives the output. Raises: ShapeError, WrongValue."""
        owners = ((owner, self.section.name),) if owner else ()
        leaf = step(word, self.ops[place].output, owners, **fields)
        self.ops.append(Op(f"line {self._line}", (place,), leaf.output, leaf))
        return len(self.ops) - 1

    def _join(self, join: Any, places: list[int], output: Shape) -> int:
        self.ops.append(Op(f"line {self._line}", tuple(places), output, None, join))
        return len(self.ops) - 1

    # options

    def _referred(self, text: str) -> int:
        """The operation that gives the output of a section: counted from the first, or back from this one."""
        try:
            number = int(text)
        except ValueError:
            raise self._problem(f"`{text.strip()}` is not the number of a layer") from None
        index = number + len(self.outputs) if number < 0 else number
        if not 0 <= index < len(self.outputs):
            raise self._problem(f"there is no layer {number} before this one, which is layer {len(self.outputs)}")
        self.referred.add(self.outputs[index])
        return self.outputs[index]

    def _text(self, name: str) -> str:
        if name not in self.section.options:
            raise self._problem(f"`[{self.section.name}]` needs `{name}=`")
        return self.section.options[name]

    def _count(self, name: str) -> int:
        value = self._number(name, 0)
        if value < 1:
            raise self._problem(f"`[net]` needs `{name}=`, the size of the input")
        return value

    def _number(self, name: str, default: int) -> int:
        text = self.section.options.get(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise self._problem(f"`{name}={text}` is not a whole number", name)
        return int(text)

    def _real(self, name: str, default: float) -> float:
        text = self.section.options.get(name)
        try:
            return default if text is None else float(text)
        except ValueError:
            raise self._problem(f"`{name}={text}` is not a number", name) from None

    def _problem(self, message: str, option: str = "") -> Problem:
        return wrong(self.source, self.section.places.get(option, self.section.span), message)


_SECTIONS: dict[str, Callable[[_DarknetReader, int], int]] = {
    "convolutional": _DarknetReader.convolutional,
    "deconvolutional": _DarknetReader.deconvolutional,
    "connected": _DarknetReader.connected,
    "maxpool": _DarknetReader.maxpool,
    "avgpool": _DarknetReader.avgpool,
    "dropout": _DarknetReader.dropout,
    "softmax": _DarknetReader.softmax,
    "upsample": _DarknetReader.upsample,
    "batchnorm": _DarknetReader.batchnorm,
    "activation": _DarknetReader.activation,
    "route": _DarknetReader.route,
    "shortcut": _DarknetReader.shortcut,
    "scale_channels": _DarknetReader.scale_channels,
    "sam": _DarknetReader.sam,
    "reorg": _DarknetReader.reorg,
    "reorg3d": _DarknetReader.reorg3d,
    "crop": _DarknetReader.crop,
    "yolo": _DarknetReader.head,
    "gaussian_yolo": _DarknetReader.head,
    "region": _DarknetReader.head,
    "detection": _DarknetReader.head,
}
