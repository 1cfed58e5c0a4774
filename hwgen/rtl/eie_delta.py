"""Only what moved is sent: the references of the EIE engine's activations (delta networks)."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..plan.engines.eie import EieSpec
from ..plan.stages.sparse_storage import bits_for
from .eie_memory import Ram
from .stream import format_shape

__all__ = ["References"]


class References(wiring.Component):
    """``moved = x - reference`` of a beat's elements; those that moved by more become references.

    After delta networks (arXiv 1612.05571): what is not sent keeps its reference, so that slow
    moves add up until they are. References lie beat by beat, those of a layer from ``base`` on.

    Parameters
    ----------
    spec : EieSpec      with ``delta``

    Members
    -------
    start : ``In(1)``; base, threshold : ``In``     a layer begins, with these
    enable : ``In(1)``; address_step : ``In(1)``    of :class:`Scanner`: everything goes on a step;
                                                    the beat's address has been shown
    x : ``In(ArrayLayout(x, lanes))``               2 enabled cycles after its address
    moved, is_sent : ``Out``                        a step later
    shown : ``In(1)``                               they are taken, if ``enable``
    sweeps : ``In(1)``; sweep_row : ``In``          this row becomes 0
    """

    def __init__(self, spec: EieSpec):
        self._spec = spec
        self._x = data.ArrayLayout(format_shape(spec.x), spec.lanes)
        rows = bits_for(spec.reference_rows)
        super().__init__({
            "start": In(1), "base": In(rows), "threshold": In(spec.parameter_bits("threshold")),
            "enable": In(1), "address_step": In(1), "x": In(self._x),
            "moved": Out(data.ArrayLayout(format_shape(spec.sent), spec.lanes)),
            "is_sent": Out(spec.lanes), "shown": In(1), "sweeps": In(1), "sweep_row": In(rows),
        })

    def elaborate(self, platform):
        m = Module()
        spec, takes = self._spec, Signal()
        m.submodules.rows = rows = Ram(depth=spec.reference_rows, width=self._x.size)
        x, before, after = (Signal(self._x, name=name, reset_less=True)
                            for name in ("now", "before", "after"))
        write, place, target = Signal(), Signal.like(rows.address), Signal.like(rows.address)
        before_row = data.View(self._x, rows.data)
        m.d.comb += [takes.eq(self.enable & self.shown), rows.enable.eq(self.enable)]
        with m.If(self.enable):
            m.d.sync += [x.eq(self.x), before.eq(rows.data)]
        for k in range(spec.lanes):
            with m.If(self.enable):
                m.d.sync += self.moved[k].eq(self.x[k] - before_row[k])
            m.d.comb += self.is_sent[k].eq((self.moved[k] > self.threshold)
                                           | (self.moved[k] < -self.threshold))
            m.d.sync += after[k].eq(Mux(self.is_sent[k], x[k], before[k]))
        with m.If(self.enable & self.address_step):
            m.d.sync += rows.address.eq(rows.address + 1)
        m.d.sync += [write.eq(takes), target.eq(place)]
        with m.If(takes):
            m.d.sync += place.eq(place + 1)
        with m.If(self.start):
            m.d.sync += [rows.address.eq(self.base), place.eq(self.base)]
        m.d.comb += [
            rows.write.eq(write | self.sweeps),
            rows.write_address.eq(Mux(self.sweeps, self.sweep_row, target)),
            rows.write_data.eq(Mux(self.sweeps, 0, Cat(after)))]
        return m
