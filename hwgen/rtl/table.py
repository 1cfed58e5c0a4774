"""Constant memories: rows by address, and rows in turn."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from ..plan import in_block_ram

__all__ = ["Rom", "RowsInTurn", "in_turn"]


class Rom(wiring.Component):
    """``data`` is row ``address`` of the cycle before.

    Parameters
    ----------
    width : int
    rows : list of int      packed rows; addresses beyond them are never asked for
    in_blocks : bool, optional
        Whether in block RAM; unless given, as :func:`hwgen.plan.in_block_ram` says.

    Members
    -------
    address : ``In(range(max(2, len(rows))))``
    enable : ``In(1)``      without it ``data`` stays; 1 unless driven
    data : ``Out(width)``
    """

    def __init__(self, *, width: int, rows: list, in_blocks: bool | None = None):
        self._width = width
        self._rows = list(rows)
        self._in_blocks = in_blocks
        super().__init__({"address": In(range(max(2, len(self._rows)))),
                          "enable": In(1, init=1), "data": Out(width)})

    def elaborate(self, platform):
        m = Module()
        if len(self._rows) == 1:
            m.d.comb += self.data.eq(self._rows[0])
            return m
        m.submodules.rows = rows = memory.Memory(
            shape=unsigned(self._width), depth=len(self._rows), init=self._rows,
            attrs=self._attributes())
        port = rows.read_port(domain="sync")
        m.d.comb += [port.addr.eq(self.address), port.en.eq(self.enable),
                     self.data.eq(port.data)]
        return m

    def _attributes(self):
        # Left to itself, yosys builds ROMs of up to some kbit from LUTs (YosysHQ/yosys#867).
        usual = in_block_ram(len(self._rows), self._width)
        if usual if self._in_blocks is None else self._in_blocks:
            return {"rom_style": "block"}
        return {"rom_style": "logic"} if usual else {}


class RowsInTurn(wiring.Component):
    """Shows row 0; after each cycle with ``advance`` the next one, and row 0 after the last.

    The first row is there from the second cycle after reset on.

    Parameters
    ----------
    width : int
    rows : list of int
    ahead : bool
        Whether ``advance`` is told a cycle before: then only a counter waits for it, not a memory.

    Members
    -------
    advance : ``In(1)``
    data : ``Out(width)``
    """

    def __init__(self, *, width: int, rows: list, ahead: bool = False):
        self._width = width
        self._rows = list(rows)
        self._ahead = ahead
        super().__init__({"advance": In(1), "data": Out(width)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.rom = rom = Rom(width=self._width, rows=self._rows)
        m.d.comb += self.data.eq(rom.data)
        in_turn(m, rom, self.advance, len(self._rows), ahead=self._ahead)
        return m


def in_turn(m, memory, advance, rows: int, *, ahead: bool) -> None:
    """The address of ``memory``: row 0; after each cycle with ``advance`` the next one.

    With ``ahead``, after each cycle that follows one with ``advance``.
    """
    if rows > 1:
        index = Signal(range(rows))
        following = Signal.like(index)
        wrapped = Mux(index == rows - 1, 0, index + 1)
        m.d.comb += following.eq(Mux(advance, wrapped, index))
        m.d.sync += index.eq(following)
        m.d.comb += memory.address.eq(index if ahead else following)
