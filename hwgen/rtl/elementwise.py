"""What the cores share that compute each element from itself alone, and never wait."""

from typing import ClassVar

from amaranth.hdl import Module, Signal

from .output_queue import OutputQueue
from .stage_core import StageCore
from .stream import link_out
from .tree import delay

__all__ = ["ElementwiseCore"]


class ElementwiseCore(StageCore):
    """Results leave ``stage.latency_cycles`` after their elements came. Full rate, any stalls.

    A credit of the output queue lets a beat in, so nothing before the queue has to stop. A core of
    this kind has ``results(m, take)``: of each lane, ``stage.latency_cycles - 1`` cycles after the
    one with ``take``.

    Parameters
    ----------
    stage : ElementwiseStage

    Members
    -------
    i : ``In(beat_signature(in_shape, lanes))``
    o : ``Out(beat_signature(out_shape, lanes))``
    """

    reads_in_turn: ClassVar[bool] = False
    """Whether rows follow each other in a memory: the first is there in the second cycle only."""

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = OutputQueue(self._stage)
        take, may_take = Signal(), queue.go
        if self.reads_in_turn:
            awake = Signal()
            m.d.sync += awake.eq(1)
            may_take = queue.go & awake
        m.d.comb += [
            self.i.ready.eq(may_take), take.eq(self.i.valid & self.i.ready), queue.take.eq(take),
            queue.i_valid.eq(delay(m, take, self._stage.latency_cycles - 1, name="valid")),
        ]
        m.d.comb += [queue.i[k].eq(result) for k, result in enumerate(self.results(m, take))]
        link_out(m, self.o, queue.o)
        return m
