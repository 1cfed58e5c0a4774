"""A systolic engine in the simulator: frames in on two streams, frames out on one."""

import random
from dataclasses import dataclass, field

from amaranth.hdl import ClockDomain, Fragment, Module
from amaranth.sim import Simulator

from hwgen.rtl.systolic import SystolicEngine

__all__ = ["Record", "run_engine"]

IDLE_CYCLES = 60
"""So long after the last beat nothing more may come."""


@dataclass
class Record:
    """What came out, with the cycles of the first beat of weights and the last of results."""

    frames: list = field(default_factory=list)
    begin: int | None = None
    end: int | None = None
    error: bool = False

    @property
    def cycles(self) -> int:
        return self.end - self.begin + 1


def run_engine(spec, jobs, *, stalls=(), seed=0, limit=None, reset_after=None, complete=True):
    """Send the frames of ``jobs``; a :class:`Record` once all results and nothing more came.

    ``stalls`` names streams, ``weights``, ``x`` and ``results``, that wait by fair coins; a result
    that waits must stay as it is. ``reset_after`` first runs so many cycles of it, and resets.
    Where ``complete`` is false, the run ends after ``limit`` cycles, whatever came.
    """
    dut, record, now = SystolicEngine(spec), Record(), [0]
    weights = [beat for job in jobs for beat in _beats(job.weights, spec.weight_bytes)]
    vectors = [beat for job in jobs for beat in _beats(job.x, spec.x_bytes)]
    results = sum(job.result_bytes for job in jobs) // spec.result_bytes
    limit = limit or 500 + 8 * (len(weights) + len(vectors) + results)
    epoch = [0]     # odd in reset

    def coin(name):
        draw = random.Random(f"{seed} {name}")
        return lambda: name in stalls and draw.random() < 0.5

    async def count(ctx):
        async for clk, _rst in ctx.tick():
            now[0] += bool(clk)

    def source(name, prefix, beats):
        async def send(ctx):
            waits = coin(name)
            mine = -1
            while True:
                while mine == epoch[0] or epoch[0] % 2:     # all sent, or in reset
                    await ctx.tick()
                mine = epoch[0]
                for data, last in beats:
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
                        if done and name == "weights" and record.begin is None and mine == epoch[0]:
                            record.begin = cycle
                    if mine != epoch[0]:
                        break
                ctx.set(getattr(dut, f"{prefix}_tvalid"), 0)
        return send

    async def sink(ctx):
        if reset_after is not None:
            await get(ctx, 1 << 30, reset_after, False)
            ctx.set(reset, 1)
            epoch[0] += 1
            for _ in range(3):
                await ctx.tick()
            ctx.set(reset, 0)
            epoch[0] += 1
            record.__init__()
        await get(ctx, results, limit, complete)
        record.error = bool(ctx.get(dut.frame_error))

    async def get(ctx, wanted, most, whole):
        waits, frame, waiting, idle, got, first = coin("results"), b"", None, 0, 0, now[0]
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
                record.end = cycle
                frame += data.to_bytes(spec.result_bytes, "little")
                if last:
                    record.frames.append(frame)
                    frame = b""
        assert not frame, f"seed {seed}: part of a frame is left"

    top = Module()
    domain = ClockDomain("sync")
    top.domains += domain
    top.submodules.dut, reset = dut, domain.rst
    simulator = Simulator(Fragment.get(top, None))
    simulator.add_clock(1e-6)
    simulator.add_testbench(count, background=True)
    simulator.add_testbench(source("weights", "s_axis_weights", weights), background=True)
    simulator.add_testbench(source("x", "s_axis", vectors), background=True)
    simulator.add_testbench(sink)
    simulator.run()
    return record


def _beats(frame, size):
    assert len(frame) % size == 0, (len(frame), size)
    return [(int.from_bytes(frame[k:k + size], "little"), k + size == len(frame))
            for k in range(0, len(frame), size)]
