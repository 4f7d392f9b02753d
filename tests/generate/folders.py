"""Run folders as nobody would leave them: one or more of a folder's files damaged, or made by somebody hostile.

Every change is drawn from a generator, so that a seed gives the same folder again.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from generate.bombs import bombs
from generate.mutations import PIECES, Change, Mutation, mutated

TENSORS = ("state.safetensors", "best.safetensors", "last.safetensors")
OBJECTS = ("recipe.json", "environment.json", "loggers.json")
FILES = (
    *TENSORS,
    *OBJECTS,
    "metrics.jsonl",
    "metrics.csv",
    "spec.cnn",
    ".lock",
    ".lock.json",
    ".state.safetensors.partial",
)
# What is read most, and says most, is changed most often.
OFTEN = (*FILES, *TENSORS, *TENSORS, "recipe.json", "recipe.json", "metrics.jsonl", "spec.cnn")
NUMBERS = (
    -1, 0, 1, 2, 7, 255, 2**31 - 1, 2**31, 200_000_000, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**30, 10**400,
    -(10**30), 0.5, 1.5, 1e-300, 1e15, 1e30, 1e300, 1.7e308, -1e308, float("nan"), float("inf"), -float("inf"),
)  # fmt: skip
TEXTS = (
    "", " ", "a", "nan", "1x1x1x1", "3x999999x999999", "x".join("9" * 40), "9" * 5000, "auto", "cuda", "fp16", "mnist",
    "..", "/", "/dev/zero", "gallery:lenet5", "a" * 1_000_000, "é" * 100_000, "\x1b[31mred\x1b[0m", "\x00", "\ud800",
    "\u202e", "two\nlines", "\r" * 50,
)  # fmt: skip
KEYS = ("epoch", "step", "epochs", "data", "evil", "__class__", "processes", "machines", "input", "set", "\x1b[31m")
DTYPES = ("BOOL", "I8", "U8", "I64", "F16", "BF16", "F32", "F64", "F8_E4M3", "F4", "Q9", "")
LARGE = 20 << 30  # bytes of a file with a hole in it


def damaged(folder: Path, generator: random.Random) -> list[str]:
    """Change one to three files of a run's folder. Returns: what was done, to read."""
    done = []
    for _ in range(generator.choice((1, 1, 1, 2, 3))):
        path = folder / generator.choice(OFTEN)
        change = generator.choice(_changes_of(path.name) if _is_plain(path) else PLACES)
        try:
            done.append(f"{path.name}: {change.__name__} {change(path, generator) or ''}")
        except Exception as error:  # an earlier change has left nothing that this one could be made to
            done.append(f"{path.name}: {change.__name__} not possible any more: {error!r:.80}")
    return done


def _is_plain(path: Path) -> bool:
    """Whether a file can still be read: an earlier change may have put something else in its place."""
    return path.is_file() and path.stat().st_size < LARGE


def _changes_of(name: str) -> list[Callable[[Path, random.Random], object]]:
    if name in TENSORS:
        return [*BYTES, *PLACES, *(HEADER * 3), *(NUMBERS_IN * 2)]
    if name.endswith((".json", ".jsonl")):
        return [*BYTES, *PLACES, *(JSON * 4)]
    return [*BYTES, *PLACES, *(SPEC * 4)] if name.endswith(".cnn") else [*BYTES, *PLACES]


# The bytes of a file


def cut_off(path: Path, generator: random.Random) -> int:
    content = path.read_bytes()
    length = generator.randrange(len(content) + 1)
    path.write_bytes(content[:length])
    return length


def bits_turned(path: Path, generator: random.Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(generator.choice((1, 3, 20))):
        content[generator.randrange(min(len(content), generator.choice((9, 2000, len(content)))))] ^= (
            1 << generator.randrange(8)
        )
    path.write_bytes(content)


def noise(path: Path, generator: random.Random) -> None:
    path.write_bytes(generator.randbytes(generator.choice((0, 1, 8, 100, 10_000))))


def more_behind(path: Path, generator: random.Random) -> None:
    with path.open("ab") as file:
        file.write(generator.randbytes(generator.choice((1, 8, 1000))))


def wrong_encoding(path: Path, generator: random.Random) -> None:
    content = path.read_bytes()
    at = generator.randrange(len(content) + 1)
    path.write_bytes(content[:at] + generator.choice((b"\xff", b"\xc3", b"\x00", b"\xed\xa0\x80")) + content[at:])


def nested(path: Path, generator: random.Random) -> None:
    depth = generator.choice((150, 900, 5000, 100_000))
    opened, closed = generator.choice((("[", "]"), ('{"a":', "}")))
    text = (opened * depth + "1" + closed * depth).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text if path.name in TENSORS else text)


def huge(path: Path, generator: random.Random) -> None:
    with path.open("ab") as file:
        file.truncate(LARGE)


BYTES = [cut_off, bits_turned, noise, more_behind, wrong_encoding, nested, huge]


# What stands in the place of a file


def _free(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def missing(path: Path, generator: random.Random) -> None:
    _free(path)


def pipe(path: Path, generator: random.Random) -> None:
    _free(path)
    os.mkfifo(path)


def folder(path: Path, generator: random.Random) -> None:
    _free(path)
    path.mkdir()


def link(path: Path, generator: random.Random) -> str:
    """To itself, to nothing, to a device, to another file, to its folder."""
    _free(path)
    targets = (path.name, "nothing", "/dev/zero", "/dev/tty", "spec.cnn", "state.safetensors", ".", "pipe")
    target = generator.choice(targets)
    if target == "pipe" and not (path.parent / target).exists():
        os.mkfifo(path.parent / target)
    path.symlink_to(target)
    return target


def not_allowed(path: Path, generator: random.Random) -> None:
    path.chmod(0)


PLACES = [missing, pipe, folder, link, not_allowed]


# JSON, and what stands in a header


def changed_json(value: Any, generator: random.Random) -> tuple[Any, str]:
    """A JSON value with something else at a place in it, and where that is."""
    where = []
    parent: Any = None
    inner = value
    while isinstance(inner, dict | list) and inner and (parent is None or generator.random() < 0.8):
        key = generator.choice(list(inner)) if isinstance(inner, dict) else generator.randrange(len(inner))
        where.append(key)
        parent, inner = inner, inner[key]
    if parent is None:
        return _odd(generator), "all of it"
    match generator.randrange(10):
        case 0:
            del parent[where[-1]]
            return value, f"without {where!r:.80}"
        case 1 if isinstance(parent, dict):
            parent[key := generator.choice(KEYS)] = _odd(generator)
            return value, f"{key!r} added to {where[:-1]!r:.80}"
        case _:
            odd = parent[where[-1]] = _odd(generator)
            return value, f"{where!r:.80} = {odd!r:.40}"


def changed_number(value: Any, generator: random.Random) -> tuple[Any, str]:
    """A JSON value with one of its numbers another one."""
    places = list(_numbers(value, ()))
    parent, key, where = generator.choice(places)
    odd = parent[key] = generator.choice(NUMBERS)
    return value, f"{where!r:.80} = {odd!r:.40}"


def _numbers(value: Any, where: tuple[Any, ...]) -> Iterator[tuple[Any, Any, tuple[Any, ...]]]:
    """The numbers in a JSON value: what holds each, under which key, and the way there."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        if isinstance(item, int | float) and not isinstance(item, bool):
            yield value, key, (*where, key)
        else:
            yield from _numbers(item, (*where, key))


def _changed(value: Any, generator: random.Random) -> tuple[Any, str]:
    return generator.choice((changed_json, changed_number))(value, generator)


def _odd(generator: random.Random) -> Any:
    match generator.randrange(10):
        case 0:
            return generator.choice((None, True, False))
        case 1:
            return generator.choice(([], {}, [1, "a"], {"a": {"b": [1.5]}}, list(range(10_000)), ["a"] * 1000))
        case 2:
            deep: Any = 1
            for _ in range(generator.choice((5, 100, 300))):
                deep = [deep]
            return deep
        case 3 | 4 | 5:
            return generator.choice(TEXTS)
        case _:
            return generator.choice(NUMBERS)


def json_changed(path: Path, generator: random.Random) -> str:
    lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
    at = generator.randrange(len(lines))
    value, where = _changed(json.loads(lines[at]), generator)
    lines[at] = json.dumps(value)
    path.write_text("\n".join(lines) + "\n", errors="surrogatepass")
    return where


def lines_in_another_order(path: Path, generator: random.Random) -> None:
    lines = path.read_text().splitlines()
    lines = generator.choices(lines, k=generator.randrange(1, 2 * len(lines) + 1))
    path.write_text("\n".join(lines) + "\n")


JSON = [json_changed, json_changed, lines_in_another_order]


def _in_header(path: Path, change: Callable[[dict[str, Any]], str]) -> str:
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    where = change(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])
    return where


def header_changed(path: Path, generator: random.Random) -> str:
    def change(header: dict[str, Any]) -> str:
        return _changed(header, generator)[1]

    return _in_header(path, change)


def metadata_changed(path: Path, generator: random.Random) -> str:
    """Inside one of the texts of the header, where it is JSON; else the text itself."""

    def change(header: dict[str, Any]) -> str:
        texts = header["__metadata__"]
        name = generator.choice([name for name in texts if name != "format"])
        try:
            value, where = _changed(json.loads(texts[name]), generator)
            texts[name] = json.dumps(value)
        except ValueError:
            texts[name] = where = mutated_spec(texts[name], generator)
        return f"{name}: {where:.80}"

    return _in_header(path, change)


def other_type(path: Path, generator: random.Random) -> str:
    """A tensor of another type or shape over the same bytes."""

    def change(header: dict[str, Any]) -> str:
        name = generator.choice([name for name in header if name != "__metadata__"])
        header[name]["dtype"] = dtype = generator.choice(DTYPES)
        if generator.random() < 0.5:
            header[name]["shape"] = generator.choice(([], [0], [-1], [2**40, 2**40], [2**63], [1, 1], ["a"], None))
        return f"{name} {dtype} {header[name]['shape']}"

    return _in_header(path, change)


HEADER = [header_changed, metadata_changed, metadata_changed, other_type]


# The numbers


def _rewritten(path: Path, change: Callable[[dict[str, Any]], str]) -> str:
    """Other tensors under the same texts; a state's checksum is made right, as its forger would."""
    from safetensors import safe_open
    from safetensors.torch import load_file, save

    from specc.runner.checkpoint import KEY, checkpoint_bytes, read_checkpoint

    with safe_open(path, framework="pt") as file:
        texts = file.metadata()
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    where = change(tensors)
    if KEY in texts:
        path.write_bytes(checkpoint_bytes(read_checkpoint(path), tensors))
    else:
        path.write_bytes(save(tensors, metadata=texts))
    return where


def tensor_changed(path: Path, generator: random.Random) -> str:
    import torch

    def change(tensors: dict[str, Any]) -> str:
        name = generator.choice(list(tensors))
        tensor = tensors[name]
        kind = generator.choice(("type", "shape", "nan", "inf", "gone", "added", "renamed", "negative"))
        if kind == "type":
            types = (torch.int8, torch.bool, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8)
            tensors[name] = tensor.to(generator.choice(types))
        elif kind == "shape":
            tensors[name] = tensor.new_zeros(generator.choice(((), (0,), (1,), (3, 3), (*tensor.shape, 1))))
        elif kind in ("nan", "inf", "negative"):
            value = {"nan": float("nan"), "inf": float("inf"), "negative": -1e30}[kind]
            tensors[name] = torch.full_like(tensor.float(), value).to(tensor.dtype)
        elif kind == "added":
            tensors[generator.choice(("a", "a" * 100_000, "\x1b[31m", "optimizer/a/step", ""))] = torch.zeros(2)
        else:
            del tensors[name]
            if kind == "renamed":
                tensors[f"{name}s"] = tensor
        return f"{name}: {kind}"

    return _rewritten(path, change)


def every_tensor_of_another_type(path: Path, generator: random.Random) -> str:
    import torch

    dtype = generator.choice((torch.int8, torch.float16, torch.float64))

    def change(tensors: dict[str, Any]) -> str:
        tensors.update({name: tensor.to(dtype) for name, tensor in tensors.items() if tensor.is_floating_point()})
        return str(dtype)

    return _rewritten(path, change)


def every_number_nan(path: Path, generator: random.Random) -> str:
    def change(tensors: dict[str, Any]) -> str:
        for tensor in tensors.values():
            if tensor.is_floating_point():
                tensor.fill_(float("nan"))
        return ""

    return _rewritten(path, change)


NUMBERS_IN = [tensor_changed, tensor_changed, tensor_changed, every_tensor_of_another_type, every_number_nan]


# The spec


def mutated_spec(text: str, generator: random.Random) -> str:
    changes = [
        Mutation(
            generator.choice(tuple(Change)), generator.randrange(10_000), generator.randrange(10_000),
            generator.choice(PIECES), generator.randrange(1, 12),
        )
        for _ in range(generator.randrange(1, 4))
    ]  # fmt: skip
    return mutated(text, changes).decode(errors="replace")


def spec_changed(path: Path, generator: random.Random) -> None:
    path.write_text(mutated_spec(path.read_text(), generator))


def a_bomb(path: Path, generator: random.Random) -> str:
    name, text = generator.choice(list(bombs(5000).items()))
    path.write_text(text)
    return name


SPEC = [spec_changed, spec_changed, a_bomb]
