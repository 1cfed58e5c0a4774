"""Thermometer-coded input: every element becomes one sign per level."""

import torch

from hwgen.numeric import SpecError

from .layer import Layer, check_size

__all__ = ["ThermometerInput"]


class ThermometerInput(Layer):
    """``y[i * T + t] = +1`` where ``x[i] >= levels[t]``, else ``-1``; first layer of a network.

    Parameters
    ----------
    levels : sequence of int
        Ascending, inside the input's range.
    bits : int
        Bits of one input element.
    signed : bool
    """

    def __init__(self, levels, *, bits: int, signed: bool = False):
        super().__init__()
        check_size("ThermometerInput: bits", bits, 1, 32)
        levels = tuple(levels)
        if not levels or any(not isinstance(v, int) for v in levels):
            raise TypeError(f"ThermometerInput: levels must be integers, not {levels!r}")
        low = -(1 << (bits - 1)) if signed else 0
        high = low + (1 << bits) - 1
        if list(levels) != sorted(set(levels)) or levels[0] < low or levels[-1] > high:
            raise SpecError(f"ThermometerInput: levels must be ascending, distinct and in"
                            f" {low}..{high}, not {levels!r}")
        self.levels, self.bits, self.signed = levels, bits, signed

    def forward(self, x):
        levels = torch.tensor(self.levels, dtype=x.dtype, device=x.device)
        return torch.where(x.unsqueeze(-1) >= levels, 1.0, -1.0).to(x.dtype).flatten(1)

    def extra_repr(self):
        return f"{self.levels}, bits={self.bits}, signed={self.signed}"
