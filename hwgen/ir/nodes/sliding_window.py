"""The windows of a map: what turns a convolution into a product of a matrix with vectors."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...numeric import as_int
from ..base import Edge, Ends, Node
from .maps import frozen_pair, frozen_sizes, map_faults, outputs, pair_faults

__all__ = ["SlidingWindow"]


@dataclass(frozen=True, eq=False)
class SlidingWindow(Node):
    """Each position of a window over a map becomes a vector of the elements it shows.

    ``out[oy, ox, (ky * kw + kx) * c + k] = x[y, x, k]`` with ``y = oy * sh + ky * dh - top`` and
    ``x = ox * sw + kx * dw - left``,
    from ``(h, w, c)``, channels last, to ``(oh, ow, kh * kw * c)``; beyond the map stands
    ``pad_value``. A :class:`MatVec` behind it with weights ``(c_out, kh * kw * c)`` is a
    convolution ("im2col", as in FINN, arXiv 1612.07119).

    Parameters
    ----------
    kernel : (kh, kw)
    stride : (sh, sw)
    dilation : (dh, dw)
    padding : (top, bottom, left, right)
    pad_value : int
        In the format of the map; a bipolar map has no 0, so -1 or +1 is to be stated.
    """

    kind: ClassVar[str] = "sliding_window"
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    pad_value: int = 0

    def __post_init__(self):
        super().__post_init__()
        self._freeze(frozen_pair, "kernel", "stride", "dilation")
        self._freeze(lambda values, what: frozen_sizes(values, what, 4), "padding")
        self._freeze(as_int, "pad_value")

    @property
    def extent(self) -> tuple[int, int]:
        """Rows and columns of the map from a window's first element to its last, both counted."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def faults(self, x: Edge) -> list[str]:
        """Every rule broken with input ``x``."""
        faults = map_faults(x)
        for what in ("kernel", "stride", "dilation"):
            faults += pair_faults(what, getattr(self, what))
        if min(self.padding) < 0:
            faults.append(f"padding must be at least 0, not {self.padding}")
        elif any(self.padding) and not x.format.allowed(self.pad_value):
            faults.append(f"pad_value must be in the format of the map, {x.format},"
                          f" not {self.pad_value}")
        return faults or self._size_faults(x)

    def _size_faults(self, x: Edge) -> list[str]:
        faults, extent = [], self.extent
        top, bottom, left, right = self.padding
        padded = x.shape[0] + top + bottom, x.shape[1] + left + right
        if extent[0] > padded[0] or extent[1] > padded[1]:
            faults.append(f"window must fit the padded map {padded[0]} x {padded[1]}, not span"
                          f" {extent[0]} x {extent[1]}")
        if max(top, bottom) >= extent[0] or max(left, right) >= extent[1]:
            faults.append(f"padding must be smaller than the window, {extent[0]} x {extent[1]}"
                          f" (one of padding alone is constant), not {self.padding}")
        return faults

    def out_map(self, x: Edge) -> tuple[int, int]:
        """``(oh, ow)``: windows above one another and side by side."""
        top, bottom, left, right = self.padding
        padded = x.shape[0] + top + bottom, x.shape[1] + left + right
        return outputs(padded, self.extent, self.stride)

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        lo, hi, channels = x.lo, x.hi, x.channels
        if channels is not None:
            channels = channels.tiled(self.kernel[0] * self.kernel[1])
        if any(self.padding):
            lo, hi = min(lo, self.pad_value), max(hi, self.pad_value)
            channels = channels and Ends(np.minimum(channels.lo, self.pad_value),
                                         np.maximum(channels.hi, self.pad_value))
        elements = self.kernel[0] * self.kernel[1] * x.shape[2]
        return Edge((*self.out_map(x), elements), x.format, lo, hi, channels)
