"""Fixed-point twins of activations that are no ReLU: leaky, clipped, sigmoid, tanh."""

import math

from torch import nn

from hwgen.numeric import MAX_TABLE_BITS, SpecError

from .activation import QuantActivation
from .fixed import QuantReLU
from .lookup import QuantSigmoid, QuantTanh

__all__ = ["FUNCTION_TWINS"]

MOST_SLOPE_SHIFT = 15

FURTHER_BITS = 2
"""By how many bits the input of a table is wider than its result: a step of the input then moves
the result, where it is steepest, by half a step or less."""


def _leaky(layer: nn.LeakyReLU, state):
    bits, slope = state.options["activation_bits"], layer.negative_slope
    state.is_signed = slope != 0
    if slope == 0:
        return QuantReLU(bits=bits)
    shift = round(-math.log2(slope)) if slope > 0 else 0
    if slope != 2.0**-shift or not 0 <= shift <= MOST_SLOPE_SHIFT:
        near = min((2.0**-k for k in range(MOST_SLOPE_SHIFT + 1)), key=lambda s: abs(s - slope))
        raise SpecError(f"negative_slope must be a power of two, 1 .. 2**-{MOST_SLOPE_SHIFT}, or 0,"
                        f" not {slope}: the nearest is {near:g} = 2**-{round(-math.log2(near))};"
                        f" train with that one")
    return QuantActivation(bits, slope_shift=shift)


def _clipped(layer: nn.Hardtanh, state):
    """Also ReLU6, which is one from 0 to 6."""
    state.is_signed = layer.min_val < 0
    return QuantActivation(state.options["activation_bits"], signed=state.is_signed,
                           low=float(layer.min_val) or None, high=float(layer.max_val))


def _sigmoid(layer: nn.Sigmoid, state):
    state.is_signed = False
    # Beyond it the result is within half a step of 1: exp(-x) < 2**-(bits + 1).
    bits = state.options["activation_bits"]
    return _table(QuantSigmoid, bits, frac=bits, reach=(bits + 1) * math.log(2))


def _tanh(layer: nn.Tanh, state):
    state.is_signed = True
    bits = state.options["activation_bits"]
    # 1 - tanh(x) < 2 exp(-2 x), half a step of 2**-(bits - 1).
    return _table(QuantTanh, bits, frac=bits - 1, reach=(bits + 1) * math.log(2) / 2)


def _table(kind, bits: int, *, frac: int, reach: float):
    """The table whose input reaches to ``reach`` at both sides."""
    in_bits = min(bits + FURTHER_BITS, MAX_TABLE_BITS)
    return kind(bits, frac=frac, in_bits=in_bits,
                in_frac=in_bits - 1 - math.ceil(math.log2(reach)))


FUNCTION_TWINS = {nn.LeakyReLU: _leaky, nn.Hardtanh: _clipped, nn.Sigmoid: _sigmoid, nn.Tanh: _tanh}
"""``FUNCTION_TWINS[kind](layer, state)``, as those of :func:`hwgen.compress.quantise`."""
