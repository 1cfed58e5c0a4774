"""Thresholds that follow no matrix: a subtraction, then the search that others share."""

from amaranth.hdl import Module, Signal

from .accumulate import Starts
from .output_queue import OutputQueue
from .post import SearchCore
from .stage_core import StageCore
from .stream import format_shape, link_out

__all__ = ["ThresholdCore"]


class ThresholdCore(StageCore):
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

    def elaborate(self, platform):
        m = Module()
        stage = self._stage
        shape = format_shape(stage.difference_format)
        m.submodules.queue = queue = OutputQueue(stage)
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
