"""Colours by name, light and dark. A family differs from its neighbours in lightness as well as in hue, so that it
shows in greyscale and to colour-blind readers; and its word stands in every box.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Shade: TypeAlias = Literal["light", "dark"]
Theme: TypeAlias = Literal["light", "dark", "auto"]
ROOT = "specc-picture"
FONTS = 'Arial, Helvetica, "Liberation Sans", "DejaVu Sans", sans-serif'
_FONT = f".{ROOT} text{{font-family:{FONTS}}}.{ROOT} .b{{font-weight:bold}}"


class Paint(NamedTuple):
    """fill and stroke as CSS writes them; dash, the pattern of the stroke."""

    fill: str
    stroke: str = "none"
    width: float = 1
    dash: str = ""


_LIGHT = {
    "paper": Paint("#ffffff"),
    "text": Paint("#1b1f24"),
    "muted": Paint("#57606a"),
    "line": Paint("none", "#57606a", 1.3),
    "head": Paint("#57606a"),
    "skip": Paint("none", "#8c6bb1", 1.6),
    "skiphead": Paint("#8c6bb1"),
    "wrap": Paint("none", "#d0d7de", 4),
    "wraphead": Paint("#8b949e"),
    "rays": Paint("none", "#8b949e", 0.8, "3 2"),
    "frame": Paint("#57606a09", "#8b949e", 1),
    "join": Paint("#ffffff", "#424a53", 1.3),
    "end": Paint("#ffffff", "#57606a", 1.2),
    "block": Paint("#dfe5ec", "#57606a", 1.4),
    "convolution": Paint("#a5c8ea", "#2f6296"),
    "pooling": Paint("#f4c78f", "#94590c"),
    "linear": Paint("#c3a9dc", "#67428c"),
    "normalisation": Paint("#f1f4f7", "#8b949e"),
    "activation": Paint("#fcefb9", "#a08722"),
    "regularisation": Paint("#ffffff", "#8b949e", 1, "4 2"),
    "shape": Paint("#d3ddd7", "#5d7466"),
    "scale": Paint("#d6efe6", "#3f8168"),
    "channels": Paint("#d3ddd7", "#5d7466"),
    "identity": Paint("#ffffff", "#8b949e"),
    "map": Paint("#eef2f6", "#57606a"),
    "window": Paint("#d9480f33", "#d9480f", 1.2),
    "highlight": Paint("#e5484d22", "#e5484d", 2.4),
    "dim": Paint("#1b1f2426"),
    "gleam": Paint("#ffffff73"),
    "grid": Paint("none", "#dde1e6"),
    "curve0": Paint("none", "#9a6700", 1.8),
    "dot0": Paint("#9a6700"),
    "curve1": Paint("none", "#0b62c4", 1.8),
    "dot1": Paint("#0b62c4"),
    "curve2": Paint("none", "#7d3fbf", 1.8),
    "dot2": Paint("#7d3fbf"),
}
_DARK = {
    "paper": Paint("#14181d"),
    "text": Paint("#e8edf2"),
    "muted": Paint("#a3adb8"),
    "line": Paint("none", "#a3adb8", 1.3),
    "head": Paint("#a3adb8"),
    "skip": Paint("none", "#b79be0", 1.6),
    "skiphead": Paint("#b79be0"),
    "wrap": Paint("none", "#3d4751", 4),
    "wraphead": Paint("#77818c"),
    "rays": Paint("none", "#77818c", 0.8, "3 2"),
    "frame": Paint("#ffffff08", "#6b7580", 1),
    "join": Paint("#14181d", "#c3ccd5", 1.3),
    "end": Paint("#14181d", "#a3adb8", 1.2),
    "block": Paint("#2b333c", "#a3adb8", 1.4),
    "convolution": Paint("#24527f", "#7fb2e5"),
    "pooling": Paint("#6e4a17", "#e0a95c"),
    "linear": Paint("#4f3570", "#b899dc"),
    "normalisation": Paint("#232a31", "#77818c"),
    "activation": Paint("#544a17", "#d8c25c"),
    "regularisation": Paint("#14181d", "#77818c", 1, "4 2"),
    "shape": Paint("#303b35", "#90a99b"),
    "scale": Paint("#1d4638", "#6fbfa0"),
    "channels": Paint("#303b35", "#90a99b"),
    "identity": Paint("#14181d", "#77818c"),
    "map": Paint("#252c34", "#a3adb8"),
    "window": Paint("#ff922b44", "#ff922b", 1.2),
    "highlight": Paint("#ff636933", "#ff6369", 2.4),
    "dim": Paint("#00000059"),
    "gleam": Paint("#ffffff26"),
    "grid": Paint("none", "#31373f"),
    "curve0": Paint("none", "#e0a83a", 1.8),
    "dot0": Paint("#e0a83a"),
    "curve1": Paint("none", "#62a8f8", 1.8),
    "dot1": Paint("#62a8f8"),
    "curve2": Paint("none", "#c093f5", 1.8),
    "dot2": Paint("#c093f5"),
}
_PAINTS: dict[str, dict[str, Paint]] = {"light": _LIGHT, "dark": _DARK}


def style_of(family: str) -> str:
    """The style for a layer's family; a family that another package brings is drawn like a shape."""
    return family if family in _LIGHT else "shape"


def paint(style: str, shade: Shade = "light") -> Paint:
    """The colours behind a name."""
    return _PAINTS[shade][style]


def shade_of(theme: Theme) -> Shade:
    """The colours of what knows no preference of its reader: light unless dark is asked for."""
    return "dark" if theme == "dark" else "light"


def style_sheet(theme: Theme, used: set[str]) -> str:
    """CSS for the styles that a picture uses, all of it below the picture's own class."""
    first = _rules(shade_of(theme), used)
    dark = f"@media (prefers-color-scheme:dark){{{_rules('dark', used)}}}" if theme == "auto" else ""
    return _FONT + first + dark


def style_sheet_for_page() -> str:
    """CSS for every style in both shades, on a page whose root element says in `data-theme` which is shown; the colours
    are there for the page's own use as well, as `--window` and `--window-line`."""
    every = set(_LIGHT)
    light = f":root{{{_variables('light')}}}"
    dark = f":root[data-theme=dark]{{{_variables('dark')}{_rules('dark', every)}}}"
    return _FONT + light + _rules("light", every) + dark + "\n"


def _variables(shade: Shade) -> str:
    return "".join(
        f"--{name}:{colours.fill};--{name}-line:{colours.stroke};" for name, colours in _PAINTS[shade].items()
    )


def _rules(shade: Shade, used: set[str]) -> str:
    return "".join(_rule(name, paint(name, shade)) for name in _LIGHT if name in used)


def _rule(name: str, colours: Paint) -> str:
    fill, opacity = opaque(colours.fill)
    parts = [f"fill:{fill}", *([f"fill-opacity:{opacity:.2f}"] if opacity < 1 else [])]
    if colours.stroke != "none":
        parts += [f"stroke:{colours.stroke}", f"stroke-width:{colours.width:g}"]
    if colours.dash:
        parts.append(f"stroke-dasharray:{colours.dash}")
    return f".{ROOT} .{name}{{{';'.join(parts)}}}"


def opaque(colour: str) -> tuple[str, float]:
    """`#57606a09` as a colour and an opacity, which more programs understand.

    >>> opaque("#57606a80"), opaque("none")
    (('#57606a', 0.5019607843137255), ('none', 1.0))
    """
    if len(colour) != 9:
        return colour, 1.0
    return colour[:7], int(colour[7:], 16) / 255
