"""Streams between cores: beats of ``lanes`` elements, frames closed by ``last``."""

from amaranth.hdl import Shape, signed, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import connect, flipped

from ..ir import Edge
from ..numeric import Bipolar, Format, Planes, SpecError

__all__ = [
    "beat_layout", "beat_signature", "chain", "element_shape", "format_shape", "link", "link_out",
]


def format_shape(fmt: Format) -> Shape:
    """Two's complement or unsigned; bipolar values and sums of planes travel as their codes."""
    if isinstance(fmt, Bipolar | Planes):
        return unsigned(fmt.bits)
    return signed(fmt.bits) if fmt.is_signed else unsigned(fmt.bits)


def element_shape(edge: Edge) -> Shape:
    """How one element of ``edge`` travels."""
    return format_shape(edge.format)


def beat_layout(shape, lanes: int) -> data.StructLayout:
    """``data``: ``lanes`` elements of ``shape``, element 0 lowest; ``last``: ends the frame."""
    return data.StructLayout({"data": data.ArrayLayout(shape, lanes), "last": 1})


def beat_signature(shape, lanes: int) -> stream.Signature:
    """Stream of :func:`beat_layout`."""
    return stream.Signature(beat_layout(shape, lanes))


def _require_same_shape(source, sink):
    shapes = source.payload.shape(), sink.payload.shape()
    if shapes[0] != shapes[1]:
        raise SpecError(f"linked streams must carry the same shape, not"
                        f" {shapes[0]!r} and {shapes[1]!r}")


def link(m, source, sink) -> None:
    """Connect stream ``source`` of one submodule to ``sink`` of another, shapes compared.

    ``wiring.connect`` compares widths only (signed to unsigned would pass), so every connection
    in hwgen goes through here.
    """
    _require_same_shape(source, sink)
    connect(m, source, sink)


def link_out(m, own, inner) -> None:
    """Connect a component's own port to the port of the same direction of a submodule."""
    _require_same_shape(own, inner)
    connect(m, flipped(own), inner)


def chain(m, component, parts) -> None:
    """Connect submodules one after another between the ports ``i`` and ``o`` of ``component``."""
    first, *following = parts
    link_out(m, component.i, first.i)
    for part in following:
        link(m, first.o, part.i)
        first = part
    link_out(m, component.o, first.o)
