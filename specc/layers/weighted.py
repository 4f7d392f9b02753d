"""Layers with weights: where the values come from (`init=`, literals) and whether they are trained (`frozen`)."""

from fractions import Fraction
from math import prod
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BeforeValidator, InstanceOf

from specc.diagnostics.proposal import Proposal, SetFields
from specc.diagnostics.spelling import counted
from specc.layers.base import Layer, Shape, ShapeError, written
from specc.layers.fields import Called, Numbers, Says, field


class WeightError(ShapeError):
    """Values that do not fit the weights, or that something else sets too: proposes to leave out one of these."""

    def __init__(self, what: str, help: str, field: str | None = None, proposals: tuple[Proposal, ...] = ()) -> None:
        without = (SetFields({name: None}) for name in ("affine", "init", "bias", "gamma", "beta", "weight"))
        super().__init__("E308", what, help=help, field=field, proposals=(*proposals, *without))


class Initializer(NamedTuple):
    """`init=normal(0, 0.01)`: a function of `torch.nn.init`, named without its underscore, or one of ours."""

    name: str
    arguments: tuple[float | str, ...] = ()


class _Rule(NamedTuple):
    """The arguments of an initializer and the least number of dimensions of the tensor that it fills.

    doc: what it does, of one that is not torch's.
    """

    arguments: tuple[str, ...]
    least_rank: int = 1
    required: int = 0
    doc: str = ""

    @property
    def is_torchs(self) -> bool:
        """Whether it is a function of `torch.nn.init`."""
        return not self.doc


# Source: torch.nn.init. A word in an argument's place is one of torch's own option words.
INITIALIZERS = {
    "xavier_uniform": _Rule(("gain",), 2),
    "xavier_normal": _Rule(("gain",), 2),
    "kaiming_uniform": _Rule(("a", "mode", "nonlinearity"), 2),
    "kaiming_normal": _Rule(("a", "mode", "nonlinearity"), 2),
    "orthogonal": _Rule(("gain",), 2),
    "trunc_normal": _Rule(("mean", "std", "a", "b")),
    "normal": _Rule(("mean", "std")),
    "zeros": _Rule(()),
    "ones": _Rule(()),
    "constant": _Rule(("value",), required=1),
    "dirac": _Rule(("groups",), 3),
    "partial_dirac": _Rule(
        (), 3, doc="passes the channels that arrive on with the first filters; the other filters begin as torch's do"
    ),
    "whiten": _Rule(
        ("eps",), 2, doc="takes the eigenvectors of the covariance of patches of the training pictures, each divided "
        "by the root of its eigenvalue plus eps (if not given, 0.0005), the largest ones first, then their negatives; "
        "until a run begins the weight is as torch makes it",
    ),
}  # fmt: skip
DIRACS = ("dirac", "partial_dirac")
EXACT = (*DIRACS, "zeros", "ones", "constant")  # draw nothing
WHITEN_EPS = 5e-4
MOST_WHITENED = 4096  # numbers in a patch: the work grows as their cube
_MODES = ("fan_in", "fan_out")
_NONLINEARITIES = (
    "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid",
    "tanh", "relu", "leaky_relu", "selu",
)  # fmt: skip


def _initializer(value: Any) -> Any:
    """A bare word or a call as an `Initializer`; anything else is left for the type to refuse."""
    name, arguments = (value, ()) if isinstance(value, str) else value if isinstance(value, Called) else (None, ())
    rule = INITIALIZERS.get(name) if isinstance(name, str) else None
    if rule is None or not rule.required <= len(arguments) <= len(rule.arguments):
        return None
    fits = all(map(_fits, rule.arguments, arguments)) and _draws(str(name), tuple(arguments))
    return Initializer(str(name), tuple(arguments)) if fits else None


_NUMBERS = {
    "std": "a deviation of 0 or more", "groups": "a whole number of at least 1", "eps": "a number above 0"
}  # fmt: skip


class InitializerFault(NamedTuple):
    """What is wrong with an initializer, the way out, and an initializer that would do."""

    message: str
    help: str | None
    meant: Called


def initializer_fault(value: Any) -> InitializerFault | None:
    """What is wrong with the arguments of a known initializer; None for a name that is none.

    >>> initializer_fault("constant").message
    '`constant` lacks its value'
    """
    name, arguments = (value, ()) if isinstance(value, str) else value if isinstance(value, Called) else (None, ())
    rule = INITIALIZERS.get(name) if isinstance(name, str) else None
    if rule is None:
        return None
    if len(arguments) < rule.required:
        message = f"`{name}` lacks its {rule.arguments[len(arguments)]}"
        return InitializerFault(message, f"such as `{name}(0.01)`", Called(str(name), (Fraction(1, 100),)))
    takes = ", ".join(rule.arguments) or "no arguments"
    owner = "torch's own" if rule.is_torchs else "the usual"
    plain = None if rule.required else f"`init={name}` alone takes {owner} values"
    leave_out = f"write `init={name}`" if not rule.arguments else f"leave out what follows {rule.arguments[-1]}"
    if len(arguments) > len(rule.arguments):
        message = f"`{name}` takes {takes}, but {len(arguments)} {'is' if len(arguments) == 1 else 'are'} given"
        return InitializerFault(message, leave_out, Called(str(name), arguments[: len(rule.arguments)]))
    alone = Called(str(name), ())
    wrong = next((pair for pair in zip(rule.arguments, arguments, strict=False) if not _fits(*pair)), None)
    if wrong is None:
        return InitializerFault(f"`{name}` has nothing to draw from with these arguments: {takes}", plain, alone)
    options = {"mode": _MODES, "nonlinearity": _NONLINEARITIES}.get(wrong[0])
    accepted = f"one of {', '.join(options)}" if options else _NUMBERS.get(wrong[0], "a number")
    given = f"{float(wrong[1]):g}" if isinstance(wrong[1], Fraction) else wrong[1]
    positive = [abs(given) if given is wrong[1] and wrong[0] == "std" else given for given in arguments]
    meant = Called(str(name), tuple(positive)) if positive != list(arguments) else alone
    return InitializerFault(f"`{wrong[0]}` of `{name}` is {accepted}, not {given}", plain, meant)


def _fits(argument: str, value: Any) -> bool:
    if argument == "mode":
        return value in _MODES
    if argument == "nonlinearity":
        return value in _NONLINEARITIES
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if argument == "groups":
        return _is_count(value)
    return bool(value > 0) if argument == "eps" else not (argument == "std" and value < 0)


def _draws(name: str, arguments: tuple[Any, ...]) -> bool:
    """Whether there is something to draw from: torch refuses an empty range and, for xavier, a negative one."""
    if name.startswith("xavier"):
        return not arguments or bool(arguments[0] >= 0)
    if name == "trunc_normal":
        given = dict(zip(INITIALIZERS[name].arguments, arguments, strict=False))
        return bool(given.get("std", 1) > 0 and given.get("a", -2) <= given.get("b", 2))
    return True


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 1


Init = Annotated[
    InstanceOf[Initializer],
    BeforeValidator(_initializer),
    Says("an initializer such as `xavier_uniform` or `normal(0, 0.01)`: " + ", ".join(INITIALIZERS)),
]
Frozen = Annotated[bool | Literal["weight", "bias"], Says("true, false, `weight` or `bias`")]
Bias = Annotated[
    bool | tuple[Any, ...], Says("true, false or a list of numbers such as [0 0 -0.05]", "`nobias` leaves the bias out")
]


class Weighted(Layer):
    """A layer with a `weight`, and most often a `bias`."""

    init: Init | None = field(None, doc="how the weight is initialised; torch's own way if not given")
    frozen: Frozen = field(False, doc="keep the weights as they are while training")
    weight: Numbers | None = field(None, doc="the weight's values, as nested lists")

    fixed: ClassVar[tuple[str, ...]] = ("weight", "bias")
    filters: ClassVar[bool] = False  # whether a row of the weight is multiplied with a patch of all that arrives

    def torch_argument(self, source: str, x: Shape) -> Any:
        value = super().torch_argument(source, x)
        return value is not False if source == "bias" else value  # a literal is filled in afterwards

    def literals(self) -> dict[str, tuple[Any, ...]]:
        """The values given in the spec, under the name of the tensor that they fill."""
        given = {name: getattr(self, name, None) for name in self.fixed}
        return {name: values for name, values in given.items() if isinstance(values, tuple)}

    @property
    def features(self) -> Literal["as many", "fixed"] | None:
        return None if self.literals() else super().features

    def check_weights(self, x: Shape) -> None:
        """Raises: ShapeError where a literal or an initializer does not fit the tensor that it fills."""
        shapes = self.weights(x)
        for name, values in self.literals().items():
            if name not in shapes:
                raise WeightError(f"`{self.keyword}` has no {name} here", help=f"leave out `{name}=`", field=name)
            literal_values(name, values, shapes[name])
        if self.init is not None:
            self._check_initializer(self.init, shapes, x)

    def _check_initializer(self, init: Initializer, shapes: dict[str, Shape], x: Shape) -> None:
        if self.weight is not None:
            raise WeightError("`init=` and `weight=` both set the weight", help="keep one of them", field="init")
        shape = shapes.get("weight")
        if shape is None:
            raise WeightError(f"`{self.keyword}` has no weight here", help="leave out `init=`", field="init")
        if len(shape) < INITIALIZERS[init.name].least_rank or (init.name in DIRACS and len(shape) > 5):
            raise WeightError(
                f"`{init.name}` cannot fill a weight of shape {written(shape)}",
                help="use `normal`, `trunc_normal` or `constant`",
                field="init",
            )
        if init.name == "dirac" and init.arguments and shape[0] % int(init.arguments[0]):
            raise WeightError(
                f"`dirac` cannot cut {shape[0]} filters into {init.arguments[0]} groups",
                help=f"a number of groups that divides {shape[0]}",
                field="init",
            )
        if init.name == "whiten":
            self._check_whitening(shape, x)

    def _check_whitening(self, shape: Shape, x: Shape) -> None:
        """A patch of n numbers has n eigenvectors, and with their negatives twice as many."""
        size = prod(shape[1:])
        if not self.filters or shape[1] != x[0]:
            message = f"`{self.keyword}` has no filters over all channels that arrive"
            help = "use it with an ordinary `conv`"
        elif size > MOST_WHITENED:
            message = f"a patch has {size} numbers here, and `whiten` takes {MOST_WHITENED} at most"
            help = "a smaller kernel, or fewer channels before it"
        elif shape[0] > 2 * size:
            message = f"`whiten` gives 2·{size} = {2 * size} filters, for {size} numbers in a patch, not {shape[0]}"
            help = f"at most {2 * size} filters, or a larger kernel"
        else:
            return
        raise WeightError(message, help=help, field="init")


def literal_values(name: str, values: tuple[Any, ...], shape: Shape) -> list[float]:
    """A literal's numbers in row-major order, for a tensor of the given shape.

    Leading dimensions of size 1 may be left out. Raises: ShapeError where the literal has another shape.

    >>> literal_values("weight", ((1, 2), (3, 4)), (1, 1, 2, 2))
    [1.0, 2.0, 3.0, 4.0]
    """
    found, flat = _measure(name, values)
    missing = len(shape) - len(found)
    if missing < 0 or found != shape[missing:] or any(size != 1 for size in shape[:missing]):
        raise WeightError(
            f"this {name} has the shape {written(found)}, but {written(shape)} is needed",
            help=f"give {counted(prod(shape), 'number', 'd')}, nested as {written(shape)}",
            field=name,
            proposals=(SetFields({"kernel": found[-2:]}),) if name == "weight" and len(found) > 1 else (),
        )
    return flat


def _measure(name: str, values: Any) -> tuple[Shape, list[float]]:
    if isinstance(values, bool) or not isinstance(values, tuple | int | float):
        raise WeightError(f"a {name} is made of numbers, not of words", help="such as [0 0.5 -1]", field=name)
    if not isinstance(values, tuple):
        return (), [float(values)]
    parts = [_measure(name, value) for value in values]
    shapes = {shape for shape, _ in parts}
    if len(shapes) > 1:
        message = f"the rows of this {name} have different lengths"
        raise WeightError(message, help="give all rows the same length", field=name)
    inner = shapes.pop() if shapes else ()
    return (len(values), *inner), [number for _, flat in parts for number in flat]
