"""Matrix times vector plus bias, exact."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np

from ...numeric import Fixed, SpecError
from ..base import INT64_SAFE, OMIT_DEFAULT, Edge, Ends, Node, frozen_ints
from ..matrices import Matrix

__all__ = ["MatVec"]


@dataclass(frozen=True, eq=False)
class MatVec(Node):
    """``y = W x + bias``; ``W`` of shape ``(n_out, n_in)``, ``bias`` int64 ``(n_out,)`` or None.

    On the last axis: of a map of windows each becomes the ``n_out`` channels of a pixel. The
    result is the full-width accumulator: it is neither rounded nor cut.

    Where ``W`` is :class:`~hwgen.ir.Loaded`, every range is that of any such weights, and of any
    biases of as many bits as their sums of products have: see :meth:`bias_range`.

    Parameters
    ----------
    bias_bits : int or None     bits at least of biases that are loaded: those of the hardware
    """

    kind: ClassVar[str] = "mat_vec"
    weights: Matrix
    bias: np.ndarray | None = None
    bias_bits: int | None = field(default=None, metadata=OMIT_DEFAULT)

    def __post_init__(self):
        super().__post_init__()
        if self.bias_bits is not None and not self.is_loaded:
            raise SpecError(f"{self.path}: bias_bits must be None where weights are not loaded,"
                            f" not {self.bias_bits!r}")
        if not isinstance(self.weights, Matrix):
            found = type(self.weights).__name__
            raise TypeError(f"{self.path}: weights must be a Matrix, not {found}")
        if self.bias is not None:
            self._freeze(frozen_ints, "bias")

    @property
    def bias_or_zero(self) -> np.ndarray:
        """The bias, int64 ``(n_out,)``, zeros where there is none."""
        return self.bias if self.bias is not None else np.zeros(self.weights.shape[0], np.int64)

    def faults(self, x: Edge) -> list[str]:
        """Every rule broken with input ``x``."""
        faults = []
        n_out, n_in = self.weights.shape
        if x.shape[-1] != n_in:
            faults.append(f"input must be of shape {(*x.shape[:-1], n_in)} for weights"
                          f" {(n_out, n_in)}, not {x.shape}")
        if self.bias is not None and self.bias.shape != (n_out,):
            faults.append(f"bias must be of shape ({n_out},), not {self.bias.shape}")
        elif (worst := self.magnitude(max(abs(x.lo), abs(x.hi)))) >= INT64_SAFE:
            faults.append(f"accumulator must stay below 2**61, not reach {worst}")
        return faults

    def magnitude(self, largest: int) -> int:
        """What no sum of terms and bias, in any order, exceeds while ``abs(x) <= largest``.

        From the weights that there can be, in Python integers: the proof itself cannot overflow.
        """
        # Formats stay below 2**62: abs cannot wrap.
        weights = np.maximum(*(np.abs(bound) for bound in self.weights.bounds))
        n_in = weights.shape[1]
        if int(weights.max()) * n_in >= 1 << 62:
            weights = weights.astype(object)
        rows = weights.sum(axis=1).tolist()
        biases = [abs(b) for b in self.bias_or_zero.tolist()]
        if self.is_loaded and self.bias is not None:
            held = max((max(rows) * largest).bit_length(), (self.bias_bits or 1) - 1)
            biases = [max(*biases, 1 << held)] * len(rows)
        return max(row * largest + b for row, b in zip(rows, biases, strict=True))

    @property
    def is_loaded(self) -> bool:
        """Whether weights and biases may be exchanged once the hardware is there."""
        return self.weights.is_loaded

    def bias_range(self, x: Edge) -> tuple[int, int]:
        """The least and the largest bias that there can be.

        Of loaded weights: what a signed number holds that also holds every sum of products of any
        weights, or the largest bias given, or ``bias_bits``, if that is longer. Without biases
        (0, 0).
        """
        if self.bias is None or not self.is_loaded:
            return int(self.bias_or_zero.min()), int(self.bias_or_zero.max())
        low, high = self._terms(x)
        fmt = Fixed.covering(min(-1, *low.sum(axis=1).tolist(), *self.bias.tolist()),
                             max(*high.sum(axis=1).tolist(), *self.bias.tolist()))
        fmt = Fixed(max(fmt.bits, self.bias_bits or 1))
        return fmt.min, fmt.max

    def _biases(self, x: Edge):
        """The least and the largest bias of each output."""
        if not self.is_loaded:
            return self.bias_or_zero, self.bias_or_zero
        return self.bias_range(x)

    def _terms(self, x: Edge):
        least, most = self.weights.bounds
        bounds = (least,) if least is most else (least, most)
        products = [w * value for w in bounds for value in (x.lo, x.hi)]
        return np.minimum.reduce(products), np.maximum.reduce(products)

    @cached_property
    def _known(self) -> dict:
        """Ranges that were worked out, by the ends of the input: a planner asks again and again."""
        return {}

    def _ranges(self, x: Edge) -> tuple[tuple[int, int], tuple[int, int]]:
        """Least and largest sum, and of any subset of its terms and the bias."""
        ends = x.lo, x.hi
        if ends not in self._known:
            (low, high), (least, most) = self._terms(x), self._biases(x)
            parts = (np.minimum(low, 0).sum(axis=1) + np.minimum(least, 0),
                     np.maximum(high, 0).sum(axis=1) + np.maximum(most, 0))
            self._known[ends] = (
                (int((low.sum(axis=1) + least).min()), int((high.sum(axis=1) + most).max())),
                (int(parts[0].min()), int(parts[1].max())))
        return self._known[ends]

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        (lo, hi), _ = self._ranges(x)
        frac = getattr(self.weights.format, "frac", 0) + getattr(x.format, "frac", 0)
        shape = (*x.shape[:-1], self.weights.shape[0])
        return Edge(shape, Fixed.covering(lo, hi, frac=frac), lo, hi, self._rows(x))

    def _rows(self, x: Edge) -> Ends | None:
        """Least and largest sum of each row, of inputs each within its own ends."""
        if self.is_loaded:
            return None
        ends = x.ends
        key = "rows", ends.lo.tobytes(), ends.hi.tobytes()
        if key not in self._known:
            weights, bias = self.weights.to_dense(), self.bias_or_zero
            plus, minus = np.maximum(weights, 0), np.minimum(weights, 0)
            self._known[key] = Ends(plus @ ends.lo + minus @ ends.hi + bias,
                                    plus @ ends.hi + minus @ ends.lo + bias)
        return self._known[key]

    def partial_sum_range(self, x: Edge) -> tuple[int, int]:
        """Smallest and largest value any sum of any subset of the terms and the bias can take."""
        return self._ranges(x)[1]
