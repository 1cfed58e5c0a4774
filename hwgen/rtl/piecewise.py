"""Functions by straight lines: the line of an element's segment at its place."""

from amaranth.hdl import Signal
from amaranth.lib import data

from .elementwise import ElementwiseCore
from .post import clipped
from .stream import format_shape
from .table import Rom

__all__ = ["PiecewiseLines"]


class PiecewiseLines(ElementwiseCore):
    """Base, and slope times place, rounded; see :class:`PiecewiseStage`."""

    def results(self, m, take):
        return [self._line(m, self.i.p.data[k].as_unsigned(), k) for k in range(self._stage.lanes)]

    def _line(self, m, code, k):
        stage, node = self._stage, self._stage.lines
        layout = data.StructLayout({"base": format_shape(stage.base_format),
                                    "slope": format_shape(stage.slope_format)})
        m.submodules[f"lines{k}"] = rom = Rom(width=layout.size, rows=stage.rows())
        line = data.View(layout, rom.data)
        place = Signal(stage.place_bits, name=f"place{k}", reset_less=True)
        m.d.comb += rom.address.eq(code[stage.place_bits:])
        m.d.sync += place.eq(code[:stage.place_bits])
        way = line.slope * place
        product = Signal(way.shape(), name=f"product{k}", reset_less=True)
        base = Signal.like(line.base, name=f"base{k}", reset_less=True)
        # Ties go up: half a step is added with the base.
        whole = product + base + (1 << node.shift - 1)
        total = Signal(whole.shape(), name=f"total{k}", reset_less=True)
        m.d.sync += [product.eq(way), base.eq(line.base), total.eq(whole)]
        shifted = Signal((total >> node.shift).shape(), name=f"shifted{k}")
        result = Signal(format_shape(node.format), name=f"result{k}", reset_less=True)
        m.d.comb += shifted.eq(total >> node.shift)
        m.d.sync += result.eq(clipped(shifted, node.format.min, node.format.max, result.shape()))
        return result
