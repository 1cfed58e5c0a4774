"""From wide accumulators back to narrow activations, in integers only."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ...numeric import DOUBLING_HIGH, INT32, MAX_SHIFT, SCALINGS, Fixed, as_int, rescale
from ..base import INT64_SAFE, OMIT_DEFAULT, Edge, Ends, Node, frozen_ints

__all__ = ["Requantise"]


def _int_or_ints(value, what: str):
    """One int, or a read-only int64 array of them."""
    return frozen_ints(value, what) if np.ndim(value) else as_int(value, what)


def _int_or_none(value, what: str):
    return None if value is None else as_int(value, what)


@dataclass(frozen=True, eq=False)
class Requantise(Node):
    """``out[i] = clip(round(x[i] * multiplier[i] / 2**shift[i]) + zero_point, least, most)``.

    Clipped into ``format``, never wrapped: to its ends or, where they are given, to ``low`` and
    ``high``. So an unsigned ``format`` or ``low = 0`` is a ReLU and ``high`` clips it anywhere.
    With ``slope_shift`` negative ``x`` are divided by ``2**slope_shift`` more, before the one
    rounding: a leaky ReLU.

    Follows integer-only inference (arXiv 1712.05877), with one rounding; with that paper's two if
    ``rounding`` is :data:`~hwgen.numeric.DOUBLING_HIGH`, bit for bit as gemmlowp has them. The real
    scale is then ``multiplier * 2**(-31 - shift)``, multipliers are int32, without a slope negative
    ones too, and a negative ``shift`` goes to the left: see :func:`hwgen.numeric.rescale`.

    A ``shift`` of each channel is dynamic fixed point (Ristretto, arXiv 1604.03168): groups of
    channels with fraction lengths of their own come back to one.

    ``zero_point`` is the integer that stands for 0 (affine quantisation, arXiv 1712.05877, eq. 1).
    Of inputs it needs nothing here: ``w @ (x - z) + b`` is ``w @ x + (b - z * w.sum())``.

    Parameters
    ----------
    multiplier : int64 (n,) or (1,)
        Per channel, which is the last axis, or per tensor; at least 1, and 1 leaves a plain shift.
    shift : int, or int64 (n,)
        0 .. 60; in -31..31 for DOUBLING_HIGH. With ``slope_shift`` not beyond the same limit.
    rounding : str      one of :data:`hwgen.numeric.SCALINGS`
    format : Fixed
    low, high : int or None
    slope_shift : int
    zero_point : int    in ``format``
    """

    kind: ClassVar[str] = "requantise"
    multiplier: np.ndarray
    shift: int | np.ndarray
    rounding: str
    format: Fixed
    low: int | None = field(default=None, metadata=OMIT_DEFAULT)
    high: int | None = field(default=None, metadata=OMIT_DEFAULT)
    slope_shift: int = field(default=0, metadata=OMIT_DEFAULT)
    zero_point: int = field(default=0, metadata=OMIT_DEFAULT)

    def __post_init__(self):
        super().__post_init__()
        self._freeze(frozen_ints, "multiplier")
        self._freeze(_int_or_ints, "shift")
        if not isinstance(self.format, Fixed):
            raise TypeError(f"{self.path}: format must be Fixed, not {self.format!r}")
        self._freeze(_int_or_none, "low", "high")
        self._freeze(as_int, "slope_shift", "zero_point")

    @property
    def is_doubling(self) -> bool:
        """Whether it rounds twice."""
        return self.rounding == DOUBLING_HIGH

    @property
    def shifts(self) -> np.ndarray:
        """The shifts, int64 ``(1,)`` or ``(n,)``."""
        return np.atleast_1d(np.asarray(self.shift, np.int64))

    @property
    def least(self) -> int:
        """Smallest result."""
        return self.format.min if self.low is None else self.low

    @property
    def most(self) -> int:
        """Largest result."""
        return self.format.max if self.high is None else self.high

    def faults(self, x: Edge) -> list[str]:
        """Every rule broken with input ``x``."""
        faults = []
        if self.multiplier.shape not in ((1,), x.shape[-1:]):
            faults.append(f"multiplier must be of shape (1,) or {x.shape[-1:]},"
                          f" not {self.multiplier.shape}")
        if self.shifts.shape not in ((1,), x.shape[-1:]) or np.ndim(self.shift) > 1:
            faults.append(f"shift must be an int or of shape {x.shape[-1:]},"
                          f" not {np.shape(self.shift)}")
        faults += self._amount_faults()
        if self.rounding not in SCALINGS:
            faults.append(f"rounding must be one of {list(SCALINGS)}, not {self.rounding!r}")
        faults += self._clip_faults()
        return faults or self._width_faults(x)

    def _amount_faults(self):
        """What is wrong with the numbers themselves."""
        low, high = INT32 if self.is_doubling else (1, None)
        for value in (int(v) for v in self.multiplier.reshape(-1)):
            if self.is_doubling and not low <= value <= high:
                yield f"multiplier must fit int32, not reach {value}"
                break
            if value < low:
                yield f"multiplier must be at least 1, not {value}"
                break
        if self.slope_shift > 0 and self.multiplier.size and self.multiplier.min() < 0:
            yield (f"multiplier must be at least 0 beside a slope_shift, not"
                   f" {int(self.multiplier.min())}")
        low, high = (-31, 31) if self.is_doubling else (0, MAX_SHIFT)
        outside = self.shifts[(self.shifts < low) | (self.shifts > high)]
        if outside.size:
            yield f"shift must be in {low}..{high}, not {int(outside.flat[0])}"
        elif self.shifts.size and not 0 <= self.slope_shift <= high - max(0, self.shifts.max()):
            yield (f"slope_shift must be in 0..{high - max(0, int(self.shifts.max()))} beside a"
                   f" shift of {int(self.shifts.max())}, not {self.slope_shift}")

    def _clip_faults(self):
        if not self.format.min <= self.least <= self.most <= self.format.max:
            yield (f"low and high must ascend within {self.format}, not be {self.least} and"
                   f" {self.most}")
        if not self.format.min <= self.zero_point <= self.format.max:
            yield f"zero_point must be in {self.format}, not {self.zero_point}"

    def _width_faults(self, x: Edge) -> list[str]:
        largest = max(abs(x.lo), abs(x.hi))
        if self.is_doubling:
            left = max(0, -int(self.shifts.min()))
            ends = x.lo << left, x.hi << left
            if ends[0] < INT32[0] or ends[1] > INT32[1]:
                return [f"input must fit int32 when shifted left by {left}, not run from {ends[0]}"
                        f" to {ends[1]}"]
            return []
        worst = largest * int(self.multiplier.max()) + (
            1 + abs(self.zero_point) << int(self.shifts.max()) + self.slope_shift)
        return [f"product must stay below 2**61, not reach {worst}"] if worst >= INT64_SAFE else []

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        # Results rise, or fall, with x: the ends are those of x.
        ends = self._results(np.array([[x.lo], [x.hi]]))
        own = self._results(x.ends.both)
        return Edge(x.shape, self.format, int(ends.min()), int(ends.max()),
                    Ends(own.min(axis=0), own.max(axis=0)))

    def _results(self, x):
        """Of values ``(..., n)``, or of ``(..., 1)`` by all multipliers."""
        scaled = rescale(x, self.multiplier, self.shifts, self.rounding, self.slope_shift)
        return (scaled + self.zero_point).clip(self.least, self.most)
