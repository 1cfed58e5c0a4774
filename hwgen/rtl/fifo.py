"""A first-in first-out queue of any shape between two streams."""

from amaranth.hdl import Module, Shape, Value
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from ..numeric import SpecError

__all__ = ["StreamFIFO"]


class StreamFIFO(wiring.Component):
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
        least = 3 if buffered else 1
        if depth < least:
            raise SpecError(f"FIFO depth must be at least {least}, not {depth}")
        self._shape = shape
        self._depth = depth
        self._queue = fifo.SyncFIFOBuffered if buffered else fifo.SyncFIFO
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    @property
    def depth(self) -> int:
        return self._depth

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
