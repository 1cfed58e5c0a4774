"""Matrices of product quantisation: pieces of rows from a codebook for each group of columns."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...numeric import Format, SpecError
from ..base import frozen_ints
from .structured import Structured

__all__ = ["ProductQuantised"]


@dataclass(frozen=True, eq=False)
class ProductQuantised(Structured):
    """Each row is put together from pieces, one row of a codebook for each group of columns.

    ``w[k, j] = codebooks[g, codes[k, g], t]`` with ``columns[j] = g * length + t`` (arXiv
    1412.6115, section 3.2.3).

    Parameters
    ----------
    codes : int64 (n_out, groups)                  ``0 .. count - 1``
    codebooks : int64 (groups, count, length)
    columns : int64 (n_in,)                        the place of each column among those of the
                                                   groups, one after another; no two are the same
    format : Format                                of the entries

    Raises
    ------
    SpecError   If a shape or a number is not as above, or an entry is not allowed by ``format``.
    TypeError   If something that should be an integer is none.
    """

    kind: ClassVar[str] = "product"
    codes: np.ndarray
    codebooks: np.ndarray
    columns: np.ndarray
    format: Format

    def __post_init__(self):
        if not isinstance(self.format, Format):
            raise TypeError(f"weights format must be a Format, not {self.format!r}")
        codes, codebooks, columns = (frozen_ints(getattr(self, what), what)
                                     for what in ("codes", "codebooks", "columns"))
        if codebooks.ndim != 3 or codebooks.size == 0:
            raise SpecError(f"codebooks must be a non-empty (groups, count, length), not"
                            f" {codebooks.shape}")
        groups, count, length = codebooks.shape
        if codes.ndim != 2 or codes.size == 0 or codes.shape[1] != groups:
            raise SpecError(f"codes must be a non-empty (n_out, {groups}), a column for each"
                            f" codebook, not {codes.shape}")
        if codes.min() < 0 or codes.max() >= count:
            raise SpecError(f"codes must be in 0..{count - 1}, not {int(codes.min())}.."
                            f"{int(codes.max())}")
        if columns.ndim != 1 or columns.size == 0:
            raise SpecError(f"columns must be a non-empty (n_in,), not {columns.shape}")
        if (columns.min() < 0 or columns.max() >= groups * length
                or len(np.unique(columns)) != len(columns)):
            raise SpecError(f"columns must be in 0..{groups * length - 1}, no two the same, not"
                            f" {columns.tolist()}")
        for what, array in (("codes", codes), ("codebooks", codebooks), ("columns", columns)):
            object.__setattr__(self, what, array)
        self.to_dense()

    @property
    def stored_parts(self) -> dict[str, int]:
        """The codes, and the codebooks' entries of all columns, also those that no code says."""
        count = self.codebooks.shape[1]
        code_bits = max(1, (count - 1).bit_length())
        return {"weights": self.codes.size * code_bits,
                "codebook": count * self.columns.size * self.number_bits}

    def _worked_out(self) -> np.ndarray:
        groups = np.arange(self.codes.shape[1])
        return self.codebooks[groups, self.codes].reshape(len(self.codes), -1)[:, self.columns]
