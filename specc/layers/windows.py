"""How many windows fit: the one place that knows the output-size formulas."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from specc.diagnostics.proposal import Enlarge, Proposal, SetFields
from specc.layers.torch_call import compact

Proposals: TypeAlias = tuple[Proposal, ...]


class Window(NamedTuple):
    """What a layer slides along one spatial dimension.

    kernel, dilation, padding in pixels of the input, padding on the near side; stride in pixels per window, below 1
    where the layer makes the picture larger.
    """

    kernel: int
    stride: float
    padding: int = 0
    dilation: int = 1

    @property
    def reach(self) -> int:
        """From the first pixel that is read to the last, both counted."""
        return self.dilation * (self.kernel - 1) + 1

    def skips(self, size: int, count: int) -> bool:
        """Whether pixels lie between `count` windows, or inside them, that none reads."""
        stride = int(self.stride)
        if stride <= 1 or count < 2 or size < stride:
            return False
        return len({step * self.dilation % stride for step in range(min(self.kernel, stride))}) < stride

    def reads(self, pixel: int, count: int) -> bool:
        """Whether one of `count` windows reads a pixel, counted from 0; for strides of whole pixels."""
        stride = int(self.stride)
        offsets = (pixel + self.padding - step * self.dilation for step in range(self.kernel))
        return any(offset % stride == 0 and 0 <= offset < count * stride for offset in offsets)

    def loses(self, size: int, count: int) -> bool:
        """Whether there is a pixel that none of `count` windows reads.

        >>> Window(2, stride=2).loses(7, 3), Window(1, stride=2, padding=1).loses(1, 2), Window(3, stride=1).loses(5, 3)
        (True, True, False)
        """
        if self.stride < 1 or (self.stride == 1 and self.dilation == 1):
            return False
        if self.kernel >= self.stride and self.dilation == 1:
            return self.unread(size, count) > 0
        edge = self.reach + int(self.stride)  # farther from both ends everything repeats
        pixels = range(size) if size <= 2 * edge else (*range(edge), *range(size - edge, size))
        return not all(self.reads(pixel, count) for pixel in pixels)

    def unread(self, size: int, count: int) -> int:
        """How many pixels at the far end come too late for the last of `count` windows.

        >>> Window(2, stride=2).unread(7, 3), Window(3, stride=2, padding=1).unread(8, 4)
        (1, 0)
        """
        if self.stride <= 1 or count < 1:
            return 0
        gap = max(0, int(self.stride) - self.reach)  # what is skipped everywhere is not lost at the end
        return max(0, self.padding + size - int((count - 1) * self.stride) - self.reach - gap)


def window_count(size: int, kernel: int, stride: int, padding: int, dilation: int = 1, *, ceil: bool = False) -> int:
    """How many windows fit along one dimension.

    floor((size + 2·padding − dilation·(kernel − 1) − 1) / stride) + 1

    With `ceil` the division rounds up, as in torch's pools, but no window begins in the padding at the far end.

    Args:    size, kernel, padding in pixels of the input; stride in pixels per window.
    Returns: a count; 0 or less where no window fits.
    Source:  torch.nn.Conv2d and torch.nn.MaxPool2d, "Shape"; Dumoulin and Visin 2016, relationship 15.

    >>> window_count(32, kernel=5, stride=1, padding=0)
    28
    >>> window_count(6, kernel=3, stride=2, padding=0), window_count(6, kernel=3, stride=2, padding=0, ceil=True)
    (2, 3)
    """
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count


def window_formula(size: int, kernel: int, stride: int, padding: int, dilation: int = 1, *, ceil: bool = False) -> str:
    """The formula with the numbers put in, as `window_count` computes it.

    >>> window_formula(4, kernel=5, stride=5, padding=0)
    '⌊(4 + 2·0 − 1·(5−1) − 1) / 5⌋ + 1 = 0'
    >>> window_formula(3, kernel=1, stride=4, padding=0, ceil=True)
    '⌈(3 + 2·0 − 1·(1−1) − 1) / 4⌉ + 1 = 2, and one less: the last would begin in the padding'
    """
    count = window_count(size, kernel, stride, padding, dilation, ceil=ceil)
    left, right = "⌈⌉" if ceil else "⌊⌋"
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    whole = -(-room // stride) + 1 if ceil else count
    text = f"{left}({size} + 2·{padding} − {dilation}·({kernel}−1) − 1) / {stride}{right} + 1 = {whole}"
    return text.replace("= -", "= −") + (", and one less: the last would begin in the padding" if whole > count else "")


def transposed_size(size: int, kernel: int, stride: int, padding: int, output_padding: int, dilation: int = 1) -> int:
    """The size whose windows a transposed convolution takes back.

    (size − 1)·stride − 2·padding + dilation·(kernel − 1) + output_padding + 1

    Args:    size in pixels of the input; kernel, padding, output_padding in pixels of the output.
    Returns: pixels; 0 or less where nothing is left.
    Source:  torch.nn.ConvTranspose2d, "Shape"; Dumoulin and Visin 2016, relationship 14.

    >>> transposed_size(14, kernel=2, stride=2, padding=0, output_padding=0)
    28
    """
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1


def transposed_formula(
    size: int, kernel: int, stride: int, padding: int, output_padding: int, dilation: int = 1
) -> str:
    """The formula with the numbers put in, as `transposed_size` computes it.

    >>> transposed_formula(14, kernel=2, stride=2, padding=0, output_padding=0)
    '(14 − 1)·2 − 2·0 + 1·(2−1) + 0 + 1 = 28'
    """
    grown = transposed_size(size, kernel, stride, padding, output_padding, dilation)
    return f"({size} − 1)·{stride} − 2·{padding} + {dilation}·({kernel}−1) + {output_padding} + 1 = {grown}"


def same_padding(kernel: int, dilation: int) -> tuple[int, int]:
    """The pixels that torch's `same` adds before and after: together dilation·(kernel − 1), the odd one after.

    >>> same_padding(kernel=4, dilation=1)
    (1, 2)
    """
    total = dilation * (kernel - 1)
    return total // 2, total - total // 2


def to_fit(windows: Sequence[Window], sizes: Sequence[int], usual: int, least: int, *, pads: bool) -> Proposals:
    """What makes room for windows that are larger than their picture, the likeliest first.

    Args: usual, the kernel that most layers of the kind have; least, the smallest that makes sense; pads, whether a
          margin is an answer.
    """
    kernels = [window.kernel for window in windows]
    found: list[Proposal] = []
    missing = max(-(-(window.reach - size) // 2) for window, size in zip(windows, sizes, strict=True))
    margin, half = max(window.padding for window in windows), max(window.reach for window in windows) // 2
    if pads and margin < missing <= half:
        found.append(SetFields({"padding": missing}))
    room = [size + 2 * window.padding - 1 for window, size in zip(windows, sizes, strict=True)]
    if any(window.dilation > 1 for window in windows):
        found.append(SetFields({"dilation": max(1, min(room) // max(max(kernels) - 1, 1))}))
    fitting = [pixels // window.dilation + 1 for pixels, window in zip(room, windows, strict=True)]
    for most in (min(fitting) if len(set(kernels)) == 1 else max(kernels), usual):
        smaller = tuple(min(own, size, most) for own, size in zip(kernels, fitting, strict=True))
        if min(smaller) > 0 and max(smaller) >= least:
            found.append(SetFields({"kernel": compact(smaller)}))
    return (*found, Enlarge())
