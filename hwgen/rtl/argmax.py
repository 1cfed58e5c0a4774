"""Argmax: scores pass, the indices of the k largest follow."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value

from .chain import at_least
from .stage_core import StageCore

__all__ = ["ArgmaxCore"]


class ArgmaxCore(StageCore):
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

    def elaborate(self, platform):
        m = Module()
        k = self._stage.k
        index = Signal(range(self._stage.x.size + 1))
        best = _list(k, self.i.p.data[0].shape(), "best")
        winner = _list(k, index.shape(), "winner")
        is_score, is_final = Signal(), Signal()     # what is held: a score, the last of its frame
        left = Signal(range(k + 1))                 # classes still to send
        closing = Signal()                          # the next beat is a class
        places = self._inserted(m, index, best, winner)
        # The held score is compared as it leaves: the comparison starts and ends in registers.
        classes = [Mux(is_score, new, old) for (_, new), old in zip(places, winner, strict=True)]
        m.d.comb += closing.eq(is_final | (left != 0))
        with m.If(self.o.ready | ~self.o.valid):
            m.d.comb += self.i.ready.eq(~closing)
            m.d.sync += [
                self.o.valid.eq(self.i.valid | closing), self.o.p.data[0].eq(self.i.p.data[0]),
                self.o.p.last.eq(0), is_score.eq(self.i.valid & ~closing),
                is_final.eq(self.i.valid & ~closing & self.i.p.last),
            ]
            with m.If(is_score):
                m.d.sync += index.eq(index + 1)
                m.d.sync += [pair.eq(new) for pair, (new, _) in zip(best, places, strict=True)]
                m.d.sync += [pair.eq(new) for pair, (_, new) in zip(winner, places, strict=True)]
            with m.If(closing):
                after = Signal.like(left)
                m.d.comb += after.eq(Mux(is_final, k - 1, left - 1))
                m.d.sync += [self.o.p.data[0].eq(classes[0]), self.o.p.last.eq(after == 0),
                             left.eq(after), index.eq(0)]
                m.d.sync += [old.eq(new) for old, new in zip(winner, classes[1:], strict=False)]
        return m

    def _inserted(self, m, index, best, winner):
        """The list with the held score in its place: places from ``index`` on are still empty."""
        score, above, places = Signal.like(best[0], name="score"), None, []
        m.d.comb += score.eq(self.o.p.data[0])      # which may have fewer bits: the sign goes on
        for rank in range(len(best)):
            is_better = Signal(name=f"is_better_{rank}")
            # Not `score > best`: yosys makes two chains in a row of that where both have a sign.
            shape = best[rank].shape()
            held = at_least(m, _ordered(best[rank], shape), _ordered(score, shape),
                            prefix=f"held_{rank}")
            m.d.comb += is_better.eq((index <= rank) | ~held)
            value, place = score, index
            if rank:                                # the score may be in a place before
                value = Mux(above, best[rank - 1], score)
                place = Mux(above, winner[rank - 1], index)
            new = _list(1, best[rank].shape(), f"best_after_{rank}")[0]
            new_place = _list(1, index.shape(), f"winner_after_{rank}")[0]
            m.d.comb += [new.eq(Mux(is_better, value, best[rank])),
                         new_place.eq(Mux(is_better, place, winner[rank]))]
            places.append((new, new_place))
            above = is_better
        return places


def _list(k, shape, name):
    """Registers of the places of the list, the best first."""
    return [Signal(shape, name=name if k == 1 else f"{name}_{rank}", reset_less=True)
            for rank in range(k)]


def _ordered(value, shape):
    """Bits of a value of ``shape``, unsigned in the same order: those of a sign turned over."""
    bits = Value.cast(value)[:shape.width]
    return Cat(bits[:-1], ~bits[-1]) if shape.signed else bits
