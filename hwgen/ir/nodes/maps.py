"""What the nodes on maps ``(h, w, c)`` share: pairs of sizes, and how many windows fit."""

from ...numeric import SpecError, as_int
from ..base import Edge

__all__ = ["frozen_pair", "frozen_sizes", "map_faults", "outputs", "pair_faults"]


def frozen_sizes(values, what: str, count: int) -> tuple[int, ...]:
    """``values`` as a tuple of ``count`` ints."""
    if not isinstance(values, (tuple, list)):
        raise TypeError(f"{what} must be a tuple of {count} ints, not {values!r}")
    if len(values) != count:
        raise SpecError(f"{what} must be {count} ints, not {tuple(values)}")
    return tuple(as_int(value, what) for value in values)


def frozen_pair(values, what: str) -> tuple[int, int]:
    """``values`` as two ints: down, across."""
    return frozen_sizes(values, what, 2)


def map_faults(x: Edge) -> list[str]:
    """Unless ``x`` is a map."""
    if len(x.shape) != 3:
        return [f"input must be a map (h, w, c), not {x.shape}"]
    return []


def pair_faults(what: str, pair: tuple[int, int]) -> list[str]:
    """Unless both are positive."""
    return [f"{what} must be at least 1 each way, not {pair}"] if min(pair) < 1 else []


def outputs(sizes, extent, stride) -> tuple[int, int]:
    """Windows of ``extent`` that fit ``sizes`` one ``stride`` apart, down and across."""
    return tuple((n - e) // s + 1 for n, e, s in zip(sizes, extent, stride, strict=True))
