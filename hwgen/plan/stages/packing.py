"""Two products that share an operand in one multiplier: how far apart, and when that is exact.

A block multiplies ``w1 * 2**low_bits + w0`` by ``x``. Its product is
``w1 * x * 2**low_bits + w0 * x``: the low bits hold ``w0 * x``, and the bits above ``w1 * x``, less
one where ``w0 * x`` is negative (the borrow). Sums of such products can be taken apart in the same
way as long as the low sum stays in its bits, so bits to spare there save corrections: Double MAC
(Nguyen, Kim, Lee: DATE 2017, "Double MAC: doubling the performance of convolutional neural networks
on modern FPGAs").
"""

from dataclasses import dataclass

from ...numeric import Fixed

__all__ = ["PACKINGS", "PORT_BITS", "Packed", "packed"]

PORT_BITS = {"18x18": 18, "25x18": 25}
"""Packing -> bits of the signed port that takes both weights; the other takes 18."""

PACKINGS = ("none", "8x8", *PORT_BITS)
"""How products may share a block: not, as two native products, or by one shared operand."""


@dataclass(frozen=True)
class Packed:
    """How two weights lie in one operand.

    Parameters
    ----------
    low_bits : int      place of the upper weight, and bits of the lower sum
    levels : int        adder levels passed before the sums are taken apart
    largest : int       of the lower sum
    compares : bool     whether the lower sum is negative when its bits exceed ``largest``; else
                        when its top bit is set
    is_signed : bool    whether the lower sum can be negative
    """

    low_bits: int
    levels: int
    largest: int
    compares: bool
    is_signed: bool


def packed(weights: tuple[int, int], x: tuple[int, int], *, port_bits: int, weight_bits: int,
           terms: int) -> Packed | None:
    """The packing that is taken apart after as many levels as are exact; None if none is.

    Parameters
    ----------
    weights, x : (int, int)     least and largest value
    port_bits : int             signed bits of the port for both weights
    weight_bits : int           of one weight as it is stored
    terms : int                 products that are added up

    With ``n = min(terms, 2**levels)`` the lower sum lies in ``n * [lo, hi]``, where ``lo <= 0 <=
    hi`` bound one product. That is exact where it fits ``low_bits``, and where both weights fit the
    port: ``w1 * 2**low_bits + w0`` for the least and for the largest weight. If ``-2**(b-1)`` times
    itself alone exceeds the bits there are, ``hi - lo < 2**low_bits`` is enough, but telling the
    sign takes a comparison, before anything is added up.
    """
    corners = [0, *(w * value for w in weights for value in x)]
    lo, hi = min(corners), max(corners)

    def fits(low_bits):
        ends = Fixed.covering(min(0, weights[0] * ((1 << low_bits) + 1)),
                              max(0, weights[1] * ((1 << low_bits) + 1)))
        return ends.bits + (not ends.is_signed) <= port_bits

    for levels in range(max(0, terms - 1).bit_length(), -1, -1):
        count = min(terms, 1 << levels)
        low_bits = max(weight_bits, Fixed.covering(count * lo, count * hi).bits)
        if fits(low_bits):
            return Packed(low_bits, levels, count * hi, False, lo < 0)
    low_bits = max(weight_bits, (hi - lo).bit_length())
    return Packed(low_bits, 0, hi, True, lo < 0) if fits(low_bits) else None
