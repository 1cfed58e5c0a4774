"""Canonical Huffman codes of the EIE engine's entries, decoded a bit a cycle."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from ..plan.engines.eie import EieSpec
from ..plan.engines.eie_stream import MAX_LENGTH, Kind
from .eie_memory import LOAD, chosen

__all__ = ["Decoder"]


class Decoder(wiring.Component):
    """Entries out of bits: of each the Huffman code of its code, then that of its index.

    Canonical: of each length the codes are numbers in a row, and begin where those that are a bit
    shorter end, times two. So a table is how many codes of each length there are, and the symbols
    in the order of their codes. Bit by bit, what the code is beyond the first one of its length is
    compared with how many there are.

    Parameters
    ----------
    spec : EieSpec

    Members
    -------
    clear : ``In(1)``           the next bit is the first of an entry
    bit, valid : ``In(1)``
    done : ``Out(1)``           this bit is the last of an entry
    o : ``Out(entry_bits)``     that entry, the cycle after ``done``
    error : ``Out(1)``          this bit begins no code
    load : ``In(LOAD)``
    """

    def __init__(self, spec: EieSpec):
        self._spec = spec
        super().__init__({"clear": In(1), "bit": In(1), "valid": In(1), "done": Out(1),
                          "o": Out(spec.entry_bits), "error": Out(1), "load": In(LOAD)})

    def elaborate(self, platform):
        m = Module()
        most = max(self._spec.code_bits, self._spec.index_bits)
        beyond, offset = Signal(MAX_LENGTH), Signal(MAX_LENGTH + 1)
        length, index = Signal(range(MAX_LENGTH + 1), init=1), Signal(most + 1)
        of_index, found, ends = Signal(), Signal(), Signal()    # the second code of an entry
        count, firsts, following = Signal(most + 1), *self._counts(m, length, of_index, most + 1)
        m.d.comb += [
            offset.eq(Cat(self.bit, beyond)), found.eq(offset < count),
            ends.eq(self.valid & found), self.done.eq(ends & of_index),
            self.error.eq(self.valid & ~found & (length == MAX_LENGTH)),
        ]
        with m.If(self.valid):
            m.d.sync += [beyond.eq(offset - count), index.eq(index + count),
                         length.eq(length + 1), count.eq(following)]
        with m.If(ends | self.clear):
            m.d.sync += [beyond.eq(0), index.eq(0), length.eq(1),
                         of_index.eq(Mux(self.clear, 0, ~of_index)),
                         count.eq(Mux(self.clear | of_index, *firsts))]
        place, code, was_code = Signal(most), Signal(self._spec.code_bits), Signal()
        m.d.sync += [place.eq(index + offset), was_code.eq(ends & ~of_index)]
        symbols = [self._symbols(m, place, unit, bits) for unit, bits in enumerate(
            (self._spec.code_bits, self._spec.index_bits))]
        with m.If(was_code):
            m.d.sync += code.eq(symbols[0])
        m.d.comb += self.o.eq(Cat(Mux(was_code, symbols[0], code), symbols[1]))
        return m

    def _counts(self, m, length, of_index, bits):
        """How many codes there are of one bit, of each table; how many are a bit longer."""
        m.submodules.counts = rows = memory.Memory(shape=bits, depth=2 * (MAX_LENGTH + 1), init=[])
        write, read = rows.write_port(), rows.read_port(domain="comb")
        load = self.load
        m.d.comb += [write.en.eq(chosen(m, load, Kind.LENGTHS)),
                     write.addr.eq(Cat(load.address[:4], load.unit[0])),
                     write.data.eq(load.data),
                     read.addr.eq(Cat((length + 1)[:len(length)], of_index))]
        firsts = [Signal(bits, name=f"first{unit}") for unit in range(2)]
        for unit, first in enumerate(firsts):
            with m.If(chosen(m, load, Kind.LENGTHS, unit) & (load.address == 1)):
                m.d.sync += first.eq(load.data)
        return firsts, read.data

    def _symbols(self, m, address, unit, bits):
        """Symbols in the order of their codes."""
        m.submodules[f"symbols{unit}"] = rows = memory.Memory(shape=bits, depth=1 << bits, init=[])
        write, read = rows.write_port(), rows.read_port(domain="comb")
        m.d.comb += [write.en.eq(chosen(m, self.load, Kind.SYMBOLS, unit)),
                     write.addr.eq(self.load.address), write.data.eq(self.load.data),
                     read.addr.eq(address)]
        return read.data
