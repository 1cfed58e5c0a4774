"""The same binarised network through da4ml, which shares sub-sums of constant matrices.

Its package is optional: ``pip install 'hwgen[peers]'``.
"""

import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from hwgen.ir import MatVec, Network, Threshold
from hwgen.synth import SynthJob, synthesise

__all__ = ["ADDERS_PER_REGISTER", "generate", "is_there", "sources", "synthesised"]

ADDERS_PER_REGISTER = 2

FAST = {"method0": "wmc", "search_all_decompose_dc": False, "decompose_dc": -1, "hard_dc": -1}
"""One decomposition; the search over all had not finished this network after five minutes."""

TOP = "peer"


def is_there() -> bool:
    """Whether the package is installed."""
    return find_spec("da4ml") is not None


def generate(network: Network, folder: Path) -> tuple[float, int]:
    """Write Verilog into ``folder``; seconds, and pipeline stages.

    Bits stand for signs: with ``x = 2 b - 1`` a threshold on ``W x`` is one on ``W b``.
    """
    from da4ml.codegen import VerilogModel
    from da4ml.trace import FixedVariableArray, HWConfig, comb_trace, to_pipeline

    begin, n_in = time.monotonic(), network.input.shape[0]
    inputs = FixedVariableArray.from_kif(
        np.zeros(n_in, int), np.ones(n_in, int), np.zeros(n_in, int),
        hwconf=HWConfig(1, -1, -1), solver_options=dict(FAST))
    values, rows = inputs, None
    for node in network.nodes[1:]:
        if isinstance(node, MatVec):
            weights = node.weights.to_dense()
            rows, values = weights.sum(axis=1), values @ weights.T.astype(np.float64)
        elif isinstance(node, Threshold):
            values = _compared(values, node, rows)
    pipeline = to_pipeline(comb_trace(inputs, values), ADDERS_PER_REGISTER, verbose=False)
    VerilogModel(pipeline, TOP, folder, print_latency=False).write()
    return time.monotonic() - begin, len(pipeline.solutions)


def _compared(values, node, rows):
    """Bit arrays of a threshold: ``2 W b - sum(W) >= t`` as a comparison of ``W b``."""
    from da4ml.trace import FixedVariableArray

    limits = -(-(node.thresholds + rows) // 2)
    bits = [value < float(limit) if invert else value >= float(limit)
            for value, limit, invert in zip(values, limits, node.invert, strict=True)]
    return FixedVariableArray(np.array(bits), values.solver_options, hwconf=values.hwconf)


def sources(folder: Path) -> list[Path]:
    """What it wrote, with the modules of its library that this text names.

    Its table of constants is left out where there is none: it wants a file that does not exist.
    """
    texts = {path: path.read_text() for path in sorted((Path(folder) / "src").rglob("*.v"))}
    return [path for path in texts if path.parent.name != "static"
            or any(path.stem in text for other, text in texts.items() if other != path)]


def synthesised(folder: Path, device, out: Path, progress):
    """The report of yosys, with the same options as ours."""
    job = SynthJob(sources=sources(folder), top=TOP, device=device, clock_mhz=100, place=False)
    return synthesise(job, out, reuse=True, progress=progress)
