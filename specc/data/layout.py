"""Which folders of a data set are its parts, and which are its classes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from specc.data.walk import Walk, require_text
from specc.diagnostics.diagnostic import Problem

TRAINING, TEST, VALIDATION = "training", "test", "validation"
# What people call each part; capitals make no difference.
NAMES = {
    "train": TRAINING, "training": TRAINING, "test": TEST, "testing": TEST,
    "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION,
}  # fmt: skip
LAYOUT = "the layout is `train/CLASS/picture.png` and `test/CLASS/picture.png`, or `CLASS/picture.png`"


class Layout(NamedTuple):
    """A data folder. parts: a folder of class folders for each part that it has; none where they lie in the root."""

    root: Path
    parts: dict[str, Path]


def layout_of(root: Path, walk: Walk) -> Layout:
    """The parts of a data folder.

    Raises: Problem E608 where what is called like a part may be another thing; OSError.
    """
    require_text(root.resolve())
    names = walk.folders(root)
    claims: dict[str, list[str]] = {}
    for name in names:
        if name.lower() in NAMES:
            claims.setdefault(NAMES[name.lower()], []).append(name)
    for part, claiming in claims.items():
        if len(claiming) > 1:
            raise _two_of_a_kind(root, part, claiming)
    parts = {part: root / name for part, (name,) in claims.items()}
    others = [name for name in names if name.lower() not in NAMES]
    if parts and others and not _is_sorted(parts.get(TRAINING), walk):
        raise _part_or_class(root, next(iter(parts.values())), others, walk)
    return Layout(root, parts)


def _is_sorted(part: Path | None, walk: Walk) -> bool:
    """Whether a part is there and holds class folders."""
    return part is not None and bool(walk.folders(part))


def _two_of_a_kind(root: Path, part: str, names: list[str]) -> Problem:
    first, second = names[:2]
    return Problem.of("E608", f"in {root} both `{first}` and `{second}` are names of the {part} part",
        help="keep one of them, or put their pictures together", notes=(LAYOUT,))  # fmt: skip


def _part_or_class(root: Path, part: Path, others: list[str], walk: Walk) -> Problem:
    """A folder called like a part among class folders: nobody but its owner knows what it is."""
    beside = shortened(others)
    ways = [f"if it is a class, call it something else, such as `{part.name}_`"]
    if NAMES[part.name.lower()] == TRAINING:
        ways.append(f"if it is the training part, put class folders into it, and {beside} elsewhere")
    elif walk.folders(part):
        ways.insert(0, f"if it is the {NAMES[part.name.lower()]} part, move {beside} into a folder {root / 'train'}")
    else:
        ways.append("if it is a part, its pictures have to lie in class folders; move it elsewhere")
    return Problem.of("E608", f"{part} lies beside {beside}, and may be a class or a part of the data",
        help="\n".join(ways), notes=(LAYOUT,))  # fmt: skip


def shortened(names: list[str]) -> str:
    """The first of some names, and how many there are besides."""
    shown = ", ".join(f"`{name}`" for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
