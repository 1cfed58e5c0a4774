"""Sums that are there already, as one more product of a sparse engine: y += A x."""

from dataclasses import dataclass

import numpy as np

from hwgen.numeric import Fixed, Format, SpecError, as_int, as_int64

from .csr import Csr

__all__ = ["EarlierSums", "earlier_sums"]

MAX_ENTRIES = 4096
"""Most digits of an element."""


@dataclass(frozen=True, eq=False)
class EarlierSums:
    """A matrix E and, for every y of a range, an x with ``E @ x == y``, exactly.

    ``|y| = d[0] + scale * (d[1] + ... + d[k])`` with ``d[0] < scale`` and each digit at most
    ``most``; digits have the sign of y, or, where x has none, columns of their own with the other
    sign in E. So an element is one entry while it fits x, two while it fits ``scale`` times x.

    Members
    -------
    matrix : Csr            ``(m, m * len(signs) * (k + 1))``: E, to be packed together with A
    y_range : (int, int)    least and largest element of y
    scale, most : int
    signs : tuple           of the parts of E: ``(1,)``, or also -1 where x has no sign
    """

    matrix: Csr
    y_range: tuple[int, int]
    scale: int
    most: int
    signs: tuple[int, ...]

    def digits(self, y) -> np.ndarray:
        """The x of ``y``, integers ``(m,)``: int64, as many as ``matrix`` has columns.

        Raises
        ------
        TypeError    If y holds anything but integers.
        SpecError    If it is of another length, or outside of ``y_range``.
        """
        y, (low, high), (m, n) = as_int64(y, "y"), self.y_range, self.matrix.shape
        if y.shape != (m,):
            raise SpecError(f"y must be of shape ({m},), not {y.shape}")
        if y.min() < low or y.max() > high:
            raise SpecError(f"y must be in {low}..{high}, for which its matrix was made, not in"
                            f" {y.min()}..{y.max()}")
        if self.signs == (1,):
            parts = [(np.sign(y), np.abs(y))]
        else:
            parts = [(1, np.maximum(sign * y, 0)) for sign in self.signs]
        begins = self.most * np.arange(n // (m * len(self.signs)) - 1)[:, None]
        digits = [sign * np.vstack([size % self.scale,
                                    np.clip(size // self.scale - begins, 0, self.most)])
                  for sign, size in parts]
        return np.concatenate(digits).reshape(-1)


def earlier_sums(m: int, y_range, x_range: tuple[int, int], weights: Format,
                 accumulator: Fixed) -> EarlierSums:
    """For ``m`` elements of ``y_range``, with the fewest entries.

    Raises
    ------
    SpecError    If the range does not ascend within the accumulator's, x cannot be both 0 and 1,
                 the weights do not hold what is needed, or an element took more than 4096 entries.
    """
    low, high = (as_int(end, "y_range") for end in y_range)
    if not accumulator.min <= low <= high <= accumulator.max:
        raise SpecError(f"y_range must ascend within {accumulator.min}..{accumulator.max}, what"
                        f" sums hold, not {low}..{high}")
    if not x_range[0] <= 0 < x_range[1]:
        raise SpecError("x_range must hold 0 and 1, of which an earlier y is made, not be"
                        f" {x_range[0]}..{x_range[1]}")
    is_signed = x_range[0] < 0
    signs = (1,) if is_signed or low >= 0 else (-1,) if high <= 0 else (1, -1)
    if weights.max < 1 or weights.min > min(signs):
        raise SpecError(f"weights must hold {' and '.join(map(str, signs))} for an earlier y in"
                        f" {low}..{high}, not be {weights}")
    size = max(high, -low)
    most = min(x_range[1], -x_range[0]) if is_signed and low < 0 else x_range[1]
    widest = min(weights.max, most + 1)
    more = 0 if size <= most else -(-(size + 1 - widest) // (most * widest))
    count = len(signs) * (more + 1)
    if count > MAX_ENTRIES:
        raise SpecError(f"an earlier y in {low}..{high} must take at most {MAX_ENTRIES} entries for"
                        f" each element, not {count}: narrow y_range, or build the engine with"
                        " wider x or weights")
    scale = -(-(size + 1) // (more * most + 1))
    values = np.outer(signs, [1, *[scale] * more]).reshape(-1)
    n = m * len(values)
    matrix = Csr.of((m, n), np.tile(np.arange(m), len(values)), np.arange(n), np.repeat(values, m))
    return EarlierSums(matrix, (low, high), scale, most, signs)
