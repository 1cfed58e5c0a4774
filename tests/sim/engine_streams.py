"""An engine in the simulator: frames in on two streams, frames out on one."""

import random
from dataclasses import dataclass, field

from amaranth.hdl import ClockDomain, Fragment, Module
from amaranth.sim import Simulator

__all__ = ["Record", "Run", "beats_of", "run_in_turn", "run_streams"]

IDLE_CYCLES = 60
"""So long after the last beat nothing more may come."""


@dataclass
class Record:
    """What came out, with the cycles of the first beat that went in and the last of results."""

    frames: list = field(default_factory=list)
    begin: int | None = None
    end: int | None = None
    error: bool = False

    @property
    def cycles(self) -> int:
        return self.end - self.begin + 1


@dataclass
class Run:
    """What is sent, and what must come: see :func:`run_streams`."""

    inputs: dict
    results: int
    stalls: tuple = ()
    seed: int = 0
    limit: int | None = None
    reset_after: int | None = None
    complete: bool = True

    def __post_init__(self):
        self.limit = self.limit or 500 + 8 * (sum(map(len, self.inputs.values())) + self.results)

    def coin(self, name):
        draw = random.Random(f"{self.seed} {name}")
        return lambda: name in self.stalls and draw.random() < 0.5


def run_streams(dut, inputs, results, **options):
    """Send beats on each stream; a :class:`Record` once so many results and nothing more came.

    ``inputs`` has the beats ``(data, last)`` of each stream by its prefix. ``stalls`` names streams
    that wait by fair coins, ``m_axis`` among them; a result that waits must stay as it is.
    ``reset_after`` first runs so many cycles of it, and resets. Where ``complete`` is false, the
    run ends after ``limit`` cycles, whatever came.
    """
    record, = run_in_turn(dut, [Run(inputs, results, **options)])
    return record


def run_in_turn(dut, runs):
    """The same of each of ``runs``, with a reset between them, in one simulation."""
    records, now, epoch = [], [0], [0]          # an odd epoch is a reset
    run, record = [runs[0]], [Record()]

    async def count(ctx):
        async for clk, _rst in ctx.tick():
            now[0] += bool(clk)

    def source(prefix):
        async def send(ctx):
            mine = -1
            while True:
                while mine == epoch[0] or epoch[0] % 2:     # all sent, or in reset
                    await ctx.tick()
                mine, waits = epoch[0], run[0].coin(prefix)
                for data, last in run[0].inputs[prefix]:
                    while waits() and mine == epoch[0]:
                        ctx.set(getattr(dut, f"{prefix}_tvalid"), 0)
                        await ctx.tick()
                    ctx.set(getattr(dut, f"{prefix}_tdata"), data)
                    ctx.set(getattr(dut, f"{prefix}_tlast"), last)
                    ctx.set(getattr(dut, f"{prefix}_tvalid"), 1)
                    done = False
                    while not done and mine == epoch[0]:
                        cycle = now[0]
                        _clk, _rst, done = await ctx.tick().sample(
                            getattr(dut, f"{prefix}_tready"))
                        if done and record[0].begin is None and mine == epoch[0]:
                            record[0].begin = cycle
                    if mine != epoch[0]:
                        break
                ctx.set(getattr(dut, f"{prefix}_tvalid"), 0)
        return send

    async def again(ctx):
        """Reset, with a new record."""
        ctx.set(reset, 1)
        epoch[0] += 1
        for _ in range(3):
            await ctx.tick()
        record[0] = Record()
        ctx.set(reset, 0)
        epoch[0] += 1

    async def sink(ctx):
        for number, each in enumerate(runs):
            run[0] = each
            if number:
                await again(ctx)
            if each.reset_after is not None:
                await get(ctx, 1 << 30, each.reset_after, False)
                await again(ctx)
            await get(ctx, each.results, each.limit, each.complete)
            record[0].error = bool(ctx.get(dut.frame_error))
            records.append(record[0])

    async def get(ctx, wanted, most, whole):
        waits, frame, waiting, idle, got = run[0].coin("m_axis"), b"", None, 0, 0
        first, size, seed = now[0], len(dut.m_axis_tdata) // 8, run[0].seed
        while got < wanted or idle < IDLE_CYCLES:
            cycle, ready = now[0], not waits()
            if cycle - first >= most:
                assert not whole, f"seed {seed}: {got} of {wanted} results after {most} cycles"
                return
            ctx.set(dut.m_axis_tready, ready)
            _clk, _rst, valid, data, last = await ctx.tick().sample(
                dut.m_axis_tvalid, dut.m_axis_tdata, dut.m_axis_tlast)
            beat = (data, last) if valid else None
            assert waiting in (None, beat), f"seed {seed}: a waiting beat changed in {cycle}"
            waiting = beat if valid and not ready else None
            idle += got >= wanted
            if valid and ready:
                got += 1
                assert got <= wanted or not whole, f"seed {seed}: a beat too many in {cycle}"
                record[0].end = cycle
                frame += data.to_bytes(size, "little")
                if last:
                    record[0].frames.append(frame)
                    frame = b""
        assert not frame, f"seed {seed}: part of a frame is left"

    top = Module()
    domain = ClockDomain("sync")
    top.domains += domain
    top.submodules.dut, reset = dut, domain.rst
    simulator = Simulator(Fragment.get(top, None))
    simulator.add_clock(1e-6)
    simulator.add_testbench(count, background=True)
    for prefix in runs[0].inputs:
        simulator.add_testbench(source(prefix), background=True)
    simulator.add_testbench(sink)
    simulator.run()
    return records


def beats_of(frame, size):
    """Beats of ``size`` bytes as numbers, and which one is the last."""
    assert len(frame) % size == 0, (len(frame), size)
    return [(int.from_bytes(frame[k:k + size], "little"), k + size == len(frame))
            for k in range(0, len(frame), size)]
