"""Accuracy of the trained networks over the whole test set, by the golden model."""

from pathlib import Path

import numpy as np

from hwgen.flow import api
from hwgen.flow.mnist import as_read

from ..frame.row import Row
from .bench import file_digests

__all__ = ["KEY", "NETWORKS", "images", "lacking", "measure"]

NETWORKS = Path("networks")
BOUNDS = {
    "mnist-tfc-w1a1": (93.2, "Brevitas 93.17"), "mnist-sfc-w1a1": (97.8, "Brevitas 97.81"),
    "mnist-lfc-w1a1": (98.8, "Brevitas 98.88"), "mnist-sfc-w2a2": (98.6, "Brevitas 98.66"),
    "mnist-sfc-w1a2": (None, "Brevitas 98.31"), "mnist-sfc-ternary": (None, ""),
    "mnist-sfc-residual": (None, "ReBNet"),
}
KEY = tuple(BOUNDS)


def inputs():
    """Files that decide the result."""
    return file_digests(sorted(NETWORKS.glob("*.hwgen")))


def lacking(bench) -> str | None:
    """Networks and data."""
    if not list(NETWORKS.glob("*.hwgen")):
        return f"trained networks in {NETWORKS}/"
    return "the MNIST files, --data FOLDER" if bench.data is None else None


def images(bench):
    """Test images as integers (n, 784) and labels."""
    from hwgen.compress import mnist

    split = mnist(bench.data)
    return split.x_test.astype(np.int64), split.y_test


def measure(bench):
    """A row for each network of the family that is there."""
    from hwgen.compress.recipes_mnist_fixed import FIXED_RECIPES

    x, labels = images(bench)
    for path in sorted(NETWORKS.glob("*.hwgen")):
        if path.stem in FIXED_RECIPES:
            continue
        bench.tell(None, path.stem)
        network = api.load(path)
        hits = int((np.argmax(api.run(network, as_read(network, x)), axis=1) == labels).sum())
        bound, published = BOUNDS.get(path.stem, (None, ""))
        yield Row(work=path.stem, metric=f"accuracy, {len(x)} test images, golden",
                  value=round(100 * hits / len(x), 2), unit="%", device="MNIST",
                  must=None if bound is None else f">= {bound}", published=published,
                  seed=network.meta.get("seed"))
