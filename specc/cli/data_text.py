"""What `specc data` prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from specc.cli.printing import cut_to_width, in_columns, page
from specc.data.download import Presence
from specc.data.inspect.census import Census, Duplicate
from specc.diagnostics.amounts import in_bytes
from specc.diagnostics.spelling import counted, spelled

SHOWN = 5  # duplicates and damaged files that are named
MANY = 10  # sizes that are named


def listing(found: Sequence[Presence], data_dir: Path) -> str:
    """A line for each data set."""
    rows = [("name", "pictures", "classes", "files", "")]
    rows += [
        (
            one.entry.name,
            spelled(one.entry.sample) if one.entry.sample else "files",
            str(one.entry.classes),
            _files(one),
            one.entry.about,
        )
        for one in found
    ]
    note = f"Files are kept in {data_dir}. `specc data fetch NAME` downloads them; so does training, the first time."
    return page([*cut_to_width(in_columns(rows)), "", note])


def _files(one: Presence) -> str:
    size = "" if one.size is None else f", {in_bytes(one.size)}"
    return {"absent": f"not here{size}", "partly": f"some missing{size}", "present": "here"}.get(one.state, one.state)


def presence_json(one: Presence) -> dict[str, Any]:
    """A data set of `specc data list --json`."""
    entry = one.entry
    return {
        "name": entry.name, "about": entry.about, "classes": entry.classes,
        "sample": entry.sample and list(entry.sample),
        "state": one.state, "folder": None if one.folder is None else str(one.folder), "download_bytes": one.size,
    }  # fmt: skip


def fetched(found: Presence) -> str:
    """The line after a fetch."""
    if found.state == "built in":
        return f"{found.entry.name} comes with scikit-learn: there is nothing to fetch"
    place = f"in {found.folder}, every file checked" if found.folder else "there, by its package"
    return f"{found.entry.name} is {place}"


def census_text(found: Census) -> str:
    """The page of one data set."""
    total = {part: sum(counts) for part, counts in found.counts.items()}
    counts = " and ".join(f"{count:,} {part}" for part, count in total.items())
    lines = [f"{found.name}: {counts} {_noun(found)}s"]
    lines += [f"  {note}" for note in (*found.notes, *found.passed_over)]
    lines += ["", *_class_table(found), ""]
    lines += _facts(found)
    return page(lines)


def _noun(found: Census) -> str:
    return "picture" if all(len(size) == 2 for size in found.sizes) else "sample"


def _class_table(found: Census) -> list[str]:
    head = ["class", *found.counts]
    rows = [
        [name, *(f"{counts[index]:,}" for counts in found.counts.values())] for index, name in enumerate(found.classes)
    ]
    return in_columns([head, *rows], right=range(1, len(head)))


def _facts(found: Census) -> list[str]:
    mean, deviation = (" ".join(f"{value:.4f}" for value in values) for values in (found.mean, found.deviation))
    full = ", of full brightness" if _noun(found) == "picture" else ""
    label = "height x width" if all(len(size) == 2 for size in found.sizes) else "size"
    lines = [
        f"{label:<14}  {_listed(f'{spelled(size)} ({count:,})' for size, count in found.sizes.items())}",
        f"kind            {_listed(f'{kind} ({count:,})' for kind, count in found.kinds.items())}",
        f"mean            {mean}  of the training {_noun(found)}s, each channel{full}",
        f"deviation       {deviation}",
        f"duplicates      {_duplicates(found)}",
    ]
    lines += [f"                {one.picture} is {one.training}" for one in found.shared[:SHOWN]]
    if found.damaged:
        lines.append(f"damaged         {counted(len(found.damaged), 'file')} cannot be read")
        lines += [f"                {fault.path} {fault.reason}" for fault in found.damaged[:SHOWN]]
        ways = dict.fromkeys(fault.way for fault in found.damaged if fault.way)
        lines += [f"                {way}" for way in ways]
    return lines


def _duplicates(found: Census) -> str:
    if not found.repeated and not found.shared:
        return "none"
    by_part = {part: sum(one.part == part for one in found.shared) for part in found.counts}
    told = [
        f"{_which(count, f'{part} picture', 'is', 'are')} also trained on" for part, count in by_part.items() if count
    ]
    again = _which(found.repeated, "training picture", "repeats another", "repeat others")
    told += [again] if found.repeated else []
    have = "has" if found.classes_apart == 1 else "have"
    told += [f"{found.classes_apart:,} of these {have} another class there"] if found.classes_apart else []
    return ", ".join(told)


def _which(count: int, noun: str, one: str, many: str) -> str:
    """A number of things with what they do."""
    return f"{counted(count, noun)} {one if count == 1 else many}"


def _listed(items: Iterable[str]) -> str:
    every = list(items)
    more = f" and {len(every) - MANY:,} more" if len(every) > MANY else ""
    return ", ".join(every[:MANY]) + more


def _size_json(size: tuple[int, ...]) -> dict[str, Any]:
    return dict(zip(("height", "width"), size, strict=True)) if len(size) == 2 else {"size": list(size)}


def census_json(found: Census) -> dict[str, Any]:
    """`specc data info --json`."""

    def duplicate(one: Duplicate) -> dict[str, str]:
        return one._asdict()

    return {
        "name": found.name, "folder": found.place, "classes": list(found.classes),
        "note": "; ".join(found.notes) or None, "passed_over": [one._asdict() for one in found.passed_over],
        "counts": {part: list(counts) for part, counts in found.counts.items()},
        "sizes": [{**_size_json(size), "count": count} for size, count in found.sizes.items()],
        "kinds": found.kinds, "mean": list(found.mean), "deviation": list(found.deviation),
        "repeated": found.repeated, "shared": [duplicate(one) for one in found.shared],
        "classes_apart": found.classes_apart, "damaged": [fault.path for fault in found.damaged],
    }  # fmt: skip
