"""Argmax: scores pass, the index of the largest follows."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages import ArgmaxStage
from .stream import beat_signature, element_shape

__all__ = ["ArgmaxCore"]


class ArgmaxCore(wiring.Component):
    """Passes one score a cycle through a register and ends each frame with the class.

    The lowest index wins a tie. A frame of ``n`` scores takes ``n + 1`` cycles.

    Members
    -------
    i : ``In(beat_signature(score_shape, 1))``
    o : ``Out(beat_signature(out_shape, 1))``   scores, then the class with ``last``
    """

    def __init__(self, stage: ArgmaxStage):
        self._stage = stage
        super().__init__({
            "i": In(beat_signature(element_shape(stage.in_edge), 1)),
            "o": Out(beat_signature(element_shape(stage.out_edge), 1)),
        })

    def elaborate(self, platform):
        m = Module()
        score = self.i.p.data[0]
        best = Signal(score.shape(), reset_less=True)
        index, winner = Signal(range(self._stage.x.size + 1)), Signal(range(self._stage.x.size + 1))
        closing = Signal()      # all scores have passed, the class is due
        with m.If(self.o.ready | ~self.o.valid):
            m.d.comb += self.i.ready.eq(~closing)
            m.d.sync += [self.o.valid.eq(self.i.valid | closing), self.o.p.last.eq(closing),
                         self.o.p.data[0].eq(score)]
            with m.If(closing):
                m.d.sync += [self.o.p.data[0].eq(winner), closing.eq(0), index.eq(0)]
            with m.Elif(self.i.valid):
                m.d.sync += [index.eq(index + 1), closing.eq(self.i.p.last)]
                with m.If((index == 0) | (score > best)):
                    m.d.sync += [best.eq(score), winner.eq(index)]
        return m
