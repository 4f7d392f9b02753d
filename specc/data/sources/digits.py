"""scikit-learn's own digits: 1,797 real 8×8 scans that come with the package."""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from specc.data.sources import Arrays, ArraySource
from specc.data.survey import TEST, TRAINING, Survey, stratified_fifth

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIGITS = tuple("0123456789")


class Digits(ArraySource):
    """The digits, a stratified fifth of them held out; grey levels 0 to 16 spread over 0 to 255."""

    def known(self) -> Survey:
        return super().known()._replace(classes=DIGITS)

    def load(self) -> Arrays:
        import numpy as np

        grey, digits = _read()
        images = np.rint(grey * (255 / 16)).astype(np.uint8).reshape(-1, 1, 8, 8)
        labels = digits.astype(np.int64)
        train, test = stratified_fifth(digits.tolist())
        return Arrays(DIGITS, {TRAINING: (images[train], labels[train]), TEST: (images[test], labels[test])})


def _read() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Grey levels, (samples, 64), and classes; out of scikit-learn's file, since to import it takes longer than an
    epoch of training on them."""
    import numpy as np

    spec = find_spec("sklearn")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            with gzip.open(path, "rt") as lines:
                table = np.loadtxt(lines, delimiter=",")
            return table[:, :-1], table[:, -1]
    from sklearn.datasets import load_digits  # a scikit-learn that keeps its file elsewhere

    grey, digits = load_digits(return_X_y=True)
    return grey, digits
