"""EIE's nine layers (arXiv 1602.01528): their sizes and densities, with random nonzeros."""

from dataclasses import astuple, dataclass
from functools import cached_property
from math import gcd

import numpy as np

from hwgen.plan.stages.sparse_storage import Columns
from hwgen.plan.stages.sparse_timing import SparseTiming

__all__ = ["CLK_MHZ", "DEPTH", "LAYERS", "PES", "SIZES", "SEED", "Layer", "balance", "columns_of",
           "timing_of"]

PES, DEPTH, CLK_MHZ, SEED = 64, 8, 800, 0


@dataclass(frozen=True)
class Layer:
    """A layer: its densities, and EIE's microseconds, measured and theoretical."""

    name: str
    n_in: int
    n_out: int
    weights: float
    activations: float
    measured_us: float
    theoretical_us: float

    def __str__(self):
        return self.name

    @property
    def simd(self) -> int:
        """Activations that are looked at side by side: up to eight."""
        return gcd(self.n_in, 8)

    @cached_property
    def nonzeros(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the weights that are not 0, each one with the same chance."""
        rng = np.random.default_rng(SEED)
        counts = rng.binomial(self.n_out, self.weights, self.n_in)
        rows = [rng.choice(self.n_out, count, replace=False) for count in counts.tolist()]
        return np.concatenate(rows), np.repeat(np.arange(self.n_in), counts)

    @cached_property
    def busy(self) -> np.ndarray:
        """Which activations are not 0, bool ``(1, n_in)``."""
        return np.random.default_rng(SEED + 1).random((1, self.n_in)) < self.activations


LAYERS = {layer.name: layer for layer in (
    Layer("Alex-6", 9216, 4096, 0.09, 0.351, 30.3, 28.1),
    Layer("Alex-7", 4096, 4096, 0.09, 0.353, 12.2, 11.7),
    Layer("Alex-8", 4096, 1000, 0.25, 0.375, 9.9, 8.9),
    Layer("VGG-6", 25088, 4096, 0.04, 0.183, 34.4, 28.1),
    Layer("VGG-7", 4096, 4096, 0.04, 0.375, 8.7, 7.9),
    Layer("VGG-8", 4096, 1000, 0.23, 0.411, 8.4, 7.3),
    Layer("NT-We", 4096, 600, 0.10, 1, 8.0, 5.2),
    Layer("NT-Wd", 600, 8791, 0.11, 1, 13.9, 13.0),
    Layer("NT-LSTM", 1201, 2400, 0.10, 1, 7.5, 6.5),
)}

SIZES = tuple(astuple(layer) for layer in LAYERS.values())
"""All of them, for the keys of kept results."""


def columns_of(layer: Layer, pe: int = PES, relative_bits: int | None = None,
               nonzeros=None) -> Columns:
    """The layer's entries over ``pe`` elements; of other ``nonzeros`` (rows, columns) if given."""
    rows, columns = layer.nonzeros if nonzeros is None else nonzeros
    return Columns(rows, columns, (layer.n_out, layer.n_in), pe, relative_bits)


def timing_of(layer: Layer, columns: Columns, depth: int = DEPTH) -> SparseTiming:
    """The exact cycle model of the layer."""
    lanes = gcd(columns.pe, layer.n_out)
    return SparseTiming(counts=columns.counts, beats=layer.n_out // lanes, queue_depth=depth,
                        simd=layer.simd)


def balance(layer: Layer, columns: Columns, cycles: int) -> float:
    """Share of the elements' cycles in which one works on an entry, padding included."""
    used = int((columns.counts @ layer.busy[0]).sum())
    return round(used / columns.pe / cycles, 4)
