"""Augmentation: each change of a whole batch against a plain formula, or torchvision's own, for each picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from callbacks import Heard
from torchvision.transforms import RandomErasing, RandomResizedCrop, functional
from torchvision.transforms.functional import InterpolationMode

from specc.data.augment import Augmenter, augmentation_of, colours, mixing, moves, policies, warps
from specc.data.batches import Batches
from specc.data.images import InMemory
from specc.diagnostics.diagnostic import Problem
from specc.recipe.augmentations import known
from specc.recipe.recipe import Recipe
from specc.runner.run import train

CPU = torch.device("cpu")


# What was there first


def test_flip_mirrors_whole_pictures() -> None:
    images = torch.arange(12, dtype=torch.uint8).view(1, 1, 3, 4).repeat(64, 1, 1, 1)
    torch.manual_seed(0)
    changed = moves.flipped(images)
    mirrored = (changed == images.flip(-1)).flatten(1).all(1)
    assert mirrored.logical_xor((changed == images).flatten(1).all(1)).all()
    assert 16 < int(mirrored.sum()) < 48


def test_a_picture_is_mirrored_in_every_other_epoch() -> None:
    """Each one by turns, whatever place in the order it has; which ones first, the seed says."""
    images = torch.arange(12, dtype=torch.uint8).view(1, 1, 3, 4).repeat(64, 1, 1, 1)
    images[:, :, 0, 1] = torch.arange(64, dtype=torch.uint8).view(-1, 1) + 20  # each picture is another one
    images[:, :, 0, 2] = images[:, :, 0, 1]
    ways = []
    for seed in (0, 0, 1):
        asked = Recipe(flip=True, flip_mode="alternate", seed=seed)
        batches = Batches(InMemory(images, torch.arange(64)), 10, augmentation=augmentation_of(asked, 64))
        order, told = torch.Generator().manual_seed(5), list[torch.Tensor]()
        for epoch in range(4):
            mirrored = torch.zeros(64, dtype=torch.bool)
            for x, y in batches.shuffled(order, epoch=epoch):
                mirrored[y] = (x * 255).round().eq(images[y].flip(-1)).flatten(1).all(1)
            told.append(mirrored)
        assert told[0].equal(~told[1]) and told[0].equal(told[2]) and told[1].equal(told[3])
        assert 16 < int(told[0].sum()) < 48
        ways.append(told[0])
    assert ways[0].equal(ways[1]) and not ways[0].equal(ways[2])


def test_masks_are_mirrored_by_turns_as_well() -> None:
    images = torch.randint(0, 256, (20, 1, 6, 6), dtype=torch.uint8)
    batches = Batches(
        InMemory(images, images.squeeze(1).long()), 20,
        augmentation=augmentation_of(Recipe(flip=True, flip_mode="alternate"), 256, masks=True),
    )  # fmt: skip
    ((x, y),) = batches.shuffled(torch.Generator().manual_seed(0), epoch=1)
    assert (x.squeeze(1) * 255).round().long().equal(y)


def test_shift_is_a_crop_of_the_padded_picture() -> None:
    images = torch.randint(1, 256, (50, 2, 5, 6), dtype=torch.uint8)
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2))
    found = set()
    for picture, source in zip(moves.shifted(images, 2), padded, strict=True):
        places = [(y, x) for y in range(5) for x in range(5) if picture.equal(source[:, y : y + 5, x : x + 6])]
        found.update(places[:1])
        assert places
    assert len(found) > 10


def test_hole_is_a_square_of_zeros() -> None:
    changed = mixing.with_hole(torch.ones(40, 3, 8, 8), 4)
    holes = (changed == 0).sum((2, 3))
    assert (holes == holes[:, :1]).all()
    assert int(holes.max()) == 16 and int(holes.min()) >= 4


def test_mixup_blends_pictures_and_classes_alike() -> None:
    torch.manual_seed(0)
    labels = torch.arange(6)
    images = torch.nn.functional.one_hot(labels, 6).float().view(6, 1, 2, 3)
    mixed, targets = mixing.mixed(images, labels, 1.0, 6)
    torch.testing.assert_close(mixed.flatten(1), targets)
    torch.testing.assert_close(targets.sum(1), torch.ones(6))
    assert 0 < float(targets.max()) < 1


def test_a_part_that_is_cut_out_is_torchvisions() -> None:
    images = torch.randint(0, 256, (20, 3, 11, 14), dtype=torch.uint8)
    torch.manual_seed(0)
    changed = moves.cut_out(images, 0.08)
    torch.manual_seed(0)
    boxes = moves.random_boxes(20, 11, 14, 0.08, torch.device("cpu")).int().T.tolist()
    for picture, box, found in zip(images.float(), boxes, changed, strict=True):
        top, left, tall, wide = box
        assert 0 <= top <= 11 - tall and 0 <= left <= 14 - wide
        expected = functional.resized_crop(picture, *box, [11, 14], antialias=False)
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)  # of 255 levels


def test_parts_are_drawn_as_torchvision_draws_them() -> None:
    torch.manual_seed(0)
    ours = moves.random_boxes(4000, 24, 32, 0.08, torch.device("cpu")).T
    picture = torch.zeros(1, 24, 32)
    theirs = torch.tensor(
        [RandomResizedCrop.get_params(picture, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(4000)], dtype=torch.float32
    )
    assert (ours.mean(0) - theirs.mean(0)).abs().max() < 0.4
    assert (ours.std(0) - theirs.std(0)).abs().max() < 0.4
    # Where nothing fits, the part in the middle that is not too long.
    assert moves.random_boxes(1, 100, 3, 0.9, torch.device("cpu")).T.tolist() == [[48, 0, 4, 3]]


def test_jitter_is_torchvisions() -> None:
    images = torch.randint(0, 256, (10, 3, 5, 6), dtype=torch.uint8)
    torch.manual_seed(0)
    changed = colours.jittered(images, (0.4, 0.3, 0.2))
    torch.manual_seed(0)
    factors = [torch.empty(10).uniform_(1 - x, 1 + x).tolist() for x in (0.4, 0.3, 0.2)]
    for picture, found, brightness, contrast, saturation in zip(images, changed, *factors, strict=True):
        expected = functional.adjust_brightness(picture / 255, brightness)
        expected = functional.adjust_saturation(functional.adjust_contrast(expected, contrast), saturation)
        assert (expected * 255 - found).abs().max() < 0.2  # torchvision's weights of grey have four digits


def test_jitter_of_grey_pictures_and_of_nothing() -> None:
    images = torch.randint(0, 256, (4, 1, 5, 6), dtype=torch.uint8)
    assert colours.jittered(images, (0.0, 0.0, 5.0)).equal(images.float())
    assert augmentation_of(Recipe(color_jitter=0.0), 2) is None
    assert colours.strengths_of((0.0, 0.5, 0.0)) == (0.0, 0.5, 0.0)


# Moves


def test_turned_over_is_top_for_bottom() -> None:
    images = torch.arange(12, dtype=torch.uint8).view(1, 1, 3, 4).repeat(64, 1, 1, 1)
    torch.manual_seed(0)
    changed = moves.turned_over(images)
    down = (changed == images.flip(-2)).flatten(1).all(1)
    assert down.logical_xor((changed == images).flatten(1).all(1)).all()
    assert 16 < int(down.sum()) < 48


def test_a_shift_may_mirror_the_picture_at_its_border() -> None:
    images = torch.randint(1, 256, (50, 2, 5, 6), dtype=torch.uint8)
    padded = torch.nn.functional.pad(images.float(), (2, 2, 2, 2), "reflect").byte()
    for picture, source in zip(moves.shifted(images, 2, crop_padding="reflect"), padded, strict=True):
        assert any(picture.equal(source[:, y : y + 5, x : x + 6]) for y in range(5) for x in range(5))


# Warps: torchvision's affine moves a picture by the same numbers


def smooth(count: int, height: int, width: int) -> torch.Tensor:
    """Pictures without sharp edges, so that a hair's breadth in a place is a hair's breadth in a level."""
    torch.manual_seed(5)
    rough = torch.rand(count, 3, 4, 4) * 255
    return torch.nn.functional.interpolate(rough, (height, width), mode="bicubic").clamp(0, 255)


def affine(picture: torch.Tensor, angle: float = 0, shift: Any = (0, 0), scale: float = 1, shear: float = 0) -> Any:
    how = InterpolationMode.BILINEAR
    return functional.affine(picture, angle, list(shift), scale, [shear, 0.0], interpolation=how)


def near(found: torch.Tensor, expected: torch.Tensor) -> None:
    """But for a thousandth of the pixels: where an edge lies, the last bit decides."""
    assert ((found - expected).abs() > 1.5).float().mean() < 1e-3


def test_warps_are_torchvisions() -> None:
    images = smooth(4, 24, 32)
    degrees = torch.tensor([-80.0, -5.0, 10.0, 170.0])
    shifts = torch.tensor([-5.0, 0.0, 3.0, 8.0])
    tangents = torch.tensor([-0.4, 0.0, 0.2, 0.7])
    turned = warps.drawn_from(images, warps.rotation(degrees))
    moved = warps.drawn_from(images, warps.translation(shifts, 2 * shifts))
    slanted = warps.drawn_from(images, warps.shear(tangents, across=True))
    for number, picture in enumerate(images):
        shift, slant = int(shifts[number]), float(tangents[number].atan().rad2deg())
        near(turned[number], affine(picture, float(degrees[number])))
        near(moved[number], affine(picture, shift=(shift, 2 * shift)))
        assert min(
            float((slanted[number] - affine(picture, shear=sign * slant)).abs().mean()) for sign in (1, -1)
        ) < 0.5  # fmt: skip


def test_warps_are_drawn_evenly_and_done_at_once() -> None:
    images = smooth(500, 20, 20)
    torch.manual_seed(0)
    angles = warps.rotated(images, 30.0)[:, 0, 1].asin().rad2deg()
    shifts = warps.translated(images, 0.25)[:, :2, 2]
    factors = 1 / warps.zoomed(images, 0.2)[:, 0, 0]
    for found, most, middle in ((angles, 30, 0), (shifts, 5, 0), (factors, 0.2, 1)):
        assert (found - middle).abs().max() <= most + 1e-4
        assert abs(float((found - middle).std()) - most / 3**0.5) < 0.1 * most
        assert abs(float((found - middle).mean())) < 0.1 * most
    torch.manual_seed(1)
    augmentation = augmentation_of(Recipe(rotate=30.0, translate=0.25, zoom=0.2, shear=10.0), 2)
    assert augmentation is not None
    found, _ = augmentation.move(images.byte(), torch.zeros(500))
    torch.manual_seed(1)
    places = warps.rotated(images, 30.0) @ warps.translated(images, 0.25)
    places = places @ warps.zoomed(images, 0.2) @ warps.slanted(images, 10.0)
    assert found.equal(warps.drawn_from(images.byte(), places))


def test_no_warp_changes_nothing() -> None:
    images = torch.randint(0, 256, (3, 2, 7, 10), dtype=torch.uint8)
    nothing = warps.rotation(torch.zeros(3)) @ warps.translation(torch.zeros(3), torch.zeros(3))
    assert warps.drawn_from(images, nothing).round().equal(images.float())


# Colours


def test_hue_is_torchvisions() -> None:
    images = torch.randint(0, 256, (40, 3, 5, 6)).float()
    images[0, 1:] = images[0, :1]  # grey
    shares = torch.linspace(-0.5, 0.5, 40).view(-1, 1, 1)
    for picture, share, found in zip(images, shares, colours.hue_turned(images, shares), strict=True):
        expected = functional.adjust_hue(picture / 255, float(share)) * 255
        assert (expected - found).abs().max() < 0.01
    assert colours.tinted(images[:, :1], 0.5).equal(images[:, :1])
    torch.manual_seed(0)
    assert not colours.tinted(images, 0.1)[1:].isclose(images[1:]).flatten(1).all(1).any()


def test_blur_is_torchvisions() -> None:
    images = torch.randint(0, 256, (6, 3, 20, 25)).float()
    deviations = torch.tensor([[0.3], [0.5], [1.0], [1.5], [2.0], [0.0]])
    found = colours.smoothed(images, deviations, 2.0)
    for picture, deviation, blurred in zip(images[:5], deviations[:, 0].tolist(), found, strict=False):
        expected = functional.gaussian_blur(picture, [13, 13], [deviation, deviation])
        assert (expected - blurred).abs().max() < 0.01
    assert found[5].isclose(images[5]).all()
    assert colours.blurred(images[..., :1, :1], 3.0).equal(images[..., :1, :1])
    torch.manual_seed(0)
    rough = colours.blurred(torch.randint(0, 256, (400, 1, 30, 30)).float(), 2.0).std((1, 2, 3))
    assert rough.max() > 70 and rough.min() < 15  # from hardly at all to all of it


# Fills and mixes


def test_erased_parts_are_torchvisions() -> None:
    images = torch.ones(3000, 2, 24, 32)
    torch.manual_seed(0)
    found = mixing.erased(images, 0.5)
    holes = found == 0
    assert (holes[:, 0] == holes[:, 1]).all()
    areas = holes[:, 0].float().mean((1, 2))
    assert abs(float((areas > 0).float().mean()) - 0.5) < 0.03
    torch.manual_seed(0)
    theirs = RandomErasing(1, (0.02, 1 / 3), (0.3, 10 / 3))
    expected = torch.stack([(theirs(images[0]) == 0)[0].float().mean() for _ in range(1500)])
    assert abs(float(areas[areas > 0].mean() - expected.mean())) < 0.01
    assert abs(float(areas[areas > 0].std() - expected.std())) < 0.01
    for hole in holes[areas > 0][:50, 0]:  # rectangles
        down, across = hole.any(1), hole.any(0)
        assert hole.equal(down.unsqueeze(1) & across)


def test_cutmix_blends_classes_by_the_area() -> None:
    labels = torch.arange(6)
    images = (labels + 1).float().view(6, 1, 1, 1).expand(6, 2, 10, 12)
    shares = []
    for seed in range(300):
        torch.manual_seed(seed)
        mixed, targets = mixing.patched(images, labels, 1.0, 6)
        for number in range(6):
            expected = torch.stack([(mixed[number, 0] == label + 1).float().mean() for label in labels])
            assert targets[number].isclose(expected, atol=1e-5).all()
        shares.append(float(targets[0, 0]))
    assert 0.55 < float(np.mean(shares)) < 0.75  # Beta(1, 1), what lies outside cut off, and a picture may meet itself
    assert min(shares) < 0.25 and max(shares) == 1


def test_of_two_ways_to_blend_one_is_drawn() -> None:
    augmentation = augmentation_of(Recipe(mixup=1.0, cutmix=1.0), 4)
    assert augmentation is not None
    labels = torch.arange(4)
    images = (labels + 1).float().view(4, 1, 1, 1).expand(4, 1, 8, 8)
    seen: Counter[bool] = Counter()
    for seed in range(200):
        torch.manual_seed(seed)
        blended, targets = augmentation.blend(images, labels)
        assert targets.sum(1).isclose(torch.ones(4)).all()
        seen[bool((blended == blended.round()).all())] += 1  # a patch has whole numbers
    assert 60 < seen[True] < 140


# Policies, for each picture by itself


def applied(picture: torch.Tensor, name: str, level: float, sign: int, most: policies.Strengths) -> torch.Tensor:
    """The same by torchvision's functions."""
    amount, factor = sign * level, 1 + sign * level * most.factor
    height, width = (1, 1) if most.in_pixels else picture.shape[1:]
    ways: dict[str, Callable[[], torch.Tensor]] = {
        "identity": lambda: picture,
        "shift across": lambda: affine(picture, shift=(amount * most.shift * width, 0)),
        "shift down": lambda: affine(picture, shift=(0, amount * most.shift * height)),
        "rotate": lambda: affine(picture, amount * most.degrees),
        "brightness": lambda: functional.adjust_brightness(picture / 255, factor) * 255,
        "saturation": lambda: functional.adjust_saturation(picture / 255, factor) * 255,
        "contrast": lambda: functional.adjust_contrast(picture / 255, factor) * 255,
        "sharpness": lambda: functional.adjust_sharpness(picture / 255, factor) * 255,
        "posterize": lambda: functional.posterize(picture, 8 - round(level * most.bits)),
        "solarize": lambda: functional.solarize(picture, 255 * (1 - level)),
        "autocontrast": lambda: functional.autocontrast(picture),
        "equalize": lambda: functional.equalize(picture),
    }
    return ways[name]()


@pytest.mark.parametrize("most", [policies.USUAL, policies.WIDE], ids=["randaugment", "trivialaugment"])
@pytest.mark.parametrize("name", policies.NAMES)
def test_every_change_of_a_policy_is_torchvisions(name: str, most: policies.Strengths) -> None:
    images = smooth(12, 40, 44).round().byte()
    levels, signs = torch.arange(12) / 15, torch.tensor([1, -1] * 6)
    drawn = policies.DrawnChanges(torch.full((12,), policies.NAMES.index(name)), levels, signs)
    found = policies.changed(images, drawn, most)
    assert found.shape == images.shape and float(found.min()) >= 0 and float(found.max()) <= 255
    if name.startswith("shear"):
        assert found[0].isclose(images[0].float(), atol=0.01).all() and not found[9].isclose(images[9].float()).all()
        return
    for picture, level, sign, ours in zip(images, levels.tolist(), signs.tolist(), found, strict=True):
        moves_it = name in ("shift across", "shift down", "rotate")
        expected = applied(picture.float() if moves_it else picture, name, level, sign, most).float()
        if moves_it and name != "rotate" and not most.in_pixels:
            continue  # torchvision shifts by whole pixels; `test_warps_are_torchvisions` compares those
        if moves_it and name != "rotate" and level * most.shift % 1:
            continue
        assert ((ours - expected).abs() > 1.51).float().mean() < 2e-3


def test_policies_draw_for_each_picture_from_the_whole_list() -> None:
    images = smooth(600, 12, 12).byte()
    torch.manual_seed(0)
    drawn = policies._drawn(images)
    assert set(drawn.change.tolist()) == set(range(14)) and set(drawn.sign.tolist()) == {-1, 1}
    assert len(set(drawn.level.tolist())) == 31
    torch.manual_seed(0)
    assert policies.trivially_augmented(images, True).equal(policies.changed(images, drawn, policies.WIDE))
    weak, strong = (policies.randomly_augmented(images, (1, strength)) for strength in (1, 30))
    assert (weak - images).abs().mean() < (strong - images).abs().mean() / 3
    assert policies.randomly_augmented(images[:, :1], 9).shape == (600, 1, 12, 12)


# All of them


VALUES: dict[str, Any] = {
    "resized_crop": 0.3, "rotate": 40.0, "translate": 0.3, "zoom": 0.3, "shear": 20.0, "flip": True,
    "flip_vertical": True, "crop": 3, "randaugment": (2, 12), "trivialaugment": True, "color_jitter": 0.4, "hue": 0.2,
    "blur": 1.5, "cutout": 4, "erase": 0.6, "mixup": 0.4, "cutmix": 1.0,
}  # fmt: skip


def test_every_augmentation_is_tried() -> None:
    assert list(VALUES) == list(known(Recipe))


@pytest.mark.parametrize("name", VALUES)
def test_the_same_state_draws_the_same(name: str) -> None:
    images, labels = smooth(20, 12, 12).byte(), torch.arange(20) % 3
    augmentation = augmentation_of(Recipe.model_validate({name: VALUES[name]}), 3)
    assert augmentation is not None
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        moved, targets = augmentation.move(images, labels)
        found.append(augmentation.blend(moved.float() / 255, targets))
    assert found[0][0].equal(found[1][0]) and found[0][1].equal(found[1][1])
    assert not found[0][0].equal(found[2][0])
    assert found[0][0].shape == images.shape and not found[0][0].equal(images.float() / 255)


@pytest.mark.parametrize(
    "name", [name for name, one in known(Recipe).items() if one.when in ("cuts", "warps", "moves")]
)
def test_a_mask_moves_with_its_picture(name: str) -> None:
    """Where the mask says 2 the picture is bright, whatever was drawn; what came in from outside is of no class."""
    torch.manual_seed(0)
    masks = torch.ones(64, 40, 40, dtype=torch.uint8)
    masks[:, 6:26, 10:34] = 2
    images = ((masks - 1) * 200 + 20).unsqueeze(1)
    augmentation = augmentation_of(Recipe.model_validate({name: VALUES[name]}), 3, masks=True)
    assert isinstance(augmentation, Augmenter)
    torch.manual_seed(1)
    moved, targets = augmentation.move(images, masks)
    assert (targets.long() != masks).any() and set(targets.flatten().tolist()) <= {-1, 1, 2}
    after = torch.get_rng_state()
    if "augment" not in name:
        bright = moved[:, 0].float() > 120
        assert (bright != (targets == 2)).float().mean() < 0.02
    torch.manual_seed(1)
    alone, _ = augmentation_of(Recipe.model_validate({name: VALUES[name]}), 3).move(images, masks)  # type: ignore[union-attr] # it is one
    assert alone.equal(moved) and torch.get_rng_state().equal(after)


# What makes no sense


SIGNAL = "input 1x32\nconv 4 k3 -> relu -> flatten -> linear 2\n"


def test_signals_are_not_augmented(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((20, 1, 32), np.float32), y=np.arange(20) % 2)
    for setting in ({"flip": True}, {"cutmix": 1.0, "mixup": 0.2}):
        with pytest.raises(Problem) as caught:
            train(SIGNAL, tmp_path / "run", data=str(tmp_path / "a.npz"), **setting)
        found = caught.value.diagnostic
        assert found.code == "E605" and "only pictures can be augmented" in found.message
        assert found.help == "leave out " + ", ".join(f"`{name}`" for name in sorted(setting, key=list(VALUES).index))


@pytest.mark.parametrize("setting", [{"resize": 64}, {"channels": 3}, {"resize": (8, 9), "fit": "crop", "channels": 1}])
def test_signals_are_not_scaled(setting: dict[str, Any], tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((20, 1, 32), np.float32), y=np.arange(20) % 2)
    with pytest.raises(Problem, match="only pictures can be scaled or made grey or RGB") as caught:
        train(SIGNAL, tmp_path / "run", data=str(tmp_path / "a.npz"), **setting)
    found = caught.value.diagnostic
    assert (found.code, found.help) == ("E605", "leave out " + ", ".join(f"`{name}`" for name in setting))


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"flip": True}, "augmented: flip; flip moves the picture, and its numbers stay"),
        ({"rotate": 9, "crop": 1, "blur": 1}, "; rotate and crop move the picture, and its numbers stay"),
        ({"blur": 1, "cutout": 2}, "augmented: blur 1.0, cutout 2"),
    ],
)
def test_numbers_that_stay_are_told(setting: dict[str, Any], told: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((20, 8, 8), np.uint8), y=np.linspace(0, 1, 20, dtype=np.float32))
    heard = Heard()
    spec = "input 1x8x8\nflatten -> linear 1\n"
    train(spec, tmp_path / "run", data=str(tmp_path / "a.npz"), task="regress", epochs=1, callback=heard, **setting)
    assert heard.lines[0].endswith(told)


@pytest.mark.parametrize("task", ["regress", "segment", "multilabel", "reconstruct"])
@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_only_classes_are_blended(task: str, name: str) -> None:
    from specc.recipe.reading import overridden

    with pytest.raises(Problem, match=f"`{name}` is a setting of `task classify`"):
        overridden(Recipe(), {"task": task, name: 1.0})


def test_a_mirrored_border_is_narrower_than_the_picture(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        train("input 1x8x8\nflatten -> linear 10\n", tmp_path / "run", data="digits", crop=8, crop_padding="reflect")
    assert caught.value.diagnostic.help == "`--crop 7` is the widest there"
