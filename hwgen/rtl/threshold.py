"""Thresholds that follow no matrix: a subtraction, then the search that others share."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages import ThresholdStage
from .accumulate import Starts
from .folded import OutputQueue
from .post import SearchCore
from .stream import beat_signature, element_shape, format_shape, link_out

__all__ = ["ThresholdCore"]


class ThresholdCore(wiring.Component):
    """The code of each element among the thresholds of its channel; see :class:`ThresholdStage`.

    The search never waits: a credit of the output queue lets a beat in. Full rate, any stalls.

    Parameters
    ----------
    stage : ThresholdStage

    Members
    -------
    i : ``In(beat_signature(in_shape, lanes))``
    o : ``Out(beat_signature(out_shape, lanes))``
    """

    def __init__(self, stage: ThresholdStage):
        self._stage = stage
        super().__init__({
            "i": In(beat_signature(element_shape(stage.in_edge), stage.lanes)),
            "o": Out(beat_signature(element_shape(stage.out_edge), stage.lanes)),
        })

    @property
    def stage(self) -> ThresholdStage:
        return self._stage

    def elaborate(self, platform):
        m = Module()
        stage = self._stage
        shape = format_shape(stage.difference_format)
        m.submodules.queue = queue = OutputQueue(
            shape=element_shape(stage.out_edge), lanes=stage.lanes, beats=stage.beats,
            depth=stage.fifo_depth)
        m.submodules.search = search = SearchCore(stage, shape)
        awake, take, taken = Signal(), Signal(), Signal()
        # The memory of the starts shows its first row only from the second cycle after reset on.
        m.d.sync += [awake.eq(1), taken.eq(take)]
        m.d.comb += [
            self.i.ready.eq(queue.go & awake), take.eq(self.i.valid & self.i.ready),
            queue.take.eq(take), search.i_valid.eq(taken),
            queue.i.eq(search.o), queue.i_valid.eq(search.o_valid),
        ]
        starts = Starts(shape=format_shape(stage.start_format), rows=stage.start_rows(),
                        constant=int(stage.starts[0])).values(m, stage.lanes, take)
        for k, start in enumerate(starts):
            difference = Signal(shape, name=f"difference{k}", reset_less=True)
            m.d.sync += difference.eq(self.i.p.data[k] + start)
            m.d.comb += search.i[k].eq(difference)
        link_out(m, self.o, queue.o)
        return m
