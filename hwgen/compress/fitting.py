"""Least squares with signed bases: nearest levels, best bases, and both by turns.

Values are float64 ``(rows, n)``, bases ``(rows, m)`` and their codes ``(rows, m, n)``: each row is
``sum_m bases[m] codes[m]``, and is fitted on its own.
"""

import torch

__all__ = ["all_codes", "integer_bases", "least_squares", "nearest"]


def all_codes(count: int, low: float, device=None):
    """Every code of ``count`` bits, each ``low`` or 1; float64 (2**count, count)."""
    bits = torch.arange(1 << count, device=device)[:, None] >> torch.arange(
        count, device=device) & 1
    return low + (1 - low) * bits.double()


def nearest(values, bases, low: float = -1.0):
    """Codes of the nearest level of each value; ties take the lower level.

    The levels of a row are sorted and the middle between two neighbours separates them, so a value
    is assigned by binary search (the search tree of arXiv 1802.00150, algorithm 1).
    """
    codes = all_codes(bases.shape[1], low, bases.device)
    levels, order = (bases @ codes.T).sort(dim=1)
    middles = ((levels[:, 1:] + levels[:, :-1]) / 2).contiguous()
    level = torch.searchsorted(middles, values.contiguous())
    return codes[order.gather(1, level)].transpose(1, 2)


def least_squares(values, codes):
    """Bases ``(B B^T)^-1 B w``, shape (rows, m); the shortest of the best ones, where several."""
    inverse = torch.linalg.pinv(codes @ codes.mT, hermitian=True)
    return (inverse @ (codes @ values[:, :, None]))[:, :, 0]


def integer_bases(bases, top: int):
    """``(integers, step)``: bases rounded to the step for which the row's largest is ``top``.

    Integers are float64 of the shape of ``bases``, a single basis is 1; the step is of shape
    (rows, 1).
    """
    top = 1 if bases.shape[1] == 1 else top
    step = bases.abs().amax(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float64).tiny) / top
    return torch.round(bases / step), step
