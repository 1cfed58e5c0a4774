"""Batch normalisation and a stepwise activation as integer comparisons per output."""

import numpy as np
import torch

from hwgen.numeric import SpecError

__all__ = ["sign_thresholds", "step_thresholds"]


def step_thresholds(index, steps: int, low, high, *, frac: int = 0):
    """Thresholds whose count ``#(x >= t)`` is ``index(x * 2**-frac)``, for every integer ``x``.

    Holds for every accumulator value in ``low .. high`` of each output, because each threshold is
    found by bisection on torch's own float64 evaluation. ``index`` must be monotone in each output,
    rising or falling: so is a batch norm (each of its operations rounds monotonically), and so are
    the activations behind it.

    Where the index falls (gamma < 0), the output is marked ``invert``: index = ``steps - #(...)``.
    Where it does not reach some step (gamma = 0, or a narrow range), the thresholds of these steps
    are ``low`` (always reached) or ``high + 1`` (never).

    Parameters
    ----------
    index : callable on float64 tensors (batch, n), returns integers 0 .. steps of the same shape
    steps : int
    low, high : int64 (n,)
        Range of the accumulator of each output.
    frac : int
        Fraction bits of the accumulator.

    Returns
    -------
    (thresholds int64 (n, steps), rows ascending; invert bool (n,))
    """
    low, high = np.asarray(low, dtype=np.int64), np.asarray(high, dtype=np.int64)
    bad = np.flatnonzero(low > high)
    if len(bad):
        k = int(bad[0])
        raise SpecError(f"low must be at most high, not {low[k]} > {high[k]} at output {k}")

    @torch.no_grad()
    def at(x):
        return index(torch.from_numpy(x).double() * 2.0 ** -frac).numpy().astype(np.int64)

    ends = at(np.stack([low, high]))
    invert = ends[0] > ends[1]
    wanted = np.arange(1, steps + 1)[:, None]
    # Below: step not reached (or low - 1); above: reached (or high + 1). Shape (steps, n).
    below = np.repeat(low[None] - 1, steps, axis=0)
    above = np.repeat(high[None] + 1, steps, axis=0)
    while np.any(above - below > 1):
        middle = below + (above - below) // 2
        found = at(np.clip(middle, low, high))
        reached = np.where(invert, steps - found, found) >= wanted
        open_ = above - below > 1
        below, above = (np.where(open_ & ~reached, middle, below),
                        np.where(open_ & reached, middle, above))
    return above.T.copy(), invert


def sign_thresholds(norm, low, high, *, frac: int = 0):
    """Thresholds with ``(x >= t) xor invert`` equal to ``norm(x * 2**-frac) >= 0``.

    :func:`step_thresholds` for a sign. Ties: ``norm(...) == 0`` counts as +1, for gamma > 0 and
    gamma < 0 alike. With gamma < 0 the result is +1 below the threshold (``invert``). Where the
    sign never changes (gamma == 0, or a threshold outside the range) the result is constant:
    ``t = low`` with ``invert`` as needed.

    Parameters
    ----------
    norm : callable on float64 tensors (batch, n), such as ``BatchNorm(n).double().eval()``
    low, high, frac : as of :func:`step_thresholds`

    Returns
    -------
    (thresholds int64 (n,), invert bool (n,))
    """
    table, invert = step_thresholds(lambda x: norm(x) >= 0, 1, low, high, frac=frac)
    never = table[:, 0] > high
    return np.where(never, low, table[:, 0]), invert | never
