"""Accuracy of the trained networks over the whole test set, by the golden model."""

from hwgen.flow import api

from ..frame import trained
from ..frame.bench import file_digests
from ..frame.row import Row

__all__ = ["KEY", "inputs", "lacking", "measure"]

BOUNDS = {
    "mnist-tfc-w1a1": (93.2, "Brevitas 93.17"), "mnist-sfc-w1a1": (97.8, "Brevitas 97.81"),
    "mnist-lfc-w1a1": (98.8, "Brevitas 98.88"), "mnist-sfc-w2a2": (98.6, "Brevitas 98.66"),
    "mnist-sfc-w1a2": (None, "Brevitas 98.31"), "mnist-sfc-ternary": (None, ""),
    "mnist-sfc-residual": (None, "ReBNet"),
}
KEY = tuple(BOUNDS)


def inputs(bench):
    """Files that decide the result."""
    return file_digests(sorted(trained.NETWORKS.glob("*.hwgen")))


def lacking(bench) -> str | None:
    """Networks and data."""
    return trained.lacking(BOUNDS, bench)


def measure(bench):
    """A row for each network of the family that is there."""
    from hwgen.compress.recipes_mnist_fixed import FIXED_RECIPES

    x, labels = trained.images(bench)
    for path in sorted(trained.NETWORKS.glob("*.hwgen")):
        if path.stem in FIXED_RECIPES:
            continue
        bench.tell(None, path.stem)
        network = api.load(path)
        bound, published = BOUNDS.get(path.stem, (None, ""))
        yield Row(work=path.stem, metric=f"accuracy, {len(x)} test images, golden",
                  value=trained.accuracy(network, x, labels), unit="%", device="MNIST",
                  must=None if bound is None else f">= {bound}", published=published,
                  seed=network.meta.get("seed"))
