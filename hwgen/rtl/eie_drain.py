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
        # Copies beside the lanes, of what the layer's begin has set long before.
        shift = Signal.like(self.shift)
        ends = [Signal(self._shape, name=name) for name in ("least", "most")]
        m.d.sync += [shift.eq(self.shift), ends[0].eq(self.low), ends[1].eq(self.high)]
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
            biased = self._step(m, f"biased{k}")
            m.d.sync += biased.eq(value + biases.data.as_signed())
            m.d.comb += self.o[k].eq(self._clipped(m, k, self._shifted(m, k, biased, shift), ends))
        return m

    def _shifted(self, m, k, biased, shift):
        """``biased >> shift``, in two cycles."""
        low, shifted = (self._step(m, f"{name}{k}") for name in ("low", "shifted"))
        m.d.sync += [low.eq(biased >> shift[:LOW_BITS]),
                     shifted.eq(low >> (shift[LOW_BITS:] << LOW_BITS))]
        return shifted

    def _clipped(self, m, k, value, ends):
        """``clip(value, low, high)``: in one cycle what it is beyond, in the next what it is."""
        inside, clipped = (self._step(m, f"{name}{k}") for name in ("inside", "clipped"))
        is_low, is_high = (Signal(name=f"{name}{k}", reset_less=True)
                           for name in ("is_low", "is_high"))
        low, high = ends
        m.d.sync += [is_low.eq(value < low), is_high.eq(value > high), inside.eq(value),
                     clipped.eq(Mux(is_low, low, Mux(is_high, high, inside)))]
        return clipped

    def _step(self, m, name):
        return Signal(self._shape, name=name, reset_less=True)
