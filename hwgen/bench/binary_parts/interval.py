"""Measured intervals of folded configurations against the formula, frames back to back."""

import math
from dataclasses import dataclass

import numpy as np

from hwgen.flow import api
from hwgen.ir import Dense, Edge, Input, MatVec, Network, SlidingWindow, Threshold
from hwgen.numeric import Bipolar, Fixed, Format, Planes, Ternary

from ..frame.bench import SEED, machine
from ..frame.row import Row

__all__ = ["CASES", "KEY", "Layer", "lacking", "measure"]

BOARD, CLK_HZ = "ulx3s-85f", 50_000_000
RESIDUAL = Planes.of_bases((5, 2))


@dataclass(frozen=True)
class Layer:
    """A matrix, what follows it, and its folding; ``pairs`` of planes, ``side`` of them at once.

    With ``image`` (h, w, c) it is a convolution of ``kernel``, ``pad`` pixels of the least value on
    each side, and ``n_in`` the kernel's elements.
    """

    n_out: int
    n_in: int
    pe: int
    simd: int
    weights: Format = Bipolar()
    x: Format = Bipolar()
    pairs: int = 1
    side: int = 1
    image: tuple[int, int, int] | None = None
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    pad: int = 0
    dilation: tuple[int, int] = (1, 1)

    @property
    def pixels(self) -> int:
        """Vectors in a frame."""
        if self.image is None:
            return 1
        return math.prod((size + 2 * self.pad - (k - 1) * d - 1) // s + 1 for size, k, s, d in zip(
            self.image, self.kernel, self.stride, self.dilation, strict=False))

    @property
    def interval(self) -> int:
        """The formula, from the folding alone."""
        folds = (self.n_out // self.pe) * (self.n_in // self.simd)
        return self.pixels * (self.pairs // self.side) * folds


U2, S2 = Fixed(2, 0, False), Fixed(2)
CASES = {
    "W1A1, fully folded": [Layer(8, 24, 1, 1)],
    "W1A1, pe 4 simd 8": [Layer(16, 64, 4, 8)],
    "W1A1, one fold of outputs": [Layer(8, 48, 8, 4)],
    "W1A1, one fold of inputs": [Layer(24, 32, 2, 32)],
    "W1A1, odd pe 3 simd 7": [Layer(9, 35, 3, 7)],
    "W1A2 serial": [Layer(8, 32, 4, 8, x=U2, pairs=2)],
    "W1A2 parallel": [Layer(8, 32, 4, 8, x=U2, pairs=2, side=2)],
    "W2A2 serial": [Layer(8, 32, 4, 8, weights=S2, x=U2, pairs=4)],
    "W2A2 parallel": [Layer(8, 32, 4, 8, weights=S2, x=U2, pairs=4, side=4)],
    "ternary, mask plane": [Layer(8, 32, 2, 16, weights=Ternary())],
    "residual M=2 weights and activations, serial": [
        Layer(32, 32, 4, 8), Layer(8, 32, 4, 8, weights=RESIDUAL, x=RESIDUAL, pairs=4)],
    "residual M=2 weights and activations, parallel": [
        Layer(32, 32, 8, 8), Layer(8, 32, 2, 8, weights=RESIDUAL, x=RESIDUAL, pairs=4, side=4)],
    "convolution 3x3, 6x6 pixels": [Layer(8, 36, 4, 12, image=(8, 8, 4))],
    "convolution 3x3, stride 2, W1A2": [
        Layer(8, 36, 2, 12, x=U2, pairs=2, image=(9, 9, 4), stride=(2, 2))],
    "convolution, a whole window at once": [Layer(8, 36, 4, 36, image=(8, 8, 4))],
    "convolution 3x3 padded, a window a cycle": [
        Layer(8, 36, 8, 36, image=(8, 8, 4), pad=1)],
    "convolution 5x5 padded, a window a cycle": [
        Layer(4, 50, 4, 50, image=(8, 8, 2), kernel=(5, 5), pad=2)],
    "convolution 3x3 padded, dilation 2, a window a cycle": [
        Layer(8, 36, 8, 36, image=(7, 9, 4), pad=2, dilation=(2, 2))],
    "convolution 3x3 padded, two folds of outputs": [
        Layer(8, 36, 4, 36, image=(8, 8, 4), pad=1)],
    "convolution 3x3 padded, W1A2 serial": [
        Layer(8, 36, 8, 36, x=U2, pairs=2, image=(8, 8, 4), pad=1)],
    "three W1A1 layers, slowest first": [
        Layer(32, 64, 4, 8), Layer(16, 32, 4, 8), Layer(10, 16, 2, 4)],
    "three W1A1 layers, slowest last": [
        Layer(32, 64, 16, 16), Layer(16, 32, 4, 8), Layer(10, 16, 1, 2)],
}
KEY = tuple(CASES)


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """A row for each case: mean cycles between frames, which must be what the formula says."""
    for number, (name, layers) in enumerate(CASES.items()):
        network, cores = _network(layers, f"case-{number}")
        expected = max(layer.interval for layer in layers)
        design = api.plan(network, target=BOARD, interval_cycles=expected, clk_hz=CLK_HZ,
                          cores=cores)
        result = bench.build(design, f"case-{number}").verify(bench="compiled", seed=SEED,
                                                              progress=bench.tell_step)
        yield Row(work="interval, simulated", metric=name, value=result.interval_cycles,
                  unit="cycles", must=f"== {expected}", device=machine(), seed=SEED,
                  tools=f"Verilator {result.version}")


def _network(layers, name):
    """The layers with random weights, thresholds between them, and their foldings."""
    rng = np.random.default_rng(SEED)
    first = layers[0]
    shape = first.image or (first.n_in,)
    nodes = [Input("x", (), shape, first.x)]
    edge = Edge(shape, first.x, first.x.min, first.x.max)
    if first.image is not None:
        nodes.append(SlidingWindow(
            "window", ("x",), first.kernel, first.stride, first.dilation, (first.pad,) * 4,
            first.x.min if first.pad else 0))
        edge = nodes[-1].infer(edge)
    cores = {}
    for k, layer in enumerate(layers, 1):
        values = rng.choice(layer.weights.levels, (layer.n_out, layer.n_in))
        nodes.append(MatVec(f"fc{k}", (nodes[-1].name,), Dense(values, layer.weights)))
        cores[f"fc{k}"] = {"core": "binary", "pe": layer.pe, "simd": layer.simd,
                           "planes": layer.side}
        if k == len(layers):
            break
        edge = nodes[-1].infer(edge)
        out = layers[k].x
        table = rng.integers(edge.lo // 2, edge.hi // 2, (layer.n_out, len(out.levels) - 1))
        nodes.append(Threshold(f"act{k}", (f"fc{k}",), np.sort(table, axis=1),
                               rng.random(layer.n_out) < 0.5, out))
        edge = nodes[-1].infer(edge)
    return Network(name, nodes, (nodes[-1].name,)), cores
