"""The configurations: every pair of formats of the binarised core, serial and side by side."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hwgen.ir import Dense, Edge, MatVec, MaxPool, SlidingWindow, Threshold
from hwgen.numeric import Bipolar, Fixed, Format, Planes, Ternary
from hwgen.plan.stages import BinaryStage, SerialWindowStage, WideWindowStage
from hwgen.plan.stages.plane_sum import PlaneSum
from hwgen.plan.stages.pool import PoolStage

__all__ = [
    "CASES", "ONE", "RESIDUAL", "S2", "SEED", "U2", "UNITS", "Base", "Case", "Unit", "name_of",
]

SEED = 1

U2, U8, S2, RESIDUAL = Fixed(2, 0, False), Fixed(8, 0, False), Fixed(2), Planes.of_bases((5, 2))
ONE = Bipolar()


class Base:
    """What all configurations have: a stage, what is synthesised, what is estimated, for what."""

    families = ("ecp5", "ice40", "xc7")
    has_blocks = False
    """Whether an iCE40 must be one with multiplier blocks."""

    def component(self, stage):
        """What is synthesised: a stage, or the component itself."""
        return stage

    def estimate(self, stage, target):
        """Cells of the stage."""
        return stage.estimate(target)


@dataclass(frozen=True)
class Case(Base):
    """A matrix with random weights, what follows, and its folding.

    ``out`` is the format behind thresholds, None where scores leave; ``side``: all planes at once.
    """

    families: ClassVar[tuple[str, ...]] = (*Base.families, "gowin")
    n_out: int
    n_in: int
    pe: int
    simd: int
    weights: Format = ONE
    x: Format = ONE
    out: Format | None = ONE
    side: bool = False
    levels: int = 1

    def __str__(self):
        formats = "-".join(name_of(fmt) for fmt in (self.weights, self.x, self.out))
        folding = f"pe {self.pe} simd {self.simd}{' side' if self.side else ''}"
        return f"{formats} {self.n_in} to {self.n_out} {folding} levels {self.levels}"

    def stage(self, lut_inputs: int = 4) -> BinaryStage:
        """The stage, thresholds spread over the middle of the range, half of them inverted."""
        rng = np.random.default_rng([SEED, self.n_out, self.n_in, self.pe, self.simd])
        values = rng.choice(self.weights.levels, (self.n_out, self.n_in))
        node = MatVec("fc", ("x",), Dense(values, self.weights))
        x = Edge((self.n_in,), self.x, self.x.min, self.x.max)
        post = None
        if self.out is not None:
            edge = node.infer(x)
            table = np.sort(rng.integers(edge.lo // 2, edge.hi // 2 + 1,
                                         (self.n_out, len(self.out.levels) - 1)), axis=1)
            post = Threshold("act", ("fc",), table, rng.random(self.n_out) < 0.5, self.out)
        sums = PlaneSum(node.weights, self.x)
        planes = len(sums.weight_planes) * len(sums.input_planes) if self.side else 1
        return BinaryStage(node, x, post, self.pe, self.simd, self.levels, planes,
                           lut_inputs=lut_inputs)


def name_of(fmt) -> str:
    """Short, as the document explains it."""
    short = {ONE: "1", U2: "u2", U8: "u8", S2: "s2", RESIDUAL: "r2", Ternary(): "t",
             None: "scores"}
    return short[fmt]


CASES = (
    Case(64, 512, 4, 32), Case(64, 512, 4, 32, levels=2), Case(64, 512, 8, 64),
    Case(32, 256, 16, 16), Case(128, 256, 2, 128), Case(16, 64, 1, 8), Case(64, 784, 8, 49),
    Case(16, 128, 16, 8), Case(10, 256, 2, 32, out=None), Case(10, 64, 10, 8, out=None),
    Case(32, 128, 4, 32, x=U2, out=U2), Case(32, 128, 4, 32, x=U2, out=U2, side=True),
    Case(32, 128, 4, 32, weights=S2, x=U2, out=U2),
    Case(32, 128, 4, 16, weights=S2, x=U2, out=U2, side=True),
    Case(32, 256, 4, 32, weights=Ternary()), Case(10, 128, 2, 32, weights=Ternary(), out=None),
    Case(32, 128, 4, 16, weights=RESIDUAL, x=RESIDUAL, out=RESIDUAL),
    Case(32, 128, 4, 16, weights=RESIDUAL, x=RESIDUAL, out=RESIDUAL, side=True),
    Case(32, 64, 4, 16, x=U8), Case(32, 64, 2, 16, x=U8, side=True, levels=2),
)


@dataclass(frozen=True)
class Unit(Base):
    """What stands before or behind the matrix of a convolution: windows of 3 x 3, pools of 2 x 2.

    ``kind`` is 'window', 'wide' (a window a cycle) or 'pool'.
    """

    kind: str
    shape: tuple[int, int, int]
    x: Format = ONE
    lanes: int = 1
    pad: int = 0

    def __str__(self):
        lanes = "" if self.kind == "wide" else f" lanes {self.lanes}"
        padded = f" pad {self.pad}" if self.pad else ""
        return f"{self.kind} {name_of(self.x)} {'x'.join(map(str, self.shape))}{lanes}{padded}"

    def stage(self, lut_inputs: int = 4):
        """The stage."""
        edge = Edge(self.shape, self.x, self.x.min, self.x.max)
        if self.kind == "pool":
            return PoolStage(MaxPool("pool", ("x",), (2, 2), (2, 2)), edge, self.lanes)
        window = SlidingWindow("window", ("x",), (3, 3), padding=(self.pad,) * 4,
                               pad_value=self.x.min)
        if self.kind == "wide":
            return WideWindowStage(window, edge)
        return SerialWindowStage(window, edge, self.lanes)


UNITS = (
    Unit("window", (8, 8, 4), lanes=4), Unit("window", (16, 16, 32), lanes=8, pad=1),
    Unit("wide", (8, 8, 4)), Unit("wide", (32, 32, 8), x=U2, pad=1),
    Unit("pool", (8, 8, 16), lanes=16), Unit("pool", (16, 16, 64), x=U2, lanes=4),
)
