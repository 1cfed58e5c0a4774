"""Shape and registers of the carry-chain popcount, which plan and RTL read from here."""

__all__ = ["popcount_leaves", "popcount_levels", "popcount_registers", "popcount_spare"]


def popcount_leaves(bits: int, *, spare: bool = True) -> int:
    """Full adders of three bits in the first level of a popcount.

    ``f`` of them and the ``f - 1`` carry-ins of the adders below count ``4 f - 1`` bits, and one
    more where it may be left over (``spare``).
    """
    return max(1, -(-(bits + (not spare)) // 4))


def popcount_spare(bits: int, *, spare: bool = True) -> bool:
    """Whether one of ``bits`` is left for the carry-in of the accumulator."""
    return spare and bits == 4 * popcount_leaves(bits, spare=spare)


def popcount_levels(bits: int, *, spare: bool = True, lut_inputs: int = 4) -> int:
    """Adder levels of a popcount, as :func:`hwgen.rtl.chain.xnor_popcount` builds it."""
    return 1 + (popcount_leaves(bits, spare=spare) - 1).bit_length()


def popcount_registers(bits: int, levels_per_register: int, *, spare: bool = True,
                       lut_inputs: int = 4) -> int:
    """Cycles from the operands of a popcount to its sum: a register after so many levels."""
    levels = popcount_levels(bits, spare=spare, lut_inputs=lut_inputs)
    return levels // levels_per_register
