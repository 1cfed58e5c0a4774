"""Configurations of the fixed-point core: widths, foldings, multipliers, requantisations."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hwgen.ir import Dense, Edge, MatVec, Requantise
from hwgen.numeric import DOUBLING_HIGH, Fixed
from hwgen.plan.stages import FixedStage, divisors

from .sweep import SEED, Base

__all__ = ["FIXED_CASES", "FIXED_DRAWN", "FIXED_HELD_OUT", "KINDS", "FixedCase"]

KINDS = ("sums", "shift", "scale", "channel", "doubling", "dynamic", "leaky")
"""What follows the matrix: nothing, or a requantise by shift alone, a multiplier, one of each
channel, two roundings, shifts of each channel, a slope for negative values."""

FAMILY_OF = {"18x18": ("ecp5",), "8x8": ("ice40",), "25x18": ("xc7",)}
"""Packing -> families that have such blocks."""


@dataclass(frozen=True)
class FixedCase(Base):
    """A matrix of random weights of ``w`` bits, inputs of ``x``, what follows, and its folding.

    On an iCE40 that of ``blocks`` is for an UP5K, as are those of ``luts``.
    """

    has_blocks: ClassVar[bool] = True
    n_out: int
    n_in: int
    pe: int
    simd: int
    w: int = 8
    x: int = 8
    kind: str = "sums"
    out: int = 8
    multipliers: str = "blocks"
    packing: str = "none"
    signed_x: bool = True
    has_bias: bool = True
    levels: int = 1

    def __str__(self):
        sharing = "" if self.packing == "none" else f" {self.packing}"
        ending = self.kind if self.kind == "sums" else f"{self.kind} u{self.out}"
        bias = "" if self.has_bias else " no bias"
        return (f"w{self.w} {'s' if self.signed_x else 'u'}{self.x} {ending} {self.n_in} to"
                f" {self.n_out} pe {self.pe} simd {self.simd} {self.multipliers}{sharing}{bias}"
                f" levels {self.levels}")

    @property
    def families(self):
        return FAMILY_OF.get(self.packing, ("ecp5", "ice40", "xc7"))

    def stage(self, lut_inputs: int = 4) -> FixedStage:
        rng = np.random.default_rng([SEED, self.n_out, self.n_in, self.pe, self.simd])
        w, x = Fixed(self.w), Fixed(self.x, 0, self.signed_x)
        values = rng.integers(w.min, w.max + 1, (self.n_out, self.n_in))
        spread = 1 << (self.w + self.x - 2)
        bias = rng.integers(-spread, spread, self.n_out) if self.has_bias else None
        node = MatVec("fc", ("x",), Dense(values, w), bias)
        edge = Edge((self.n_in,), x, x.min, x.max)
        return FixedStage(node, edge, self._post(rng, node.infer(edge)), self.pe, self.simd,
                          self.levels, packing=self.packing, multipliers=self.multipliers)

    def _post(self, rng, acc) -> Requantise | None:
        """Brings the accumulator to about the result's range."""
        if self.kind == "sums":
            return None
        n, fmt = self.n_out, Fixed(self.out, 0, False)
        less = max(2, max(abs(acc.lo), acc.hi).bit_length() - self.out - 1)
        ways = {
            "shift": ([1], less, "half_up", 0),
            "scale": ([23171], less + 14, "half_even", 0),
            "channel": (rng.integers(1 << 14, 1 << 15, n), less + 14, "half_up", 0),
            "doubling": (rng.integers(1 << 30, 1 << 31, n), less, DOUBLING_HIGH, 0),
            "dynamic": ([1], less - rng.integers(0, 2, n), "half_up", 0),
            "leaky": ([1], less, "half_up", 3),
        }
        multiplier, shift, rounding, slope = ways[self.kind]
        return Requantise("act", ("fc",), np.array(multiplier), shift, rounding, fmt,
                          slope_shift=slope)


def _sweep():
    """Foldings of 8 bits in blocks, then everything else of a few foldings."""
    for size in ((16, 32, 1, 1), (16, 32, 2, 4), (64, 64, 4, 8), (32, 64, 2, 16), (32, 32, 8, 2),
                 (10, 48, 5, 4), (64, 64, 8, 8)):
        yield FixedCase(*size)
    for w, x in ((2, 2), (2, 8), (4, 4), (6, 6), (5, 12), (12, 8), (16, 16), (3, 1)):
        yield FixedCase(16, 32, 2, 4, w, x)
        yield FixedCase(16, 32, 2, 4, w, x, multipliers="luts", signed_x=w != 4)
    for size in ((16, 32, 1, 1), (32, 32, 4, 4), (32, 64, 2, 8), (10, 48, 5, 4)):
        yield FixedCase(*size, multipliers="luts")
        yield FixedCase(*size, 4, 8, multipliers="luts", levels=2)
    for kind in KINDS[1:]:
        yield FixedCase(16, 32, 2, 4, kind=kind, signed_x=False)
        yield FixedCase(16, 32, 4, 2, 4, 4, kind, 4, multipliers="luts")
    for kind in ("shift", "channel"):
        yield FixedCase(64, 64, 8, 8, kind=kind)
        yield FixedCase(24, 48, 4, 6, 6, 8, kind, has_bias=False, levels=3)
    for w, x, size in ((4, 8, (32, 32, 4, 8)), (6, 6, (32, 32, 4, 8)), (5, 8, (16, 32, 2, 4)),
                       (4, 4, (30, 32, 5, 4)), (2, 2, (16, 32, 4, 4))):
        yield FixedCase(*size, w, x, packing="18x18")
    yield FixedCase(32, 32, 4, 8, 4, 8, "channel", packing="18x18")
    for w, x, size in ((8, 8, (32, 32, 4, 8)), (8, 8, (16, 32, 2, 4)), (4, 8, (30, 32, 5, 4))):
        yield FixedCase(*size, w, x, packing="25x18")
    for w, x, size, kind in ((8, 8, (32, 32, 4, 4), "sums"), (4, 4, (16, 32, 2, 4), "shift"),
                             (8, 8, (16, 32, 2, 3 + 1), "channel"), (6, 8, (15, 30, 3, 3), "sums")):
        yield FixedCase(*size, w, x, kind, packing="8x8")


FIXED_CASES = tuple(_sweep())


def _drawn(seed: int, count: int):
    """So many that no constant is fitted to, from a seed: widths, foldings and ends alike."""
    rng, found = np.random.default_rng([SEED, seed]), []
    while len(found) < count:
        n_out, n_in = int(rng.integers(8, 41)), int(rng.integers(16, 97))
        pe, simd = (int(rng.choice(divisors(n))) for n in (n_out, n_in))
        w, x, out = (int(rng.integers(2, 11)) for _ in range(3))
        case = FixedCase(n_out, n_in, pe, simd, w, x, str(rng.choice(KINDS)), out,
                         multipliers=("blocks", "luts")[int(rng.integers(2))],
                         has_bias=bool(rng.integers(2)), levels=int(rng.integers(1, 3)))
        most = 16 if case.multipliers == "luts" else 64
        if 2 <= pe * simd <= most and pe < n_out:
            found.append(case)
    return tuple(found)


FIXED_DRAWN = _drawn(6, 10)
"""Configurations drawn from a seed, which constants are fitted to like those of the sweep."""

FIXED_HELD_OUT = _drawn(7, 10)
"""The same from another seed, chosen after the last constant: none was fitted to these."""
