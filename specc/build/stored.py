"""Tensors in files: out of one that anybody may have written, compared with those of a network; and into one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from specc import files
from specc.diagnostics.spelling import shown, spelled

LISTED = 8  # names in a message


def load_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, on the CPU. Raises: ValueError, which says why it cannot be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        files.require_regular(path)
        return load_file(path)
    except OSError as error:
        raise ValueError(files.reason(error)) from error
    except MemoryError as error:
        raise ValueError("there is not enough memory for it") from error
    except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise ValueError("its tensors are cut off, or not where its header says") from error


def load_texts(path: Path) -> dict[str, str]:
    """The texts in the header of a safetensors file, by name. Raises: ValueError, which says why it cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        files.require_regular(path)
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except SafetensorError as error:
        raise ValueError("it is cut off, or no safetensors file") from error
    except MemoryError as error:
        raise ValueError("there is not enough memory for it") from error
    except OSError as error:
        raise ValueError(files.reason(error)) from error


def weights_file(model: nn.Module, metadata: dict[str, str]) -> bytes:
    """The content of a safetensors file with the model's state and texts about it."""
    return safetensors_file(plain_tensors(model.state_dict()), metadata)


def safetensors_file(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """The content of a safetensors file: for the same tensors, on the CPU and contiguous, and texts the same bytes.

    In memory, not by safetensors' own writer: only so can a full disk be told from a broken file.
    """
    from safetensors.torch import save

    content = memoryview(save(tensors, metadata={"format": "pt", **metadata}))
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(bytes(content[8:start]))
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))  # safetensors writes them in any order
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join((len(text).to_bytes(8, "little"), text, content[start:]))


def plain_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors as safetensors takes them: on the CPU, contiguous, and each with memory of its own. A weight that has
    two names is written twice."""
    seen: set[int] = set()
    plain = {}
    for name, tensor in tensors.items():
        value = tensor.detach().cpu().contiguous()
        plain[name] = value.clone() if value.data_ptr() in seen else value
        seen.add(value.data_ptr())
    return plain


def load_stored(model: nn.Module, path: Path) -> None:
    """Put the tensors of a file into a network, or nothing of them. Raises: ValueError, which says why not."""
    tensors = load_tensors(path)
    fault = misfit(model.state_dict(), tensors)
    if fault:
        raise ValueError(fault)
    model.load_state_dict(tensors)


def misfit(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str | None:
    """Why tensors cannot take the place of others, as half a sentence; None where they can.

    Args: wanted, of which only names, shapes and types are looked at, and where its own numbers are not finite: a mask
          of another package's layer may hold some.
    """
    if found.keys() != wanted.keys():
        return f"its tensors are not the network's: {listed(found.keys() ^ wanted.keys())}"
    for name, tensor in found.items():
        if not are_alike(wanted[name], tensor):
            return f"its `{shown(name)}` is {_kind(tensor)}, and should be {_kind(wanted[name])}"
        if not are_finite([tensor]) and not _is_meant(tensor, wanted[name]):
            return f"its `{shown(name)}` holds values that are not finite"
    return None


def _is_meant(tensor: Tensor, wanted: Tensor) -> bool:
    """Whether numbers are infinite or nan only where those of the network are, too."""
    return not wanted.is_meta and bool((tensor.cpu().isfinite() | ~wanted.cpu().isfinite()).all())


def are_alike(first: Tensor, second: Tensor) -> bool:
    """Whether two tensors have one shape and one kind of number."""
    return first.shape == second.shape and first.dtype == second.dtype


def are_finite(tensors: Iterable[Tensor]) -> bool:
    """Whether all floating-point numbers are finite; waits for the device once."""
    flags = [tensor.isfinite().all() for tensor in tensors if tensor.is_floating_point()]
    return not flags or bool(torch.stack(flags).all())


def listed(names: Iterable[str]) -> str:
    """The first names in alphabetical order, and how many there are beside them."""
    ordered = sorted(names)
    more = f" and {len(ordered) - LISTED} more" if len(ordered) > LISTED else ""
    return ", ".join(map(shown, ordered[:LISTED])) + more


def _kind(tensor: Tensor) -> str:
    return f"{spelled(tensor.shape) or 'a number'} of {str(tensor.dtype).removeprefix('torch.')}"
