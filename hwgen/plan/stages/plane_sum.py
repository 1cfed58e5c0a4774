"""How a matrix-vector product becomes popcounts: planes of bits, their gains, one constant each."""

from dataclasses import dataclass
from functools import cached_property
from math import gcd, prod
from typing import ClassVar

import numpy as np

from ...ir import Dense, Loaded, Matrix
from ...numeric import Fixed, Format, PlaneMap, Ternary

__all__ = ["InputPlane", "PlaneSum", "WeightPlane"]


@dataclass(frozen=True)
class InputPlane:
    """Bit ``bit`` of every input code, complemented if ``inverted``, weighs ``gain`` > 0."""

    bit: int
    gain: int
    inverted: bool


@dataclass(frozen=True, eq=False)
class WeightPlane:
    """Bits that meet one input plane; their popcount weighs ``gain`` > 0.

    ``op`` says which pairs of bits count: ``xor`` different ones, ``and`` two ones, ``masked``
    different ones where the mask is 1. ``bits`` uint8 ``(words, n_out, n_in)``: one word, or sign
    and mask. Signs are stored complemented, 1 for -1, since adders take an XOR in but no XNOR.
    ``inverts_x``: the input plane is complemented before, which makes a negative gain positive.
    """

    WORDS: ClassVar[dict[str, int]] = {"xor": 1, "and": 1, "masked": 2}
    op: str
    gain: int
    bits: np.ndarray
    inverts_x: bool = False

    @property
    def words(self) -> int:
        """Stored bits for each weight."""
        return self.WORDS[self.op]

    @property
    def most(self) -> np.ndarray:
        """The largest popcount of each output, int64 ``(n_out,)``; the smallest is 0."""
        n_out, n_in = self.bits.shape[1:]
        if self.op == "xor":
            return np.full(n_out, n_in, np.int64)
        return self.bits[-1].sum(axis=1, dtype=np.int64)

    def flipped(self, rows: np.ndarray) -> "WeightPlane":
        """The plane whose popcount is ``most`` less its own in ``rows``; not for ``and``."""
        bits = self.bits.copy()
        bits[0, rows] ^= 1
        return WeightPlane(self.op, self.gain, bits, self.inverts_x)


def _positive(planes: PlaneMap) -> tuple[PlaneMap, list[bool]]:
    """The same values with positive gains, and which bits are complemented for that."""
    offset = planes.offset + sum(gain for gain in planes.gains if gain < 0)
    return (PlaneMap(tuple(abs(gain) for gain in planes.gains), offset),
            [gain < 0 for gain in planes.gains])


@dataclass(frozen=True, eq=False)
class PlaneSum:
    """``2 W x = unit * sum + constant`` where ``sum`` adds up popcounts with positive gains.

    ``sum = sum over planes of weight_gain * input_gain * popcount(op(weight plane, input plane))``.

    With ``x = offset + sum_k b_k x_k`` (``b_k > 0``, some bits complemented) it follows from
    ``W x_k`` of bits ``x_k``, which is, with ``n`` elements in a row,

    - of weights that are sums of ``+-g_m / 2``, half of ``sum_m g_m (xor_mk - (number of -1))``
      (BNN, arXiv 1602.02830),
    - of ternary weights, ``masked_k - (number of -1)`` (TWN, arXiv 1605.04711): one popcount,
    - of other weights, ``sum_m g_m and_mk`` (DoReFa, arXiv 1606.06160); where ``g_m < 0`` it is
      ``|g_m| (popcount(w & ~x) - ones_m)``; an offset is a plane of ones.

    Parameters
    ----------
    matrix : Matrix     whose format has planes
    x : Format          which has planes
    """

    matrix: Matrix
    x: Format

    @cached_property
    def _inputs(self) -> tuple[tuple[InputPlane, ...], int, int]:
        """Planes, the gain of the unit, and the offset beside them."""
        planes, inverted = _positive(self.x.planes)
        unit = gcd(*planes.gains)
        found = [InputPlane(bit, gain // unit, inverted[bit])
                 for bit, gain in enumerate(planes.gains)]
        return tuple(sorted(found, key=lambda plane: plane.gain)), unit, planes.offset

    @cached_property
    def _weights(self) -> tuple[tuple[WeightPlane, ...], int, np.ndarray]:
        """Planes, twice the gain of the unit, and twice the constant beside a bit vector."""
        planes = self.matrix.format.planes
        if isinstance(self.matrix.format, Ternary):
            found, constant = self._masked()
        elif planes.is_balanced:
            found, constant = self._signs(planes)
        else:
            found, constant = self._and(planes)
        unit = gcd(*(plane.gain for plane in found))
        found = [WeightPlane(plane.op, plane.gain // unit, plane.bits, plane.inverts_x)
                 for plane in found]
        return tuple(sorted(found, key=lambda plane: plane.gain)), unit, constant

    def _bits(self, count: int) -> list[np.ndarray]:
        codes = self.matrix.format.encode(self.matrix.to_dense())
        return [(codes >> bit & 1).astype(np.uint8)[np.newaxis] for bit in range(count)]

    def _masked(self):
        values = self.matrix.to_dense()
        bits = np.stack([values < 0, values != 0]).astype(np.uint8)
        return [WeightPlane("masked", 2, bits)], -2 * (values < 0).sum(axis=1).astype(object)

    def _signs(self, planes):
        gains, inverted = _positive(planes)
        found, constant = [], np.zeros(self.matrix.shape[0], object)
        for gain, inverts, bits in zip(gains.gains, inverted, self._bits(len(inverted)),
                                       strict=True):
            found.append(WeightPlane("xor", gain, bits ^ (not inverts)))
            constant = constant - gain * found[-1].bits.sum(axis=(0, 2)).astype(object)
        return found, constant

    def _and(self, planes):
        gains, bits = [*planes.gains], self._bits(len(planes.gains))
        if planes.offset:
            gains, bits = [*gains, planes.offset], [*bits, np.ones_like(bits[0])]
        found, constant = [], np.zeros(self.matrix.shape[0], object)
        for gain, plane in zip(gains, bits, strict=True):
            found.append(WeightPlane("and", 2 * abs(gain), plane, gain < 0))
            constant = constant + 2 * min(gain, 0) * found[-1].most.astype(object)
        return found, constant

    @property
    def input_planes(self) -> tuple[InputPlane, ...]:
        """Gains ascending, without a common divisor."""
        return self._inputs[0]

    @property
    def weight_planes(self) -> tuple[WeightPlane, ...]:
        """Gains ascending, without a common divisor; all of one ``op``."""
        return self._weights[0]

    @property
    def pairs(self) -> int:
        """Pairs of a weight plane and an input plane."""
        return len(self.weight_planes) * len(self.input_planes)

    @property
    def unit(self) -> int:
        """Twice what 1 in the sum is worth."""
        return self._inputs[1] * self._weights[1]

    @cached_property
    def constant(self) -> np.ndarray:
        """Twice what is added to the sum, Python ints ``(n_out,)``."""
        rows = self.matrix.to_dense().sum(axis=1).astype(object)
        gains = self._inputs[1] * sum(plane.gain for plane in self.input_planes)
        return 2 * self._inputs[2] * rows + gains * self._weights[2]

    @cached_property
    def most(self) -> np.ndarray:
        """The largest sum of each output, Python ints ``(n_out,)``; the smallest is 0."""
        gains = sum(plane.gain for plane in self.input_planes)
        return gains * sum(plane.gain * plane.most.astype(object) for plane in self.weight_planes)

    # -- of weights that are loaded: what holds of any of their format ---------------------------

    @property
    def is_loaded(self) -> bool:
        """Whether the weights may be exchanged."""
        return isinstance(self.matrix, Loaded)

    @property
    def most_count(self) -> int:
        """The largest popcount of a pair of planes of any output."""
        if self.is_loaded:
            return self.matrix.shape[1]
        return max(int(plane.most.max()) for plane in self.weight_planes)

    @property
    def bound(self) -> int:
        """The largest sum of any output, whatever bits are loaded."""
        gains = (sum(plane.gain for plane in planes)
                 for planes in (self.input_planes, self.weight_planes))
        return prod(gains) * self.matrix.shape[1] if self.is_loaded else max(self.most)

    @cached_property
    def _parts(self) -> np.ndarray:
        """What one weight adds to the constant: of each value, of fixed point of each bit alone."""
        fmt = self.matrix.format
        values = fmt.decode([0] + [1 << k for k in range(fmt.bits)]) if isinstance(
            fmt, Fixed) else fmt.levels
        return PlaneSum(Dense(values[:, np.newaxis], fmt), self.x).constant

    @property
    def constant_range(self) -> tuple[int, int]:
        """The least and the largest constant of an output."""
        if not self.is_loaded:
            return min(self.constant), max(self.constant)
        parts, n_in = self._parts, self.matrix.shape[1]
        if not isinstance(self.matrix.format, Fixed):
            return n_in * min(parts), n_in * max(parts)
        zero, bits = parts[0], parts[1:] - parts[0]     # a constant adds up over the bits
        return (n_in * (zero + sum(np.minimum(bits, 0))), n_in * (zero + sum(np.maximum(bits, 0))))

    def constant_is_one(self, modulus: int) -> bool:
        """Whether the constants of all outputs are the same modulo ``modulus``."""
        values = self._parts if self.is_loaded else self.constant
        return not any((values - values[0]) % modulus)

    @property
    def op(self) -> str:
        """What meets: see :class:`WeightPlane`."""
        return self.weight_planes[0].op

    @property
    def flips(self) -> bool:
        """Whether the complement of an output's stored bits turns ``sum`` into ``most - sum``."""
        return self.op != "and"
