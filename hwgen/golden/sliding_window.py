"""Golden sliding window."""

import numpy as np

from ..ir import SlidingWindow

__all__ = ["sliding_window"]


def sliding_window(node: SlidingWindow, x: np.ndarray) -> np.ndarray:
    """int64 (batch, oh, ow, kh * kw * c) of ``x`` (batch, h, w, c); see the node."""
    top, bottom, left, right = node.padding
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)),
                    constant_values=node.pad_value)
    (sh, sw), (dh, dw) = node.stride, node.dilation
    rows, columns = (n - e + 1 for n, e in zip(padded.shape[1:3], node.extent, strict=True))
    taps = [padded[:, ky * dh:ky * dh + rows:sh, kx * dw:kx * dw + columns:sw]
            for ky in range(node.kernel[0]) for kx in range(node.kernel[1])]
    return np.concatenate(taps, axis=3)
