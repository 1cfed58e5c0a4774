"""Batch normalisation and sign as one integer comparison per output."""

import numpy as np
import torch

from hwgen.numeric import SpecError

__all__ = ["sign_thresholds"]


@torch.no_grad()
def sign_thresholds(norm, low, high, *, frac: int = 0):
    """Thresholds with ``(x >= t) xor invert`` equal to ``norm(x * 2**-frac) >= 0``.

    Holds for every integer accumulator value ``x`` in ``low .. high`` of each output, because the
    threshold is found by bisection on torch's own float64 evaluation. That evaluation is monotone
    in ``x`` (each of its operations rounds monotonically), so one sign change at most exists.

    Ties: ``norm(...) == 0`` counts as +1, for gamma > 0 and gamma < 0 alike. With gamma < 0 the
    result is +1 below the threshold (``invert``). Where the sign never changes (gamma == 0, or
    a threshold outside the range) the result is constant: ``t = low`` with ``invert`` as needed.

    Parameters
    ----------
    norm : callable on float64 tensors (batch, n), such as ``BatchNorm(n).double().eval()``
    low, high : int64 (n,)
        Range of the accumulator of each output.
    frac : int
        Fraction bits of the accumulator.

    Returns
    -------
    (thresholds int64 (n,), invert bool (n,))
    """
    low, high = np.asarray(low, dtype=np.int64), np.asarray(high, dtype=np.int64)
    bad = np.flatnonzero(low > high)
    if len(bad):
        k = int(bad[0])
        raise SpecError(f"low must be at most high, not {low[k]} > {high[k]} at output {k}")

    def positive(x):
        y = norm(torch.from_numpy(x).double()[None] * 2.0 ** -frac)[0]
        return (y >= 0).numpy()

    at_low, at_high = positive(low), positive(high)
    below, above = low.copy(), high.copy()
    while np.any(above - below > 1):
        middle = below + (above - below) // 2
        same = positive(middle) == at_low
        below, above = np.where(same, middle, below), np.where(same, above, middle)
    changes = at_low != at_high
    invert = np.where(changes, at_low, ~at_low)
    return np.where(changes, above, low), invert
