"""What the rule that finds a mistake would do about it, in its own terms: it knows no place and tries nothing.

`fixes` makes edits of these, says how safe they are, and tries them on the checker when they are shown.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias


class Rename(NamedTuple):
    """Another word in the place of the one that is wrong.

    verb: "called" or "written", for what other frameworks and habits call so; empty for a guess at a mistyped word.
    """

    word: str
    verb: str = ""

    @property
    def text(self) -> str:
        """The sentence.

        >>> Rename("conv", "called").text, Rename("maxpool").text
        ('it is called `conv` here', 'did you mean `maxpool`?')
        """
        return self.lead if self.verb else f"{self.lead}?"

    @property
    def lead(self) -> str:
        """The sentence without its end, before what is written then."""
        return f"it is {self.verb} `{self.word}` here" if self.verb else f"did you mean `{self.word}`"


class SetFields(NamedTuple):
    """Other values for fields of the step, by name; None leaves one out."""

    values: dict[str, Any]


class Whole(NamedTuple):
    """The value at the place, which is worked out, as a whole number."""


class Replace(NamedTuple):
    """A text in the place of the value that is wrong."""

    text: str


class PutBefore(NamedTuple):
    """Steps in front of the one that is wrong; why: what comes of it, as the end of a sentence."""

    steps: str
    why: str = ""


class BecomeStep(NamedTuple):
    """Another layer in the place of the step, with arguments of its own."""

    text: str


class LeaveOut(NamedTuple):
    """The network without the step.

    and_later: without those of its kind behind it too. no_loss: whether it can do without the weights of the step.
    """

    and_later: bool = False
    no_loss: bool = False


class FlattenLater(NamedTuple):
    """A `flatten` in front of the step further down, where a vector is wanted, or away."""


class AsTorchCounts(NamedTuple):
    """The step without its first number: for torch that is what arrives."""


class GiveChannels(NamedTuple):
    """Another number of channels, from the layer that gives those that arrive.

    anyhow: whether one more layer may give them, or the input.
    """

    channels: int
    anyhow: bool = False


class Enlarge(NamedTuple):
    """A larger picture in front of the step."""


class RestInLast(NamedTuple):
    """What the others leave, for the last part of a `split`."""


class ShortcutAuto(NamedTuple):
    """The residual with a shortcut that fits its body."""


class JoinBy(NamedTuple):
    """Another form in the place of this one, with its branches."""

    form: str


class AlikeSizes(NamedTuple):
    """Branches that give pictures of the same size."""


class AlikeChannels(NamedTuple):
    """Branches that give the same number of channels, one of these."""

    counts: tuple[int, ...]


Proposal: TypeAlias = (
    Rename | SetFields | Whole | Replace | PutBefore | BecomeStep | LeaveOut | FlattenLater | AsTorchCounts
    | GiveChannels | Enlarge | RestInLast | ShortcutAuto | JoinBy | AlikeSizes | AlikeChannels
)  # fmt: skip


def renamed(guess: str | None, otherwise: str, verb: str = "") -> tuple[str, tuple[Proposal, ...]]:
    """The way out with the word that is meant, else another one; and what is proposed."""
    return (Rename(guess, verb).text, (Rename(guess, verb),)) if guess else (otherwise, ())
