"""The classification sets that torchvision downloads: a row each; nothing is imported or opened.

Left out is what it cannot download by itself (FER2013, ImageNet, Stanford Cars), what needs further packages (PCAM),
and what is not about classes of pictures.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from specc.data.survey import TEST, TRAINING, VALIDATION, Shape

Parts = dict[str, dict[str, Any]]


class VisionSet(NamedTuple):
    """A data set of torchvision's.

    sample: shape of one, channels first; None of pictures in files, which have many sizes.
    cls:    torchvision's class. parts: what makes each part of it; one part alone is split.
    folder: what is there below the data folder once it is downloaded. root: where torchvision is to put it, there.
    masks:  whether there is a class for each pixel, too.
    """

    name: str
    sample: Shape | None
    classes: int
    about: str
    cls: str
    parts: Parts
    folder: str
    root: str = ""
    masks: bool = False


def _splits(train: str = "train", test: str = "test", validation: str = "") -> Parts:
    named = {TRAINING: train, TEST: test, VALIDATION: validation}
    return {part: {"split": word} for part, word in named.items() if word}


def _halves(**more: Any) -> Parts:
    return {TRAINING: {**more, "train": True}, TEST: {**more, "train": False}}


def _emnist(split: str, classes: int, about: str) -> VisionSet:
    parts = _halves(split=split)
    return VisionSet(f"emnist-{split}", (1, 28, 28), classes, about, "EMNIST", parts, "EMNIST/raw")


WHOLE: Parts = {TRAINING: {}}
VISION_SETS = (
    _emnist("letters", 26, "124,800 handwritten letters"),
    _emnist("balanced", 47, "131,600 handwritten letters and digits, of each as many"),
    _emnist("digits", 10, "280,000 handwritten digits"),
    _emnist("byclass", 62, "814,255 handwritten letters and digits"),
    VisionSet("kmnist", (1, 28, 28), 10, "70,000 handwritten Japanese characters", "KMNIST", _halves(), "KMNIST/raw"),
    VisionSet("qmnist", (1, 28, 28), 10, "MNIST with 60,000 test pictures", "QMNIST", _halves(), "QMNIST/raw"),
    VisionSet("usps", (1, 16, 16), 10, "9,298 digits of postal codes", "USPS", _halves(), "usps", "usps"),
    VisionSet("semeion", (1, 16, 16), 10, "1,593 handwritten digits", "SEMEION", WHOLE, "semeion", "semeion"),
    VisionSet("svhn", (3, 32, 32), 10, "99,289 house numbers", "SVHN", _splits(), "svhn", "svhn"),
    VisionSet("stl10", (3, 96, 96), 10, "13,000 photographs", "STL10", _splits(), "stl10_binary"),
    VisionSet("flowers102", None, 102, "8,189 flowers", "Flowers102", _splits(validation="val"), "flowers-102"),
    VisionSet("food101", None, 101, "101,000 dishes", "Food101", _splits(), "food-101"),
    VisionSet("oxford-iiit-pet", None, 37, "7,349 cats and dogs; with `--task segment` their outlines", "OxfordIIITPet",
        _splits("trainval"), "oxford-iiit-pet", masks=True),
    VisionSet("dtd", None, 47, "5,640 textures", "DTD", _splits(validation="val"), "dtd"),
    VisionSet("fgvc-aircraft", None, 100, "10,000 aircraft", "FGVCAircraft", _splits("trainval"),
        "fgvc-aircraft-2013b"),
    VisionSet("eurosat", None, 10, "27,000 satellite pictures of 64x64", "EuroSAT", WHOLE, "eurosat"),
    VisionSet("gtsrb", None, 43, "39,270 traffic signs", "GTSRB", _splits(), "gtsrb"),
    VisionSet("caltech101", None, 101, "8,677 pictures of objects", "Caltech101", WHOLE, "caltech101"),
    VisionSet("caltech256", None, 257, "30,607 pictures of objects", "Caltech256", WHOLE, "caltech256"),
    VisionSet("imagenette", None, 10, "13,394 photographs of ten of ImageNet's classes", "Imagenette",
        _splits(test="val"), "imagenette2"),
    VisionSet("country211", None, 211, "63,300 photographs by country", "Country211", _splits(validation="valid"),
        "country211"),
    VisionSet("rendered-sst2", None, 2, "9,613 sentences as pictures", "RenderedSST2", _splits(validation="val"),
        "rendered-sst2"),
    VisionSet("sun397", None, 397, "108,754 scenes", "SUN397", WHOLE, "SUN397"),
    VisionSet("clevr", None, 11, "85,000 rendered scenes by the number of their objects", "CLEVRClassification",
        _splits(test="val"), "clevr"),
    VisionSet("places365", None, 365, "1,839,960 places, at 256x256", "Places365", {
        TRAINING: {"split": "train-standard", "small": True}, TEST: {"split": "val", "small": True},
    }, "places365", "places365"),
)  # fmt: skip
BY_NAME = {one.name: one for one in VISION_SETS}
