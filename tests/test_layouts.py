"""Where things lie in a picture: in rows, in columns, down and up again; and boxes in perspective."""

from __future__ import annotations

import re
from collections import Counter
from typing import get_args

import pytest
from drawn import faults, gallery_model, model_of, taken_apart

from specc.emit.draw.captions import sizes_of
from specc.emit.draw.cuboids import draw_cuboid
from specc.emit.draw.ladder import LadderSide, nested
from specc.emit.draw.lecture import BRIEF, ONCE
from specc.emit.draw.levels import comes_back, levels_of
from specc.emit.draw.maps import MapScale
from specc.emit.draw.marks import Piece, Polygon, Rect
from specc.emit.draw.picture import Options, draw
from specc.emit.draw.pieces import FlowStep
from specc.emit.draw.stages import Skip, Stage
from specc.emit.draw.styles import LAYOUTS, STYLES, Layout, Style
from specc.gallery import names

each_style = pytest.mark.parametrize("style", STYLES)
each_layout = pytest.mark.parametrize("layout", LAYOUTS)
every_spec = pytest.mark.parametrize("name", names())
MANY = ["lenet5", "resnet18", "googlenet", "unet", "attention_unet", "fpn_resnet50", "pointnet", "tcn", "wavenet"]


def svg_of(name: str, style: Style, layout: Layout = "auto") -> str:
    return draw(gallery_model(name), "svg", Options(style, layout=layout))


def test_every_layout_has_its_entry() -> None:
    assert tuple(LAYOUTS) == get_args(Layout)


@each_style
@each_layout
@pytest.mark.parametrize("name", MANY)
def test_every_text_has_its_place_in_every_layout(name: str, style: Style, layout: Layout) -> None:
    assert faults(svg_of(name, style, layout)) == []


@each_style
def test_a_row_is_wide_and_a_column_high(style: Style) -> None:
    sizes = {layout: taken_apart(svg_of("lenet5", style, layout)).size for layout in ("row", "column")}
    assert sizes["row"].right > 2 * sizes["row"].bottom
    assert sizes["column"].bottom > 1.5 * sizes["column"].right


# Down and up again


@pytest.mark.parametrize("name", ["unet", "attention_unet", "unet3d", "pix2pix_generator"])
@each_style
def test_a_u_net_is_found(name: str, style: Style) -> None:
    assert svg_of(name, style) == svg_of(name, style, "u")


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "edsr", "autoencoder", "densenet121", "tcn"])
@each_style
def test_what_is_none_is_not_taken_for_one(name: str, style: Style) -> None:
    assert svg_of(name, style) != svg_of(name, style, "u")


@each_style
def test_a_u_has_a_straight_line_for_each_skip(style: Style) -> None:
    svg = svg_of("unet", style)
    paths = re.findall(r'<path class="skip" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"', svg)
    assert len(paths) == svg.count('class="skip"') == 4
    places = sorted((float(top), float(start), float(end)) for start, top, end, low in paths if top == low)
    assert len(places) == 4  # all level, the outer ones above
    assert all(start < end for _, start, end in places)
    if style != "flow":
        assert [start for _, start, _ in places] == sorted(start for _, start, _ in places)
        assert [end for _, _, end in places] == sorted((end for _, _, end in places), reverse=True)


def test_a_u_of_a_network_without_skips_is_one_as_well() -> None:
    for style in STYLES:
        assert faults(svg_of("autoencoder", style, "u")) == []
    assert "output" in svg_of("lenet5", "flow", "u")


def test_levels_follow_sizes() -> None:
    assert levels_of([(3, 32, 32), (8, 16, 16), (8, 16, 16), (64,), (9, 32, 32)]) == [0, 1, 1, 2, 0]
    levels = [0, 0, 1, 2, 1, 0]
    assert comes_back(levels, [Skip(1, 5), Skip(2, 4)])
    assert not comes_back(levels, [Skip(1, 5)]) and not comes_back(levels, [Skip(0, 1), Skip(1, 2)])
    assert nested([Skip(1, 9), Skip(2, 5)]) and not nested([Skip(1, 5), Skip(2, 9)])


def test_rungs_keep_what_leads_to_them_apart() -> None:
    steps = [FlowStep(Piece(5, 5, length, ()), "") for length in (10.0, 20.0, 30.0)]
    side = LadderSide(steps, [0, 1], 14, 32)
    assert side.lengths() == [24, 66, 62]
    tops = side.tops([50, 150, 250])
    assert tops == [26, 116, 220]


# What is inside blocks


def test_a_block_is_shown_under_the_maps_and_its_stack_is_not_grey() -> None:
    svg = svg_of("resnet18", "lecture")
    texts = [text for text, _ in taken_apart(svg).texts]
    assert texts.count("conv 64") == 3 and texts.count("basic") == 7  # six stages and a heading
    assert svg.count('<rect class="frame"') == 1 and 'class="block"' not in svg
    assert svg.count('<circle class="join"') == 1


def test_blocks_of_one_caption_are_shown_once_and_few_in_all() -> None:
    assert svg_of("mobilenet_v2", "lecture").count('<rect class="frame"') == 2
    blocks = "".join(f"block b{n} {{ residual {{ conv 8 k3 p1 }} -> conv 8 k1 }}\n" for n in range(9))
    chain = " -> ".join(f"b{n}" for n in range(9))
    svg = draw(model_of(f"input 8x8x8\n{blocks}{chain}\n"), "svg", Options("lecture"))
    assert svg.count('<rect class="frame"') == 4 and faults(svg) == []


# Boxes


def box_of(shape: tuple[int, ...], times: int = 1) -> tuple[float, float, int]:
    """The width and height of the fronts, and how many there are."""
    drawn = draw_cuboid(Stage(shape, shape, "convolution", "conv", times=times), MapScale(224, 1000))
    fronts = [mark for mark in drawn.marks if isinstance(mark, Rect)]
    assert len([mark for mark in drawn.marks if isinstance(mark, Polygon)]) == 4 * len(fronts)
    return fronts[0].width, fronts[0].height, len(fronts)


def test_the_sides_of_a_box_follow_channels_and_size() -> None:
    thin, thick, low = box_of((16, 112, 112)), box_of((256, 112, 112)), box_of((256, 28, 28))
    assert thin[0] < thick[0] == low[0] and thin[1] == thick[1] > low[1]
    assert box_of((64, 56, 56), times=3)[2] == 3 and box_of((64, 56, 56), times=30)[2] == 4
    assert box_of((4096,))[1] > box_of((10,))[1]


# Slides

SLIDE = 960, 540


def letters(svg: str) -> Counter[float]:
    """The sizes of letters on a slide, but for what is muted, with how many texts have them."""
    seen = taken_apart(svg)
    scale = min(1.0, SLIDE[0] / seen.size.right, SLIDE[1] / seen.size.bottom)
    return Counter(scale * float(size) for size in re.findall(r'<text class="text[^>]*font-size="([\d.]+)"', svg))


@pytest.mark.parametrize("style", ["lecture", "cuboids"])
def test_captions_can_be_read_on_a_slide(style: Style) -> None:
    sizes = {name: letters(svg_of(name, style)) for name in names()}
    assert min(min(all_of) for all_of in sizes.values()) > 6.8  # in the insides of blocks
    assert sum(min(all_of) >= 8 for all_of in sizes.values()) > 0.75 * len(sizes)
    captions = {name: all_of.most_common(1)[0][0] for name, all_of in sizes.items()}
    too_small = {name for name, size in captions.items() if size < 8}
    assert too_small <= {"more/pix2pix_generator", "more/unet_plus_plus"}  # of nine levels, and of twenty-five maps
    assert min(captions.values()) > 7
    assert all(captions[name] > 11 for name in ("lenet5", "classics/alexnet", "classics/vgg16", "small/vgg_cifar"))


def test_what_would_be_too_small_is_told_in_brief() -> None:
    svg = svg_of("attention_unet", "lecture")
    texts = [text for text, _ in taken_apart(svg).texts]
    assert BRIEF in texts and ONCE not in texts and faults(svg) == []
    assert texts.count("64×64×64") == 1 and {"maxpool 2×2", "conv ×2", "256"} <= set(texts)
    assert not {"128×64×64", "conv 128 ×2", "3×3, padding 1"} & set(texts)
    assert BRIEF not in svg_of("unet", "lecture")
    assert BRIEF not in svg_of("attention_unet", "lecture", "row")


def test_a_size_is_left_out_only_where_a_map_before_was_as_high_and_wide() -> None:
    shapes: list[tuple[int, ...]] = [(3, 8, 2), (4, 4, 4), (5, 8, 2), (7,), (9,)]
    stages = [Stage(shape, shape, "convolution", "conv") for shape in shapes]
    assert sizes_of(stages, once=True) == ["3×8×2", "4×4×4", "5", "7", "9"]
    assert sizes_of(stages, once=False)[2] == "5×8×2"
