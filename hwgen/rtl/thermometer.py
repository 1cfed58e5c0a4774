"""Thermometer coder: comparisons with constants, one register."""

from amaranth.hdl import Module

from .stage_core import StageCore

__all__ = ["ThermometerCoder"]


class ThermometerCoder(StageCore):
    """``o[i * T + t] = i[i] >= levels[t]``; one cycle, full rate.

    Members
    -------
    i : ``In(beat_signature(x_shape, lanes))``
    o : ``Out(beat_signature(unsigned(1), lanes * T))``
    """

    def elaborate(self, platform):
        m = Module()
        levels = self._stage.thermometer.levels.tolist()
        with m.If(self.o.ready | ~self.o.valid):
            m.d.comb += self.i.ready.eq(1)
            m.d.sync += [self.o.valid.eq(self.i.valid), self.o.p.last.eq(self.i.p.last)]
            for i in range(self._stage.in_lanes):
                for t, level in enumerate(levels):
                    bit = self.o.p.data[i * len(levels) + t]
                    m.d.sync += bit.eq(self.i.p.data[i] >= level)
        return m
