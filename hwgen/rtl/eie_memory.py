"""What the EIE engine's loader writes, and the memories that are written so."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..plan import in_block_ram
from ..plan.engines.eie_stream import ADDRESS_BITS, WORD_BITS
from ..plan.stages.sparse_storage import bits_for

__all__ = ["LOAD", "READ_CYCLES", "Ram", "chosen", "passed_on", "wire_load"]

LOAD = wiring.Signature({"valid": Out(1), "kind": Out(4), "unit": Out(8),
                         "address": Out(ADDRESS_BITS), "data": Out(WORD_BITS)})
"""A number for one memory: that of ``kind`` and ``unit``."""

READ_CYCLES = 2
"""From an address to its row: two registers, which in block RAM are the block's own."""


def chosen(m, load, kind: int, unit: int | None = None):
    """Whether the number is for the memory of this kind and unit.

    Both are there cycles before the numbers of their block, and compared a cycle before.
    """
    mine = Signal(name=f"is_of_{kind}_{'any' if unit is None else unit}")
    is_unit = 1 if unit is None else load.unit == unit
    m.d.sync += mine.eq((load.kind == kind) & is_unit)
    return load.valid & mine


def wire_load(m, load, *ends) -> None:
    """Every one of ``ends`` gets ``load``."""
    for end in ends:
        m.d.comb += [getattr(end, name).eq(getattr(load, name)) for name in LOAD.members]


def passed_on(m, load, count: int) -> list:
    """``load`` from register to register: 1 to ``count`` cycles later.

    So no wire is longer than from one element to the next, however many there are, and no two
    registers are equal, which tools would merge. Numbers stay in order, so what a reset leaves
    under way is written over.
    """
    layout = data.StructLayout({name: member.shape for name, member in LOAD.members.items()})
    steps = []
    for k in range(count):
        steps.append(Signal(layout, name=f"load{k}", reset_less=True))
        m.d.sync += [steps[k][name].eq(getattr(load, name)) for name in LOAD.members]
        load = steps[k]
    return steps


class Ram(wiring.Component):
    """``data`` is row ``address`` of :data:`READ_CYCLES` cycles before.

    A row that is written in the cycle in which it is read gives anything.

    Parameters
    ----------
    depth, width : int      as many rows as a power of two: no address is beyond them

    Members
    -------
    write : ``In(1)``; write_address, write_data : ``In``
    address : ``In``; data : ``Out(width)``
    enable : ``In(1)``      without it both registers stay; 1 unless driven
    """

    def __init__(self, *, depth: int, width: int):
        self._depth, self._width = 1 << bits_for(depth), width
        bits = bits_for(depth)
        super().__init__({"write": In(1), "write_address": In(bits), "write_data": In(width),
                          "address": In(bits), "data": Out(width), "enable": In(1, init=1)})

    def elaborate(self, platform):
        m = Module()
        # Yosys merges the first register into the read port, and heeds `no_rw_check` only there.
        in_blocks = in_block_ram(self._depth, self._width)
        attrs = {"no_rw_check": 1} | ({"ram_style": "block"} if in_blocks else {})
        m.submodules.rows = rows = memory.Memory(
            shape=unsigned(self._width), depth=self._depth, init=[], attrs=attrs)
        write, read = rows.write_port(), rows.read_port(domain="comb")
        kept, data = (Signal(self._width, name=name, reset_less=True) for name in ("kept", "row"))
        m.d.comb += [write.en.eq(self.write), write.addr.eq(self.write_address),
                     write.data.eq(self.write_data), read.addr.eq(self.address),
                     self.data.eq(data)]
        with m.If(self.enable):
            m.d.sync += [kept.eq(read.data), data.eq(kept)]
        return m
