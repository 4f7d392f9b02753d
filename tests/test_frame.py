"""Pictures of any size in a frame of one size: where each goes, in files, arrays, masks and single pictures alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from callbacks import Stop
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file
from torchvision.transforms import RandomResizedCrop

from specc.data.batches import Batches
from specc.data.frame import RandomCut, placement
from specc.data.images import InMemory, Streamed
from specc.data.load import load_dataset
from specc.data.picture import Reader
from specc.data.sources.picture_files import PictureFiles
from specc.data.transform import prepared, prepared_masks
from specc.diagnostics.diagnostic import Problem
from specc.evaluate.network import load
from specc.recipe.reading import overridden
from specc.recipe.recipe import Recipe
from specc.recipe.samples import Fit
from specc.runner.resume import resume
from specc.runner.run import train

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
FITS: tuple[Fit, ...] = ("stretch", "crop", "pad")
SPEC = "input 3x8x8\nconv 4 k3 -> bn -> relu -> flatten -> linear 2\n"
sides = st.integers(1, 300)


@given(sides, sides, sides, sides, st.sampled_from(FITS))
def test_what_is_taken_lies_in_the_picture_and_where_it_goes_in_the_frame(
    height: int, width: int, tall: int, wide: int, fit: Fit
) -> None:
    found = placement((height, width), (tall, wide), fit)
    for (top, left, high, broad), (most_high, most_broad) in (
        (found.box, (height, width)),
        (found.place, (tall, wide)),
    ):
        assert top >= 0 and left >= 0 and high >= 1 and broad >= 1
        assert top + high <= most_high and left + broad <= most_broad
        assert abs(2 * top + high - most_high) <= 1 and abs(2 * left + broad - most_broad) <= 1  # in the middle
    assert fit == "crop" or found.box == (0, 0, height, width)
    assert fit == "pad" or found.place == (0, 0, tall, wide)
    if fit != "stretch":  # one side is used up, and the proportions stay but for a pixel's rounding
        assert height in found.box or width in found.box
        assert tall in found.place[2:] or wide in found.place[2:]
        kept, made = (found.box, found.place) if fit == "pad" else (found.place, found.box)
        (high, broad), (made_high, made_broad) = kept[2:], made[2:]
        assert min(abs(made_broad - made_high * broad / high), abs(made_high - made_broad * high / broad)) <= 1


def striped(height: int, width: int) -> Image.Image:
    """A picture whose levels tell the place of each pixel."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([255 * y / max(1, height - 1), 255 * x / max(1, width - 1), np.full_like(y, 200)], 2)
    return Image.fromarray(pixels.astype(np.uint8))


def by_hand(picture: Image.Image, side: int, fit: Fit) -> np.ndarray[Any, Any]:
    """The same in plain Pillow."""
    width, height = picture.size
    if fit == "stretch":
        return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR))
    if fit == "crop":
        short = min(picture.size)
        left, top = (width - short) // 2, (height - short) // 2
        part = picture.crop((left, top, left + short, top + short))
        return np.asarray(part.resize((side, side), Image.Resampling.BILINEAR))
    size = (max(1, round(side * width / max(picture.size))), max(1, round(side * height / max(picture.size))))
    frame = Image.new("RGB", (side, side))
    frame.paste(picture.resize(size, Image.Resampling.BILINEAR), ((side - size[0]) // 2, (side - size[1]) // 2))
    return np.asarray(frame)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [(40, 60), (61, 33), (16, 16), (5, 90)])
def test_a_file_an_array_and_a_picture_come_to_the_same(size: tuple[int, int], fit: Fit, tmp_path: Path) -> None:
    picture = striped(*size)
    picture.save(tmp_path / "a.png")
    expected = by_hand(picture, 16, fit)
    reader = Reader("RGB", 16, 16, True, fit)
    assert (reader.read(str(tmp_path / "a.png")) == expected).all()
    assert (reader.taken(picture, "a") == expected).all()
    array = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).unsqueeze(0)
    ours = prepared(array, (16, 16), None, fit)[0].permute(1, 2, 0)
    assert (ours.int() - torch.from_numpy(expected.astype(int))).abs().max() <= 1


@pytest.mark.parametrize("fit", FITS)
def test_a_large_jpeg_that_is_decoded_smaller_is_placed_alike(fit: Fit, tmp_path: Path) -> None:
    picture = striped(900, 1300)
    picture.save(tmp_path / "a.jpg", quality=95)
    pixels = Reader("RGB", 20, 20, True, fit).read(str(tmp_path / "a.jpg")).astype(int)
    assert np.abs(pixels - by_hand(picture, 20, fit)).max() <= 8


@pytest.mark.parametrize("fit", FITS)
def test_masks_go_with_their_pictures(fit: Fit, tmp_path: Path) -> None:
    """Where a mask says 1 the picture is bright, whatever is done to both; what is filled is of no class."""
    mask = np.zeros((30, 50), np.uint8)
    mask[10:20, 20:32] = 1
    for part in ("train", "test"):
        for kind, pixels in (("images", mask * 255), ("masks", mask)):
            (tmp_path / part / kind).mkdir(parents=True)
            Image.fromarray(pixels).save(tmp_path / part / kind / "a.png")
    np.savez(
        tmp_path / "a.npz", x_train=mask[None] * 255, y_train=mask[None], x_test=mask[None] * 255, y_test=mask[None]
    )
    seen = []
    for data, where in ((tmp_path, "on"), (tmp_path, "off"), (tmp_path / "a.npz", "on")):
        recipe = Recipe(data=str(data), task="segment", resize=20, fit=fit, in_memory=where)  # type: ignore[arg-type] # words
        train = load_dataset(recipe).train
        x, y = next(iter(train.batches([slice(0, 1)])))
        assert ((x[0, 0] > 127) == (y[0] == 1)).float().mean() > 0.97
        assert int((y == 255).sum()) == (20 * 8 if fit == "pad" else 0)
        seen.append(y)
    assert seen[0].equal(seen[1]) and (seen[0] != seen[2]).float().mean() < 0.05


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two classes of photographs, tall ones and wide ones."""
    chance = np.random.default_rng(0)
    for label, name in enumerate(("cat", "dog")):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(10):
            noise = chance.integers(100 * label, 100 * label + 156, (30 + 3 * number, 50 - 2 * number, 3), np.uint8)
            Image.fromarray(noise).save(tmp_path / "pets" / name / f"{number}.png")
    return tmp_path / "pets"


@pytest.mark.parametrize("fit", FITS)
def test_a_run_prepares_pictures_everywhere_as_it_has_learned_with(fit: Fit, pets: Path, tmp_path: Path) -> None:
    run = train(SPEC, tmp_path / "run", data=str(pets), resize=8, fit=fit, epochs=1, device="cpu", batch=8)
    net, path = load(run.folder), pets / "dog" / "9.png"
    pixels = torch.from_numpy(by_hand(Image.open(path), 8, fit).copy()).permute(2, 0, 1) / 255
    expected = net.model(pixels.unsqueeze(0)).softmax(1)[0].tolist()
    said = {one["class"]: one["probability"] for one in net.predict(path).values["classes"]}
    assert [said["cat"], said["dog"]] == pytest.approx(expected, abs=1e-5)
    assert json.loads((run.folder / "recipe.json").read_text())["fit"] == fit


def test_a_fit_without_a_size_is_refused() -> None:
    with pytest.raises(Problem, match="`fit` means nothing without `resize`"):
        overridden(Recipe(), {"fit": "crop"})


# Parts at full size


def test_parts_are_drawn_as_torchvision_draws_them() -> None:
    cut, images = RandomCut(7, 0.08), torch.empty(3, 240, 320)
    ours = torch.tensor([cut.box(place, (240, 320)) for place in range(4000)]).double()
    torch.manual_seed(0)
    theirs = torch.tensor([
        RandomResizedCrop.get_params(images, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(4000)
    ]).double()  # fmt: skip
    assert (ours.mean(0) - theirs.mean(0)).abs().max() < 4
    assert (ours.std(0) - theirs.std(0)).abs().max() < 4
    assert cut.box(3, (100, 3)) == (48, 0, 4, 3)  # where no draw fits, the largest part in the middle
    assert cut.box(5, (240, 320)) == RandomCut(7, 0.08).box(5, (240, 320)) != RandomCut(8, 0.08).box(5, (240, 320))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_part_is_cut_out_of_the_picture_at_full_size(workers: int, pets: Path) -> None:
    recipe = Recipe(data=str(pets), resize=8, resized_crop=0.2)
    dataset = load_dataset(recipe)
    assert isinstance(dataset.train, Streamed) and "cuts out of the files" in dataset.note
    dataset = dataset.on(CPU, workers)
    from specc.data.augment import augmentation_of

    batches = Batches(dataset.train, 4, augmentation=augmentation_of(recipe, 2))
    generator = torch.Generator().manual_seed(3)
    found = torch.cat([x for x, _ in batches.shuffled(generator)])
    generator.manual_seed(3)
    order = torch.randperm(len(batches), generator=generator).tolist()
    cut = RandomCut(int(torch.randint(2**62, (), generator=generator)), 0.2)
    assert isinstance(dataset.train, Streamed) and isinstance(dataset.train.reader.source, PictureFiles)
    paths = dataset.train.reader.source.contents.parts["training"].paths
    for pixels, place in zip(found, order, strict=True):
        picture = Image.open(paths[place])
        top, left, tall, wide = cut.box(place, (picture.height, picture.width))
        box = (left, top, left + wide, top + tall)
        expected = np.asarray(picture.crop(box).resize((8, 8), Image.Resampling.BILINEAR))
        assert (pixels * 255).round().permute(1, 2, 0).equal(torch.from_numpy(expected.copy()).float())
    # What is skipped changes nothing that follows.
    rest = torch.cat([x for x, _ in batches.shuffled(generator.manual_seed(3), skip=2)])
    assert rest.equal(found[8:])


def test_pictures_stay_in_memory_where_nothing_larger_is_lost(pets: Path, tmp_path: Path) -> None:
    assert isinstance(load_dataset(Recipe(data=str(pets), resize=8, resized_crop=0.2, in_memory="on")).train, InMemory)
    for path in pets.rglob("*.png"):
        Image.open(path).resize((8, 8)).save(path)
    dataset = load_dataset(Recipe(data=str(pets), resize=8, resized_crop=0.2))
    assert isinstance(dataset.train, InMemory) and "cuts out" not in dataset.note


@pytest.mark.parametrize("fit", FITS)
def test_a_stopped_run_goes_on_with_the_same_parts(fit: Fit, pets: Path, tmp_path: Path) -> None:
    recipe: dict[str, Any] = {
        "resize": 8, "fit": fit, "resized_crop": 0.2, "flip": True, "normalize": True, "epochs": 2, "batch": 4,
        "workers": 0, "device": "cpu",
    }  # fmt: skip
    train(SPEC, tmp_path / "whole", data=str(pets), **recipe)
    train(SPEC, tmp_path / "run", data=str(pets), callback=Stop(6), **recipe)
    resume(tmp_path / "run", workers=1)
    one, other = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "run"))
    assert all(tensor.equal(other[name]) for name, tensor in one.items())


def test_masks_of_another_size_are_scaled_to_the_nearest_pixel() -> None:
    masks = torch.randint(0, 5, (2, 12, 12), dtype=torch.uint8)
    assert prepared_masks(masks, (6, 6)).equal(masks[:, 1::2, 1::2])
    assert prepared_masks(masks, None) is masks
