"""The N:M core: each product chooses its input among those of its group."""

from amaranth.hdl import Module, Shape, Signal
from amaranth.lib import wiring

from ..plan.stages import NMStage
from .dot import dot_members
from .folded import FixedMatVec
from .multiply_cells import Multiply
from .stream import element_shape, format_shape
from .tree import adder_tree

__all__ = ["ChoosingDot", "NMMatVec"]


class ChoosingDot(wiring.Component):
    """Products in multiplier blocks or LUTs of inputs chosen from groups, then a tree of adders.

    Place ``j`` of a group multiplies input ``j + index`` of it by its weight.

    Parameters
    ----------
    stage : NMStage

    Members
    -------
    x : ``In(ArrayLayout(x_shape, simd))``
    w : ``In(stage.weight_row_bits)``              a row of ``stage.weight_rows``
    y : ``Out(ArrayLayout(sum_shape, pe))``        ``stage.dot_registers`` cycles later
    carry : ``Out(pe)``                            0
    """

    def __init__(self, stage: NMStage):
        self._stage = stage
        self._w_shape, self._x_shape = format_shape(stage.weight_format), element_shape(
            stage.in_edge)
        self._product_shape = Shape(self._w_shape.width + self._x_shape.width,
                                    self._w_shape.signed or self._x_shape.signed)
        self.sum_shape = Shape(self._product_shape.width + stage.tree_levels,
                               self._product_shape.signed)
        super().__init__(dot_members(stage, self._x_shape, self.sum_shape))

    def elaborate(self, platform):
        m = Module()
        stage = self._stage
        for p in range(stage.pe):
            m.d.comb += self.y[p].eq(adder_tree(
                m, [self._product(m, p, lane) for lane in range(stage.lanes)],
                levels_per_register=stage.levels_per_register, prefix=f"p{p}"))
        return m

    def _product(self, m, p, lane):
        """The product of a place, ``MULTIPLIER_REGISTERS`` cycles later."""
        stage, bits, name = self._stage, self._w_shape.width, f"p{p}_product{lane}"
        entry = self.w.word_select(p * stage.lanes + lane, bits + stage.index_bits)
        m.submodules[f"{name}_block"] = block = Multiply(
            self._w_shape, self._x_shape, in_block=stage.in_blocks)
        product = Signal(self._product_shape, name=name)
        m.d.comb += [block.a.eq(entry[:bits]), product.eq(block.y),
                     block.b.eq(self._input(m, entry[bits:], p, lane))]
        return product

    def _input(self, m, index, p, lane):
        """The input of a place."""
        stage = self._stage
        group, place = divmod(lane, stage.places)
        first = group * stage.size + place
        if stage.reach == 1:
            return self.x[first]
        chosen = Signal(self._x_shape, name=f"p{p}_input{lane}")
        with m.Switch(index):
            for number in range(stage.reach - 1):
                with m.Case(number):
                    m.d.comb += chosen.eq(self.x[first + number])
            with m.Default():
                m.d.comb += chosen.eq(self.x[first + stage.reach - 1])
        return chosen


class NMMatVec(FixedMatVec):
    """The N:M core; see :class:`hwgen.plan.stages.NMStage`."""

    def _dot(self):
        return ChoosingDot(self._stage)
