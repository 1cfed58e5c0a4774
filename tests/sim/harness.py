"""One harness for every component with a stream in and a stream out: a test is data."""

import random
from dataclasses import dataclass, field

from amaranth.hdl import ClockDomain, Fragment, Module
from amaranth.sim import Simulator

STALLS = ("none", "input", "output", "both")

IDLE_CYCLES = 40
"""So long after the last beat nothing more may come."""


@dataclass
class Timing:
    """Cycle numbers of every transferred beat, input and output."""

    in_cycles: list = field(default_factory=list)
    out_cycles: list = field(default_factory=list)
    watched: bool = False


@dataclass(frozen=True, eq=False)
class Run:
    """Beats to send and to get, each ``(elements, last)``, and how; see :func:`check_stream`."""

    to_send: list
    to_get: list
    i_stall: bool
    o_stall: bool
    seed: int
    limit: int
    reset_after: int | None
    settle: int
    hold: int
    timing: Timing = field(default_factory=Timing)


def beats(frame, lanes):
    """Split a flat list into beats ``(elements, last)``."""
    assert len(frame) % lanes == 0, (len(frame), lanes)
    rows = [list(map(int, frame[k:k + lanes])) for k in range(0, len(frame), lanes)]
    return [(row, k == len(rows) - 1) for k, row in enumerate(rows)]


def check_stream(dut, inputs, expected, *, watch=None, **options):
    """Send frames ``inputs`` (lists of ints) into ``dut.i``; ``dut.o`` must give ``expected``.

    Checks values, ``last``, that a waiting beat stays put, and that nothing comes after the end.
    Options: ``i_stall``, ``o_stall``, ``seed`` of both, ``limit`` of cycles; the first beat comes
    ``settle`` cycles after reset; the sink takes nothing for ``hold`` cycles; ``reset_after`` sends
    that many beats, pulses the reset, and then runs the whole test.
    Returns a :class:`Timing` of the main run, with the last value of the signal ``watch``.
    """
    run = _run_of(dut, inputs, expected, **options)
    _simulate(dut, [run], watch)
    return run.timing


def check_all_stalls(make, inputs, expected, **options):
    """The same frames under every combination of stalls, a reset before each but the first.

    In one simulation, as building it takes longer than running it.
    """
    dut = make()
    _simulate(dut, [
        _run_of(dut, inputs, expected, i_stall=stalls in ("input", "both"),
                o_stall=stalls in ("output", "both"), seed=number, **options)
        for number, stalls in enumerate(STALLS)])


def assert_flow(stage, timing):
    """Beats that came one a cycle were taken, and left, when ``stage.flow`` says."""
    first = timing.in_cycles[0]
    flow = stage.flow(list(range(first, first + len(timing.in_cycles))))
    assert (timing.in_cycles, timing.out_cycles) == (flow.taken, flow.departures)


def _run_of(dut, inputs, expected, *, i_stall=False, o_stall=False, seed=0, limit=None,
            reset_after=None, settle=0, hold=0):
    to_send = [beat for frame in inputs for beat in beats(frame, len(dut.i.p.data))]
    to_get = [beat for frame in expected for beat in beats(frame, len(dut.o.p.data))]
    limit = limit or 2000 + hold + 60 * (len(to_send) + len(to_get)) + 40 * sum(map(len, inputs))
    return Run(to_send, to_get, i_stall, o_stall, seed, limit, reset_after, settle, hold)


def _simulate(dut, runs, watch=None):
    """All of ``runs`` one after another in one simulation, each but the first after a reset."""
    chances = {run: random.Random(run.seed) for run in runs}
    cycles, current, started = [0], [runs[0]], set()

    async def put(ctx, beat):
        elements, last = beat
        ctx.set(dut.i.payload, {"data": elements, "last": last})
        ctx.set(dut.i.valid, 1)

    async def pulse_reset(ctx):
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)

    async def count(ctx):
        async for clk, _rst in ctx.tick():
            cycles[0] += bool(clk)

    async def wait_transfer(ctx, other):
        while True:
            now = cycles[0]
            _clk, _rst, done = await ctx.tick().sample(other)
            if done:
                return now

    async def source(ctx):
        for run in runs:
            while current[0] is not run:
                await ctx.tick()
            await send(ctx, run)

    async def send(ctx, run):
        if run.reset_after is not None:
            for beat in run.to_send[:run.reset_after]:
                await put(ctx, beat)
                await ctx.tick().until(dut.i.ready)
            ctx.set(dut.i.valid, 0)
            await pulse_reset(ctx)
        started.add(run)
        for _ in range(run.settle):
            await ctx.tick()
        for beat in run.to_send:
            while run.i_stall and chances[run].random() < 0.5:
                ctx.set(dut.i.valid, 0)
                await ctx.tick()
            await put(ctx, beat)
            run.timing.in_cycles.append(await wait_transfer(ctx, dut.i.ready))
        ctx.set(dut.i.valid, 0)

    async def sink(ctx):
        for number, run in enumerate(runs):
            if number:
                await pulse_reset(ctx)
                current[0] = run
            await get(ctx, run)
            run.timing.watched = watch is not None and bool(ctx.get(watch))

    async def get(ctx, run):
        got, waiting, idle, begin = 0, None, 0, cycles[0]
        while (got < len(run.to_get) or idle < IDLE_CYCLES
               or len(run.timing.in_cycles) < len(run.to_send)):
            now = cycles[0]
            ready = not (run in started and run.o_stall and chances[run].random() < 0.5)
            ready = ready and now - begin >= run.hold
            ctx.set(dut.o.ready, ready)
            _clk, rst, valid, payload = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            where = f"seed {run.seed}, stalls in {run.i_stall}, out {run.o_stall}"
            assert now - begin < run.limit, (
                f"{where}: {got} of {len(run.to_get)} beats after {run.limit} cycles")
            if rst or run not in started:
                waiting = None
                continue
            beat = ([int(v) for v in payload.data], bool(payload.last)) if valid else None
            if waiting is not None:
                assert beat == waiting, f"{where}: a waiting beat changed: {waiting} to {beat}"
            waiting = beat if valid and not ready else None
            idle += got >= len(run.to_get)
            if valid and ready:
                assert got < len(run.to_get), f"{where}: a beat too many: {beat}"
                assert beat == run.to_get[got], (
                    f"{where}: beat {got} must be {run.to_get[got]}, not {beat}")
                run.timing.out_cycles.append(now)
                got += 1
        assert len(run.timing.in_cycles) == len(run.to_send)

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


def convert(dut):
    """RTLIL text of ``dut``: catches what the simulator lets pass (two drivers of one signal)."""
    from amaranth.back import rtlil

    return rtlil.convert(dut)
