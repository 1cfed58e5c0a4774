"""Functions by table: each element is the address of its result."""

from amaranth.hdl import Module, Signal

from .output_queue import OutputQueue
from .stage_core import StageCore
from .stream import link_out
from .table import Rom
from .tree import delay

__all__ = ["TableLookup"]


class TableLookup(StageCore):
    """The entry of each element; see :class:`TableStage`. Full rate, any stalls.

    A memory never waits: a credit of the output queue lets a beat in.

    Parameters
    ----------
    stage : TableStage

    Members
    -------
    i : ``In(beat_signature(in_shape, lanes))``
    o : ``Out(beat_signature(out_shape, lanes))``
    """

    def elaborate(self, platform):
        m = Module()
        stage, rows = self._stage, self._stage.rows()
        m.submodules.queue = queue = OutputQueue(stage)
        take = Signal()
        m.d.comb += [
            self.i.ready.eq(queue.go), take.eq(self.i.valid & queue.go), queue.take.eq(take),
            queue.i_valid.eq(delay(m, take, stage.latency_cycles - 1, name="valid")),
        ]
        for k in range(stage.lanes):
            m.submodules[f"table{k}"] = rom = Rom(width=stage.table.format.bits, rows=rows)
            value = Signal(stage.table.format.bits, name=f"value{k}", reset_less=True)
            m.d.comb += rom.address.eq(self.i.p.data[k].as_unsigned())
            m.d.sync += value.eq(rom.data)
            m.d.comb += queue.i[k].eq(value)
        link_out(m, self.o, queue.o)
        return m
