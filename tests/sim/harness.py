"""One harness for every component with a stream in and a stream out: a test is data."""

import random
from dataclasses import dataclass

from amaranth.hdl import ClockDomain, Fragment, Module
from amaranth.sim import Simulator

STALLS = ("none", "input", "output", "both")


@dataclass
class Timing:
    """Cycle numbers of every transferred beat, input and output."""

    in_cycles: list
    out_cycles: list
    watched: bool = False


def beats(frame, lanes):
    """Split a flat list into beats ``(elements, last)``."""
    assert len(frame) % lanes == 0, (len(frame), lanes)
    rows = [list(map(int, frame[k:k + lanes])) for k in range(0, len(frame), lanes)]
    return [(row, k == len(rows) - 1) for k, row in enumerate(rows)]


def check_stream(dut, inputs, expected, *, i_stall=False, o_stall=False, seed=0, limit=None,
                 reset_after=None, watch=None, settle=0):
    """Send frames ``inputs`` (lists of ints) into ``dut.i``; ``dut.o`` must give ``expected``.

    Checks values, ``last``, that a waiting beat stays put, and that nothing comes after the end.
    The first beat comes ``settle`` cycles after reset. ``reset_after`` sends that many beats,
    pulses the reset, and then runs the whole test.
    Returns a :class:`Timing` of the main run, with the last value of the signal ``watch``.
    """
    in_lanes = len(dut.i.p.data)
    out_lanes = len(dut.o.p.data)
    to_send = [beat for frame in inputs for beat in beats(frame, in_lanes)]
    to_get = [beat for frame in expected for beat in beats(frame, out_lanes)]
    limit = limit or 2000 + 60 * (len(to_send) + len(to_get)) + 40 * sum(map(len, inputs))
    chance = random.Random(seed)
    timing = Timing([], [])
    started = []

    async def put(ctx, beat):
        elements, last = beat
        ctx.set(dut.i.payload, {"data": elements, "last": last})
        ctx.set(dut.i.valid, 1)

    async def source(ctx):
        if reset_after is not None:
            for beat in to_send[:reset_after]:
                await put(ctx, beat)
                await ctx.tick().until(dut.i.ready)
            ctx.set(dut.i.valid, 0)
            await pulse_reset(ctx)
        started.append(True)
        for _ in range(settle):
            await ctx.tick()
        for beat in to_send:
            while i_stall and chance.random() < 0.5:
                ctx.set(dut.i.valid, 0)
                await ctx.tick()
            await put(ctx, beat)
            cycle = await wait_transfer(ctx, dut.i.ready)
            timing.in_cycles.append(cycle)
        ctx.set(dut.i.valid, 0)

    async def pulse_reset(ctx):
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)

    cycles = [0]

    async def count(ctx):
        async for clk, _rst in ctx.tick():
            cycles[0] += bool(clk)

    async def wait_transfer(ctx, other):
        while True:
            now = cycles[0]
            _clk, _rst, done = await ctx.tick().sample(other)
            if done:
                return now

    async def sink(ctx):
        got, waiting = 0, None
        idle = 0
        while got < len(to_get) or idle < 40:
            ready = not (started and o_stall and chance.random() < 0.5)
            ctx.set(dut.o.ready, ready)
            now = cycles[0]
            _clk, rst, valid, payload = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            assert now < limit, f"seed {seed}: {got} of {len(to_get)} beats after {limit} cycles"
            if rst or not started:
                waiting = None
                continue
            beat = ([int(v) for v in payload.data], bool(payload.last)) if valid else None
            if waiting is not None:
                assert beat == waiting, f"seed {seed}: a waiting beat changed: {waiting} to {beat}"
            waiting = beat if valid and not ready else None
            idle += got >= len(to_get)
            if valid and ready:
                assert got < len(to_get), f"seed {seed}: a beat too many: {beat}"
                assert beat == to_get[got], (
                    f"seed {seed}: beat {got} must be {to_get[got]}, not {beat}")
                timing.out_cycles.append(now)
                got += 1
        timing.watched = watch is not None and bool(ctx.get(watch))

    top = Module()
    domain = ClockDomain("sync")
    top.domains += domain
    top.submodules.dut = dut
    reset = domain.rst
    simulator = Simulator(Fragment.get(top, None))
    simulator.add_clock(1e-6)
    simulator.add_testbench(count, background=True)
    simulator.add_testbench(source, background=True)
    simulator.add_testbench(sink)
    simulator.run()
    assert len(timing.in_cycles) == len(to_send)
    return timing


def check_all_stalls(make, inputs, expected, **options):
    """The same frames under every combination of stalls; a fresh component each time."""
    for number, stalls in enumerate(STALLS):
        check_stream(make(), inputs, expected, i_stall=stalls in ("input", "both"),
                     o_stall=stalls in ("output", "both"), seed=number, **options)


def convert(dut):
    """RTLIL text of ``dut``: catches what the simulator lets pass (two drivers of one signal)."""
    from amaranth.back import rtlil

    return rtlil.convert(dut)
