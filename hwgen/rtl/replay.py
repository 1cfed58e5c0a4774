"""The input buffer of a folded core: a frame comes once and is read several times."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from .tree import wrap_add

__all__ = ["ReplayBuffer"]


class ReplayBuffer(wiring.Component):
    """Reads each frame of ``sf`` rows ``nf`` times, one row a cycle, while the next one comes in.

    A row may be issued the cycle after it was transferred, so reading starts before the frame is
    complete; two frames fit, so frames follow each other every ``nf * sf`` cycles.

    Parameters
    ----------
    row_bits, sf, nf : int

    Members
    -------
    i : ``In(stream.Signature(row_bits))``   rows, in order
    go : ``In(1)``              whether a new fold may begin
    issue : ``Out(1)``          a row is being read in this cycle
    first, last : ``Out(1)``    with ``issue``: it is the first, last row of its fold
    address : ``Out(range(nf * sf))``  with ``issue``: its number within the frame's ``nf`` folds
    row : ``Out(row_bits)``     the row issued the cycle before
    """

    def __init__(self, *, row_bits: int, sf: int, nf: int):
        self._row_bits, self._sf, self._nf = row_bits, sf, nf
        super().__init__({
            "i": In(stream.Signature(row_bits)), "go": In(1), "issue": Out(1), "first": Out(1),
            "last": Out(1), "address": Out(range(max(2, nf * sf))), "row": Out(row_bits),
        })

    def elaborate(self, platform):
        m = Module()
        depth = 2 * self._sf
        m.submodules.rows = rows = memory.Memory(
            shape=unsigned(self._row_bits), depth=depth, init=[])
        write, read = rows.write_port(), rows.read_port(domain="sync")
        space = Signal(range(depth + 1), init=depth)    # rows that may still be written
        ahead = Signal(range(depth + 1))                # rows written and not yet passed by
        start = Signal(range(depth))                    # where the frame being read begins
        fold, final = Signal(range(max(2, self._nf))), Signal()
        step = Signal(range(max(2, self._sf)))
        stored, rewind, release = Signal(), Signal(), Signal()
        m.d.comb += [
            self.first.eq(step == 0), self.last.eq(step == self._sf - 1),
            final.eq(fold == self._nf - 1),
            self.issue.eq((ahead != 0) & (self.go | ~self.first)),
            self.i.ready.eq(space != 0), stored.eq(self.i.valid & self.i.ready),
            rewind.eq(self.issue & self.last & ~final), release.eq(self.issue & final),
            write.data.eq(self.i.payload), write.en.eq(stored), self.row.eq(read.data),
        ]
        m.d.sync += [
            space.eq(space - stored + release),
            ahead.eq(ahead + stored - self.issue + Mux(rewind, self._sf, 0)),
        ]
        with m.If(stored):
            wrap_add(m, write.addr, depth)
        with m.If(self.issue):
            self._advance(m, read.addr, start, fold, step, final, depth)
        return m

    def _advance(self, m, place, start, fold, step, final, depth):
        wrap_add(m, step, self._sf)
        wrap_add(m, self.address, self._nf * self._sf)
        wrap_add(m, place, depth)
        with m.If(self.last):
            wrap_add(m, fold, self._nf)
            with m.If(final):
                m.d.sync += start.eq(Mux(place == depth - 1, 0, place + 1))
            with m.Else():
                m.d.sync += place.eq(start)
