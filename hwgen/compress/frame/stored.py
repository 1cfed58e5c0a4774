"""What every storage of a matrix has, and bits of numbers."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from hwgen.ir import Matrix
from hwgen.numeric import Fixed, Format

__all__ = ["Storage", "bits_for", "signed_bits"]


def bits_for(n: int) -> int:
    """Bits of a number below ``n``, at least one."""
    return max(1, (int(n) - 1).bit_length())


def signed_bits(values) -> int:
    """Bits of two's complement that hold all of ``values``."""
    return Fixed.covering(min(-1, int(np.min(values))), max(0, int(np.max(values)))).bits


class Storage(ABC):
    """One way to store a matrix.

    Members
    -------
    kind : str    as recipes and reports name it
    text : str
    """

    kind: ClassVar[str]
    text: ClassVar[str]

    @property
    def held(self) -> "Storage | None":
        """As memories of a core hold what is stored so; None where the matrix is as of any other.

        That is for storages which say how a core is to be folded.
        """
        return None

    def outputs(self, n_out: int) -> int:
        """Places for numbers of ``n_out`` outputs: more where the last row is not full."""
        return n_out

    @abstractmethod
    def parts(self, values, entry_bits: int) -> dict[str, int]:
        """Bits of each part: of ``values`` int64 (n_out, n_in), a plain entry of ``entry_bits``."""

    def says(self, values) -> bool:
        """Whether ``values`` can be stored so at all."""
        return True

    def matrix(self, values, fmt: Format) -> Matrix | None:
        """The matrix ``values`` of the kind that is stored so by itself; None where none is."""
        return None

    def bits(self, values, entry_bits: int) -> int:
        """All of them."""
        return sum(self.parts(values, entry_bits).values())
