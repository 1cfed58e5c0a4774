"""Deep Compression (arXiv 1510.00149): prune, fixed point, share, Huffman."""

from dataclasses import asdict

from .work import Work, inputs, measured
from .work import lacking as lacking_of

__all__ = ["KEY", "WORKS", "inputs", "lacking", "measure", "recipe_of"]

COMMON = {"batch": 200, "shift": 0.4}


def recipe_of(name, *, epochs, density, bits, pruning):
    """The recipe, as its TOML file has it."""
    return {"name": name, "seed": 1, "step": [
        {"kind": "train", "epochs": epochs, "lr": 2e-3, **COMMON},
        {"kind": "prune", "density": density, "ends": 0.7, "epochs": pruning, "lr": 2e-3,
         **COMMON},
        {"kind": "quantise", "weight_bits": 8, "activation_bits": 8, "epochs": 1, "lr": 3e-4,
         **COMMON},
        {"kind": "share", "bits": bits, "epochs": 2, "lr": 3e-4, **COMMON},
        {"kind": "code"}]}


WORKS = (
    Work(method="Deep Compression", network="lenet-300-100", data="MNIST",
         recipe=recipe_of("deep-lenet300", epochs=14, pruning=14, bits=4,
                          density={"fc1": 0.05, "fc2": 0.06, "fc3": 0.26}),
         must={"error": "<= 1.64", "ratio": ">= 40"},
         published={"error": "1.58 %, arXiv 1510.00149", "ratio": "40x"}),
    Work(method="Deep Compression", network="lenet-5", data="MNIST",
         recipe=recipe_of("deep-lenet5", epochs=8, pruning=8, bits=4,
                          density={"conv1": 0.5, "conv2": 0.12, "fc1": 0.05, "fc2": 0.15}),
         must={"error": "<= 0.80", "ratio": ">= 39"},
         published={"error": "0.74 %, arXiv 1510.00149", "ratio": "39x"}),
)
KEY = [asdict(work) for work in WORKS]


def lacking(bench):
    """Data."""
    return lacking_of(bench, WORKS)


def measure(bench):
    """Rows of each network."""
    yield from measured(bench, WORKS)
