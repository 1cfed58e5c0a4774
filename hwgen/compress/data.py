"""The real 8x8 handwritten digits that scikit-learn ships, split once and for all."""

import hashlib
import re
from dataclasses import dataclass

import numpy as np

from hwgen.numeric import SpecError

__all__ = ["Split", "digits", "stratified"]

PIXEL_BITS = 5
"""Pixels are the integers 0..16."""


@dataclass(frozen=True, eq=False)
class Split:
    """Integer samples and labels of a training and a test part.

    Members
    -------
    x_train, x_test : int64 (n, n_features), or maps (n, c, h, w)
    y_train, y_test : int64 (n,), labels 0 .. classes - 1
    side : int or None
        Height and width where a sample is a square image in row order; lets training shift it.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    side: int | None = None

    def __post_init__(self):
        for name in ("x_train", "y_train", "x_test", "y_test"):
            array = getattr(self, name)
            if not isinstance(array, np.ndarray) or array.dtype.kind not in "iu":
                raise TypeError(_no_integers(name, array))
        for part in ("train", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            if x.ndim not in (2, 4) or y.shape != (len(x),) or not len(x):
                raise SpecError(f"split: x_{part} must be (n, features) or (n, c, h, w), and"
                                f" y_{part} (n,), with n >= 1, not {x.shape} and {y.shape}")
        if self.side is not None and self.side ** 2 != self.x_train.shape[1]:
            raise SpecError(f"split: side must be None or the root of {self.x_train.shape[1]}"
                            f" features, not {self.side!r}")

    @property
    def classes(self) -> int:
        return int(max(self.y_train.max(), self.y_test.max())) + 1


def _no_integers(name: str, found) -> str:
    """What is wrong with something that is no array of integers, and what to do."""
    dtype = getattr(found, "dtype", None)
    is_array = isinstance(found, np.ndarray)
    what = "one" if is_array else f"a {type(found).__name__}"
    what += "" if dtype is None else f" of {dtype}"
    todo = [] if is_array else [
        f"give {name}.numpy()" if hasattr(found, "numpy") else f"give np.array({name})"]
    if re.search("float|bool", str(dtype)):
        todo.append("scale and round, as np.rint(255 * x).astype(np.int64) does numbers of 0..1;"
                    " the model reads 0..255 as numbers below 1, or as the QuantInput that it"
                    " begins with says" if name.startswith("x") else
                    "labels are the integers 0, 1, 2 ...")
    return (f"split: {name} must be a numpy array of integers, as they arrive on wires, not {what}"
            f": {'; '.join(todo)}".removesuffix(": "))


def stratified(labels, n_test: int, *, seed: int):
    """Indices ``(train, test)``, ascending, with each class in both parts in proportion.

    The shares are rounded by largest remainder, so exactly ``n_test`` indices are in the second.
    The order is that of sha256 of (seed, index): it is the same under every version of every
    library, which no random generator promises.
    """
    labels = np.asarray(labels)
    if not 0 < n_test < len(labels):
        raise SpecError(f"n_test must be in 1..{len(labels) - 1}, not {n_test!r}")
    order = np.argsort([_hash(seed, index) for index in range(len(labels))], kind="stable")
    classes, counts = np.unique(labels, return_counts=True)
    exact = counts * n_test / len(labels)
    take = np.floor(exact).astype(np.int64)
    largest = np.argsort(-(exact - take), kind="stable")
    take[largest[: n_test - take.sum()]] += 1
    test = np.concatenate([
        order[labels[order] == c][:n]
        for c, n in zip(classes, take, strict=True)
    ])
    mask = np.zeros(len(labels), dtype=bool)
    mask[test] = True
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def _hash(seed: int, index: int) -> bytes:
    return hashlib.sha256(f"{seed} {index}".encode()).digest()


def digits(*, n_test: int = 500, seed: int = 0) -> Split:
    """The 1797 scans of ``sklearn.datasets.load_digits``, 8x8 pixels of 0..16, labels 0..9."""
    from sklearn.datasets import load_digits

    raw = load_digits()
    x, y = raw.data.astype(np.int64), raw.target.astype(np.int64)
    train, test = stratified(y, n_test, seed=seed)
    return Split(x[train], y[train], x[test], y[test], side=8)
