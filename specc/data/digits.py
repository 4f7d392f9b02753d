"""scikit-learn's own digits: 1,797 real 8×8 scans that come with the package."""

from __future__ import annotations

from specc.data.catalogue import DIGITS
from specc.data.dataset import Dataset, LoadRequest, Split
from specc.data.holdout import stratified_fifth


def load(request: LoadRequest) -> Dataset:
    """The digits, a stratified fifth of them held out; grey levels 0 to 16 spread over 0 to 255."""
    import torch
    from sklearn.datasets import load_digits

    grey, digits = load_digits(return_X_y=True)
    images = torch.from_numpy(grey).reshape(-1, 1, 8, 8).mul(255 / 16).round().to(torch.uint8)
    labels = torch.from_numpy(digits).to(torch.int64)
    train, test = stratified_fifth(digits.tolist())
    return Dataset(request.entry.name, DIGITS, Split(images[train], labels[train]), Split(images[test], labels[test]))
