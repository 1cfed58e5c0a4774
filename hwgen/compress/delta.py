"""What a delta network sees of a sequence: the values that were sent last (arXiv 1612.05571)."""

import torch
from torch import nn

from hwgen.numeric import SpecError

__all__ = ["Held"]


class Held(nn.Module):
    """``y[t] = x[t]`` where it is further than ``threshold`` from ``y[t - 1]``, else ``y[t - 1]``.

    In front of a layer it makes of a sequence what that layer computes with in a delta network:
    products of differences that are added to sums which are kept are the products of what was sent
    last. Before the first step that is 0. The gradient goes to the values that were sent. In units
    of the integers it is bit for bit :func:`hwgen.golden.delta.run_delta`.

    Parameters
    ----------
    threshold : float    in units of ``x``

    Raises
    ------
    SpecError    If the threshold is below 0.
    """

    def __init__(self, threshold: float):
        super().__init__()
        if not threshold >= 0:
            raise SpecError(f"Held: threshold must be at least 0, not {threshold!r}")
        self.threshold = threshold

    def forward(self, x):
        """``y`` of ``x``, both ``(steps, ...)``."""
        held, rows = torch.zeros_like(x[0]), []
        for value in x:
            held = torch.where((value - held).abs() > self.threshold, value, held)
            rows.append(held)
        return torch.stack(rows)

    def sent(self, x):
        """Which values of ``x`` are sent, bool ``(steps, ...)``."""
        held = self(x)
        before = torch.cat([torch.zeros_like(held[:1]), held[:-1]])
        return (x - before).abs() > self.threshold

    def extra_repr(self):
        return f"threshold={self.threshold}"
