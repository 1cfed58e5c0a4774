"""Functions by table: each element is the address of its result."""

from amaranth.hdl import Signal

from .elementwise import ElementwiseCore
from .table import Rom

__all__ = ["TableLookup"]


class TableLookup(ElementwiseCore):
    """The entry of each element; see :class:`TableStage`."""

    def results(self, m, take):
        values, width = [], self._stage.table.format.bits
        for k in range(self._stage.lanes):
            m.submodules[f"table{k}"] = rom = Rom(width=width, rows=self._stage.rows())
            values.append(Signal(width, name=f"value{k}", reset_less=True))
            m.d.comb += rom.address.eq(self.i.p.data[k].as_unsigned())
            m.d.sync += values[k].eq(rom.data)
        return values
