"""What the binary core stores: bit planes of weights, and constants that its sums start from."""

from dataclasses import dataclass
from math import gcd

import numpy as np

from hwgen.ir import MatVec, Threshold
from hwgen.numeric import Bipolar, Fixed, Format, Planes, Ternary

from .stored import signed_bits

__all__ = ["PlaneSums", "between_bits", "matrix_planes", "plane_sums", "start_bits",
           "threshold_bits"]


def matrix_planes(fmt: Format) -> int:
    """Bits of each weight of ``fmt``: one for each plane, and one where an offset is a plane.

    Ternary weights have a sign and a mask. Signs and sums of ``+-g / 2`` need no plane of an
    offset, as it is in the constant that a sum starts from.
    """
    planes = fmt.planes
    if isinstance(fmt, Ternary):
        return 2
    return len(planes.gains) + bool(planes.offset and not planes.is_balanced)


@dataclass(frozen=True, eq=False)
class PlaneSums:
    """``2 W x = unit * sum + constant``: popcounts with gains above 0, so that sums begin at 0.

    Members
    -------
    unit : int
    constant : object (n_out,)    Python ints
    most : object (n_out,)        the largest sum of each output, if every bit were free
    flips : bool                  whether the complement of a row turns ``sum`` to ``most - sum``
    """

    unit: int
    constant: np.ndarray
    most: np.ndarray
    flips: bool


def _weight_planes(matrix):
    """``(gain, counts below 0, counts)`` of each plane of ``2 W``, and whether a row can flip.

    Each entry of a plane is 0, ``gain`` or ``-gain``; counts are int64 ``(n_out,)``.
    """
    values, fmt = matrix.to_dense(), matrix.format
    n_in = np.full(len(values), values.shape[1], np.int64)
    if isinstance(fmt, Ternary):
        return [(2, np.count_nonzero(values < 0, axis=1), np.count_nonzero(values, axis=1))], True
    planes, codes = fmt.planes, fmt.encode(values)
    ones = [(gain, (codes >> bit & 1).sum(axis=1)) for bit, gain in enumerate(planes.gains)]
    if planes.is_balanced:
        return [(abs(gain), n_in - count if gain > 0 else count, n_in)
                for gain, count in ones], True
    ones += [(planes.offset, n_in)] if planes.offset else []
    return [(2 * abs(gain), count * (gain < 0), count) for gain, count in ones], False


def plane_sums(matrix, x: Format) -> PlaneSums:
    """Of the product of ``matrix``, whose format has planes, with inputs of ``x``, which has."""
    planes, flips = _weight_planes(matrix)
    gains = [abs(gain) for gain in x.planes.gains]
    offset = x.planes.offset + sum(gain for gain in x.planes.gains if gain < 0)
    unit = gcd(*gains) * gcd(*(gain for gain, _, _ in planes))
    below, counts = (sum(gain * each[k].astype(object) for gain, *each in planes)
                     for k in range(2))
    rows = matrix.to_dense().sum(axis=1).astype(object)
    return PlaneSums(unit, 2 * offset * rows - sum(gains) * below, sum(gains) * counts // unit,
                     flips)


def start_bits(node: MatVec, x: Format) -> int:
    """Bits of what scores start from: bias and constant, and their bits below the sum's unit.

    Nothing where all outputs start from the same.
    """
    sums, bias = plane_sums(node.weights, x), node.bias_or_zero.astype(object)
    constants, low = sums.constant + 2 * bias, 0
    if sums.unit % 2 == 0:
        half = sums.unit // 2
        constants, low = constants // 2, (half & -half).bit_length() - 1
    lows = constants & (1 << low) - 1
    return _differing(constants >> low) + (low * len(lows) if len(set(lows.tolist())) > 1 else 0)


def threshold_bits(node: MatVec, x: Format, post: Threshold) -> int:
    """Bits of thresholds of sums of planes, in which biases and constants are."""
    sums = plane_sums(node.weights, x)
    wanted = 2 * (post.table.astype(object) - node.bias_or_zero.astype(object)[:, None])
    wanted = -(-(wanted - sums.constant[:, None]) // sums.unit)
    never = (sums.most + 1)[:, None]
    table, invert = np.clip(wanted, 0, never), post.invert
    if sums.flips:
        flipped = invert if table.shape[1] > 1 else ~invert
        table = np.where(flipped[:, None], never - table[:, ::-1], table)
        invert = np.zeros_like(invert)
    first, steps = _searched(table, never)
    return _differing(-first) + steps + _mixed(invert)


def between_bits(post: Threshold, x) -> int:
    """Bits of thresholds that follow no sum of planes, for each channel of edge ``x`` once."""
    table, low, high = post.table, x.lo, x.hi
    if not isinstance(x.format, Fixed):
        sent = _as_sent(x.format)
        table = np.append(sent, sent[-1] + 1)[np.searchsorted(x.format.levels, table)]
        low, high = int(sent[0]), int(sent[-1])
    never = np.full((len(table), 1), high - low + 1)
    first, steps = _searched(np.clip(table - low, 0, never), never)
    return _differing(-(low + first)) + steps + _mixed(post.invert)


def _as_sent(fmt: Format) -> np.ndarray:
    """What travels for each value of a format: codes, of signs and sums of planes unsigned."""
    codes = fmt.encode(fmt.levels)
    if fmt.is_signed and not isinstance(fmt, Bipolar | Planes):
        codes = codes - ((codes >> fmt.bits - 1) << fmt.bits)
    return codes


def _searched(table, never) -> tuple[np.ndarray, int]:
    """The middle threshold of each row, and the bits of the others as a binary search has them.

    Rows are filled up to ``2**k - 1`` by thresholds that no sum reaches; step ``n`` of the search
    has ``2**n`` of them, less the middle one, with a place that no value needs.
    """
    bits = table.shape[1].bit_length()
    spare = (1 << bits) - 1 - table.shape[1]
    table = np.concatenate([table, np.repeat(never, spare, axis=1)], axis=1)
    first, stored = table[:, table.shape[1] // 2], 0
    for number in range(1, bits):
        width = 1 << bits - number
        step = table[:, width // 2 - 1::width] - first[:, None]
        stored += (len(table) << number) * signed_bits(step)
    return first, stored


def _differing(values) -> int:
    """Bits of a constant for each row; none where one serves all."""
    return len(values) * signed_bits(values) if len(set(values.tolist())) > 1 else 0


def _mixed(invert) -> int:
    """A bit for each row where some are inverted and some not."""
    return len(invert) if invert.any() and not invert.all() else 0
