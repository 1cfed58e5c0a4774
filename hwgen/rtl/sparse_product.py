"""What an entry of the sparse core multiplies its activation with, and what it adds."""

from amaranth.hdl import Module, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages import SparseStage
from .stream import element_shape, format_shape
from .table import Rom

__all__ = ["EntryProduct", "term_shape"]


def term_shape(stage: SparseStage) -> Shape:
    """Shape of what an entry adds, but for a bit more that may be added."""
    x, weight = element_shape(stage.in_edge), format_shape(stage.weight_format)
    if stage.values == "signs":
        return Shape(x.width + (not x.signed), signed=True)
    return Shape(x.width + weight.width, signed=x.signed or weight.signed)


class EntryProduct(wiring.Component):
    """Weight times activation, 2 cycles after the entry's code.

    A weight that is said by a code is looked up in the cycle in which others pass a register. Where
    signs are all there is, a value is complemented instead of multiplied by -1, and the 1 that is
    then missing is left for whoever adds it up.

    Parameters
    ----------
    stage : SparseStage

    Members
    -------
    code : ``In(stage.value_bits)``; value : ``In(in_shape)``    of an entry
    o : ``Out(term_shape(stage))``; carry : ``Out(1)``           both to be added
    """

    def __init__(self, stage: SparseStage):
        self._stage = stage
        super().__init__({
            "code": In(stage.value_bits), "value": In(element_shape(stage.in_edge)),
            "o": Out(term_shape(stage)), "carry": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        term = Signal(self.o.shape(), reset_less=True)
        value = Signal.like(self.value, reset_less=True)
        weight = self._weight(m)
        m.d.sync += value.eq(self.value)
        m.d.comb += self.o.eq(term)
        if self._stage.values != "signs":
            m.d.sync += term.eq(weight * value)
            return m
        wide, carry = Signal(self.o.shape()), Signal(reset_less=True)
        m.d.comb += [wide.eq(value), self.carry.eq(carry)]
        m.d.sync += [term.eq(wide ^ weight.replicate(len(wide))), carry.eq(weight)]
        return m

    def _weight(self, m):
        """The weight of an entry, or whether it is -1, the cycle after its code."""
        stage = self._stage
        if stage.values == "codes":
            weight = Signal(format_shape(stage.weight_format))
            m.submodules.codebook = codebook = Rom(
                width=stage.weight_format.bits, rows=stage.codebook_rows())
            m.d.comb += [codebook.address.eq(self.code), weight.eq(codebook.data)]
            return weight
        shape = Shape(1) if stage.values == "signs" else format_shape(stage.weight_format)
        weight = Signal(shape, name="weight", reset_less=True)
        m.d.sync += weight.eq(self.code)
        return weight
