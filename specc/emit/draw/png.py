"""SVG in, PNG out, by resvg, which needs no browser: the package `resvg_py`, of the extra `draw`."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from specc.diagnostics.diagnostic import Problem

MOST_PIXELS = 80_000_000
INSTEAD = "an SVG needs nothing: `-o net.svg`"
_PROBE = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">{}</svg>'
_SIZE = re.compile(r'width="([0-9.]+)" height="([0-9.]+)"')


def to_png(svg: str, scale: float = 2.0, instead: str = INSTEAD) -> bytes:
    """A picture as a PNG file.

    Args:   scale, pixels of the PNG for each of the SVG. instead, what needs neither resvg nor a font.
    Raises: Problem E656 without resvg, E657 where no font is installed, E658 where there are too many pixels.
    """
    render = _renderer(instead)
    _require_room(svg, scale)
    return bytes(render(svg_string=svg, zoom=scale, **_fonts(render, instead)))


def _renderer(instead: str) -> Any:
    try:
        from resvg_py import svg_to_bytes
    except ImportError:
        raise Problem.of(
            "E656", "a PNG needs the package `resvg_py`, which is not installed",
            help=f"`pip install resvg_py` installs it\n{instead}",
        ) from None  # fmt: skip
    return svg_to_bytes


def _require_room(svg: str, scale: float) -> None:
    found = _SIZE.search(svg)
    assert found is not None  # noqa: S101 - `to_svg` writes it
    width, height = (round(float(size) * scale) for size in found.groups())
    if width * height > MOST_PIXELS:
        raise Problem.of(
            "E658", f"the PNG would have {width:,}×{height:,} pixels; at most {MOST_PIXELS:,} are drawn",
            help="an SVG has no such bound: `-o net.svg`\n"
            "`--scale 1`, or `--depth 1` for closed blocks, makes the picture smaller",
        )  # fmt: skip


def _fonts(render: Any, instead: str) -> dict[str, Any]:
    """Where fonts come from: the system's own, which resvg finds by itself, else those that Matplotlib carries.

    resvg takes a family for "sans-serif" only where it is told which.
    """
    for fonts in ({}, *({"font_dirs": [folder], "sans_serif_family": "DejaVu Sans"} for folder in _matplotlib_fonts())):
        if _writes(render, fonts):
            return fonts
    raise Problem.of(
        "E657", "no font is installed, so the PNG would have no text",
        help=f"install one, on Debian `apt install fonts-dejavu-core`\n{instead}",
    )  # fmt: skip


def _writes(render: Any, fonts: dict[str, Any]) -> bool:
    text = '<text x="2" y="16" font-size="16" font-family="Arial, sans-serif">M×</text>'
    blank, written = (bytes(render(svg_string=_PROBE.format(inside), **fonts)) for inside in ("", text))
    return blank != written


def _matplotlib_fonts() -> list[str]:
    """Matplotlib's folder of fonts, found without importing it."""
    spec = find_spec("matplotlib")
    folders = spec.submodule_search_locations if spec else None
    fonts = [Path(folder) / "mpl-data" / "fonts" / "ttf" for folder in folders or ()]
    return [str(folder) for folder in fonts if folder.is_dir()]
