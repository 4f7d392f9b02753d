"""Two parts of a source as one, as all samples but a fold's are trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specc.data.sources import DataSource

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from specc.data.frame import RandomCut
    from specc.data.survey import Survey

APART = 1 << 64  # what is drawn for the same place of another part is something else


class JoinedParts(DataSource):
    """A source in which a part goes on, from a place on, with the samples of another part."""

    def __init__(self, source: DataSource, part: str, behind: str, first: int) -> None:
        super().__init__(source.request)
        self.source, self.part, self.behind, self.first = source, part, behind, first

    def survey(self) -> Survey:
        return self.source.survey()

    def take(
        self, part: str, indices: NDArray[np.int64] | slice, cut: RandomCut | None = None
    ) -> tuple[NDArray[Any], NDArray[Any] | None]:
        if part != self.part or isinstance(indices, slice):
            return self.source.take(part, indices, cut)
        import numpy as np

        is_behind = indices >= self.first
        other = cut and cut._replace(seed=cut.seed + APART)
        found = [
            self.source.take(name, indices[chosen] - less, drawn)
            for name, chosen, less, drawn in (
                (part, ~is_behind, 0, cut),
                (self.behind, is_behind, self.first, other),
            )
            if chosen.any()
        ]
        order = np.argsort(np.argsort(is_behind, kind="stable"), kind="stable")
        samples = np.concatenate([samples for samples, _ in found])[order]
        targets = [targets for _, targets in found if targets is not None]
        return samples, np.concatenate(targets)[order] if targets else None
