"""Power-on reset."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["PowerOnReset"]


class PowerOnReset(wiring.Component):
    """Holds a design in reset until its clock has been good for a while.

    Its flip-flops start as the bitstream says and need no reset themselves: its own domain must
    be reset-less.

    Parameters
    ----------
    cycles : int
        How long ``good`` must have been high without a break, in clock cycles.

    Members
    -------
    good : ``In(1)``       the PLL is locked and no button pressed; needs no synchroniser
    running : ``Out(1)``   no reset any more; driven by a flip-flop
    """

    def __init__(self, *, cycles: int):
        self._cycles = cycles
        super().__init__({"good": In(1), "running": Out(1)})

    def elaborate(self, platform):
        m = Module()
        steady = Signal()
        waited = Signal(range(self._cycles + 1))
        m.submodules.synchroniser = FFSynchronizer(self.good, steady)
        m.d.sync += self.running.eq(steady & (waited == self._cycles))
        with m.If(~steady):
            m.d.sync += waited.eq(0)
        with m.Elif(waited != self._cycles):
            m.d.sync += waited.eq(waited + 1)
        return m
