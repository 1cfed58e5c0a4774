"""The AXI4-Stream edges: byte-padded elements outside, exact shapes and sound frames inside."""

from amaranth.hdl import Cat, Module, Mux, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages.loaded_memory import WORD_BITS
from .stream import beat_signature

__all__ = ["AxisSink", "AxisSource", "core_ports", "element_bytes", "unpadded"]


def element_bytes(bits: int) -> int:
    """Bytes in which an element of ``bits`` travels at the edge."""
    return -(-bits // 8)


def unpadded(m, tdata, shape, lanes: int):
    """``lanes`` elements of ``tdata`` side by side, and whether one is outside of ``shape``."""
    shape, step = Shape.cast(shape), 8 * element_bytes(Shape.cast(shape).width)
    elements = [tdata[k * step:(k + 1) * step] for k in range(lanes)]
    outside = Signal(lanes, name="outside")
    for k, element in enumerate(elements):      # the extension of its low bits, or not
        fill = element[shape.width - 1] if shape.signed else 0
        expected = fill.replicate(step - shape.width) if shape.signed else 0
        m.d.comb += outside[k].eq(element[shape.width:] != expected)
    return Cat(element[:shape.width] for element in elements), outside.any()


def core_ports(*, in_bits: int, out_bits: int, loaded: bool = False) -> dict:
    """Members of a whole core: AXI4-Stream in and out, ``tdata`` of so many bits, and the error.

    Of one whose weights are ``loaded``, also the stream that they come by, and its state.
    """
    weights = {
        "s_axis_weights_tdata": In(WORD_BITS), "s_axis_weights_tvalid": In(1),
        "s_axis_weights_tready": Out(1), "s_axis_weights_tlast": In(1),
        "weights_loaded": Out(1), "weights_error": Out(1),
    }
    return (weights if loaded else {}) | {
        "s_axis_tdata": In(in_bits), "s_axis_tvalid": In(1), "s_axis_tready": Out(1),
        "s_axis_tlast": In(1),
        "m_axis_tdata": Out(out_bits), "m_axis_tvalid": Out(1), "m_axis_tready": In(1),
        "m_axis_tlast": Out(1), "frame_error": Out(1),
    }


class AxisSink(wiring.Component):
    """From AXI4-Stream: unpads elements and makes every frame ``beats`` long; one register.

    A frame that ends early is filled up with zeros, a longer one is cut, and an element outside
    the shape is cut to its low bits; each sets ``frame_error`` until reset. So every frame that
    comes in gives exactly one frame, and the next one is unharmed.

    Parameters
    ----------
    shape : Shape            of one element
    lanes, beats : int       elements a beat, beats a frame

    Members
    -------
    tdata : ``In(lanes * element_bytes * 8)``; tvalid, tlast : ``In(1)``; tready : ``Out(1)``
    o : ``Out(beat_signature(shape, lanes))``
    frame_error : ``Out(1)``
    """

    def __init__(self, shape, *, lanes: int, beats: int):
        self._shape = Shape.cast(shape)
        self._lanes, self._beats = lanes, beats
        self._padded = 8 * element_bytes(self._shape.width)
        super().__init__({
            "tdata": In(lanes * self._padded), "tvalid": In(1), "tready": Out(1), "tlast": In(1),
            "o": Out(beat_signature(shape, lanes)), "frame_error": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        count, at_end = Signal(range(max(2, self._beats))), Signal()
        free, emit = Signal(), Signal()
        elements, outside = unpadded(m, self.tdata, self._shape, self._lanes)
        m.d.comb += [at_end.eq(count == self._beats - 1), free.eq(self.o.ready | ~self.o.valid)]
        with m.If(free):
            m.d.sync += self.o.valid.eq(emit)
        with m.If(free & emit):
            m.d.sync += [self.o.p.last.eq(at_end), count.eq(Mux(at_end, 0, count + 1))]
        with m.FSM():
            with m.State("PASS"):
                m.d.comb += [self.tready.eq(free), emit.eq(self.tvalid)]
                with m.If(self.tvalid & free):
                    m.d.sync += self.o.p.data.eq(elements)
                    with m.If(self.tlast != at_end):
                        m.d.sync += self.frame_error.eq(1)
                    with m.If(self.tlast & ~at_end):
                        m.next = "FILL"
                    with m.If(at_end & ~self.tlast):
                        m.next = "DROP"
                    with m.If(outside):
                        m.d.sync += self.frame_error.eq(1)
            with m.State("FILL"):
                m.d.comb += emit.eq(1)
                with m.If(free):
                    m.d.sync += self.o.p.data.eq(0)
                    with m.If(at_end):
                        m.next = "PASS"
            with m.State("DROP"):
                m.d.comb += self.tready.eq(1)
                with m.If(self.tvalid & self.tlast):
                    m.next = "PASS"
        return m


class AxisSource(wiring.Component):
    """To AXI4-Stream: elements extended to whole bytes; one register, and one for stalls.

    ``i.ready`` comes from a register, so no path leads from ``tready`` into the core: when
    ``tready`` falls, the beat that is under way waits beside the one that is shown.

    Members
    -------
    i : ``In(beat_signature(shape, lanes))``
    tdata : ``Out(lanes * element_bytes * 8)``; tvalid, tlast : ``Out(1)``; tready : ``In(1)``
    """

    def __init__(self, shape, *, lanes: int):
        shape = Shape.cast(shape)
        self._lanes = lanes
        self._padded = Shape(8 * element_bytes(shape.width), shape.signed)
        super().__init__({
            "i": In(beat_signature(shape, lanes)), "tdata": Out(lanes * self._padded.width),
            "tvalid": Out(1), "tready": In(1), "tlast": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        waits, waiting = Signal(), Signal.like(self.i.p, name="waiting", reset_less=True)
        following = Signal.like(self.i.p)
        padded = [Signal(self._padded, name=f"padded{k}") for k in range(self._lanes)]
        m.d.comb += [self.i.ready.eq(~waits), following.eq(Mux(waits, waiting, self.i.p))]
        m.d.comb += [signal.eq(following.data[k]) for k, signal in enumerate(padded)]
        with m.If(self.tready | ~self.tvalid):
            m.d.sync += [self.tvalid.eq(waits | self.i.valid), self.tlast.eq(following.last),
                         self.tdata.eq(Cat(padded)), waits.eq(0)]
        with m.Elif(self.i.valid):
            m.d.sync += waits.eq(1)
        with m.If(~waits):              # also what does not wait: its many registers ask one
            m.d.sync += waiting.eq(self.i.p)
        return m
