"""Argmax: scores pass, the indices of the k largest follow."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages import ArgmaxStage
from .stream import beat_signature, element_shape

__all__ = ["ArgmaxCore"]


class ArgmaxCore(wiring.Component):
    """Passes one score a cycle through a register and ends each frame with the k best classes.

    A list of ``k`` scores and their indices is kept in order: a new score is compared with all of
    them at once, enters before the first that is smaller, and moves the rest down. Behind equal
    ones, so the lowest index wins a tie. A frame of ``n`` scores takes ``n + k`` cycles.

    Members
    -------
    i : ``In(beat_signature(score_shape, 1))``
    o : ``Out(beat_signature(out_shape, 1))``   scores, then the classes, the best first; ``last``
        with the last class
    """

    def __init__(self, stage: ArgmaxStage):
        self._stage = stage
        super().__init__({
            "i": In(beat_signature(element_shape(stage.in_edge), 1)),
            "o": Out(beat_signature(element_shape(stage.out_edge), 1)),
        })

    def elaborate(self, platform):
        m = Module()
        k, score = self._stage.k, self.i.p.data[0]
        index = Signal(range(self._stage.x.size + 1))
        best, winner = _list(k, score.shape(), "best"), _list(k, index.shape(), "winner")
        closing = Signal(range(k + 1))      # classes still to send, once all scores have passed
        with m.If(self.o.ready | ~self.o.valid):
            m.d.comb += self.i.ready.eq(closing == 0)
            m.d.sync += [self.o.valid.eq(self.i.valid | (closing != 0)),
                         self.o.p.last.eq(closing == 1), self.o.p.data[0].eq(score)]
            with m.If(closing):
                m.d.sync += [self.o.p.data[0].eq(winner[0]), closing.eq(closing - 1), index.eq(0),
                             *(w.eq(after) for w, after in zip(winner, winner[1:], strict=False))]
            with m.Elif(self.i.valid):
                m.d.sync += index.eq(index + 1)
                with m.If(self.i.p.last):
                    m.d.sync += closing.eq(k)
                self._insert(m, score, index, best, winner)
        return m

    def _insert(self, m, score, index, best, winner):
        """Put ``score`` into its place; places from ``index`` on are still empty."""
        above = None
        for rank in range(len(best)):
            is_better = Signal(name=f"is_better_{rank}")
            m.d.comb += is_better.eq((index <= rank) | (score > best[rank]))
            with m.If(is_better):
                m.d.sync += [best[rank].eq(score), winner[rank].eq(index)]
                if rank:
                    with m.If(above):       # the new score is in a place before
                        m.d.sync += [best[rank].eq(best[rank - 1]),
                                     winner[rank].eq(winner[rank - 1])]
            above = is_better


def _list(k, shape, name):
    """Registers of the places of the list, the best first."""
    return [Signal(shape, name=name if k == 1 else f"{name}_{rank}", reset_less=True)
            for rank in range(k)]
