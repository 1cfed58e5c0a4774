"""How the values of a format travel, where hardware compares them."""

import numpy as np

from ...numeric import Bipolar, Fixed, Format, Planes, SpecError

__all__ = ["levels_as_sent", "require_ordered"]


def levels_as_sent(fmt: Format) -> np.ndarray:
    """What travels for each value of ``fmt``, int64, the smallest value first.

    Signs and sums of planes travel as their codes, unsigned; all others in two's complement.
    """
    codes = fmt.encode(fmt.levels)
    if fmt.is_signed and not isinstance(fmt, Bipolar | Planes):
        codes = codes - ((codes >> fmt.bits - 1) << fmt.bits)
    return codes


def require_ordered(where: str, fmt: Format) -> None:
    """Raise SpecError unless the larger of two values is the larger one as it travels."""
    if isinstance(fmt, Fixed) or (np.diff(levels_as_sent(fmt)) > 0).all():
        return
    raise SpecError(f"{where}: input must be of a format whose codes order as its values, such as"
                    f" Fixed or Bipolar, not {fmt}")
