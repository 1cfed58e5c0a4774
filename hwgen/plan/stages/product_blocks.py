"""What a product takes: blocks asked for, those yosys takes by itself, and LUTs without them."""

from collections import Counter
from dataclasses import dataclass

from ...numeric import Fixed
from ..target import Target

__all__ = ["asked_blocks", "inferred_blocks", "lut_product"]


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """How yosys's ``mul2dsp`` makes products of a family's blocks.

    Parameters
    ----------
    ports : (int, int)      bits of the operands of a block, the wider one first
    slice_bits : int        of the parts of a wider operand
    least : int             bits of the narrowest operand that a block is taken for
    least_product : int     the same of a product
    signed_only : bool      whether unsigned operands take a bit more
    """

    ports: tuple[int, int] = (18, 18)
    slice_bits: int = 18
    least: int = 2
    least_product: int = 0
    signed_only: bool = False


BLOCKS = {
    "ecp5": Blocks(),
    "ice40": Blocks(ports=(16, 16), slice_bits=16, least_product=11),
    "xc7": Blocks(ports=(25, 18), least_product=9, signed_only=True),
    "gowin": Blocks(least=4),
}
"""Family -> its blocks; that of Gowin is not measured."""


def inferred_blocks(a: Fixed, b: Fixed, target: Target) -> int:
    """Blocks that yosys takes for ``a * b`` with a register or none behind it.

    Exact for those of ECP5, iCE40 and Xilinx 7, of operands of which every bit counts.
    """
    return _count(a, b, BLOCKS[target.family]) if target.dsps else 0


def _count(a, b, family: Blocks) -> int:
    signed = a.is_signed or b.is_signed
    wide, narrow = sorted((fmt.bits + (signed and not fmt.is_signed) for fmt in (a, b)),
                          reverse=True)
    more = family.signed_only and not signed
    if min(wide, narrow) < family.least or a.bits + b.bits < family.least_product:
        return 0
    return _slices(wide + more, narrow + more, a.bits + b.bits, family)


def _slices(wide: int, narrow: int, product: int, family: Blocks) -> int:
    """Blocks of an operand in slices, then of the other one; a narrow last slice takes LUTs."""
    if min(wide, narrow) < family.least or product < family.least_product:
        return 0
    step = family.slice_bits - family.signed_only
    for is_second, (bits, other, port) in enumerate(
            zip((wide, narrow), (narrow, wide), family.ports, strict=True)):
        if bits > port:
            count = -(-(bits - port) // step)
            last = bits - count * step
            parts = ((family.slice_bits, min(product, other + family.slice_bits), count),
                     (last, other + last, 1))
            return sum(times * _slices(*((other, part) if is_second else (part, other)),
                                       makes, family) for part, makes, times in parts)
    return 1


def asked_blocks(a: Fixed, b: Fixed, target: Target) -> int:
    """Blocks that a product takes for which one is asked, ``hwgen_multiply``.

    Where ``hwgen/synth/techmap`` leaves it to yosys, :func:`inferred_blocks`.
    """
    if not target.dsps or target.family == "gowin":
        return inferred_blocks(a, b, target)
    ports = {"ecp5": (18, 18), "ice40": (16, 16), "xc7": (24 + a.is_signed, 17 + b.is_signed)}
    narrow = target.family != "ecp5" and a.bits + b.bits < BLOCKS[target.family].least_product
    fits = a.bits <= ports[target.family][0] and b.bits <= ports[target.family][1]
    return 1 if fits and not narrow else inferred_blocks(a, b, target)


def lut_product(a_bits: int, b_bits: int) -> Counter:
    """``product`` and ``edge`` of a product in LUTs: full adders of all rows but one, and rows."""
    return Counter(product=(a_bits - 1) * (b_bits - 1), edge=a_bits + b_bits)
