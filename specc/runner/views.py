"""What the report shows beside answers: why they were given, the pictures that were learned from, the first filters.

Guarantees: the network and every state of chance are as they were; each view is bounded, in work and in bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from specc.report.content import Figure, Shown
from specc.report.pictures import heat_of, kernels_as_levels, png_of
from specc.runner.kernels import first_kernels
from specc.runner.why import FAINT, grad_cam, occlusion, occlusion_is_cheap

if TYPE_CHECKING:
    from specc.runner.session import Session
    from specc.tasks.review import Example, Gallery

EXPLAINED = 6  # mistakes of which it is shown what they rest on
LEARNED = 16  # pictures of a batch of training
FILTERS = 64
LARGEST = 512 * 512  # pixels of a picture that is shown


def views_of(session: Session, gallery: Gallery | None) -> Iterator[Shown]:
    """The views that this run has: none of data that are no pictures."""
    sample = session.dataset.sample
    if len(sample) != 3 or sample[1] * sample[2] > LARGEST:
        return
    explained = [one for one in gallery.examples if one.answer is not None] if gallery else []
    if explained:
        yield _why(session, explained[:EXPLAINED])
    if session.train.augmentation is not None:
        yield _learned(session)
    if (filters := _filters(session)) is not None:
        yield filters


def _why(session: Session, examples: list[Example]) -> Shown:
    covers = occlusion_is_cheap(session.shaped, len(examples))
    said = "On what the answer in red rests. Grad-CAM weighs the last maps by how much they raise its score" + (
        "; occlusion covers a part after another, and shows where its probability falls most." if covers else "."
    )
    figures = [figure for one in examples if (figure := _figure(session, one, covers=covers)) is not None]
    return Shown("Why the worst mistakes were made", said, tuple(figures), is_wide=True)


def _figure(session: Session, one: Example, *, covers: bool) -> Figure | None:
    """A picture beside what its answer rests on."""
    (image, said), answer = one.images[0], one.answer
    if answer is None:
        return None
    scaling = session.test.scaling
    x = image.to(session.device)
    maps = {"Grad-CAM": grad_cam(session.tested, session.shaped, x, answer)}
    if covers:
        maps["occlusion"] = occlusion(session.tested, x, answer)
    shown = [(heat_of(image, scaling, found.cpu(), FAINT if name == "occlusion" else 0.0), name)
             for name, found in maps.items() if found is not None]  # fmt: skip
    return Figure(((png_of(image, scaling), said), *shown), one.caption)


def _learned(session: Session) -> Shown:
    """A batch as training gives it."""
    images = session.train.changed(LEARNED, session.recipe.seed).cpu()
    figures = (Figure(((png_of(image, session.train.scaling), "a training picture"),), ()) for image in images)
    said = "Training pictures as the network is given them, changed by chance in every epoch anew."
    return Shown("Augmented pictures", said, tuple(figures))


def _filters(session: Session) -> Shown | None:
    """The first kernels, on one scale with zero in its middle."""
    kernels = first_kernels(session.tested, session.shaped)
    if kernels is None or kernels.values.shape[2] * kernels.values.shape[3] == 1:
        return None
    count, channels, height, width = kernels.values.shape
    shown = kernels_as_levels(kernels.values[:FILTERS])
    figures = (Figure(((png_of(one, None), f"filter {n}"),), ()) for n, one in enumerate(shown, 1))
    first = f", the first {FILTERS}" if count > FILTERS else ""
    of = ", their first channel" if channels not in (1, 3) else ""
    said = f"{count} of {channels}×{height}×{width} in {kernels.name}{first}{of}: light is positive, dark is negative."
    return Shown("Filters of the first layer", said, tuple(figures), is_small=True)
