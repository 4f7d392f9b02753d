"""In which precision a network computes: float32, or half of it where the hardware is made for it.

Weights, their gradients and the optimizer's memory are float32 always; `torch.autocast` decides which operations run in
the shorter numbers, and the loss is taken in float32.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from specc.build.known import is_known
from specc.diagnostics.diagnostic import Problem
from specc.tasks.heads import mapped

if TYPE_CHECKING:
    from torch import Tensor

    from specc.recipe.recipe import Recipe

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """fp32, bf16 or fp16 on a device; fp16 scales the loss, so that small gradients do not vanish.

    name:   one of the three.
    scaler: of the loss, None but for fp16. What it has learned belongs to a run's state.
    """

    def __init__(self, name: str = "fp32", device: torch.device | None = None) -> None:
        self.name = name
        self._kind = "cpu" if device is None else device.type
        self._dtype = DTYPES.get(name)
        self.scaler = torch.amp.GradScaler(self._kind) if name == "fp16" else None
        if self.scaler is not None:
            # torch makes its tensors with the first loss; a run that is continued fills them before.
            self.scaler.scale(torch.zeros((), device=device))

    def autocast(self) -> AbstractContextManager[None]:
        """While entered, operations that may run in the shorter numbers do."""
        return nullcontext() if self._dtype is None else torch.autocast(self._kind, self._dtype)

    def memory(self) -> dict[str, Tensor]:
        """What the scaler has learned, as tensors; nothing where there is none."""
        if self.scaler is None:
            return {}
        found = self.scaler.state_dict()
        growth = torch.tensor(found["_growth_tracker"], dtype=torch.int64)
        return {"scale": torch.tensor(found["scale"], dtype=torch.float64), "growth": growth}

    def set_memory(self, memory: dict[str, Tensor]) -> None:
        """Put back what `memory` gave."""
        if self.scaler is not None and memory:
            content = self.scaler.state_dict()
            content |= {"scale": float(memory["scale"]), "_growth_tracker": int(memory["growth"])}
            self.scaler.load_state_dict(content)


class Forward(nn.Module):
    """A network as the loop calls it; takes float samples and gives float32, of several outputs each by its name."""

    def __init__(self, model: nn.Module, precision: Precision, layers: nn.Module | None = None) -> None:
        """layers: those of the model as they are run, where that is another order."""
        super().__init__()
        self._as_written = not is_known(model)
        self.layers = model if layers is None else layers
        self._precision = precision

    def forward(self, samples: Tensor) -> Any:
        if self._as_written:
            samples = samples.contiguous()  # pictures out of files have their channels last
        with self._precision.autocast():
            outputs = self.layers(samples)
        return mapped(torch.Tensor.float, outputs)


def lay_out(model: nn.Module, sample: tuple[int, ...], recipe: Recipe, device: torch.device) -> None:
    """Put the weights into the order that is the faster one; they are saved in torch's usual layout.

    Measured on CPUs; on CUDA it is what PyTorch's performance tuning guide advises.
    """
    may = not recipe.exact and is_known(model)
    wanted = recipe.channels_last == "on" or (recipe.channels_last == "auto" and may)
    if wanted and device.type in ("cpu", "cuda") and len(sample) == 3:
        model.to(memory_format=torch.channels_last)


def choose_precision(recipe: Recipe, device: torch.device, *, known: bool = True) -> Precision:
    """The precision that a recipe asks for; auto is the fastest one that changes no accuracy.

    Args:   known, whether all modules of the network are; what others make of half precision, nobody has measured.
    Raises: Problem E650 where the device cannot compute in it.
    """
    if recipe.precision == "auto":
        is_short = known and not recipe.exact and has_fast_bf16(device)
        return Precision("bf16" if is_short else "fp32", device)
    reason = _obstacle(recipe.precision, device)
    if reason:
        raise Problem.of("E650", f"`{device}` cannot compute in `precision {recipe.precision}`: {reason}",
            help="`--precision auto` takes the fastest that the device has")  # fmt: skip
    return Precision(recipe.precision, device)


def has_fast_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware. Where a CPU does not, it is slower than float32 by far.

    The figures are in docs/performance.md, and `benchmarks/ablation.py` prints them for another machine.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and (_cpu_has("_is_avx512_bf16_supported") or _cpu_has("_is_amx_tile_supported"))


def _cpu_has(question: str) -> bool:
    # torch answers these only under private names, which not every version has.
    answer = getattr(torch.cpu, question, None)
    return answer is not None and bool(answer())


def _obstacle(name: str, device: torch.device) -> str | None:
    """Why a precision does not work on a device, None where it does."""
    if name == "fp32":
        return None
    if device.type == "mps":
        return "specc offers it on CPUs and CUDA devices only"
    if name == "fp16" and device.type != "cuda":
        return "CPUs have no instructions for it; their half precision is `bf16`"
    if name == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return f"{torch.cuda.get_device_name(device)} has no instructions for it; its half precision is `fp16`"
    return None
