"""Lane converters: the same elements in beats of another size."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages import Conversion
from .stream import beat_signature, chain
from .tree import wrap_add

__all__ = ["Converter", "Gather", "Split"]


class Gather(wiring.Component):
    """``beats`` narrow beats become one wide beat; full rate, the last one plus one cycle.

    Members
    -------
    i : ``In(beat_signature(shape, lanes))``
    o : ``Out(beat_signature(shape, lanes * beats))``
    """

    def __init__(self, shape, *, lanes: int, beats: int):
        self._beats = beats
        super().__init__({"i": In(beat_signature(shape, lanes)),
                          "o": Out(beat_signature(shape, lanes * beats))})

    def elaborate(self, platform):
        m = Module()
        wide = Signal(len(self.o.p.data.as_value()), reset_less=True)
        narrow = self.i.p.data.as_value()
        count, last = Signal(range(max(2, self._beats))), Signal()
        m.d.comb += [
            self.o.p.data.as_value().eq(wide), self.o.p.last.eq(last),
            self.i.ready.eq(~self.o.valid | self.o.ready),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self.i.valid & self.i.ready):
            wrap_add(m, count, self._beats)
            m.d.sync += [
                wide.eq(Cat(wide[len(narrow):], narrow)), last.eq(self.i.p.last),
                self.o.valid.eq(count == self._beats - 1),
            ]
        return m


class Split(wiring.Component):
    """One wide beat becomes ``beats`` narrow ones; full rate, the first one cycle later.

    Members
    -------
    i : ``In(beat_signature(shape, lanes * beats))``
    o : ``Out(beat_signature(shape, lanes))``
    """

    def __init__(self, shape, *, lanes: int, beats: int):
        self._beats = beats
        super().__init__({"i": In(beat_signature(shape, lanes * beats)),
                          "o": Out(beat_signature(shape, lanes))})

    def elaborate(self, platform):
        m = Module()
        wide = Signal(len(self.i.p.data.as_value()), reset_less=True)
        narrow = self.o.p.data.as_value()
        left, last = Signal(range(self._beats + 1)), Signal()
        m.d.comb += [
            narrow.eq(wide[:len(narrow)]), self.o.p.last.eq(last & (left == 1)),
            self.o.valid.eq(left != 0),
            self.i.ready.eq((left == 0) | ((left == 1) & self.o.ready)),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [left.eq(left - 1), wide.eq(wide >> len(narrow))]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [left.eq(self._beats), last.eq(self.i.p.last),
                         wide.eq(self.i.p.data.as_value())]
        return m


class Converter(wiring.Component):
    """Gathers to the common multiple of both beat sizes, then splits; a wire where both agree.

    Members
    -------
    i : ``In(beat_signature(shape, conversion.lanes_in))``
    o : ``Out(beat_signature(shape, conversion.lanes_out))``
    """

    def __init__(self, shape, conversion: Conversion):
        self._shape, self._conversion = shape, conversion
        super().__init__({"i": In(beat_signature(shape, conversion.lanes_in)),
                          "o": Out(beat_signature(shape, conversion.lanes_out))})

    def elaborate(self, platform):
        m = Module()
        conversion, steps = self._conversion, []
        if conversion.gather > 1:
            m.submodules.gather = gather = Gather(
                self._shape, lanes=conversion.lanes_in, beats=conversion.gather)
            steps.append(gather)
        if conversion.split > 1:
            m.submodules.split = split = Split(
                self._shape, lanes=conversion.lanes_out, beats=conversion.split)
            steps.append(split)
        if not steps:
            m.d.comb += [self.o.payload.eq(self.i.payload), self.o.valid.eq(self.i.valid),
                         self.i.ready.eq(self.o.ready)]
            return m
        chain(m, self, steps)
        return m
