# amaranth: UnusedElaboratable=no
import re

import pytest
from amaranth import Module
from amaranth.back import rtlil
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from board.serial_sim import receive, send_byte, simulate

from hwgen.numeric.errors import SpecError
from hwgen.rtl.uart import UartRx, UartTx, uart_divisor


class Echo(wiring.Component):
    """A receiver whose bytes go straight to a transmitter."""

    def __init__(self, *, divisor):
        self._divisor = divisor
        super().__init__({"rx": In(1, init=1), "tx": Out(1, init=1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver = receiver = UartRx(divisor=self._divisor)
        m.submodules.transmitter = transmitter = UartTx(divisor=self._divisor)
        wiring.connect(m, receiver.o, transmitter.i)
        m.d.comb += [receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx)]
        return m


def run(dut, testbench, **background):
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    for process in background.values():
        simulator.add_testbench(process, background=True)
    simulator.run()


@pytest.mark.parametrize("divisor", [4, 5, 7, 16])
def test_every_byte_value_back_to_back(divisor):
    data = bytes(range(256)) if divisor == 4 else b"\x00\xff\xa5\x5a\x80\x01"
    assert simulate(Echo(divisor=divisor), divisor, [data], tail_bits=14) == data


@pytest.mark.parametrize("shift", [-0.04, 0.04])
def test_receiver_bears_a_rate_off_by_four_percent(shift):
    divisor, real = 100, round(100 * (1 + shift))
    dut, received = UartRx(divisor=divisor), []

    async def talk(ctx):
        ctx.set(dut.rx, 1)
        ctx.set(dut.o.ready, 1)
        await ctx.tick().repeat(3)
        for byte in b"\x55\x00\xff\xc3":
            await send_byte(ctx, dut.rx, byte, real)
        await ctx.tick().repeat(2 * real)

    async def take(ctx):
        async for _clk, _rst, valid, byte in ctx.tick().sample(dut.o.valid, dut.o.payload):
            if valid:
                received.append(byte)

    run(dut, talk, take=take)
    assert bytes(received) == b"\x55\x00\xff\xc3"


def receive_all(script, *, ready=1, divisor=8):
    """Return bytes and the number of error pulses for ``script(ctx, pin)``."""
    dut, received, errors = UartRx(divisor=divisor), [], []

    async def talk(ctx):
        ctx.set(dut.rx, 1)
        ctx.set(dut.o.ready, ready)
        await ctx.tick().repeat(3)
        await script(ctx, dut.rx)
        ctx.set(dut.rx, 1)
        await ctx.tick().repeat(12 * divisor)
        ctx.set(dut.o.ready, 1)
        await ctx.tick().repeat(2)

    async def watch(ctx):
        samples = ctx.tick().sample(dut.o.valid, dut.o.ready, dut.o.payload, dut.error)
        async for _clk, _rst, valid, taken, byte, error in samples:
            if valid and taken:
                received.append(byte)
            errors.extend([1] * error)

    run(dut, talk, watch=watch)
    return bytes(received), len(errors)


def test_byte_without_stop_bit_is_dropped_and_the_next_is_good():
    async def script(ctx, pin):
        await send_byte(ctx, pin, 0x41, 8, stop=0)
        await ctx.tick().repeat(16)
        await send_byte(ctx, pin, 0x42, 8)

    assert receive_all(script) == (b"\x42", 1)


def test_line_held_low_is_one_error():
    async def script(ctx, pin):
        ctx.set(pin, 0)
        await ctx.tick().repeat(40 * 8)
        ctx.set(pin, 1)
        await ctx.tick().repeat(16)
        await send_byte(ctx, pin, 0x43, 8)

    assert receive_all(script) == (b"\x43", 1)


def test_pulse_shorter_than_half_a_bit_is_ignored():
    async def script(ctx, pin):
        ctx.set(pin, 0)
        await ctx.tick().repeat(3)
        ctx.set(pin, 1)
        await ctx.tick().repeat(16)
        await send_byte(ctx, pin, 0x44, 8)

    assert receive_all(script) == (b"\x44", 0)


def test_byte_that_nobody_takes_stays_and_the_next_is_lost():
    async def script(ctx, pin):
        await send_byte(ctx, pin, 0x45, 8)
        await send_byte(ctx, pin, 0x46, 8)

    assert receive_all(script, ready=0) == (b"\x45", 1)


def test_transmitter_sends_without_pause_and_then_idles():
    divisor, dut, received, lows = 6, UartTx(divisor=6), [], []

    async def feed(ctx):
        for byte in b"\x00\x0f\xff":
            ctx.set(dut.i.payload, byte)
            ctx.set(dut.i.valid, 1)
            await ctx.tick().until(dut.i.ready)
        ctx.set(dut.i.valid, 0)
        await ctx.tick().repeat(12 * divisor)

    async def watch(ctx):
        await receive(ctx, dut.tx, divisor, received)

    async def trace(ctx):
        async for _clk, _rst, tx in ctx.tick().sample(dut.tx):
            lows.append(1 - tx)

    run(dut, feed, watch=watch, trace=trace)
    assert bytes(received) == b"\x00\x0f\xff"
    # Low: start bits and zeros, 9 + 5 + 1 bits; the last start bit 20 bits after the first.
    assert sum(lows) == 15 * divisor
    first = lows.index(1)
    last = len(lows) - 1 - lows[::-1].index(1)
    assert last - first == 21 * divisor - 1


@pytest.mark.parametrize("make", [UartRx, UartTx])
def test_converts_to_rtlil(make):
    assert "module" in rtlil.convert(make(divisor=4))


@pytest.mark.parametrize("make", [UartRx, UartTx])
def test_divisor_is_checked(make):
    assert make(divisor=4).divisor == 4
    with pytest.raises(SpecError, match="^uart: divisor must be >= 4, not 3$"):
        make(divisor=3)
    with pytest.raises(TypeError, match="^uart: divisor must be an int, not 4.0$"):
        make(divisor=4.0)


@pytest.mark.parametrize(("clk_hz", "baud", "divisor"), [
    (50e6, 1_000_000, 50), (24e6, 115_200, 208), (12e6, 3_000_000, 4),
])
def test_divisor_for_a_rate(clk_hz, baud, divisor):
    assert uart_divisor(clk_hz, baud) == divisor


@pytest.mark.parametrize(("clk_hz", "baud", "nearest"), [
    (12e6, 4_000_000, 3_000_000), (24e6, 3_500_000, 3_428_571), (12e6, 100_000_000, 3_000_000),
])
def test_rate_that_the_clock_cannot_make(clk_hz, baud, nearest):
    message = (f"uart: baud must be within 2% of the {clk_hz:.0f} Hz clock divided by a whole "
               f"number >= 4 (nearest: {nearest}), not {baud}")
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        uart_divisor(clk_hz, baud)
