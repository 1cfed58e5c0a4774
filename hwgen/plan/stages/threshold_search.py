"""Binary search of a sum among the thresholds of its channel: one comparison a bit."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...ir import Threshold
from ...numeric import Fixed, pack_row

__all__ = ["STEP_REGISTERS", "ThresholdSearch"]

STEP_REGISTERS = 2
"""A step reads its threshold, then compares."""


@dataclass(frozen=True, eq=False)
class ThresholdSearch:
    """Finds how many of ``T`` ascending thresholds a sum reaches, in ``bits`` comparisons.

    The first one is free: the accumulator starts from minus the middle threshold, so its sign
    decides. Each further step compares with the threshold that the bits before it select.

    Members
    -------
    table : object (n, 2**bits - 1)   thresholds; those beyond ``T`` are never reached
    codes : int64 (2, T + 1)          output code of each count, plain and inverted
    invert : bool (n,)                outputs whose code is the inverted one
    flipped : bool (n,)               outputs whose sum comes as the largest one less the sum
    bound : int or None
        Where thresholds are loaded: the largest sum of any output, whatever the weights. Then
        widths are those of any thresholds.
    loads_inverts : bool              whether inversions, too, are loaded
    """

    table: np.ndarray
    codes: np.ndarray
    invert: np.ndarray
    flipped: np.ndarray
    bound: int | None = None
    loads_inverts: bool = False

    @classmethod
    def of(cls, node: Threshold, wanted: np.ndarray, most: np.ndarray, *, flips: bool,
           bound: int | None = None):
        """From the sums ``wanted`` (n, T) that reach each threshold; ``most`` (n,) is the largest.

        ``flips``: any output's sum may come flipped. Then those are that are inverted, so that no
        code is; of a single threshold those that are not, so that the sign itself is the code.
        """
        never = most[:, np.newaxis] + 1
        table, invert = np.clip(wanted, 0, never), node.invert
        flipped = np.zeros_like(invert)
        if flips:
            flipped = invert if table.shape[1] > 1 else ~invert
            table = np.where(flipped[:, np.newaxis], never - table[:, ::-1], table)
            invert = invert ^ flipped
        bits = table.shape[1].bit_length()
        padding = np.repeat(never, (1 << bits) - 1 - table.shape[1], axis=1)
        codes = node.format.encode(node.format.levels)
        return cls(np.concatenate([table, padding], axis=1), np.stack([codes, codes[::-1]]),
                   invert, flipped, bound, bound is not None and not flips)

    def repeated(self, n: int) -> "ThresholdSearch":
        """The same of ``n`` sums, which begin anew with the first after the last."""
        return ThresholdSearch(np.resize(self.table, (n, self.table.shape[1])), self.codes,
                               np.resize(self.invert, n), np.resize(self.flipped, n))

    @property
    def bits(self) -> int:
        """Comparisons."""
        return (self.table.shape[1]).bit_length()

    @property
    def first(self) -> np.ndarray:
        """The middle thresholds, ``(n,)``."""
        return self.table[:, self.table.shape[1] // 2]

    @property
    def registers(self) -> int:
        """Cycles from the sum to the code."""
        return STEP_REGISTERS * (self.bits - 1)

    def step(self, number: int) -> np.ndarray:
        """Thresholds of comparison ``number`` >= 1 less the first, int64 ``(n, 2**number)``.

        Column ``c`` is for sums whose comparisons so far gave the bits of ``c``, oldest highest.
        """
        width = 1 << (self.bits - number)
        columns = self.table[:, width // 2 - 1::width]
        return (columns - self.first[:, np.newaxis]).astype(np.int64)

    def step_format(self, number: int) -> Fixed:
        """In which the thresholds of a step are stored."""
        if self.bound is not None:
            return Fixed.covering(-self.bound - 1, self.bound + 1)
        values = self.step(number)
        return Fixed.covering(min(-1, int(values.min())), max(0, int(values.max())))

    def step_rows(self, number: int, pe: int, lane: int) -> list[int]:
        """Those of outputs ``lane``, ``lane + pe`` ... of a step, one after another, as codes."""
        codes = self.step_format(number).encode(self.step(number))
        return codes[lane::pe].reshape(-1).tolist()

    def invert_rows(self, pe: int) -> list[int]:
        """Row ``f`` holds the inversions of the ``pe`` outputs of fold ``f``."""
        return [pack_row(row, 1) for row in self.invert.reshape(-1, pe)]

    @cached_property
    def has_inverts(self) -> bool:
        """Whether some outputs are inverted here and some are not: a stored bit for each."""
        return self.loads_inverts or bool(self.invert.any() and not self.invert.all())

    @property
    def memory_bits(self) -> int:
        """Stored thresholds, but the first ones, and stored inversions."""
        n = len(self.table)
        steps = sum((n << number) * self.step_format(number).bits
                    for number in range(1, self.bits))
        return steps + n * self.has_inverts
