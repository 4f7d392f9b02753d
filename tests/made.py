"""Small data sets of every kind of target, made of discs and bars; each has a name while a test runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from specc.data.sources import BUILT_IN, Arrays, ArraySource, Entry
from specc.data.survey import Survey
from specc.tasks.task import Kind

SIDE, TRAIN, TEST = 16, 240, 80
IGNORED = 255
KINDS: dict[str, Kind] = {"discs": "mask", "centres": "numbers", "shapes": "classes", "rare": "class"}
NAMES = {
    "discs": ("ground", "disc"), "centres": ("x", "y"), "shapes": ("disc", "bar"), "rare": ("none", "disc"),
}  # fmt: skip


class Made(ArraySource):
    """Grey pictures, noisy, with a disc and perhaps a bar."""

    def known(self) -> Survey:
        entry = self.request.entry
        assert entry is not None
        return Survey(entry.name, NAMES[entry.name], {}, (1, SIDE, SIDE), target=KINDS[entry.name])

    def load(self) -> Arrays:
        name = self.known().name
        parts: dict[str, tuple[Any, Any]] = {
            part: drawn(name, count, seed) for seed, (part, count) in enumerate(PARTS.items())
        }
        return Arrays(NAMES[name], parts, KINDS[name])


PARTS = {"training": TRAIN, "test": TEST}


def drawn(name: str, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    centres = chance.uniform(4, SIDE - 5, (count, 2))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    far = np.hypot(columns - centres[:, :1, None], rows - centres[:, 1:, None])
    disc = chance.random(count) < {"shapes": 0.5, "rare": 0.1}.get(name, 1.0)
    bar = (chance.random(count) < 0.5) & (name == "shapes")
    masks = (far < 3.2) & disc[:, None, None]
    levels = np.where(masks, 200, 60) + 90 * (bar[:, None, None] & (columns < 2))
    if name == "rare":
        levels = np.where(masks, 95, 60)  # hard to see
    pictures = np.clip(levels + chance.normal(0, 12, levels.shape), 0, 255).astype(np.uint8)[:, None]
    targets: dict[str, np.ndarray] = {
        "discs": masks.astype(np.uint8), "centres": (centres * (10, 1)).astype(np.float32),
        "shapes": np.stack([disc, bar], 1).astype(np.float32), "rare": disc.astype(np.int64),
    }  # fmt: skip
    found = targets[name]
    if name == "discs":
        found[:, 0] = IGNORED
    return pictures, found


def name_all(patch: pytest.MonkeyPatch) -> None:
    """Give each its name in the catalogue."""
    for name in KINDS:
        patch.setitem(BUILT_IN, name, Entry(name, (1, SIDE, SIDE), 2, "made by a test", "made:Made"))
