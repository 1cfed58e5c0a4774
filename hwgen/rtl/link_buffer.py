"""Board link, memory between the line and the core: whole requests, as beats."""

from amaranth import Cat, Module, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from hwgen.rtl.link_spec import LinkSpec

__all__ = ["RequestBuffer"]


class RequestBuffer(wiring.Component):
    """Holds ``spec.buffers`` requests and sends each to the core once it is committed.

    A request is written byte by byte into the next slot; ``commit`` makes it count, otherwise
    the next request is written over it. Each byte costs two cycles and each beat one on the way
    out, a small part of the time that the line needs for it. Whoever writes makes sure that no
    more than ``spec.buffers`` requests are in here at once.

    Parameters
    ----------
    spec : :class:`LinkSpec`
    beat_bytes : int
        Bytes of a beat of the core's input; must divide ``spec.in_bytes``.

    Members
    -------
    write, byte, offset : In     store ``byte`` as byte ``offset`` of the request
    commit : ``In(1)``           the request is complete
    o : ``Out(stream.Signature({"data": 8 * beat_bytes, "last": 1}))``  byte 0 is lowest

    Raises
    ------
    SpecError
        If ``beat_bytes`` does not divide ``spec.in_bytes``.
    """

    def __init__(self, spec: LinkSpec, *, beat_bytes: int):
        spec.require_whole_beats("in_bytes", beat_bytes)
        self._spec = spec
        self._beat_bytes = beat_bytes
        layout = data.StructLayout({"data": 8 * beat_bytes, "last": 1})
        super().__init__({
            "write": In(1),
            "byte": In(8),
            "offset": In(range(max(2, spec.in_bytes))),
            "commit": In(1),
            "o": Out(stream.Signature(layout)),
        })

    def elaborate(self, platform):
        m = Module()
        spec = self._spec
        m.submodules.ram = ram = memory.Memory(
            shape=8, depth=spec.buffers * spec.slot_bytes, init=[])
        writer, reader = ram.write_port(), ram.read_port()

        offset_bits = (spec.slot_bytes - 1).bit_length()
        write_slot = Signal(range(spec.buffers))
        read_slot = Signal(range(spec.buffers))
        held = Signal(range(spec.buffers + 1))
        offset = Signal(range(spec.in_bytes + 1))
        released = Signal()
        m.d.comb += [
            writer.addr.eq(Cat(self.offset[:offset_bits], write_slot)),
            writer.data.eq(self.byte),
            writer.en.eq(self.write),
            reader.addr.eq(Cat(offset[:offset_bits], read_slot)),
        ]
        m.d.sync += [
            write_slot.eq(write_slot + self.commit),
            read_slot.eq(read_slot + released),
            held.eq(held + self.commit - released),
        ]

        bytes_missing = Signal(range(self._beat_bytes + 1), init=self._beat_bytes)
        m.d.comb += self.o.p.last.eq(offset == spec.in_bytes)
        with m.FSM(name="read_state"):
            with m.State("FETCH"), m.If(held != 0):
                m.next = "SHIFT"
            with m.State("SHIFT"):
                m.d.sync += [
                    self.o.p.data.eq(Cat(self.o.p.data, reader.data)[8:]),
                    offset.eq(offset + 1),
                    bytes_missing.eq(bytes_missing - 1),
                ]
                m.next = "FETCH"
                with m.If(bytes_missing == 1):
                    m.d.sync += self.o.valid.eq(1)
                    m.next = "SEND"
            with m.State("SEND"), m.If(self.o.ready):
                m.d.comb += released.eq(self.o.p.last)
                m.d.sync += [self.o.valid.eq(0), bytes_missing.eq(self._beat_bytes)]
                with m.If(self.o.p.last):
                    m.d.sync += offset.eq(0)
                m.next = "FETCH"
        return m
