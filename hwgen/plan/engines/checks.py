"""What the descriptions of all engines check: numbers in ranges, formats, what products are of."""

from ...numeric import Fixed, SpecError, as_int
from ..stages.scaling import MULTIPLIERS

__all__ = ["require_fixed", "require_multipliers", "require_within"]


def require_within(engine: str, fields, limits) -> None:
    """Raise unless each of ``fields``' numbers that ``limits`` names is in its range.

    ``limits`` has the least and the most of each by name.

    Raises
    ------
    TypeError    If one is no int.
    SpecError    If one is out of its range.
    """
    for what, (least, most) in limits.items():
        value = as_int(getattr(fields, what), f"engine '{engine}': {what}")
        if not least <= value <= most:
            raise SpecError(f"engine '{engine}': {what} must be in {least}..{most}, not {value}")


def require_fixed(engine: str, what: str, fmt) -> None:
    """Raise TypeError unless ``fmt`` is a fixed-point format."""
    if not isinstance(fmt, Fixed):
        raise TypeError(f"engine '{engine}': {what} must be Fixed, not {fmt!r}")


def require_multipliers(engine: str, multipliers) -> None:
    """Raise SpecError unless ``multipliers`` is one of ``blocks`` and ``luts``."""
    if multipliers not in MULTIPLIERS:
        raise SpecError(f"engine '{engine}': multipliers must be one of {list(MULTIPLIERS)},"
                        f" not {multipliers!r}")
