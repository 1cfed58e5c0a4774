"""One stream to several readers."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .stream import beat_signature

__all__ = ["Fork"]


class Fork(wiring.Component):
    """Each beat leaves once to each of ``readers``, as soon as that one takes it. No latency.

    A beat that some have taken waits for the others; the next one comes in the cycle in which the
    last of them takes it. No reader's ``valid`` depends on another's ``ready``.

    Parameters
    ----------
    shape : Shape       of one element
    lanes : int
    readers : int       two or more

    Members
    -------
    i : ``In(beat_signature(shape, lanes))``
    o0, o1, ... : ``Out(beat_signature(shape, lanes))``
    """

    def __init__(self, shape, *, lanes: int, readers: int):
        self._readers = readers
        signature = beat_signature(shape, lanes)
        super().__init__({"i": In(signature), **{f"o{k}": Out(signature) for k in range(readers)}})

    @property
    def outputs(self) -> list:
        """The streams to the readers."""
        return [getattr(self, f"o{k}") for k in range(self._readers)]

    def elaborate(self, platform):
        m = Module()
        had, served = Signal(self._readers), Signal(self._readers)     # this beat: before, by now
        for k, o in enumerate(self.outputs):
            m.d.comb += [o.payload.eq(self.i.payload), o.valid.eq(self.i.valid & ~had[k])]
        m.d.comb += [served.eq(had | Cat(o.ready for o in self.outputs)),
                     self.i.ready.eq(served.all())]
        with m.If(self.i.valid):
            m.d.sync += had.eq(served)
            with m.If(self.i.ready):
                m.d.sync += had.eq(0)
        return m
