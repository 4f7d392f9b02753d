"""Arguments for a layer that may well fit what arrives, each written in one of the ways that the page gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from torch import Tensor

from generate_from_page.binding import INITS
from generate_from_page.fields import LAYERS, OPTIONS, SHORT, WEIGHTED
from generate_from_page.places import Context
from generate_from_page.tree import (
    Argument,
    Expression,
    Function,
    Listed,
    Name,
    Negative,
    Number,
    Operation,
    Sized,
    Valued,
)
from generate_from_page.values import Option

Said = dict[str, Expression]


@dataclass
class Author:
    """Who writes: chance, what arrives and which names there are."""

    chance: Random
    at: Context
    x: Tensor

    @property
    def rank(self) -> int:
        return self.x.dim() - 2

    @property
    def count(self) -> int:
        return int(self.x.shape[1])

    def odds(self, share: float) -> bool:
        return self.chance.random() < share

    # Numbers

    def number(self, value: int, plain: float = 0.6) -> Expression:
        """An expression that is worth this."""
        if self.odds(plain):
            return Number(str(value))
        named = [name for name, held in self.at.names.items() if held == value and not isinstance(held, bool)]
        named += ["in"] * (value == self.count) + ["nth"] * (value == self.at.nth)
        if named and self.odds(0.7):
            return Name(self.chance.choice(named))
        return self.worked_out(value)

    def worked_out(self, value: int) -> Expression:
        a = self.chance.randint(1, 4)
        ways: list[Callable[[], Expression]] = [
            lambda: Operation("+", self.number(a), Number(str(value - a))) if value > a else Number(str(value)),
            lambda: Operation("-", self.number(value + a), self.number(a)),
            lambda: Operation("//", Number(str(value * a + self.chance.randrange(a))), self.number(a)),
            lambda: Operation("/", Number(str(value * a)), self.number(a)),
            lambda: Operation("%", Number(str(value + (value + 1) * a)), Number(str(value + 1))),
            lambda: Function("max", (self.number(value), Number("0"))),
            lambda: Function("min", (self.number(value), Number(str(value + a)))),
            lambda: Operation("*", Number("0.5"), Number(str(2 * value))),
            lambda: Operation("**", self.number(value), Operation("-", Number("3"), Number("2"))),
            lambda: Function("divisible", (Number(str(value)), Number("1"))),
            lambda: Operation("-", Operation("*", Name("in"), Number("2")), Number(str(2 * self.count - value)))
            if 2 * self.count > value else Number(str(value)),
        ]  # fmt: skip
        return self.chance.choice(ways)()

    def size(self, low: int, high: int) -> Expression:
        if self.odds(0.7) or not self.rank:
            return self.number(self.chance.randint(low, high))
        each = [self.chance.randint(low, high) for _ in range(self.rank)]
        if self.odds(0.15):
            return Listed(tuple(map(self.number, each)))
        if self.rank == 1:
            return Number(str(each[0]))
        if self.odds(0.1):
            return Operation("*", Number("1"), Sized(tuple(each)))
        return Sized(tuple(each))

    def divisor(self, *of: int) -> int:
        return self.chance.choice([n for n in range(1, 9) if all(m % n == 0 for m in of)])

    def some(self, said: Said, **more: Callable[[], Expression]) -> Said:
        """What is said, and of the rest a little."""
        return said | {name: make() for name, make in more.items() if self.odds(0.3)}

    def option(self, field: str, word: str) -> Expression:
        words = OPTIONS[field, word]
        held = [name for name, value in self.at.names.items() if isinstance(value, Option) and value.word in words]
        return Name(self.chance.choice(held if held and self.odds(0.5) else words))

    def boolean(self) -> Expression:
        held = [name for name, value in self.at.names.items() if isinstance(value, bool)]
        return Name(self.chance.choice(held if held and self.odds(0.5) else ("true", "false")))

    def real(self, *texts: str) -> Expression:
        text = self.chance.choice(texts)
        if "/" in text:
            return Operation("/", Number(text[0]), Number(text[2]))
        return Negative(Number(text[1:])) if text[0] == "-" and self.odds(0.5) else Number(text)

    # Layers

    def arguments(self, word: str) -> list[Argument]:
        said = self.said(word)
        written = [self.written(word, name, value) for name, value in self.in_order(word, said)]
        if self.odds(0.3):
            self.chance.shuffle(written)
        return written + self.about_weights(word)

    def said(self, word: str) -> Said:
        for family in (self.sliding, self.normal, self.shape, self.others):
            if (said := family(word)) is not None:
                return said
        return {}

    def sliding(self, word: str) -> Said | None:
        small = self.chance.randint
        out = small(1, 8)
        stride, dilation = (lambda: self.size(1, 2)), (lambda: self.size(1, 2))
        match word:
            case "conv":
                groups = self.divisor(self.count, out) if self.odds(0.3) else 1
                said = {"out": self.number(out), "kernel": self.size(1, 3)}
                if groups > 1:
                    said["groups"] = self.number(groups)
                return self.some(said, stride=stride, padding=self.padding, dilation=dilation,
                                 mode=lambda: self.option("mode", "conv"), bias=self.boolean)  # fmt: skip
            case "dwconv":
                return self.some({"kernel": self.size(1, 3)}, stride=stride, padding=self.padding, dilation=dilation,
                                 mult=lambda: self.number(small(1, 3)), mode=lambda: self.option("mode", "conv"),
                                 bias=self.boolean)  # fmt: skip
            case "convtranspose":
                groups = self.divisor(self.count, out) if self.odds(0.3) else 1
                said = {"out": self.number(out), "kernel": self.size(1, 3)}
                if groups > 1:
                    said["groups"] = self.number(groups)
                return self.some(said, stride=stride, padding=lambda: self.size(0, 1), dilation=dilation,
                                 output_padding=lambda: self.size(0, 1), bias=self.boolean)  # fmt: skip
            case "maxpool":
                return self.some({"kernel": self.size(1, 3)}, stride=stride, padding=lambda: self.size(0, 1),
                                 dilation=dilation, ceil=self.boolean)  # fmt: skip
            case "avgpool":
                return self.some({"kernel": self.size(1, 3)}, stride=stride, padding=lambda: self.size(0, 1),
                                 ceil=self.boolean, count_include_pad=self.boolean)  # fmt: skip
            case "adaptiveavgpool" | "adaptivemaxpool":
                return {"size": self.size(1, 5)}
            case "linear":
                return self.some({"out": self.number(out)}, bias=self.boolean)
        return None

    def padding(self) -> Expression:
        return Name(self.chance.choice(("same", "valid"))) if self.odds(0.25) else self.size(0, 2)

    def normal(self, word: str) -> Said | None:
        def eps() -> Expression:
            return self.real("1e-3", "0.01", "1e-5")

        rest = {"eps": eps, "affine": self.boolean, "momentum": lambda: self.real("0.1", "0.5", "0.01")}
        match word:
            case "bn" | "instancenorm":
                return self.some({}, **rest)
            case "groupnorm":
                return self.some({"groups": self.number(self.divisor(self.count))}, eps=eps, affine=self.boolean)
            case "layernorm":
                return self.some({}, eps=eps, affine=self.boolean, bias=self.boolean)
            case "lrn":
                return self.some({"size": self.number(self.chance.randint(1, 5))}, alpha=lambda: self.real("1e-3", "1"),
                                 beta=lambda: self.real("0.5", "1"), k=lambda: self.real("2", "1.5"))  # fmt: skip
            case "grn":
                return self.some({}, eps=eps)
        return None

    def shape(self, word: str) -> Said | None:
        match word:
            case "unflatten":
                return {"shape": Sized(self.factors())}
            case "pad":
                return self.some({"before": self.size(0, 2)}, after=lambda: self.size(0, 2),
                                 mode=lambda: self.option("mode", "pad"),
                                 value=lambda: self.real("0.5", "2"))  # fmt: skip
            case "upsample":
                return self.upsampling()
            case "pixelshuffle" | "pixelunshuffle":
                return {"r": self.number(self.chance.randint(1, 2))}
            case "channelshuffle":
                return {"groups": self.number(self.divisor(self.count))}
            case "slice":
                start = self.chance.randrange(self.count)
                return {"start": self.number(start), "end": self.number(self.chance.randint(start + 1, self.count))}
            case "channelpad":
                pad = self.chance.randint
                return self.some({"before": self.number(pad(0, 2))}, after=lambda: self.number(pad(0, 2)))
        return None

    def factors(self) -> tuple[int, ...]:
        """Three numbers or so, whose product is what arrives."""
        left, found = self.count, []
        for _ in range(self.chance.randint(1, 3)):
            found.append(self.divisor(left))
            left //= found[-1]
        return (left, *found)

    def upsampling(self) -> Said:
        mode = self.chance.choice(("nearest", "linear", "bicubic") if self.rank == 2 else ("nearest", "linear"))
        said: Said = {"mode": Name(mode)} if self.odds(0.5) or mode != "nearest" else {}
        labels = [label for label in self.at.labels if label.isidentifier()]
        if labels and self.odds(0.3):
            said["like"] = Name(self.chance.choice(labels))
        elif self.odds(0.3):
            said["size"] = self.size(1, 6)
        else:
            said["scale"] = self.size(1, 2)
        if mode != "nearest" and self.odds(0.3):
            said["corners"] = self.boolean()
        return said

    def others(self, word: str) -> Said | None:
        def number() -> Expression:
            return self.real("0.5", "1.5", "1/3", "2", "0.25")

        optional: dict[str, dict[str, Callable[[], Expression]]] = {
            "prelu": {"num_parameters": lambda: self.number(self.count)},
            "leakyrelu": {"negative_slope": number},
            "elu": {"alpha": number},
            "celu": {"alpha": number},
            "gelu": {"approximate": lambda: self.option("approximate", "gelu")},
            "hardtanh": {"min_val": lambda: self.real("0", "-2", "-0.5"), "max_val": number},
            "softplus": {"beta": number, "threshold": lambda: self.real("10", "5")},
            "dropout": {"p": lambda: self.real("0", "0.2", "0.5", "1")},
            "dropout2d": {"p": lambda: self.real("0", "0.2", "0.5", "1")},
            "layerscale": {"value": number},
            "layershift": {"value": number},
        }
        if word == "droppath":
            return {"p": self.real("0", "0.1", "0.5")}
        if word in ("scale", "shift"):
            return {"value": number()}
        return self.some({}, **optional[word]) if word in optional else None

    # How an argument is written

    def in_order(self, word: str, said: Said) -> list[tuple[str, Expression]]:
        order = [*LAYERS[word].positional, *said]
        return sorted(said.items(), key=lambda pair: order.index(pair[0]))

    def written(self, word: str, name: str, value: Expression) -> Argument:
        fields = LAYERS[word]
        if isinstance(value, Name) and (name, value.word) in self.flagged(word) and self.odds(0.7):
            return Argument(self.flagged(word)[name, value.word])
        letter = {field: letter for letter, field in SHORT.items()}.get(name)
        required = name in fields.positional and self.leading(word, name)
        if required and self.odds(0.7):
            return Argument(value)
        if letter and isinstance(value, Number | Sized) and (isinstance(value, Sized) or value.text.isdigit()):
            return Argument(value, letter, short=True) if self.odds(0.8) else Argument(value, letter)
        return Argument(value, letter if letter and self.odds(0.5) else name)

    def leading(self, word: str, name: str) -> bool:
        """A field that a reader counts to: the first, or one of the required ones."""
        fields = LAYERS[word]
        place = fields.positional.index(name)
        return place == 0 or (place == 1 and fields.defaults.get(name, 0) is None)

    def flagged(self, word: str) -> dict[tuple[str, str], Expression]:
        fields = LAYERS[word]
        flags = {(field, "true" if value else "false"): Name(flag) for flag, (field, value) in fields.flags().items()}
        return {**flags, **{(field, option): Name(option) for option, field in (fields.options or {}).items()}}

    def about_weights(self, word: str) -> list[Argument]:
        """`init=`, `frozen`, and first values of a norm."""
        found = []
        if word in WEIGHTED and self.odds(0.1):
            found.append(Argument(self.initial(), "init"))
        if word in WEIGHTED and self.odds(0.1):
            found.append(Argument(Name("frozen")))
        if word == "bn" and self.odds(0.2):
            key = self.chance.choice(("gamma", "beta"))
            values = tuple(Number(str(n)) for n in range(self.count))
            found.append(Argument(Listed(values) if self.odds(0.3) else self.real("0", "0.5", "-1"), key))
        if word in ("conv", "linear") and self.odds(0.05):
            found.append(Argument(self.initial(), "init"))
        return found

    def initial(self) -> Expression:
        if self.odds(0.3):
            given = (Argument(Number("0")), Argument(Number("0.01")))
            return self.chance.choice((Valued("normal", given), Valued("constant", given[1:])))
        return Name(self.chance.choice([name for name in INITS if name != "constant"]))
