"""Asynchronous serial receiver and transmitter, 8 data bits, no parity, 1 stop bit."""

from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from hwgen.numeric.errors import SpecError

__all__ = ["UartRx", "UartTx", "uart_divisor"]

_MIN_DIVISOR = 4
_MAX_BAUD_ERROR = 0.02


def uart_divisor(clk_hz: float, baud: int) -> int:
    """Return the clock cycles a bit that come nearest to ``baud``.

    Raises
    ------
    SpecError
        If a bit would be shorter than 4 cycles, or the rate off by more than 2 % (the last bit
        is sampled in its time as long as both ends together are off by less than 5 %).
    """
    divisor = max(1, round(clk_hz / baud))
    nearest = round(clk_hz / max(divisor, _MIN_DIVISOR))
    if divisor < _MIN_DIVISOR or abs(clk_hz / divisor / baud - 1) > _MAX_BAUD_ERROR:
        raise SpecError(f"uart: baud must be within {_MAX_BAUD_ERROR:.0%} of the {clk_hz:.0f} Hz "
                        f"clock divided by a whole number >= {_MIN_DIVISOR} (nearest: {nearest}), "
                        f"not {baud!r}")
    return divisor


def _check_divisor(divisor) -> None:
    if not isinstance(divisor, int):
        raise TypeError(f"uart: divisor must be an int, not {divisor!r}")
    if divisor < _MIN_DIVISOR:
        raise SpecError(f"uart: divisor must be >= {_MIN_DIVISOR}, not {divisor!r}")


class UartRx(wiring.Component):
    """Receives bytes from a serial line.

    The line passes two flip-flops, then each bit is sampled in its middle: the start bit
    ``divisor // 2`` cycles after its edge (a shorter pulse is ignored), each further bit
    ``divisor`` cycles later. A byte without stop bit is dropped, and nothing is received until
    the line is idle again. A byte that arrives while the one before it was not taken is lost.

    Parameters
    ----------
    divisor : int
        Clock cycles a bit, at least 4.

    Members
    -------
    rx : ``In(1)``                           the line, idle high; needs no synchroniser
    o : ``Out(stream.Signature(8))``         received bytes
    error : ``Out(1)``                       high for one cycle when a byte was dropped or lost

    Raises
    ------
    TypeError, SpecError
        If ``divisor`` is not an int, or too small.
    """

    def __init__(self, *, divisor: int):
        _check_divisor(divisor)
        self._divisor = divisor
        super().__init__({"rx": In(1, init=1), "o": Out(stream.Signature(8)), "error": Out(1)})

    @property
    def divisor(self) -> int:
        """Clock cycles a bit."""
        return self._divisor

    def elaborate(self, platform):
        m = Module()
        line = Signal(init=1)
        m.submodules.synchroniser = FFSynchronizer(self.rx, line, init=1)

        timer = Signal(range(self._divisor))
        bits_left = Signal(range(9))
        shift = Signal(8)
        m.d.sync += [self.error.eq(0), timer.eq(timer - 1)]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)

        with m.FSM(name="rx_state"):
            with m.State("IDLE"):
                m.d.sync += timer.eq(self._divisor // 2 - 1)
                with m.If(~line):
                    m.next = "START"
            with m.State("START"), m.If(timer == 0):
                m.d.sync += [timer.eq(self._divisor - 1), bits_left.eq(8)]
                m.next = "IDLE"
                with m.If(~line):
                    m.next = "DATA"
            with m.State("DATA"), m.If(timer == 0):
                m.d.sync += [
                    timer.eq(self._divisor - 1),
                    bits_left.eq(bits_left - 1),
                    shift.eq(Cat(shift[1:], line)),     # least significant bit comes first
                ]
                with m.If(bits_left == 1):
                    m.next = "STOP"
            with m.State("STOP"), m.If(timer == 0):
                m.d.sync += self.error.eq(~line | (self.o.valid & ~self.o.ready))
                with m.If(line & (~self.o.valid | self.o.ready)):
                    m.d.sync += [self.o.payload.eq(shift), self.o.valid.eq(1)]
                m.next = "BREAK"
            with m.State("BREAK"), m.If(line):
                m.next = "IDLE"
        return m


class UartTx(wiring.Component):
    """Sends bytes over a serial line.

    A byte takes ``10 * divisor`` cycles; bytes that wait are sent without a pause in between.

    Parameters
    ----------
    divisor : int
        Clock cycles a bit, at least 4.

    Members
    -------
    i : ``In(stream.Signature(8))``          bytes to send
    tx : ``Out(1)``                          the line, idle high, driven by a flip-flop

    Raises
    ------
    TypeError, SpecError
        If ``divisor`` is not an int, or too small.
    """

    def __init__(self, *, divisor: int):
        _check_divisor(divisor)
        self._divisor = divisor
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1, init=1)})

    @property
    def divisor(self) -> int:
        """Clock cycles a bit."""
        return self._divisor

    def elaborate(self, platform):
        m = Module()
        timer = Signal(range(self._divisor))
        bits_left = Signal(range(11))
        shift = Signal(9, init=0x1FF)          # what follows the bit on the line, 1 when idle

        m.d.comb += self.i.ready.eq((bits_left == 0) | ((bits_left == 1) & (timer == 0)))
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [
                timer.eq(self._divisor - 1),
                bits_left.eq(10),
                self.tx.eq(0),
                shift.eq(Cat(self.i.payload, 1)),
            ]
        with m.Elif(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Elif(bits_left != 0):
            m.d.sync += [
                timer.eq(self._divisor - 1),
                bits_left.eq(bits_left - 1),
                self.tx.eq(shift[0]),
                shift.eq(Cat(shift[1:], 1)),
            ]
        return m
