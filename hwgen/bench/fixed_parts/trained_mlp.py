"""A trained MLP of the jet tagger's sizes, half pruned, unrolled; da4ml beside it."""

import numpy as np

from hwgen import golden
from hwgen.ir import MatVec, Network
from hwgen.rtl.pipeline import Pipeline

from ..frame import trained
from ..frame.bench import SEED, file_digests, tools_of
from ..frame.da4ml_peer import ADDERS_PER_REGISTER, is_there
from ..frame.devices import ECP5, ecp5_target
from ..frame.row import Row
from . import constant_matrix

__all__ = ["KEY", "NETWORK", "inputs", "lacking", "measure", "network"]

NETWORK = trained.NETWORKS / "digits" / "pairs-w6a6.hwgen"
CLK_HZ, TEST_SAMPLES = 100_000_000, 500
KEY = (CLK_HZ, TEST_SAMPLES, ADDERS_PER_REGISTER)

WORK = "trained MLP 16-64-32-32-5, 6 bits, half pruned, unrolled"


def lacking(bench) -> str | None:
    """The core, and the network."""
    if not NETWORK.is_file():
        return f"the trained network {NETWORK}"
    return constant_matrix.lacking(bench)


def inputs(bench) -> dict:
    """The file that decides the result, and whether da4ml runs beside it."""
    return file_digests([NETWORK]) | {"da4ml": is_there()}


def network() -> Network:
    """The network of :mod:`hwgen.compress.recipes_pairs`."""
    from hwgen.flow import api

    return api.load(NETWORK)


def measure(bench):
    """Accuracy and zeros; cells and clock out of context; da4ml's cells and stages."""
    net = network()
    matrices = [node.weights.to_dense() for node in net.nodes if isinstance(node, MatVec)]
    zeros = sum((matrix == 0).sum() for matrix in matrices) / sum(map(np.size, matrices))
    seed = net.meta["seed"]
    yield Row(work=WORK, metric=f"accuracy, {TEST_SAMPLES} test samples, golden", unit="%",
              value=accuracy(net), device="five pairs of scikit-learn's digits", seed=seed)
    yield Row(work=WORK, metric="weights that are 0", unit="%", value=round(100 * zeros, 1),
              must="== 50", seed=seed)
    design = constant_matrix.design_of(net, ecp5_target(CLK_HZ))
    peer = constant_matrix.peer_mlp(bench, "trained", net, [ECP5])
    yield Row(work=WORK, metric="interval", value=design.interval_cycles, unit="cycles",
              must="== 1")
    yield from constant_matrix.beside({"work": WORK}, "adders",
                                      sum(stage.graph.adders for stage in design.stages), peer,
                                      0.85)
    yield Row(work=WORK, metric="latency, a register after every 2 adders in a row",
              value=design.latency_cycles, unit="cycles")
    report = bench.synthesise(Pipeline(design), "trained", ECP5, place=True,
                              clock_mhz=CLK_HZ / 1e6)
    common = {"work": WORK, "device": f"{ECP5}, out of context", "tools": tools_of(report)}
    yield from constant_matrix.beside(common, "LUT4 eq", report.lut_eq, peer, 0.85)
    yield Row(**common, metric="FF", value=report.ff)
    yield Row(**common, metric="fmax", value=report.fmax_mhz, unit="MHz",
              must=f">= {CLK_HZ // 10**6}", seed=SEED)
    yield from constant_matrix.peer_rows("the same trained MLP through da4ml", peer)


def accuracy(net: Network) -> float:
    """Percent of the test samples that golden classifies rightly, one decimal."""
    from hwgen.compress.recipes_pairs import pairs

    split = pairs(n_test=TEST_SAMPLES)
    scores = golden.run(net, split.x_test)[net.outputs[0]]
    return round(100 * float(np.mean(scores.argmax(axis=1) == split.y_test)), 1)
