"""The input buffer of a folded core: a vector comes once and is read several times."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from .tree import wrap_add

__all__ = ["ReplayBuffer"]


class ReplayBuffer(wiring.Component):
    """Reads each vector of ``sf`` rows several times, one row a cycle, while the next one comes in.

    A fold is ``weight_planes * input_planes`` passes over the vector, the input plane changing
    with each pass, and a vector is ``nf`` folds. A row may be issued the cycle after it was
    transferred, so reading starts before the vector is complete; two of them fit, so vectors
    follow each other every ``nf * weight_planes * input_planes * sf`` cycles.

    Parameters
    ----------
    row_bits, sf, nf : int
    weight_planes, input_planes : int
    in_block_ram : bool     whether to insist on block RAM

    Members
    -------
    i : ``In(stream.Signature(row_bits))``   rows, in order
    go : ``In(1)``              whether a new fold may begin
    issue : ``Out(1)``          a row is being read in this cycle
    begin : ``Out(1)``          with ``issue``: it is the first row of its fold
    first, last : ``Out(1)``    with ``issue``: it is the first, last row of its pass
    address : ``Out(range(nf * weight_planes * sf))``  with ``issue``: number of the weight row,
                                which an input plane does not change
    weight_plane, input_plane : ``Out``   of ``row``
    row : ``Out(row_bits)``     the row issued the cycle before
    """

    def __init__(self, *, row_bits: int, sf: int, nf: int, weight_planes: int = 1,
                 input_planes: int = 1, in_block_ram: bool = False):
        self._in_block_ram = in_block_ram
        self._row_bits, self._sf, self._nf = row_bits, sf, nf
        self._weight_planes, self._input_planes = weight_planes, input_planes
        super().__init__({
            "i": In(stream.Signature(row_bits)), "go": In(1), "issue": Out(1), "begin": Out(1),
            "first": Out(1), "last": Out(1),
            "address": Out(range(max(2, nf * weight_planes * sf))),
            "weight_plane": Out(range(max(2, weight_planes))),
            "input_plane": Out(range(max(2, input_planes))), "row": Out(row_bits),
        })

    def elaborate(self, platform):
        m = Module()
        depth = 2 * self._sf
        # No row is read in the cycle in which it is written, so no old value need be kept; Yosys
        # heeds that only where it is Yosys that merges the register into the read port.
        attrs = {"no_rw_check": 1} | ({"ram_style": "block"} if self._in_block_ram else {})
        m.submodules.rows = rows = memory.Memory(
            shape=unsigned(self._row_bits), depth=depth, init=[], attrs=attrs)
        write, read = rows.write_port(), rows.read_port(domain="comb")
        row = Signal(self._row_bits, reset_less=True)
        m.d.sync += row.eq(read.data)
        space = Signal(range(depth + 1), init=depth)    # rows that may still be written
        ahead = Signal(range(depth + 1))                # rows written and not yet passed by
        step = Signal(range(max(2, self._sf)))
        stored, rewind, release = Signal(), Signal(), Signal()
        final, begin, same_weights = self._passes(m)
        m.d.comb += [
            self.first.eq(step == 0), self.last.eq(step == self._sf - 1),
            self.begin.eq(self.first & begin),
            self.issue.eq((ahead != 0) & (self.go | ~self.begin)),
            self.i.ready.eq(space != 0), stored.eq(self.i.valid & self.i.ready),
            rewind.eq(self.issue & self.last & ~final), release.eq(self.issue & final),
            write.data.eq(self.i.payload), write.en.eq(stored), self.row.eq(row),
        ]
        m.d.sync += [
            space.eq(space - stored + release),
            ahead.eq(ahead + stored - self.issue + Mux(rewind, self._sf, 0)),
        ]
        with m.If(stored):
            wrap_add(m, write.addr, depth)
        with m.If(self.issue):
            wrap_add(m, step, self._sf)
            self._advance(m, read.addr, final, same_weights, depth)
        return m

    def _passes(self, m):
        """Counters of the passes.

        Returns whether this one is the vector's last, whether it is the fold's first, and whether
        the next one has the same weights.
        """
        fold = Signal(range(max(2, self._nf)))
        weight_plane = Signal.like(self.weight_plane)
        input_plane = Signal.like(self.input_plane)
        m.d.sync += [self.weight_plane.eq(weight_plane), self.input_plane.eq(input_plane)]
        counters = ((input_plane, self._input_planes), (weight_plane, self._weight_planes),
                    (fold, self._nf))
        carry = self.issue & self.last
        final = 1
        for number, (counter, limit) in enumerate(counters):
            at_end = Signal(name=f"at_end{number}")
            m.d.comb += at_end.eq(counter == limit - 1)
            with m.If(carry):
                wrap_add(m, counter, limit)
            carry, final = carry & at_end, final & at_end
        begin = (input_plane == 0) & (weight_plane == 0)
        return final, begin, input_plane != self._input_planes - 1

    def _advance(self, m, place, final, same_weights, depth):
        """The next row, or back to where the vector, and the plane's weights, begin."""
        start = Signal(range(depth))
        weights = Signal.like(self.address)
        following = Signal.like(self.address)
        at_end = self.address == self._nf * self._weight_planes * self._sf - 1
        m.d.comb += following.eq(Mux(at_end, 0, self.address + 1))
        m.d.sync += self.address.eq(following)
        wrap_add(m, place, depth)
        with m.If(self.last):
            with m.If(final):
                m.d.sync += start.eq(Mux(place == depth - 1, 0, place + 1))
            with m.Else():
                m.d.sync += place.eq(start)
            with m.If(same_weights):
                m.d.sync += self.address.eq(weights)
            with m.Else():
                m.d.sync += weights.eq(following)
