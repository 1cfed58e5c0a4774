"""The queue at the output of a core that never stops: credits keep room for what is under way."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .fifo import StreamFIFO
from .stream import beat_layout, beat_signature, element_shape, link_out
from .tree import wrap_add

__all__ = ["OutputQueue"]


class OutputQueue(wiring.Component):
    """Output beats wait here; ``go`` says that one more may be started on.

    A credit is taken when a fold is begun and given back when its beat has left, so whatever comes
    out of the datapath finds room: the datapath itself never has to stop.

    Parameters
    ----------
    stage : Stage       whose output it is; ``stage.fifo_depth`` beats may be under way

    Members
    -------
    i : ``In(ArrayLayout(out_shape, stage.out_lanes))``; i_valid : ``In(1)``
    o : ``Out(beat_signature(out_shape, stage.out_lanes))``
    take : ``In(1)``    a fold is begun in this cycle
    go : ``Out(1)``     there is a credit
    """

    def __init__(self, stage):
        shape, lanes = element_shape(stage.out_edge), stage.out_lanes
        self._beats, self._depth = stage.out_edge.size // lanes, stage.fifo_depth
        self._layout = beat_layout(shape, lanes)
        super().__init__({
            "i": In(data.ArrayLayout(shape, lanes)), "i_valid": In(1),
            "o": Out(beat_signature(shape, lanes)), "take": In(1), "go": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.fifo = fifo = StreamFIFO(self._layout, depth=self._depth)
        beat = Signal(range(max(2, self._beats)))
        credits = Signal(range(self._depth + 1), init=self._depth)
        returned = Signal()
        m.d.comb += [
            fifo.i.p.data.eq(self.i), fifo.i.valid.eq(self.i_valid),
            fifo.i.p.last.eq(beat == self._beats - 1),
            returned.eq(self.o.valid & self.o.ready), self.go.eq(credits != 0),
        ]
        m.d.sync += credits.eq(credits - self.take + returned)
        with m.If(self.i_valid):
            wrap_add(m, beat, self._beats)
        link_out(m, self.o, fifo.o)
        return m
