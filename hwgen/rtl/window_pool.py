"""Pools of windows that come whole: a tree of all taps of each channel."""

from amaranth.hdl import Mux, Signal

from .elementwise import ElementwiseCore
from .tree import adder_tree

__all__ = ["WideMaxCore", "WideSumCore"]


class _WideCore(ElementwiseCore):
    """One value of each channel of a window; see :class:`WideMaxStage`. Full rate, any stalls.

    Members
    -------
    i : ``In(beat_signature(x_shape, taps * c))``
    o : ``Out(beat_signature(out_shape, c))``
    """

    def results(self, m, take):
        lanes, given = self._stage.out_lanes, self.i.p.data
        return [self._tree(m, [given[tap * lanes + k] for tap in range(self._stage.pool.taps)],
                           f"channel{k}") for k in range(lanes)]


class WideMaxCore(_WideCore):
    """The largest of all taps; a register for each level."""

    def _tree(self, m, terms, prefix):
        level = 0
        while len(terms) > 1:
            level += 1
            larger = [Mux(a > b, a, b) for a, b in zip(terms[::2], terms[1::2], strict=False)]
            following = []
            for k, value in enumerate(larger + terms[len(terms) & ~1:]):
                term = Signal(value.shape(), name=f"{prefix}_l{level}_{k}", reset_less=True)
                m.d.sync += term.eq(value)
                following.append(term)
            terms = following
        return terms[0]


class WideSumCore(_WideCore):
    """The sum of all taps; a register for each level."""

    def _tree(self, m, terms, prefix):
        return adder_tree(m, terms, levels_per_register=1, prefix=prefix)
