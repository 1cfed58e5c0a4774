"""Configurations of the other parts of a binarised design: unrolled cores, ends, lanes."""

from dataclasses import dataclass

import numpy as np

from hwgen.ir import Argmax, Dense, Edge, MatVec, Thermometer, Threshold
from hwgen.numeric import Fixed, Format
from hwgen.plan.stages import ArgmaxStage, Conversion, ThermometerStage, UnrolledStage
from hwgen.rtl.convert import Converter
from hwgen.rtl.stream import format_shape

from .sweep import ONE, S2, SEED, U2, Base, name_of

__all__ = ["OTHERS", "ArgmaxCase", "ConverterCase", "ThermometerCase", "UnrolledCase"]


@dataclass(frozen=True)
class UnrolledCase(Base):
    """A matrix with random weights in logic; ``out`` None where scores leave."""

    n_out: int
    n_in: int
    weights: Format = ONE
    out: Format | None = ONE
    levels: int = 1

    def __str__(self):
        formats = "-".join(name_of(fmt) for fmt in (self.weights, ONE, self.out))
        return f"unrolled {formats} {self.n_in} to {self.n_out} levels {self.levels}"

    def stage(self, lut_inputs: int = 4) -> UnrolledStage:
        rng = np.random.default_rng([SEED, self.n_out, self.n_in])
        values = rng.choice(self.weights.levels, (self.n_out, self.n_in))
        node, x = MatVec("fc", ("x",), Dense(values, self.weights)), Edge((self.n_in,), ONE, -1, 1)
        post = None
        if self.out is not None:
            spread = int(self.n_in ** 0.5)
            table = np.sort(rng.integers(-spread, spread + 1,
                                         (self.n_out, len(self.out.levels) - 1)), axis=1)
            post = Threshold("act", ("fc",), table, np.zeros(self.n_out, bool), self.out)
        return UnrolledStage(node, x, post, self.n_out, self.levels, lut_inputs)


@dataclass(frozen=True)
class ArgmaxCase(Base):
    """The ``k`` best of ``n`` scores of ``bits`` bits."""

    n: int
    bits: int
    k: int = 1

    def __str__(self):
        return f"argmax {self.k} of {self.n}, {self.bits} bits"

    def stage(self, lut_inputs: int = 4) -> ArgmaxStage:
        fmt = Fixed(self.bits)
        return ArgmaxStage(Argmax("argmax", ("x",), k=self.k),
                           Edge((self.n,), fmt, fmt.min, fmt.max))


@dataclass(frozen=True)
class ThermometerCase(Base):
    """``lanes`` of 64 elements of ``bits`` bits a cycle, against ``steps`` levels."""

    lanes: int
    bits: int
    steps: int

    def __str__(self):
        return f"thermometer {self.steps} of {self.bits} bits lanes {self.lanes}"

    def stage(self, lut_inputs: int = 4) -> ThermometerStage:
        fmt = Fixed(self.bits, 0, False)
        levels = np.linspace(fmt.min, fmt.max, self.steps + 2).astype(int)[1:-1]
        return ThermometerStage(Thermometer("code", ("x",), levels),
                                Edge((64,), fmt, fmt.min, fmt.max), self.lanes)


@dataclass(frozen=True)
class ConverterCase(Base):
    """Beats of ``lanes_in`` elements become beats of ``lanes_out``."""

    lanes_in: int
    lanes_out: int
    x: Format = ONE

    def __str__(self):
        return f"lanes {name_of(self.x)} {self.lanes_in} to {self.lanes_out}"

    def stage(self, lut_inputs: int = 4) -> Conversion:
        return Conversion(self.lanes_in, self.lanes_out)

    def component(self, stage):
        return Converter(format_shape(self.x), stage)

    def estimate(self, stage, target):
        return stage.estimate(target, self.x.bits)


OTHERS = (
    UnrolledCase(16, 48), UnrolledCase(12, 64, out=None, levels=2),
    UnrolledCase(8, 32, weights=S2, out=U2),
    ArgmaxCase(10, 12), ArgmaxCase(16, 8, k=3),
    ThermometerCase(8, 5, 3), ThermometerCase(4, 8, 7),
    ConverterCase(4, 32), ConverterCase(48, 8, U2), ConverterCase(12, 8, U2),
)
