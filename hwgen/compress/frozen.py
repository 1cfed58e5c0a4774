"""Weights as their layer uses them now, for an evaluation in another precision."""

import torch

from .form import baked
from .linear import IntegerLinear
from .weights import Weights

__all__ = ["FrozenWeights", "in_double"]


class FrozenWeights(Weights):
    """The integers, format, scale and bias that ``layer`` has in the precision of its parameters.

    A rounding or a comparison in double precision may fall to the other side.
    """

    @torch.no_grad()
    def __init__(self, layer: IntegerLinear):
        super().__init__()
        weight, quantiser = layer.weight.detach().clone(), layer.quantiser
        # Not as a submodule, which would be of another precision before it is asked.
        self._format, self._matrix = layer.format, lambda: quantiser.matrix(weight)
        found = {"integer": layer.integer_weight(), "factor": layer.scale(),
                 "offset": layer.integer_bias()}
        for name, tensor in found.items():
            # Not among what is saved, which is the layer's state.
            self.register_buffer(name, None if tensor is None else tensor.clone(),
                                 persistent=False)

    def format(self, weight):
        return self._format

    def integers(self, weight):
        return self.integer

    def matrix(self, weight):
        return self._matrix()

    def scale(self, weight):
        return self.factor

    def integer_bias(self, bias, frac):
        return self.offset


def in_double(module):
    """A copy of ``module`` that computes in float64 with the integer weights it has now."""
    double = baked(module).eval()
    for layer in double.modules():
        if isinstance(layer, IntegerLinear) and _is_finite(layer) and not layer.quantiser.is_real:
            layer.quantiser = FrozenWeights(layer)
    return double.double()


def _is_finite(layer) -> bool:
    return all(bool(tensor.isfinite().all()) for tensor in layer.state_dict().values())
