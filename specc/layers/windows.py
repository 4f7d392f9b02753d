"""How many windows fit: the one place that knows the output-size formulas."""


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


def window_formula(size: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> str:
    """The formula with the numbers put in, as `window_count` computes it.

    >>> window_formula(4, kernel=5, stride=5, padding=0)
    '⌊(4 + 2·0 − 1·(5−1) − 1) / 5⌋ + 1 = 0'
    """
    count = window_count(size, kernel, stride, padding, dilation)
    return f"⌊({size} + 2·{padding} − {dilation}·({kernel}−1) − 1) / {stride}⌋ + 1 = {count}".replace("= -", "= −")


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


def same_padding(kernel: int, dilation: int) -> tuple[int, int]:
    """The pixels that torch's `same` adds before and after: together dilation·(kernel − 1), the odd one after.

    >>> same_padding(kernel=4, dilation=1)
    (1, 2)
    """
    total = dilation * (kernel - 1)
    return total // 2, total - total // 2
