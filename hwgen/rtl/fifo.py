"""First-in first-out queues of any shape between two streams."""

from amaranth.hdl import Module, Shape, Signal, Value
from amaranth.lib import fifo, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..numeric import SpecError
from .tree import wrap_add

__all__ = ["FreeFIFO", "RoomyFIFO", "StreamFIFO"]


class _Queue(wiring.Component):
    """What queues share: their two streams and how many payloads they hold."""

    def __init__(self, shape, depth: int, *, least: int):
        if depth < least:
            raise SpecError(f"FIFO depth must be at least {least}, not {depth}")
        self._shape, self._depth = shape, depth
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    @property
    def depth(self) -> int:
        return self._depth


class StreamFIFO(_Queue):
    """``amaranth.lib.fifo.SyncFIFO`` that keeps the payload's shape.

    What goes in at one cycle can leave at the next, or at the one after if ``buffered``; ``depth``
    payloads at most wait inside.

    Parameters
    ----------
    shape : shape-like
    depth : int         at least 1; if ``buffered`` at least 3, for one payload a cycle
    buffered : bool     read through a register, so that block RAM can hold it

    Members
    -------
    i : ``In(stream.Signature(shape))``
    o : ``Out(stream.Signature(shape))``
    """

    def __init__(self, shape, *, depth: int, buffered: bool = False):
        self._queue = fifo.SyncFIFOBuffered if buffered else fifo.SyncFIFO
        super().__init__(shape, depth, least=3 if buffered else 1)

    def elaborate(self, platform):
        m = Module()
        width = Shape.cast(self._shape).width
        m.submodules.queue = queue = self._queue(width=width, depth=self._depth)
        m.d.comb += [
            queue.w_data.eq(Value.cast(self.i.payload)),
            queue.w_en.eq(self.i.valid),
            self.i.ready.eq(queue.w_rdy),
            Value.cast(self.o.payload).eq(queue.r_data),
            self.o.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.o.ready),
        ]
        return m


class FreeFIFO(_Queue):
    """As :class:`StreamFIFO`, for wide payloads: nothing but numbers of rows goes to all bits.

    The memory is written in every cycle, in a row that is free; a payload that was not taken is
    written over. So no enable, which would come from ``i.valid`` or ``o.ready`` in the same cycle,
    has to reach all of it. One row is more than wait inside.

    Parameters
    ----------
    shape : shape-like
    depth : int         at least 1; 2 or more for one payload a cycle

    Members
    -------
    i : ``In(stream.Signature(shape))``
    o : ``Out(stream.Signature(shape))``

    Raises
    ------
    SpecError    If ``depth`` is less than 1.
    """

    def __init__(self, shape, *, depth: int):
        super().__init__(shape, depth, least=1)

    def elaborate(self, platform):
        m = Module()
        rows, width = self._depth + 1, Shape.cast(self._shape).width
        m.submodules.storage = storage = memory.Memory(shape=width, depth=rows, init=[])
        write, read = storage.write_port(), storage.read_port(domain="comb")
        level, put, got = Signal(range(rows)), Signal(), Signal()
        m.d.comb += [
            write.en.eq(1), write.data.eq(Value.cast(self.i.payload)),
            Value.cast(self.o.payload).eq(read.data),
            self.i.ready.eq(level != self._depth), self.o.valid.eq(level != 0),
            put.eq(self.i.valid & self.i.ready), got.eq(self.o.valid & self.o.ready),
        ]
        m.d.sync += level.eq(level + put - got)
        for moves, port in ((put, write), (got, read)):
            row = Signal(range(rows))
            m.d.comb += port.addr.eq(row)
            with m.If(moves):
                wrap_add(m, row, rows)
        return m


class RoomyFIFO(_Queue):
    """As :class:`StreamFIFO`, for a sender that knows that there is room: it writes by itself.

    ``i.ready`` is always 1, so ``i.valid`` is the memory's enable as it comes, best from a
    register. More than ``depth`` payloads inside are lost: whoever sends counts them.

    Parameters
    ----------
    shape : shape-like
    depth : int         at least 2

    Members
    -------
    i : ``In(stream.Signature(shape))``
    o : ``Out(stream.Signature(shape))``

    Raises
    ------
    SpecError    If ``depth`` is less than 2.
    """

    def __init__(self, shape, *, depth: int):
        super().__init__(shape, depth, least=2)

    def elaborate(self, platform):
        m = Module()
        width, depth = Shape.cast(self._shape).width, self._depth
        m.submodules.storage = storage = memory.Memory(shape=width, depth=depth, init=[])
        write, read = storage.write_port(), storage.read_port(domain="comb")
        level, got = Signal(range(depth + 1)), Signal()
        m.d.comb += [
            write.en.eq(self.i.valid), write.data.eq(Value.cast(self.i.payload)),
            Value.cast(self.o.payload).eq(read.data), self.i.ready.eq(1),
            self.o.valid.eq(level != 0), got.eq(self.o.valid & self.o.ready),
        ]
        m.d.sync += level.eq(level + self.i.valid - got)
        for moves, port in ((self.i.valid, write), (got, read)):
            with m.If(moves):
                wrap_add(m, port.addr, depth)
        return m
