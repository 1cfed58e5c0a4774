"""The first layer to nodes: it declares the format of the network's input."""

import numpy as np

from hwgen.ir import Input, Thermometer
from hwgen.numeric import Fixed, SpecError

from .fixed import QuantInput
from .thermometer import ThermometerInput
from .tracing import INPUT
from .value import Value, sound

__all__ = ["CONVERTERS"]


def _declared(layer, value: Value, frac: int):
    """The Input node in the format of a first layer."""
    if value.edge is not None:
        raise SpecError("must be the first layer and the only one that reads the module's input")
    shape = (*(value.spatial or ()), value.size)
    node = Input(INPUT, (), shape, Fixed(layer.bits, frac, layer.signed))
    return node, node.infer()


def _quant_input(layer: QuantInput, value: Value, name: str):
    frac = int(layer.frac)
    node, edge = _declared(layer, value, frac)
    return [node], Value(INPUT, edge, value.size, frac, spatial=value.spatial,
                         zero=layer.zero_point)


def _thermometer(layer: ThermometerInput, value: Value, name: str):
    start, edge = _declared(layer, value, 0)
    node = Thermometer(name, (INPUT,), np.array(layer.levels, dtype=np.int64))
    edge = sound(node, edge)
    return [start, node], Value(name, edge, edge.size)


CONVERTERS = {QuantInput: _quant_input, ThermometerInput: _thermometer}
