"""Thermometer-coded input: every element becomes one sign per level."""

import torch

from hwgen.numeric import SpecError, as_int

from .layer import Layer, within

__all__ = ["ThermometerInput"]


class ThermometerInput(Layer):
    """``y[i * T + t] = +1`` where ``x[i] >= levels[t]``, else ``-1``; first layer of a network.

    Parameters
    ----------
    levels : sequence of int
        Ascending, above the smallest input and at most the largest.
    bits : int
        Bits of one input element.
    signed : bool
    """

    def __init__(self, levels, *, bits: int, signed: bool = False):
        super().__init__()
        bits = within("ThermometerInput: bits", bits, 1, 32)
        levels = tuple(as_int(v, "ThermometerInput: level") for v in levels)
        low = -(1 << (bits - 1)) if signed else 0
        high = low + (1 << bits) - 1
        if not levels or list(levels) != sorted(set(levels)) or levels[0] <= low \
                or levels[-1] > high:
            raise SpecError(f"ThermometerInput: levels must ascend in {low + 1}..{high} (outside, a"
                            f" bit is constant), not {levels}")
        self.levels, self.bits, self.signed = levels, bits, bool(signed)

    def forward(self, x):
        levels = torch.tensor(self.levels, dtype=x.dtype, device=x.device)
        return torch.where(x.unsqueeze(-1) >= levels, 1.0, -1.0).to(x.dtype).flatten(1)

    def extra_repr(self):
        return f"{self.levels}, bits={self.bits}, signed={self.signed}"
