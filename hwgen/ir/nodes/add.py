"""Sum of several values element by element, on steps that are made equal: residual connections."""

from dataclasses import dataclass
from typing import ClassVar

from ...numeric import MAX_SHIFT, Fixed, SpecError, as_int
from ..base import INT64_SAFE, Edge, Node

__all__ = ["Add"]


@dataclass(frozen=True, eq=False)
class Add(Node):
    """``out[i] = sum over k of (x_k[i] << shifts[k])``, exact: neither rounded nor cut.

    All inputs are of one shape and fixed point. Input ``k`` is in steps of ``2**-frac_k``, so its
    shift must make ``frac_k + shifts[k]`` the same for all: that is the ``frac`` of the sum, whose
    format is the narrowest one that holds every sum there can be. A :class:`Requantise` or
    :class:`Threshold` behind it brings the sum back to few bits.

    Parameters
    ----------
    shifts : tuple of int       one for each input, two or more; 0 .. 60
    """

    kind: ClassVar[str] = "add"
    shifts: tuple[int, ...]

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.shifts, (tuple, list)):
            raise TypeError(f"{self.path}: shifts must be a tuple of ints, not {self.shifts!r}")
        shifts = tuple(as_int(shift, f"{self.path}: shifts") for shift in self.shifts)
        if len(shifts) < 2:
            raise SpecError(f"{self.path}: shifts must be two or more, one for each input, not"
                            f" {shifts}")
        object.__setattr__(self, "shifts", shifts)

    @property
    def arity(self) -> int:
        """Inputs, as many as there are shifts."""
        return len(self.shifts)

    def faults(self, *xs: Edge) -> list[str]:
        """Every rule broken with inputs ``xs``."""
        faults = [f"input '{name}' must be fixed point, not {x.format}"
                  for name, x in zip(self.inputs, xs, strict=True)
                  if not isinstance(x.format, Fixed)]
        if len({x.shape for x in xs}) > 1:
            faults.append(f"inputs must be of one shape, not {[x.shape for x in xs]}")
        outside = [shift for shift in self.shifts if not 0 <= shift <= MAX_SHIFT]
        if outside:
            faults.append(f"shifts must be in 0..{MAX_SHIFT}, not {outside[0]}")
        return faults or self._scale_faults(xs) or self._width_faults(xs)

    def _scale_faults(self, xs):
        fracs = [x.format.frac for x in xs]
        if len({frac + shift for frac, shift in zip(fracs, self.shifts, strict=True)}) == 1:
            return []
        aligned = tuple(max(fracs) - frac for frac in fracs)
        return [f"shifts must align inputs of {fracs} fraction bits, as {aligned} do, not"
                f" {self.shifts}"]

    def _width_faults(self, xs):
        worst = sum(max(abs(x.lo), abs(x.hi)) << shift
                    for x, shift in zip(xs, self.shifts, strict=True))
        return [f"sum must stay below 2**61, not reach {worst}"] if worst >= INT64_SAFE else []

    def infer(self, *xs: Edge) -> Edge:
        """The edge it makes of ``xs``."""
        lo = sum(x.lo << shift for x, shift in zip(xs, self.shifts, strict=True))
        hi = sum(x.hi << shift for x, shift in zip(xs, self.shifts, strict=True))
        frac = xs[0].format.frac + self.shifts[0]
        return Edge(xs[0].shape, Fixed.covering(lo, hi, frac=frac), lo, hi)
