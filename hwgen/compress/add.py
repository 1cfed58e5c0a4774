"""Sums of quantised values: residual connections."""

from .layer import Layer

__all__ = ["QuantAdd"]


class QuantAdd(Layer):
    """``a + b + ...`` of two or more values of one shape, exact: neither rounded nor clipped.

    Each value is in steps of a power of two, so the sum is in steps of the smallest of them, and
    needs no scale of its own. ``a + b``, ``a += b`` and ``torch.add(a, b)`` in a module's forward
    are the same. An activation behind it brings the sum back to few bits.
    """

    def forward(self, *xs):
        first, *others = xs
        for x in others:
            first = first + x
        return first
