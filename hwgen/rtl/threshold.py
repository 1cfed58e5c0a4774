"""Thresholds that follow no matrix: a subtraction, then the search that others share."""

from amaranth.hdl import Signal

from .accumulate import Starts
from .elementwise import ElementwiseCore
from .post import SearchCore
from .stream import format_shape
from .tree import delay

__all__ = ["ThresholdCore"]


class ThresholdCore(ElementwiseCore):
    """The code of each element among the thresholds of its channel; see :class:`ThresholdStage`."""

    reads_in_turn = True

    def results(self, m, take):
        stage = self._stage
        shape = format_shape(stage.difference_format)
        m.submodules.search = search = SearchCore(stage, shape)
        starts = Starts(shape=format_shape(stage.start_format), rows=stage.start_rows(),
                        constant=int(stage.starts[0])).values(m, stage.lanes, take)
        for k, start in enumerate(starts):
            difference = Signal(shape, name=f"difference{k}", reset_less=True)
            m.d.sync += difference.eq(self.i.p.data[k] + start)
            m.d.comb += search.i[k].eq(difference)
        m.d.comb += search.i_valid.eq(delay(m, take, 1, name="taken"))
        return list(search.o)
