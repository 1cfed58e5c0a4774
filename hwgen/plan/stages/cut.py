"""A requantise that is one shift: what rounds is added with the bias, and the sum is cut."""

from dataclasses import dataclass

import numpy as np

from ...ir import Node, Requantise

__all__ = ["Cut", "cut_of"]


@dataclass(frozen=True, eq=False)
class Cut:
    """``clip((sum + constants) >> shifts, least, most)`` of each output.

    Parameters
    ----------
    constants, shifts : int64 (n,)    one half where ties go up, and the zero point; bits dropped
    least, most : int
    """

    constants: np.ndarray
    shifts: np.ndarray
    least: int
    most: int

    def bits(self, output: int, lo: int, hi: int) -> tuple[int, int, int]:
        """Of sums within ``lo..hi``: bits of the result, of what is clipped, and of its sign."""
        low, high = lo >> int(self.shifts[output]), hi >> int(self.shifts[output])
        kept = max(self.most, -self.least - 1).bit_length() + (self.least < 0)
        whole = max(high, -low - 1).bit_length() + (low < 0)
        return min(kept, whole), max(0, whole - kept), int(low < 0)


def cut_of(post: Node | None, n: int) -> Cut | None:
    """The cut of ``n`` outputs; None where ``post`` is no shift that floors or rounds ties up."""
    if not isinstance(post, Requantise) or post.rounding not in ("floor", "half_up"):
        return None
    if post.slope_shift or (post.multiplier != 1).any():
        return None
    shifts = np.broadcast_to(post.shifts, n)
    half = (1 << shifts) >> 1 if post.rounding == "half_up" else np.zeros(n, np.int64)
    return Cut(half + (post.zero_point << shifts), shifts, post.least, post.most)
