"""Clipping to what a number of bits holds, without a comparison."""

from amaranth.hdl import Cat, Mux

from .post import clipped

__all__ = ["saturated"]


def saturated(value, least: int, most: int, result_shape):
    """``value``, a signal, within ``least .. most``; each bit of the result a LUT.

    Where the ends are those of so many bits, bits above these say which end is passed: a comparison
    would be a carry chain, as yosys makes one of every comparison of signed values. Of other ends
    it is :func:`~hwgen.rtl.post.clipped`.
    """
    bits, is_signed = most.bit_length(), least < 0
    shape = value.shape()
    if most != (1 << bits) - 1 or least != (-(1 << bits) if is_signed else 0):
        return clipped(value, least, most, result_shape)
    if shape.width <= bits + (shape.signed and is_signed):
        return Mux(value[-1], 0, value[:-1]) if shape.signed and not is_signed else value
    above = value[bits:-1] if shape.signed else value[bits:]
    kept = value[:bits] | above.any().replicate(bits) if len(above) else value[:bits]
    if not shape.signed:
        return kept
    sign = value[-1]
    if not is_signed:
        return kept & ~sign.replicate(bits)
    fits = (above == sign.replicate(len(above)))
    return Cat(Mux(fits, value[:bits], ~sign.replicate(bits)), sign).as_signed()
