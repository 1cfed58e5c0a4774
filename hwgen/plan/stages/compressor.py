"""Compressor trees of LUTs with six inputs, as lists of what is done with each column of bits."""

from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Compression", "compress", "first_columns"]


def first_columns(bits: int, *, parity: int) -> tuple[int, int]:
    """Bits of weight 1 and 2 after the first level of a popcount of ``bits`` products.

    Three products give a sum and a carry, two LUTs; of the first ``parity`` products, which are in
    parity form (:func:`hwgen.plan.stages.parity.parity_form`), nine give one sum and four carries,
    five LUTs. The one or two that no triple takes are single bits of weight 1.
    """
    nines = parity // 9
    triples = (bits - 9 * nines) // 3
    return nines + triples + bits % 3, 4 * nines + triples


@dataclass(frozen=True)
class Compression:
    """How columns of bits become a number.

    Parameters
    ----------
    columns : tuple of tuple of int
        Bits in each column: to begin with, and after each level.
    levels : tuple of tuple of (int, int)
        For each level, for each column from weight 1 up: how often six bits become three, and how
        often three bits become two. What is over goes on as it is.
    adder_from : int or None
        Column from which on two rows and a carry are added up at the end; None if one row is left.
    """

    columns: tuple[tuple[int, ...], ...]
    levels: tuple[tuple[tuple[int, int], ...], ...]
    adder_from: int | None

    @property
    def depth(self) -> int:
        """Levels with that of the adder."""
        return len(self.levels) + (self.adder_from is not None)


@lru_cache(maxsize=1024)
def compress(columns: tuple[int, ...], width: int) -> Compression:
    """Levels of counters for ``columns`` of bits whose sum has ``width`` bits.

    Counters of six bits (three LUTs) and full adders (one, as both outputs fit into it) both take
    one bit away for each LUT; the adder at the end takes two bits of each column and a carry-in.
    """
    columns, levels, before = list(columns), [], [tuple(columns)]
    while columns[0] > 3 or any(count > 2 for count in columns[1:]):
        level, following = [], [0] * width
        for k, count in enumerate(columns):
            sixes = count // 6
            rest = count - 6 * sixes
            threes = int(rest > (3 if k == 0 else 2))
            level.append((sixes, threes))
            for weight, bits in ((k, count - 5 * sixes - 2 * threes), (k + 1, sixes + threes),
                                 (k + 2, sixes)):
                if weight < width:      # bits above never are 1
                    following[weight] += bits
        while following[-1] == 0:
            following.pop()
        columns = following
        levels.append(tuple(level))
        before.append(tuple(columns))
    adder_from = next((k for k, count in enumerate(columns) if count > 1), None)
    return Compression(tuple(before), tuple(levels), adder_from)
