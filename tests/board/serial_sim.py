"""Drives a component with ``rx`` and ``tx`` pins in Amaranth's simulator, byte by byte."""

from amaranth.sim import Simulator

IDLE_BITS = 14      # of the line, after which a run of received bytes is over


async def send_byte(ctx, pin, byte, divisor, *, stop=1):
    """Send one byte, 8N1."""
    for bit in [0, *(byte >> k & 1 for k in range(8)), stop]:
        ctx.set(pin, bit)
        await ctx.tick().repeat(divisor)
    ctx.set(pin, 1)


async def receive(ctx, pin, divisor, sink):
    """Append each byte that comes over ``pin`` to ``sink``, for ever."""
    while True:
        while ctx.get(pin):
            await ctx.tick()
        await ctx.tick().repeat(divisor // 2)
        byte = 0
        for k in range(8):
            await ctx.tick().repeat(divisor)
            byte |= ctx.get(pin) << k
        await ctx.tick().repeat(divisor)
        assert ctx.get(pin) == 1, "stop bit must be 1"
        sink.append(byte)


def simulate(dut, divisor, script, *, tail_bits):
    """Run ``script``, then ``tail_bits`` of silence; return all bytes that came from ``tx``.

    ``script`` holds bytes objects to send, ints: bits of silence, and tuples: one byte that lacks
    its stop bit.
    """
    received = []

    async def talk(ctx):
        ctx.set(dut.rx, 1)
        await ctx.tick().repeat(4)
        for part in script:
            if isinstance(part, int):
                await ctx.tick().repeat(part * divisor)
            elif isinstance(part, tuple):
                await send_byte(ctx, dut.rx, part[0], divisor, stop=0)
            else:
                for byte in part:
                    await send_byte(ctx, dut.rx, byte, divisor)
        await ctx.tick().repeat(tail_bits * divisor)

    async def listen(ctx):
        await receive(ctx, dut.tx, divisor, received)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(talk)
    simulator.add_testbench(listen, background=True)
    simulator.run()
    return bytes(received)
