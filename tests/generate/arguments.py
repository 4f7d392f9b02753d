"""The arguments of a layer: legal values, values at the boundary and beyond it, in every way of writing them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple, TypeVar

import torch
from hypothesis import strategies as st

from generate.plan import Argument, Call, Expression, Rows, Shape, Style, Value
from generate.reference import TORCH_REFUSES, Scope, evaluate
from generate.reference_layers import Refusal, module_for
from generate.reference_weights import MOST_ARGUMENTS, WEIGHTED, take_weight_fields
from generate.words import OPTION_WORDS, POSITIONS, SHORT_KEYS, SWITCHES
from specc.layers.registry import LAYERS as DECLARED

T = TypeVar("T")
LARGEST_LITERAL = 48


class Dice:
    """What hypothesis draws, in a few words; the first option is the one that a failing spec shrinks to."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        self.draw = draw

    def one(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def below(self, count: int) -> int:
        return int(self.draw(st.integers(0, count - 1)))

    def chance(self, one_in: int) -> bool:
        return self.below(one_in) == one_in - 1


class Thrown(Dice):
    """What chance draws, from a seed: many times as fast, and nothing shrinks."""

    def __init__(self, seed: str) -> None:
        self._chance = Random(seed)

    def below(self, count: int) -> int:
        return self._chance.randrange(count)


class Place(NamedTuple):
    """Where a step stands: the shape that arrives, the names in scope, whether odd values are wanted."""

    shape: Shape
    scope: Scope
    odd: bool = False

    @property
    def rank(self) -> int:
        return len(self.shape) - 1

    @property
    def channels(self) -> int:
        return self.shape[0]


def draw_arguments(dice: Dice, word: str, place: Place) -> tuple[Argument, ...]:
    """A layer's arguments."""
    fields = _FIELDS[word](dice, place) if word in _FIELDS else _declared_fields(dice, word)
    if word in WEIGHTED and dice.chance(2 if place.odd else 5):
        fields |= _weight_fields(dice, word, fields, place)
    return _written(dice, word, {name: disguised(dice, value, place) for name, value in fields.items()})


def draw_wrong_value(dice: Dice, word: str, place: Place) -> tuple[Argument, ...]:
    """Arguments that the word does not take, at whatever shape."""
    right = draw_arguments(dice, word, place._replace(odd=False))
    keyed = tuple(argument._replace(style="key", key=argument.key or argument.field) for argument in right)
    wrong: list[tuple[Argument, ...]] = [
        (*right, Argument("kernel_size", 3, "key", "kernel_size")),
        (*right, *[Argument(f"surplus{number}", 3) for number in range(6)]),
        *[tuple(argument for argument in keyed if argument is not left_out) for left_out in keyed],
    ]
    for field in POSITIONS[word]:
        rest = tuple(argument for argument in keyed if argument.field != field)
        wrong += [(*rest, Argument(field, value, "key", field)) for value in (-1, 1.5, True, (2, 2, 2, 2), 0)]
    return dice.one(wrong)


def _declared_fields(dice: Dice, word: str) -> dict[str, Value]:
    """Numbers for the fields of a layer that is not in the table below."""
    infos = DECLARED[word].model_fields
    return {name: dice.one([0.5, 1, 0, 2]) for name, info in infos.items() if info.is_required()}


# how an argument is written


def _written(dice: Dice, word: str, fields: dict[str, Value]) -> tuple[Argument, ...]:
    """Some of the first arguments without a key, the others in any order of keys, shorthands and flags."""
    leading = 0
    while leading < len(POSITIONS[word]) and POSITIONS[word][leading] in fields:
        leading += 1
    bare = POSITIONS[word][: dice.below(leading + 1) if dice.chance(3) else leading]
    first = tuple(Argument(name, fields[name]) for name in bare)
    return (*first, *(_keyed(dice, name, value) for name, value in fields.items() if name not in bare))


def _keyed(dice: Dice, name: str, value: Value) -> Argument:
    styles: list[tuple[Style, str]] = [("key", name)]
    if name in SHORT_KEYS:
        styles.append(("key", SHORT_KEYS[name]))
        if _is_plain_size(value):
            styles += [("short", SHORT_KEYS[name])] * 2
    if name in SWITCHES and isinstance(value, bool):
        styles.append(("flag", name))
    if name in ("padding", "mode", "approximate") and value in OPTION_WORDS:
        styles.append(("flag", value))
    style, key = dice.one(styles)
    return Argument(name, value, style, key)


def _is_plain_size(value: Value) -> bool:
    parts = value if type(value) is tuple else (value,)
    return all(isinstance(part, int) and not isinstance(part, bool) and part >= 0 for part in parts)


def disguised(dice: Dice, value: Value, place: Place) -> Value:
    """A whole number as an expression that is worth it here, now and then."""
    if not isinstance(value, int) or isinstance(value, bool) or not dice.chance(5):
        return value
    return dice.one([Expression(text) for text in _texts(value, place)] or [value])


def _texts(value: int, place: Place) -> list[str]:
    candidates = ["in", "(in*2)", "(in//2)", "(in/2)", "(in-1)", "(in + 1)", "(in%3)", f"max(in, {value})",
                  f"min({value}, in*9)", f"divisible({value}, {max(value, 1)})", f"divisible({value}.4, 2)",
                  f"(3*{value} - 2*{value})", "(in**1)", "(2**2)", "(2**3**0)", "(8**-1*8)"]  # fmt: skip
    for name, known in place.scope.values.items():
        if isinstance(known, int):
            candidates += [name, f"({name}*2)", f"({name} + 1)", f"({name}//2)", f"min({name}, {value})"]
    batch = torch.empty(1, *place.shape)
    return [text for text in candidates if _worth(text, place.scope, batch) == value]


def _worth(text: str, scope: Scope, batch: torch.Tensor) -> Value:
    return evaluate(Expression(text), scope, batch)


# what is written


def _count(dice: Dice, place: Place, usual: Sequence[int], odd: Sequence[int]) -> int:
    if not place.odd or dice.chance(2):
        return dice.one(usual)
    return 0 if dice.chance(12) else dice.one(odd)


def _sized(dice: Dice, place: Place, usual: Sequence[int], odd: Sequence[int]) -> Value:
    """A number, or one for each spatial dimension: now and then, for too many or too few."""
    if not dice.chance(3):
        return _count(dice, place, usual, odd)
    length = max(2, place.rank)
    if place.odd and dice.chance(3):
        length = dice.one([2, 3, 4])
    return tuple(_count(dice, place, usual, odd) for _ in range(length)) if length == place.rank or place.odd else 1


def _divisors(number: int) -> list[int]:
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]


def _around(place: Place) -> list[int]:
    """Numbers about as large as the picture."""
    return sorted({size + more for size in place.shape[1:] or (3,) for more in (-1, 0, 1, 2)})


def _conv_fields(dice: Dice, place: Place) -> dict[str, Value]:
    groups = dice.one(_divisors(place.channels)) if dice.chance(4) else 1
    multiples = [groups * factor for factor in (1, 2, 3, 4)] if groups > 1 else [1, 2, 3, 4, 6, 8]
    fields = {"out": _count(dice, place, multiples, [1, 5, 7, 4])} | _window_fields(dice, place)
    if place.odd and dice.chance(3):
        groups = dice.one([2, 3, 4, 5, 7])
    return fields | ({"groups": groups} if groups != 1 else {})


def _dwconv_fields(dice: Dice, place: Place) -> dict[str, Value]:
    fields = _window_fields(dice, place)
    return fields | ({"mult": _count(dice, place, [1, 2], [3])} if dice.chance(3) else {})


def _window_fields(dice: Dice, place: Place) -> dict[str, Value]:
    fields: dict[str, Value] = {"kernel": _sized(dice, place, [1, 3, 2, 3, 4], [*_around(place), 5])}
    if dice.chance(3):
        fields["stride"] = _sized(dice, place, [2, 1, 2, 3], [4, 9, 1])
    if not dice.chance(3):
        fields["padding"] = _sized(dice, place, [1, 0, 1, 2], [3, *_around(place)])
        if dice.chance(4):
            fields["padding"] = dice.one(["same", "same", "valid"])
    if dice.chance(5):
        fields["dilation"] = _sized(dice, place, [2, 1, 2], [3, 4])
    if dice.chance(3):
        fields["mode"] = dice.one(["reflect", "circular", "replicate", "zeros"])
    if dice.chance(3):
        fields["bias"] = dice.chance(3)
    if place.odd and dice.chance(4):  # a margin about as wide as the picture that it is filled from
        fields |= {"mode": dice.one(["reflect", "circular"]), "padding": dice.one(_around(place))}
    return fields


def _convtranspose_fields(dice: Dice, place: Place) -> dict[str, Value]:
    fields: dict[str, Value] = {"out": _count(dice, place, [1, 2, 4, 3, 6], [5, 7])}
    fields["kernel"] = _sized(dice, place, [2, 3, 1, 4], [1, 5])
    if not dice.chance(3):
        fields["stride"] = _sized(dice, place, [2, 1, 2, 3], [1, 4])
    if dice.chance(2):
        fields["padding"] = _sized(dice, place, [0, 1], [2, 3, 4, *_around(place)])
    if dice.chance(3):
        fields["output_padding"] = _sized(dice, place, [0, 1], [1, 2, 3])
    if place.odd and dice.chance(3):  # as much as the stride is too much
        stride = dice.one([2, 1])
        fields |= {"stride": stride, "output_padding": dice.one([stride, stride - 1])}
    if dice.chance(5):
        fields["dilation"] = _sized(dice, place, [2, 1], [3])
    if dice.chance(5):
        fields["groups"] = _count(dice, place, _divisors(place.channels), [2, 3, 4, 5])
    return fields | ({"bias": dice.chance(3)} if dice.chance(3) else {})


def _pool_fields(dice: Dice, place: Place) -> dict[str, Value]:
    fields: dict[str, Value] = {"kernel": _sized(dice, place, [2, 3, 1, 2, 4], [*_around(place), 5, 7])}
    if dice.chance(2):
        fields["stride"] = _sized(dice, place, [1, 2, 3], [4, 7, 1])
    if dice.chance(2):
        fields["padding"] = _sized(dice, place, [1, 0], [2, 3, 1])
    if dice.chance(4):  # a last window that would begin in the padding, or beyond it
        fields = {"kernel": dice.one([2, 1]), "stride": dice.one([3, 2, 4]), "padding": dice.below(2), "ceil": True}
    return fields | ({"ceil": not dice.chance(4)} if dice.chance(2) else {})


def _maxpool_fields(dice: Dice, place: Place) -> dict[str, Value]:
    fields = _pool_fields(dice, place)
    return fields | ({"dilation": _sized(dice, place, [2, 1, 3], [3, 4])} if dice.chance(3) else {})


def _avgpool_fields(dice: Dice, place: Place) -> dict[str, Value]:
    fields = _pool_fields(dice, place)
    return fields | ({"count_include_pad": dice.chance(3)} if dice.chance(3) else {})


def _adaptive_fields(dice: Dice, place: Place) -> dict[str, Value]:
    return {"size": _sized(dice, place, [1, 2, 3, 5], [2, 7])}


def _groupnorm_fields(dice: Dice, place: Place) -> dict[str, Value]:
    groups = _count(dice, place, _divisors(place.channels), [2, 3, 4, 5, place.channels + 1])
    return {"groups": groups} | _norm_fields(dice, place)


def _norm_fields(dice: Dice, place: Place) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    if dice.chance(5):
        fields["eps"] = dice.one([0.001, 1e-6, 1])
    if dice.chance(4):
        fields["affine"] = dice.chance(2)
    return fields


def _layernorm_fields(dice: Dice, place: Place) -> dict[str, Value]:
    return _norm_fields(dice, place) | ({"bias": dice.chance(3)} if dice.chance(3) else {})


def _running_norm_fields(dice: Dice, place: Place) -> dict[str, Value]:
    fields = _norm_fields(dice, place)
    if dice.chance(6):
        fields["momentum"] = dice.one([0.01, 0, 1, 1.5])
    return fields


def _bn_fields(dice: Dice, place: Place) -> dict[str, Value]:
    fields = _running_norm_fields(dice, place)
    for name in ("gamma", "beta"):
        if dice.chance(6):
            fields[name] = dice.one([0, 1, 0.5])
        elif dice.chance(8):
            fields[name] = Rows(tuple(range(_count(dice, place, [place.channels], [place.channels + 1]))))
    if place.odd and dice.chance(6):
        fields["eps"] = 0
    return fields


def _lrn_fields(dice: Dice, place: Place) -> dict[str, Value]:
    fields: dict[str, Value] = {"size": _count(dice, place, [2, 5, 1, 3], [9, 4])}
    return fields | ({dice.one(["alpha", "beta", "k"]): dice.one([0.5, 1, 2])} if dice.chance(3) else {})


def _unflatten_fields(dice: Dice, place: Place) -> dict[str, Value]:
    """The features in as many factors as a shape has; odd ones do not multiply up."""
    rest, factors = place.channels, []
    for _ in range(dice.one([2, 1, 3])):
        factors.append(dice.one(_divisors(rest)))
        rest //= factors[-1]
    factors.append(rest + (1 if place.odd and dice.chance(2) else 0))
    return {"shape": tuple(factors)}


def _pad_fields(dice: Dice, place: Place) -> dict[str, Value]:
    fields: dict[str, Value] = {"before": _sized(dice, place, [1, 2, 0], [3, *_around(place)])}
    if dice.chance(2):
        fields["after"] = _sized(dice, place, [0, 1, 2], [3, *_around(place)])
    if dice.chance(4):
        fields["value"] = dice.one([0.5, 0, -1])
    return fields | ({"mode": dice.one(["reflect", "circular", "replicate", "zeros"])} if dice.chance(2) else {})


def _upsample_fields(dice: Dice, place: Place) -> dict[str, Value]:
    scales: list[Any] = [2, 1, 1.5, 0.5, 1.3, 0.7]
    fields: dict[str, Value] = {"scale": dice.one(scales)}
    if place.odd and dice.chance(2):
        fields["scale"] = dice.one([0.1, 0.25, 0, 0.3])
    elif dice.chance(3):
        fields["scale"] = _sized(dice, place, [2, 1], [0, 1, 2])
    if dice.chance(3):
        fields = {"size": _sized(dice, place, [4, 6, 3], [1, 7, 5])} | (fields if place.odd and dice.chance(4) else {})
    fields |= {"mode": dice.one(["linear", "bicubic", "nearest"])} if dice.chance(2) else {}
    corners = fields.get("mode", "nearest") != "nearest" or place.odd
    return fields | ({"corners": not dice.chance(4)} if corners and dice.chance(2) else {})


def _slice_fields(dice: Dice, place: Place) -> dict[str, Value]:
    start = dice.below(place.channels)
    end = start + 1 + dice.below(place.channels - start)
    if place.odd and dice.chance(2):
        start, end = dice.one([(end, start), (start, start), (start, place.channels + 1), (0, 0)])
    return {"start": start, "end": end}


def _some(name: str, values: Sequence[Any], one_in: int = 2) -> Callable[[Dice, Place], dict[str, Value]]:
    """A field that is left out one time in so many; 1: never."""
    return lambda dice, place: {} if one_in > 1 and dice.chance(one_in) else {name: dice.one(values)}


def _hardtanh_fields(dice: Dice, place: Place) -> dict[str, Value]:
    return dice.one([{}, {"min_val": 0}, {"min_val": 0, "max_val": 6}, {"max_val": 0.5}, {"min_val": -0.5}])


def _prelu_fields(dice: Dice, place: Place) -> dict[str, Value]:
    count = _count(dice, place, [1, place.channels], [2, 3, place.channels + 1])
    return {} if dice.chance(3) else {"num_parameters": count}


def _shuffle_fields(dice: Dice, place: Place) -> dict[str, Value]:
    return {"groups": _count(dice, place, _divisors(place.channels), [2, 3, 4, 5])}


def _pixelshuffle_fields(dice: Dice, place: Place) -> dict[str, Value]:
    fitting = [r for r in (2, 1, 3) if place.channels % (r * r) == 0]
    return {"r": _count(dice, place, fitting, [2, 3, 4])}


def _pixelunshuffle_fields(dice: Dice, place: Place) -> dict[str, Value]:
    fitting = [r for r in (2, 1, 3) if all(size % r == 0 for size in place.shape[1:])]
    return {"r": _count(dice, place, fitting, [2, 3, 4])}


def _channelpad_fields(dice: Dice, place: Place) -> dict[str, Value]:
    fields: dict[str, Value] = {"before": dice.one([1, 0, 2])}
    return fields | ({"after": dice.one([2, 0, 1])} if dice.chance(2) else {})


def _linear_fields(dice: Dice, place: Place) -> dict[str, Value]:
    fields: dict[str, Value] = {"out": _count(dice, place, [2, 1, 4, 6, 8, 12], [3])}
    return fields | ({"bias": dice.chance(3)} if dice.chance(3) else {})


_FIELDS: dict[str, Callable[[Dice, Place], dict[str, Value]]] = {
    "conv": _conv_fields,
    "dwconv": _dwconv_fields,
    "convtranspose": _convtranspose_fields,
    "maxpool": _maxpool_fields,
    "avgpool": _avgpool_fields,
    "adaptiveavgpool": _adaptive_fields,
    "adaptivemaxpool": _adaptive_fields,
    "linear": _linear_fields,
    "bn": _bn_fields,
    "groupnorm": _groupnorm_fields,
    "instancenorm": _running_norm_fields,
    "layernorm": _layernorm_fields,
    "lrn": _lrn_fields,
    "leakyrelu": _some("negative_slope", [0.2, 0, 1]),
    "prelu": _prelu_fields,
    "elu": _some("alpha", [0.5, 1, 2]),
    "celu": _some("alpha", [0.5, 1, 2]),
    "gelu": _some("approximate", ["tanh", "none"]),
    "hardtanh": _hardtanh_fields,
    "softplus": _some("beta", [2, 0.5]),
    "dropout": _some("p", [0.1, 0, 1]),
    "dropout2d": _some("p", [0.1, 0, 1]),
    "droppath": _some("p", [0.1, 0, 1], one_in=1),
    "unflatten": _unflatten_fields,
    "pad": _pad_fields,
    "upsample": _upsample_fields,
    "pixelshuffle": _pixelshuffle_fields,
    "pixelunshuffle": _pixelunshuffle_fields,
    "channelshuffle": _shuffle_fields,
    "channelpad": _channelpad_fields,
    "grn": _some("eps", [0.001, 1e-6, 1]),
    "layershift": _some("value", [0.1, 1, 0]),
    "shift": _some("value", [0.1, -1, 0], one_in=1),
    "slice": _slice_fields,
    "layerscale": _some("value", [0.1, 1, 0]),
    "scale": _some("value", [0.1, 1, 0], one_in=1),
}


# initial weights


def _weight_fields(dice: Dice, word: str, fields: dict[str, Value], place: Place) -> dict[str, Value]:
    """`init=`, literals and `frozen`; now and then too many of them."""
    added: dict[str, Value] = {}
    if dice.chance(2):
        added["init"] = _draw_initializer(dice, place)
    elif dice.chance(2):
        added |= _literal_field(dice, word, "weight", fields, place)
    if dice.chance(4) and fields.get("bias") is not False:
        added |= _literal_field(dice, word, "bias", fields, place)
    if dice.chance(3):
        added["frozen"] = dice.one([True, "weight", "bias", False])
    return added


def _draw_initializer(dice: Dice, place: Place) -> Value:
    name = dice.one(sorted(MOST_ARGUMENTS))
    least = 1 if name == "constant" else 0
    given = dice.below(MOST_ARGUMENTS[name] + 1) if MOST_ARGUMENTS[name] else 0
    options: dict[str, list[Any]] = {"kaiming": ["fan_in", "fan_out"], "dirac": [1, 2, 3]}
    numbers: list[Any] = [0.5, 1, 2, 0, -1] if place.odd else [0.5, 1, 2]
    arguments: list[Any] = [dice.one(options.get(name, numbers)) for _ in range(max(least, given))]
    if name.startswith("kaiming"):
        arguments[1:2] = [dice.one(options["kaiming"])] if len(arguments) > 1 else []
        arguments[2:] = [dice.one(["relu", "leaky_relu", "tanh", "linear", "selu"])] if len(arguments) > 2 else []
    if name == "trunc_normal":
        arguments[1:2] = [dice.one([0.5, 1])] if len(arguments) > 1 else []  # torch takes a negative one by accident
    return Call(name, tuple(arguments))


def _literal_field(dice: Dice, word: str, name: str, fields: dict[str, Value], place: Place) -> dict[str, Value]:
    """A literal of the right shape, or nearly; none where the layer has no such weight, or a large one."""
    shape = _weight_shape(word, name, fields, place)
    if shape is None or not 0 < torch.Size(shape).numel() <= LARGEST_LITERAL:
        return {}
    if place.odd and dice.chance(2):
        shape = dice.one([(*shape[:-1], shape[-1] + 1), (1, *shape), shape[1:] or (2,), (shape[0] + 1, *shape[1:])])
    while len(shape) > 1 and shape[0] == 1 and dice.chance(2):
        shape = shape[1:]
    return {name: _rows(dice, shape, dice.one([0, 1, -0.5]))}


def _weight_shape(word: str, name: str, fields: dict[str, Value], place: Place) -> Shape | None:
    plain = dict(fields)
    take_weight_fields(word, plain)
    try:
        tensor = getattr(module_for(word, torch.empty(1, *place.shape), plain), name, None)
    except (Refusal, *TORCH_REFUSES):
        return None
    return tuple(tensor.shape) if isinstance(tensor, torch.Tensor) else None


def _rows(dice: Dice, shape: Shape, first: float) -> Rows:
    if len(shape) == 1:
        return Rows((first, *[dice.one([0, 1, 0.25, -1]) for _ in range(shape[0] - 1)]))
    return Rows(tuple(_rows(dice, shape[1:], first) for _ in range(shape[0])))
