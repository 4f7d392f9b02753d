"""A step in two halves, each on a core of its own.

torch shares every operation among its threads, and they wait for each other after each one. Where operations are short
that is a fifth of a step. Two threads that each take half of a batch through the whole network wait once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import nn

from specc.build import modules
from specc.build.known import is_changed
from specc.runner.precision import Forward

if TYPE_CHECKING:
    from torch import Tensor

    from specc.ir.shaped import ShapedModel
    from specc.recipe.recipe import Recipe
    from specc.runner.distributed.world import Group

THREADS = 2  # of torch; what more of them would gain has not been measured
LEAST = 32  # pictures of a half; with fewer the second thread costs what it gains
# With weights that are used less often for a picture, or with more of them, a step is a few large products of matrices:
# those are faster in one piece.
USES, MOST_WEIGHTS = 4, 1 << 19
# Bytes of all outputs for half a batch. glibc keeps less than 64 MB for a second thread, whatever it is told; what is
# more would be faulted in anew in each step. (One place for all threads would cost any step a seventh.)
ROOM = 40 << 20
# What makes of a picture the same in any batch, and draws nothing. A class that is not here keeps a step whole.
OF_TORCH = (
    "Sequential", "Identity", "Linear", "Bilinear", "Flatten", "Unflatten", "Conv1d", "Conv2d", "Conv3d",
    "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "MaxPool1d", "MaxPool2d", "MaxPool3d", "AvgPool1d",
    "AvgPool2d", "AvgPool3d", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "GroupNorm", "LayerNorm", "LocalResponseNorm", "InstanceNorm1d",
    "InstanceNorm2d", "InstanceNorm3d", "ReLU", "ReLU6", "LeakyReLU", "PReLU", "ELU", "CELU", "SELU", "GELU", "SiLU",
    "Mish", "Hardswish", "Hardsigmoid", "Hardtanh", "Sigmoid", "LogSigmoid", "Tanh", "Tanhshrink", "Softplus",
    "Softsign", "Softshrink", "Hardshrink", "Threshold", "Softmax", "LogSoftmax", "Softmin", "ReflectionPad1d",
    "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d", "ZeroPad1d",
    "ZeroPad2d", "ZeroPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d", "CircularPad1d", "CircularPad2d",
    "CircularPad3d", "Upsample", "PixelShuffle", "PixelUnshuffle", "ChannelShuffle",
)  # fmt: skip
OF_SPECC = (
    modules.Concat, modules.Add, modules.Mul, modules.Split, modules.Residual, modules.Gate, modules.ChannelLayerNorm,
    modules.LayerScale, modules.LayerShift, modules.Scale, modules.Shift, modules.Slice, modules.ChannelMean,
    modules.ChannelMax, modules.ChannelPad, modules.GlobalResponseNorm, Forward,
)  # fmt: skip
SINGLE = frozenset([getattr(nn, name) for name in OF_TORCH] + list(OF_SPECC))


# Adds the gradient of a network over some samples, which count by a share; gives their loss.
Gradient = Callable[["Tensor", "Tensor", float, nn.Module], "Tensor"]


class Halves:
    """A network and its twin: the same weights, gradients of their own."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        twins = {id(weight): nn.Parameter(weight.detach(), weight.requires_grad) for weight in network.parameters()}
        buffers = {id(buffer): buffer for buffer in network.buffers()}
        self._twin = deepcopy(network, {**twins, **buffers})
        weights = [weight for weight in network.parameters() if weight.requires_grad]
        self._both = weights, [twins[id(weight)] for weight in weights]
        self._second = ThreadPoolExecutor(1, "second half", initializer=torch.set_num_threads, initargs=(1,))

    def close(self) -> None:
        """End the second thread, once the last gradient is taken."""
        self._second.shutdown()

    @contextmanager
    def cores(self) -> Iterator[None]:
        """While entered, this thread, too, keeps to one core; gradients are to be taken in here.

        torch's own threads would spin on the other half's core for a while after each operation that they share.
        """
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)

    def wrapped(self, gradient: Gradient) -> Callable[[Tensor, Tensor, float], Tensor]:
        """The same function, with half of a batch for each thread."""
        return partial(self.gradient, gradient)

    def gradient(self, part: Gradient, images: Tensor, targets: Tensor, share: float) -> Tensor:
        """Add a batch's gradient to that of the network's weights. Returns: the loss, as `part` would."""
        count = len(images)
        if count < 2 * LEAST:
            return part(images, targets, share, self._network)
        middle = count // 2
        second = self._second.submit(
            part, images[middle:], targets[middle:], share * (count - middle) / count, self._twin
        )
        try:
            try:
                loss = part(images[:middle], targets[:middle], share * middle / count, self._network)
            finally:
                other = second.result()  # waited for whatever happens: it must not work on behind an error
            mine, its = ([weight.grad for weight in weights if weight.grad is not None] for weights in self._both)
            torch._foreach_add_(mine, its)
        finally:
            for weight in self._both[1]:
                weight.grad = None
        return loss + other


def gains(network: nn.Module, shaped: ShapedModel, recipe: Recipe, group: Group) -> bool:
    """Whether a network is faster in halves, and they add up to the whole."""
    if group.place.size > 1 or torch.get_num_threads() != THREADS:
        return False
    if recipe.exact or recipe.compile == "on" or recipe.optimizer == "muon":  # its large products want all threads
        return False
    if recipe.batch < 2 * LEAST or shaped.macs < USES * shaped.params or shaped.params > MOST_WEIGHTS:
        return False
    return 4 * shaped.chain.costs.elements * recipe.batch / 2 <= ROOM and can_be_halved(network)


def can_be_halved(network: nn.Module) -> bool:
    """Whether every module makes of a picture what it would make of it in another batch, and draws nothing."""
    return all(
        type(module) in SINGLE and not is_changed(module) and not getattr(module, "track_running_stats", False)
        for module in network.modules()
    )
