"""What an entry of the sparse core multiplies its activations with, and what it adds."""

from amaranth.hdl import Module, Shape, Signal, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages import SparseStage
from .multiply_cells import Multiply
from .sparse_front import value_layout
from .stream import element_shape, format_shape
from .table import Rom
from .tree import adder_tree

__all__ = ["EntryProduct", "term_shape"]


def term_shape(stage: SparseStage) -> Shape:
    """Shape of what an entry adds to a sum, but for a bit more that may be added."""
    x, weight = element_shape(stage.in_edge), format_shape(stage.weight_format)
    if stage.values == "signs":
        return Shape(x.width + (not x.signed), signed=True)
    return Shape(x.width + weight.width + stage.product_registers,
                 signed=x.signed or weight.signed)


class EntryProduct(wiring.Component):
    """Weights times activations, ``2 + stage.product_registers`` cycles after the entry's code.

    A weight that is said by a code is looked up in the cycle in which others pass a register. Where
    signs are all there is, a value is complemented instead of multiplied by -1, and the 1 that is
    then missing is left for whoever adds it up. Of a block, the products of each row are added up.
    Products in LUTs have registers of their own, in front of which codes are looked up.

    Parameters
    ----------
    stage : SparseStage

    Members
    -------
    code : ``In(stage.value_bits)``; value : ``In(value_layout(stage))``       of an entry
    o : ``Out(ArrayLayout(term_shape(stage), stage.block_rows))``; carry : ``Out(1)``
        both to be added
    """

    def __init__(self, stage: SparseStage):
        self._stage = stage
        super().__init__({
            "code": In(stage.value_bits), "value": In(value_layout(stage)),
            "o": Out(data.ArrayLayout(term_shape(stage), stage.block_rows)), "carry": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        stage, value = self._stage, Signal(value_layout(self._stage), reset_less=True)
        m.d.sync += value.eq(self.value)
        if stage.values == "signs":
            self._signed(m, value[0])
            return m
        for row in range(stage.block_rows):
            products = []
            for column in range(stage.block_columns):
                place = row * stage.block_columns + column
                if stage.multiplies_in_luts:
                    products.append(self._product_in_luts(m, place, self.value[column]))
                    continue
                weight = self._weight(m, place)
                products.append(Signal((weight * value[column]).shape(), reset_less=True,
                                       name=f"product{place}"))
                m.d.sync += products[-1].eq(weight * value[column])
            m.d.comb += self.o[row].eq(
                adder_tree(m, products, levels_per_register=1, prefix=f"row{row}"))
        return m

    def _product_in_luts(self, m, place, value):
        """Two cycles after an entry's code and the activation ``value``."""
        fmt, x = format_shape(self._stage.weight_format), element_shape(self._stage.in_edge)
        m.submodules[f"multiply{place}"] = multiply = Multiply(fmt, x, in_block=False)
        product = Signal(Shape(fmt.width + x.width, fmt.signed or x.signed),
                         name=f"product{place}")
        m.d.comb += [multiply.a.eq(self._looked_up(m, place)), multiply.b.eq(value),
                     product.eq(multiply.y)]
        return product

    def _looked_up(self, m, place):
        """A weight of an entry, in the cycle of its code."""
        stage, code = self._stage, self.code.word_select(place, self._stage.code_bits)
        if stage.values == "plain":
            return code
        rows = stage.codebook_rows()
        if len(rows) == 1:
            return rows[0]
        m.submodules[f"codebook{place}"] = codebook = memory.Memory(
            shape=unsigned(stage.weight_format.bits), depth=len(rows), init=rows)
        port = codebook.read_port(domain="comb")
        m.d.comb += port.addr.eq(code)
        return port.data

    def _signed(self, m, value):
        """The value, or its complement and a carry."""
        is_minus, carry = Signal(reset_less=True), Signal(reset_less=True)
        wide, term = Signal(term_shape(self._stage)), Signal(term_shape(self._stage),
                                                             reset_less=True)
        m.d.comb += [wide.eq(value), self.o[0].eq(term), self.carry.eq(carry)]
        m.d.sync += [is_minus.eq(self.code), carry.eq(is_minus),
                     term.eq(wide ^ is_minus.replicate(len(wide)))]

    def _weight(self, m, place):
        """A weight of an entry, the cycle after its code."""
        stage, code = self._stage, self.code.word_select(place, self._stage.code_bits)
        if stage.values == "plain":
            weight = Signal(format_shape(stage.weight_format), name=f"weight{place}",
                            reset_less=True)
            m.d.sync += weight.eq(code)
            return weight
        weight = Signal(format_shape(stage.weight_format), name=f"weight{place}")
        name = "codebook" if stage.block_weights == 1 else f"codebook{place}"
        m.submodules[name] = codebook = Rom(
            width=stage.weight_format.bits, rows=stage.codebook_rows())
        m.d.comb += [codebook.address.eq(code), weight.eq(codebook.data)]
        return weight
