"""How pictures differ from those that a network was trained on, where that may make its answers wrong."""

from __future__ import annotations

from collections.abc import Iterator

from specc.data.identity import DataDescription
from specc.diagnostics.spelling import counted
from specc.evaluate.pictures import TakenPicture, Taker

DARK, LIGHT = 0.4, 0.6  # mean levels below and above which pictures are dark ones with light ink, or light ones
STRANGE = 1.5  # so many times as wide or as high as any that was learned
FITTED = {"stretch": "stretched", "crop": "cropped", "pad": "padded"}


class Oddities:
    """Looks at pictures as they are read, and counts what is odd."""

    def __init__(self, data: DataDescription, taker: Taker) -> None:
        self._taker, self._learned = taker, data.brightness
        _, height, width = taker.sample
        self._narrowest, self._widest = data.proportions or (width / height, width / height)
        self._turned: list[tuple[str, float]] = []
        self._shaped: list[tuple[str, tuple[int, int]]] = []

    def look(self, name: str, taken: TakenPicture) -> None:
        """Takes note of a picture."""
        level = float(self._taker.unscaled(taken.image).mean())
        if self._learned is not None and (
            (self._learned < DARK and level > LIGHT) or (self._learned > LIGHT and level < DARK)
        ):
            self._turned.append((name, level))
        height, width = taken.size
        if self._taker.scaled and not self._narrowest / STRANGE <= width / height <= self._widest * STRANGE:
            self._shaped.append((name, taken.size))

    def notes(self) -> Iterator[str]:
        """What was odd, a sentence for each kind."""
        if self._turned and self._learned is not None:
            name, level = self._turned[0]
            found, learned = ("light", "dark") if level > self._learned else ("dark", "light")
            way = "leave out `--invert`" if self._taker.invert else "`--invert` swaps dark and light"
            yield (
                f"{_are(len(self._turned), name)} {found}, with a mean level of {level:.2f}, and the network learned "
                f"from {learned} ones, with one of {self._learned:.2f}: {way}"
            )
        if self._shaped:
            name, (height, width) = self._shaped[0]
            how = FITTED[self._taker.fit]
            yield (
                f"{_are(len(self._shaped), name)} {how}, from {height}x{width} (height x width), and the network "
                "learned from pictures of other proportions"
            )


def _are(count: int, first: str) -> str:
    return f"{first} is" if count == 1 else f"{counted(count, 'picture')}, such as {first}, are"
