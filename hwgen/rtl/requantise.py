"""Requantisations that follow no matrix: the steps that others share, behind a register."""

from amaranth.hdl import Module, Signal

from .output_queue import OutputQueue
from .post import RequantiseCore
from .stage_core import StageCore
from .stream import element_shape, link_out

__all__ = ["RequantiseUnit"]


class RequantiseUnit(StageCore):
    """Each element scaled, rounded and clipped; see :class:`RequantiseStage`.

    The steps never wait: a credit of the output queue lets a beat in. Full rate, any stalls.

    Parameters
    ----------
    stage : RequantiseStage

    Members
    -------
    i : ``In(beat_signature(in_shape, lanes))``
    o : ``Out(beat_signature(out_shape, lanes))``
    """

    def elaborate(self, platform):
        m = Module()
        stage = self._stage
        m.submodules.queue = queue = OutputQueue(stage)
        m.submodules.post = post = RequantiseCore(stage, element_shape(stage.in_edge))
        awake, take, taken = Signal(), Signal(), Signal()
        # The memory of the multipliers shows its first row only from the second cycle after reset.
        m.d.sync += [awake.eq(1), taken.eq(take)]
        m.d.comb += [
            self.i.ready.eq(queue.go & awake), take.eq(self.i.valid & self.i.ready),
            queue.take.eq(take), post.i_valid.eq(taken),
            queue.i.eq(post.o), queue.i_valid.eq(post.o_valid),
        ]
        values = Signal.like(self.i.p.data, name="values", reset_less=True)
        m.d.sync += values.eq(self.i.p.data)
        m.d.comb += post.i.eq(values)
        link_out(m, self.o, queue.o)
        return m
