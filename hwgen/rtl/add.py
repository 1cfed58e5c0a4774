"""Sums of several streams: where branches join."""

from functools import reduce
from operator import and_

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages import AddStage
from .output_queue import OutputQueue
from .stream import beat_signature, element_shape, link_out
from .tree import adder_tree, delay

__all__ = ["AddCore"]


class AddCore(wiring.Component):
    """``out = sum over k of (x_k << shifts[k])`` of each element; see :class:`AddStage`.

    A beat of every input goes in at once, when all are there and a credit of the output queue is,
    so nothing before the queue has to stop. Full rate, any stalls.

    Parameters
    ----------
    stage : AddStage

    Members
    -------
    i0, i1, ... : ``In(beat_signature(in_shape, lanes))``       one for each input
    o : ``Out(beat_signature(out_shape, lanes))``
    """

    def __init__(self, stage: AddStage):
        self._stage = stage
        super().__init__({
            **{f"i{k}": In(beat_signature(element_shape(edge), stage.lanes))
               for k, edge in enumerate(stage.in_edges)},
            "o": Out(beat_signature(element_shape(stage.out_edge), stage.lanes)),
        })

    @property
    def stage(self) -> AddStage:
        return self._stage

    @property
    def inputs(self) -> list:
        """The streams that are added."""
        return [getattr(self, f"i{k}") for k in range(len(self._stage.in_edges))]

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = OutputQueue(self._stage)
        take = Signal()
        m.d.comb += [
            take.eq(reduce(and_, (i.valid for i in self.inputs)) & queue.go), queue.take.eq(take),
            queue.i_valid.eq(delay(m, take, self._stage.latency_cycles - 1, name="valid")),
        ]
        m.d.comb += [i.ready.eq(take) for i in self.inputs]
        m.d.comb += [queue.i[lane].eq(self._sum(m, lane)) for lane in range(self._stage.lanes)]
        link_out(m, self.o, queue.o)
        return m

    def _sum(self, m, lane):
        """A register for each level of the tree."""
        stage, terms = self._stage, []
        for k, (i, shift) in enumerate(zip(self.inputs, stage.add.shifts, strict=True)):
            value = i.p.data[lane] << shift
            term = Signal(value.shape(), name=f"x{lane}_{k}")
            m.d.comb += term.eq(value)
            terms.append(term)
        return adder_tree(m, terms, levels_per_register=1, prefix=f"sum{lane}")
