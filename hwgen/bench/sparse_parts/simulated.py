"""Whole layers simulated: the Verilog takes the cycles of the model, and computes golden's sums.

Those of NeuralTalk, the smallest of the nine: of the others, simulators take too long to compile.
A mean of intervals between vectors of which each has other zeros agrees to the cycle, or not.
"""

import numpy as np

from hwgen.ir import Edge, Input, MatVec, Network, Shared
from hwgen.numeric import Fixed
from hwgen.plan import Design
from hwgen.plan.stages import SparseStage

from ..frame.bench import machine
from ..frame.devices import ecp5_target
from ..frame.row import Row
from .works import DEPTH, LAYERS, PES, SEED

__all__ = ["CASES", "EIE", "KEY", "design_of", "expected", "inputs_of", "lacking", "measure",
           "rows"]

EIE = {"index": "relative", "index_bits": 4, "values": "codes"}
CASES = {"NT-We": EIE, "NT-LSTM": EIE, "NT-Wd": {"values": "codes"}}
FRAMES, DENSITY, X, CLK_HZ = 8, 0.5, Fixed(16), 100_000_000
COUNTED = FRAMES - FRAMES // 2 - 1
"""Intervals of which the bench tells the mean."""

KEY = (tuple(CASES.items()), FRAMES, DENSITY, PES, DEPTH, SEED)


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """For each layer whether values are golden's, and the cycles between vectors."""
    for name, storage in CASES.items():
        yield from rows(bench, f"{name} simulated, {' '.join(map(str, storage.values()))}",
                        design_of(LAYERS[name], storage), name)


def rows(bench, work: str, design: Design, folder: str):
    """What a layer's simulation gives, and what it must."""
    x = inputs_of(design)
    result = bench.build(design, folder).verify(x, bench="compiled", seed=SEED,
                                                progress=bench.tell_step)
    common = {"work": work, "device": machine(), "tools": "Verilator", "seed": SEED}
    yield Row(**common, metric="values that differ from golden", value=result.mismatched,
              must="== 0")
    yield Row(**common, metric="cycles of the last vectors", unit="cycles",
              value=round(result.interval_cycles * COUNTED),
              must=f"== {expected(design.stages[0], x)}")


def design_of(layer, storage, pe: int = PES, depth: int = DEPTH) -> Design:
    """The layer alone: 15 shared weights of 16 bits, inputs of 16 bits."""
    rng = np.random.default_rng(SEED)
    rows, columns = layer.nonzeros
    centroids = np.sort(rng.choice(np.r_[-2000:0, 1:2001], 15, replace=False))
    dense = np.zeros((layer.n_out, layer.n_in), np.int64)
    dense[rows, columns] = rng.choice(centroids, len(rows))
    nodes = (Input("x", (), (layer.n_in,), X), MatVec("fc", ("x",), Shared.of(dense)))
    network = Network(layer.name.lower(), nodes, ("fc",))
    edge = Edge((layer.n_in,), X, X.min, X.max)
    stage = SparseStage(nodes[1], edge, None, pe, depth, simd=layer.simd, **storage)
    return Design(network, ecp5_target(CLK_HZ), CLK_HZ, (stage,))


def inputs_of(design: Design) -> np.ndarray:
    """Random inputs, part of them 0, int64 ``(frames, n_in)``; the first without zeros."""
    rng = np.random.default_rng(SEED + 1)
    x = rng.integers(X.min, X.max + 1, (FRAMES, design.stages[0].n_in))
    return x * (rng.random(x.shape) < np.r_[1, [DENSITY] * (FRAMES - 1)][:, None])


def expected(stage: SparseStage, x) -> int:
    """Cycles of the last vectors, back to back behind the others, as the model has them."""
    ends = stage.timing.departures(x != 0)[:, -1]
    return int(ends[-1] - ends[-1 - COUNTED])
