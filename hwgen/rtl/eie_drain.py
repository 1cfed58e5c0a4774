"""How the sums of the EIE engine leave: a group of elements a cycle, biased, shifted, clipped."""

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..plan.engines.eie import EieSpec
from ..plan.engines.eie_stream import Kind
from ..plan.engines.eie_timing import COPIES, READ_SUM_CYCLES
from .eie_memory import LOAD, READ_CYCLES, Ram, chosen
from .stream import format_shape
from .tree import delay

__all__ = ["Narrow"]

LOW_BITS = 3
"""Of a shift that are done first; the rest in the next cycle."""


class Narrow(wiring.Component):
    """``clip((sum + bias) >> shift, low, high)`` of ``lanes`` elements, a beat a cycle.

    A bias has all that rounds in it; the shift floors. What a row gives that is asked for in one
    cycle comes out ``DRAIN_CYCLES`` later.

    Parameters
    ----------
    spec : EieSpec

    Members
    -------
    sums : ``In``, an array of ``pe``       ``READ_SUM_CYCLES`` after their row is asked for
    group : ``In``                          of which elements it is asked for
    bias_row : ``In``                       where the biases of the beat are, with ``group``
    shift, low, high : ``In``               of the layer
    o : ``Out(ArrayLayout(accumulator, lanes))``
    load : ``In(LOAD)``, an array of ``lanes``
    """

    def __init__(self, spec: EieSpec):
        self._spec = spec
        self._shape = format_shape(spec.accumulator)
        super().__init__({
            "sums": In(data.ArrayLayout(self._shape, spec.pe)),
            "group": In(range(max(2, spec.groups))),
            "bias_row": In(range(max(2, spec.biases))),
            "shift": In(unsigned(spec.parameter_bits("shift"))),
            "low": In(self._shape), "high": In(self._shape),
            "o": Out(data.ArrayLayout(self._shape, spec.lanes)),
            "load": In(LOAD).array(spec.lanes),
        })

    def elaborate(self, platform):
        m = Module()
        spec = self._spec
        group, bias_row = (delay(m, value, cycles, name=name) for value, cycles, name in (
            (self.group, READ_SUM_CYCLES, "group"),
            (self.bias_row, READ_SUM_CYCLES + 1 - READ_CYCLES, "bias_row")))
        copies = self._copies(m)
        for k in range(spec.lanes):
            shift, *ends = copies[k * len(copies) // spec.lanes]
            value = self._step(m, f"picked{k}")
            with m.Switch(group):
                for number in range(spec.groups):
                    with m.Case(number):
                        m.d.sync += value.eq(self.sums[number * spec.lanes + k])
            m.submodules[f"biases{k}"] = biases = Ram(
                depth=spec.biases, width=spec.accumulator_bits)
            load = self.load[k]
            m.d.comb += [biases.write.eq(chosen(m, load, Kind.BIASES, k)),
                         biases.write_address.eq(load.address),
                         biases.write_data.eq(load.data), biases.address.eq(bias_row)]
            biased = self._step(m, f"biased{k}")
            m.d.sync += biased.eq(value + biases.data.as_signed())
            m.d.comb += self.o[k].eq(self._clipped(m, k, self._shifted(m, k, biased, shift), ends))
        return m

    def _copies(self, m):
        """Shift, low and high, which the layer's begin has set, from register to register."""
        copies, before = [], (self.shift, self.low, self.high)
        for k in range(min(COPIES, self._spec.lanes)):
            copy = [Signal.like(value, name=f"{name}_copy{k}", reset_less=True)
                    for name, value in zip(("shift", "low", "high"), before, strict=True)]
            m.d.sync += [one.eq(value) for one, value in zip(copy, before, strict=True)]
            copies.append(copy)
            before = copy
        return copies

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
        # Differences' signs: comparisons would become trees of LUTs, not carry chains.
        beyond = [Signal(signed(len(value) + 1), name=f"{name}{k}") for name in ("below", "above")]
        m.d.comb += [beyond[0].eq(value - low), beyond[1].eq(high - value)]
        m.d.sync += [is_low.eq(beyond[0][-1]), is_high.eq(beyond[1][-1]), inside.eq(value),
                     clipped.eq(Mux(is_low, low, Mux(is_high, high, inside)))]
        return clipped

    def _step(self, m, name):
        return Signal(self._shape, name=name, reset_less=True)
