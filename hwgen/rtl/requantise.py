"""Requantisations that follow no matrix: the steps that others share, behind a register."""

from amaranth.hdl import Signal

from .elementwise import ElementwiseCore
from .post import RequantiseCore
from .stream import element_shape
from .tree import delay

__all__ = ["RequantiseUnit"]


class RequantiseUnit(ElementwiseCore):
    """Each element scaled, rounded and clipped; see :class:`RequantiseStage`."""

    reads_in_turn = True

    def results(self, m, take):
        stage = self._stage
        m.submodules.post = post = RequantiseCore(stage, element_shape(stage.in_edge))
        values = Signal.like(self.i.p.data, name="values", reset_less=True)
        m.d.sync += values.eq(self.i.p.data)
        m.d.comb += [post.i.eq(values), post.i_valid.eq(delay(m, take, 1, name="taken"))]
        return list(post.o)
