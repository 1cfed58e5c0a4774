"""Shape and registers of popcounts, which plan and RTL read from here."""

from .compressor import compress, first_columns

__all__ = ["popcount_leaves", "popcount_levels", "popcount_registers", "popcount_spare"]


def popcount_leaves(bits: int, *, spare: bool = True) -> int:
    """Full adders of three bits in the first level of a popcount in carry chains.

    ``f`` of them and the ``f - 1`` carry-ins of the adders below count ``4 f - 1`` bits, and one
    more where it may be left over (``spare``).
    """
    return max(1, -(-(bits + (not spare)) // 4))


def popcount_spare(bits: int, *, spare: bool = True, lut_inputs: int = 4,
                   plain: bool = False) -> bool:
    """Whether one of ``bits`` is left for the carry-in of the accumulator.

    ``plain`` bits are no products of two operands, of which triples are counted at once.
    """
    if lut_inputs >= 6:
        return spare and bits > 1 and (plain or bits % 3 > 0)
    return spare and bits == 4 * popcount_leaves(bits, spare=spare)


def popcount_levels(bits: int, *, spare: bool = True, lut_inputs: int = 4,
                    parity: int = 0, plain: bool = False) -> int:
    """Levels of a popcount, as :func:`hwgen.rtl.chain.xnor_popcount` builds it.

    For LUTs of six inputs also: ``parity`` bits are in parity form, or all are ``plain``.
    """
    if lut_inputs < 6:
        return 1 + (popcount_leaves(bits, spare=spare) - 1).bit_length()
    bits -= popcount_spare(bits, spare=spare, lut_inputs=lut_inputs, plain=plain)
    if plain:
        return compress((bits,), bits.bit_length()).depth
    return 1 + compress(first_columns(bits, parity=parity), bits.bit_length()).depth


def popcount_registers(bits: int, levels_per_register: int, *, spare: bool = True,
                       lut_inputs: int = 4, parity: int = 0, plain: bool = False) -> int:
    """Cycles from the operands of a popcount to its sum: a register after so many levels."""
    levels = popcount_levels(bits, spare=spare, lut_inputs=lut_inputs, parity=parity, plain=plain)
    return levels // levels_per_register
