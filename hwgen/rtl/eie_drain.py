"""How the sums of the EIE engine leave: a group of elements a cycle, biased, shifted, clipped."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..plan.engines.eie import EieSpec
from ..plan.engines.eie_stream import Kind
from ..plan.engines.eie_timing import DRAIN_CYCLES
from .eie_memory import LOAD, READ_CYCLES, Ram, chosen
from .stream import format_shape
from .tree import delay

__all__ = ["Narrow"]

LOW_BITS = 3
"""Of a shift that are done first; the rest in the next cycle."""


class Narrow(wiring.Component):
    """``clip((sum + bias) >> shift, low, high)`` of ``lanes`` elements, a beat a cycle.

    A bias has all that rounds in it; the shift floors. What is taken in one cycle comes out
    ``DRAIN_CYCLES`` later.

    Parameters
    ----------
    spec : EieSpec

    Members
    -------
    sums : ``In``, an array of ``pe``       2 cycles after ``take``
    take : ``In(1)``                        the row of all elements is read in this cycle
    group : ``In``                          of which elements it is taken
    bias_row : ``In``                       where the biases of the beat are, with ``take``
    shift, low, high : ``In``               of the layer
    o : ``Out(ArrayLayout(accumulator, lanes))``; o_valid : ``Out(1)``
    load : ``In(LOAD)``
    """

    def __init__(self, spec: EieSpec):
        self._spec = spec
        self._shape = format_shape(spec.accumulator)
        super().__init__({
            "sums": In(data.ArrayLayout(self._shape, spec.pe)), "take": In(1),
            "group": In(range(max(2, spec.groups))),
            "bias_row": In(range(max(2, spec.biases))),
            "shift": In(unsigned(spec.parameter_bits("shift"))),
            "low": In(self._shape), "high": In(self._shape),
            "o": Out(data.ArrayLayout(self._shape, spec.lanes)), "o_valid": Out(1),
            "load": In(LOAD),
        })

    def elaborate(self, platform):
        m = Module()
        spec = self._spec
        m.d.comb += self.o_valid.eq(delay(m, self.take, DRAIN_CYCLES, name="taken"))
        group, bias_row = (delay(m, value, cycles, name=name) for value, cycles, name in (
            (self.group, READ_CYCLES, "group"), (self.bias_row, 1, "bias_row")))
        for k in range(spec.lanes):
            value = self._step(m, f"picked{k}")
            with m.Switch(group):
                for number in range(spec.groups):
                    with m.Case(number):
                        m.d.sync += value.eq(self.sums[number * spec.lanes + k])
            m.submodules[f"biases{k}"] = biases = Ram(
                depth=spec.biases, width=spec.accumulator_bits)
            m.d.comb += [biases.write.eq(chosen(self.load, Kind.BIASES, k)),
                         biases.write_address.eq(self.load.address),
                         biases.write_data.eq(self.load.data), biases.address.eq(bias_row)]
            biased, low, high, clipped = (
                self._step(m, f"{name}{k}") for name in ("biased", "low", "high", "clipped"))
            m.d.sync += [
                biased.eq(value + biases.data.as_signed()),
                low.eq(biased >> self.shift[:LOW_BITS]),
                high.eq(low >> (self.shift[LOW_BITS:] << LOW_BITS)),
                clipped.eq(Mux(high < self.low, self.low,
                               Mux(high > self.high, self.high, high)))]
            m.d.comb += self.o[k].eq(clipped)
        return m

    def _step(self, m, name):
        return Signal(self._shape, name=name, reset_less=True)
