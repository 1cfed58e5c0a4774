"""The trained networks of the repository on MNIST's test images, as the parts need them."""

from pathlib import Path

import numpy as np

from hwgen.flow import api
from hwgen.flow.mnist import as_read

from .bench import SEED, file_digests, machine
from .idx import folder_of
from .row import Row

__all__ = ["NETWORKS", "accuracy", "digests", "images", "lacking", "scores"]

NETWORKS = Path("networks")

BATCHES = 20
"""In which golden takes the images: bounds the memory."""


def digests(names) -> dict:
    """Digest of the file of each network that is there."""
    return file_digests(NETWORKS / f"{name}.hwgen" for name in names)


def lacking(names, bench=None) -> str | None:
    """What of the networks ``names`` and, with ``bench``, the images is not there, as a text."""
    missing = [name for name in names if not (NETWORKS / f"{name}.hwgen").is_file()]
    if missing:
        return f"trained networks {', '.join(missing)} in {NETWORKS}/"
    if bench is not None and bench.data is None:
        return "the MNIST files, --data FOLDER"
    return None


def images(bench):
    """Test images as integers (n, 784) and labels."""
    from hwgen.compress import mnist

    split = mnist(folder_of(bench, "MNIST") or bench.data)
    return split.x_test.astype(np.int64), split.y_test


def accuracy(network, x, labels) -> float:
    """Percent of the images (n, 784) that golden classifies rightly, two decimals."""
    hits = 0
    for part, right in zip(np.array_split(x, BATCHES), np.array_split(labels, BATCHES),
                           strict=True):
        classes = np.argmax(api.run(network, as_read(network, part)), axis=1)
        hits += int((classes == right).sum())
    return round(100 * hits / len(x), 2)


def scores(bench, artefact, x, *, stalls: str = "none"):
    """Rows of the images (n, 784) through the emitted Verilog: compared, mismatched, seconds."""
    result = artefact.verify(as_read(artefact.network, x), stalls=stalls, seed=SEED,
                             bench="compiled", progress=bench.tell_step)
    common = {"work": f"{artefact.name}, emitted Verilog, {stalls} stalls", "seed": SEED,
              "device": machine(), "tools": f"Verilator {result.version}"}
    yield Row(**common, metric="scores and classes compared", value=result.compared,
              must=f">= {10 * len(x)}")
    yield Row(**common, metric="mismatched", value=result.mismatched, must="== 0")
    yield Row(**common, metric="time", value=round(result.seconds, 1), unit="s")
