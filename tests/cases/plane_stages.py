"""Stages of the binarised core for any formats, with frames and what must come out of them."""

import numpy as np

from hwgen import golden
from hwgen.ir import Dense, Edge, Input, MatVec, Network, Threshold
from hwgen.numeric import Bipolar, Fixed, Planes, Ternary
from hwgen.plan.stages import BinaryStage
from hwgen.plan.stages.plane_sum import PlaneSum

__all__ = ["INPUTS", "OUTPUTS", "WEIGHTS", "codes", "plane_frames", "plane_stage"]

RESIDUAL, MULTI_BASE, TWO_SCALES = (
    Planes.of_bases((5, 2)), Planes.of_bases((-4, 2, 1)), Planes((3, -5)))

WEIGHTS = (Bipolar(), Ternary(), Fixed(2), Fixed(3), Fixed(2, 0, False), RESIDUAL, MULTI_BASE,
           TWO_SCALES, Planes((1, 3), -2), Planes((3, 5), 1))
"""The last two: gains whose halves are no integers, and an offset that is a plane of its own."""

INPUTS = (Bipolar(), Ternary(), Fixed(1, 0, False), Fixed(2, 0, False), Fixed(3), Fixed(2),
          RESIDUAL, MULTI_BASE, TWO_SCALES, Planes((7,), 2))

OUTPUTS = (None, Bipolar(), Fixed(2, 0, False), Fixed(3), Ternary(), RESIDUAL, Planes((3, 3, 1)))
"""None: scores. The others have 1, 3, 7, 2, 3 and 5 thresholds."""


def plane_stage(rng, weights, x, out=None, *, n_out=6, n_in=12, pe=3, simd=4, levels=2,
                parallel=False, bias=True, vectors=(), lut_inputs=4):
    """`BinaryStage` of drawn weights; thresholds spread over the range, two outputs constant."""
    values = rng.choice(weights.levels, (n_out, n_in))
    offsets = rng.integers(-9, 10, n_out) if bias else None
    node = MatVec("fc", ("x",), Dense(values, weights), offsets)
    post = None
    if out is not None:
        edge = node.infer(Edge((n_in,), x, x.min, x.max))
        quarter = (edge.hi - edge.lo) // 4
        table = np.sort(rng.integers(edge.lo + quarter, edge.hi - quarter + 1,
                                     (n_out, len(out.levels) - 1), endpoint=True), axis=1)
        if n_out >= 4:
            table[:2] = [[edge.lo], [edge.hi + 1]]
        post = Threshold("act", ("fc",), table, rng.integers(0, 2, n_out).astype(bool), out)
    planes = PlaneSum(node.weights, x).pairs if parallel else 1
    return BinaryStage(node, Edge((*vectors, n_in), x, x.min, x.max), post, pe, simd, levels,
                       planes, lut_inputs=lut_inputs)


def codes(values, fmt):
    """As they travel: two's complement or the code of a sign, of a sum of planes."""
    return values if isinstance(fmt, (Fixed, Ternary)) else fmt.encode(values)


def plane_frames(rng, stage, count):
    """Frames of codes, all least and all most among them, and the frames that golden gives."""
    edge, nodes = stage.in_edge, list(stage.nodes)
    x = rng.choice(edge.format.levels, (count, *edge.shape))
    x[:2] = [np.full(edge.shape, edge.format.max), np.full(edge.shape, edge.format.min)][:count]
    first = Input("x", (), (stage.n_in,), edge.format)
    network = Network("net", [first, *nodes], (nodes[-1].name,))
    y = golden.run(network, x.reshape(-1, stage.n_in))[nodes[-1].name]
    return (codes(x, edge.format).reshape(count, -1).tolist(),
            codes(y, stage.out_edge.format).reshape(count, -1).tolist())
