"""One function per exportable layer: the layer and the value that it reads, to nodes.

Each returns ``(nodes, value)`` and raises SpecError, without a path, for what is not exact. That of
a sum is given all its values.
"""

from torch import nn

from . import convert_add, convert_conv, convert_input, convert_linear, convert_steps

__all__ = ["CONVERTERS"]


def _unchanged(layer, value, name: str):
    return [], value


CONVERTERS = {
    **convert_input.CONVERTERS,
    **convert_linear.CONVERTERS,
    **convert_steps.CONVERTERS,
    **convert_conv.CONVERTERS,
    **convert_add.CONVERTERS,
    nn.Identity: _unchanged,
    nn.Dropout: _unchanged,
}
"""``CONVERTERS[type(layer)](layer, value, node name)`` for every layer with an exact form."""
