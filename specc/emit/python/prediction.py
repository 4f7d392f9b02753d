"""The part of an exported file that uses the network: from a picture's file to what `specc predict` tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template
from typing import NamedTuple

from specc.emit.python import code
from specc.emit.python.code import CallText, laid_out

NAMES = (
    "CLASSES", "DEVIATION", "MEAN", "TARGET_DEVIATION", "TARGET_MEAN", "THRESHOLD", "WEIGHTS",
    "Image", "ImageOps", "Path",
)  # fmt: skip
"""What this part uses for other things than a class of the network."""


class Prediction(NamedTuple):
    """What a file needs for its `predict`.

    sample:    shape of the network's input, (1 or 3, height, width). fit: how pictures come to that size; empty where
               they must have it.
    constants: what is known from training, by name, among it `mean` and `deviation` of each channel and the file of the
               `weights`, as seen from the folder of the written one.
    said:      the statements that make of `outputs`, of one picture, what is told.
    """

    sample: tuple[int, ...]
    fit: str
    constants: Mapping[str, object]
    said: str


def constants_text(found: Prediction) -> str:
    """What is known from training, a constant each."""
    lines = [laid_out(f"{name.upper()} = ", _literal(value), "", 0) for name, value in found.constants.items()]
    return "\n".join(line for some in lines for line in some)


def functions_text(found: Prediction, network: str) -> str:
    """`load`, `read_picture` and `predict`. Args: network, its class."""
    channels, height, width = found.sample
    said = "\n".join(f"    {line}".rstrip() for line in found.said.splitlines())
    fitted = Template(_FITTED[found.fit]).substitute(height=height, width=width, mode="L" if channels == 1 else "RGB")
    return Template(_FUNCTIONS).substitute(
        network=network, fitted=fitted.rstrip(), said=said, channels=channels, height=height, width=width,
        mode="L" if channels == 1 else "RGB", shape="×".join(map(str, found.sample)),
    )  # fmt: skip


def main_lines() -> list[str]:
    """What the file does with the pictures that it is given where it is run."""
    return ["for path in sys.argv[1:]:", "    print(path, predict(path))"]


def _literal(value: object) -> code.Code:
    if isinstance(value, tuple | list):
        parts = [_literal(part) for part in value]
        if len(parts) == 1:
            return CallText("", (("", f"{code.flat(parts[0])},"),))
        return CallText("", tuple(("", part) for part in parts))
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    """A text that may have been chosen by anybody as one string on one line."""
    return '"' + "".join(map(_character, text)) + '"'


def _character(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if char.isprintable() else char.encode("unicode_escape").decode()


_FUNCTIONS = '''\
@cache
def load(weights: str = WEIGHTS) -> nn.Module:
    """The network with its weights; a relative path begins at this file's folder."""
    from pathlib import Path

    from safetensors.torch import load_file

    model = $network()
    model.load_state_dict(load_file(Path(__file__).parent / weights))
    return model.eval()


def read_picture(path: str) -> Tensor:
    """A picture's file as the network was trained on such, 1×$shape."""
    import numpy as np
    from PIL import Image, ImageOps

    with Image.open(path) as file:
        is_turned = file.getexif().get(0x0112, 1) > 4  # EXIF's orientation
        height, width = file.size if is_turned else file.size[::-1]
$fitted
    levels = torch.from_numpy(np.array(picture)).view(1, $height, $width, $channels)
    x = levels.permute(0, 3, 1, 2).float() / 255
    return (x - torch.tensor(MEAN).view(-1, 1, 1)) / torch.tensor(DEVIATION).view(-1, 1, 1)


def predict(path: str, weights: str = WEIGHTS) -> dict[str, float] | Tensor:
    """What `specc predict` tells of a picture's file."""
    with torch.inference_mode():
        outputs = load(weights)(read_picture(path))
$said'''

_UPRIGHT = """\
        picture = ImageOps.exif_transpose(file)
        if picture.mode.startswith("I"):  # 16 bits
            picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
        picture = picture.convert("$mode")
"""
_FITTED = {
    "": """\
        if (height, width) != ($height, $width):
            raise ValueError(f"{path} is {height}x{width}, and the network takes ${height}x${width}")
"""
    + _UPRIGHT,
    "stretch": """\
        enough = (2 * $height, 2 * $width)
        file.draft("$mode", enough if is_turned else enough[::-1])  # a large JPEG is decoded smaller
"""
    + _UPRIGHT
    + """\
        picture = picture.resize(($width, $height), Image.Resampling.BILINEAR)
""",
    "crop": """\
        # The largest part in the middle that has the network's proportions.
        scale = min(height / $height, width / $width)
        tall, wide = (max(1, min(round(scale * $height), height)), max(1, min(round(scale * $width), width)))
        enough = (-(-2 * height * $height // tall), -(-2 * width * $width // wide))
        file.draft("$mode", enough if is_turned else enough[::-1])  # a large JPEG is decoded smaller
"""
    + _UPRIGHT
    + """\
        top, left = (height - tall) // 2, (width - wide) // 2
        down, across = picture.height / height, picture.width / width
        box = (left * across, top * down, (left + wide) * across, (top + tall) * down)
        picture = picture.crop(tuple(map(round, box)))
        picture = picture.resize(($width, $height), Image.Resampling.BILINEAR)
""",
    "pad": """\
        # All of the picture, in the middle of a black one.
        scale = max(height / $height, width / $width)
        tall, wide = (max(1, min(round(height / scale), $height)), max(1, min(round(width / scale), $width)))
        enough = (2 * tall, 2 * wide)
        file.draft("$mode", enough if is_turned else enough[::-1])  # a large JPEG is decoded smaller
"""
    + _UPRIGHT
    + """\
        part = picture.resize((wide, tall), Image.Resampling.BILINEAR)
        picture = Image.new("$mode", ($width, $height))
        picture.paste(part, (($width - wide) // 2, ($height - tall) // 2))
""",
}
