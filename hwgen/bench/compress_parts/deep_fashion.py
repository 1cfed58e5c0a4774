"""Deep Compression (arXiv 1510.00149) on Fashion-MNIST, which is harder than digits."""

from dataclasses import asdict

from .deep import recipe_of
from .work import Work, inputs, measured
from .work import lacking as lacking_of

__all__ = ["KEY", "WORKS", "inputs", "lacking", "measure"]

WORKS = (
    Work(method="Deep Compression", network="lenet-300-100", data="Fashion-MNIST",
         recipe=recipe_of("deep-lenet300-fashion", epochs=14, pruning=14, bits=4,
                          density={"fc1": 0.05, "fc2": 0.1, "fc3": 0.4}), must={}, published={}),
    Work(method="Deep Compression", network="lenet-5", data="Fashion-MNIST",
         recipe=recipe_of("deep-lenet5-fashion", epochs=8, pruning=8, bits=4,
                          density={"conv1": 0.6, "conv2": 0.2, "fc1": 0.08, "fc2": 0.3}),
         must={}, published={}),
)
KEY = [asdict(work) for work in WORKS]


def lacking(bench):
    """Data."""
    return lacking_of(bench, WORKS)


def measure(bench):
    """Rows of each network."""
    yield from measured(bench, WORKS)
