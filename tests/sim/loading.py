"""A pipeline that loads its weights, in the simulator: what a test says of it."""

import random
from dataclasses import replace

import numpy as np
from amaranth.sim import Simulator
from cases.targets import ECP5

from hwgen import golden
from hwgen.emit.weights import describe_loaded, weight_words
from hwgen.ir import replaced
from hwgen.numeric import Bipolar
from hwgen.plan import plan
from hwgen.rtl.pipeline import Pipeline

__all__ = ["Run", "expected", "found", "in_turn", "of_any_bits", "planned", "sets"]

LIMIT = 60_000


class Run:
    """A pipeline in the simulator; ``script(run)`` says what is loaded and sent, and when."""

    def __init__(self, design, script, *, stalls=None):
        self.dut, self.design, self.came_out = Pipeline(design), design, []
        self.cycle, self.stalls, self.script = 0, stalls, script
        self.in_cycles, self.out_cycles = [], []
        sim = Simulator(self.dut)
        sim.add_clock(1e-6)
        sim.add_testbench(self._main)
        sim.add_testbench(self._sink, background=True)
        sim.run()

    async def _main(self, ctx):
        self.ctx, self.draw = ctx, random.Random(self.stalls)
        await self.script(self)

    async def _tick(self, ctx):
        await ctx.tick()

    def _stalled(self, draw):
        return self.stalls is not None and draw.random() < 0.5

    async def _send(self, port, beats):
        """Beats ``(data, last)``; the cycle of each that passes."""
        ctx, dut, passed = self.ctx, self.dut, []
        valid, ready = (getattr(dut, f"{port}_t{part}") for part in ("valid", "ready"))
        for value, last in beats:
            while self._stalled(self.draw):
                await ctx.tick()
                self.cycle += 1
            ctx.set(getattr(dut, f"{port}_tdata"), int(value))
            ctx.set(getattr(dut, f"{port}_tlast"), last)
            ctx.set(valid, 1)
            while True:
                _clk, _rst, done = await ctx.tick().sample(ready)
                self.cycle += 1
                assert self.cycle < LIMIT, f"{port} was not ready"
                if done:
                    break
            passed.append(self.cycle)
            ctx.set(valid, 0)
        return passed

    async def load(self, words):
        await self._send("s_axis_weights", [(w, k == len(words) - 1) for k, w in enumerate(words)])

    async def send(self, frames):
        lanes, fmt = self.design.in_lanes, self.design.network.input.format
        for frame in frames:
            codes = [int(v) & 0xFF for v in (
                fmt.encode(frame) if isinstance(fmt, Bipolar) else frame)]
            rows = [codes[k:k + lanes] for k in range(0, len(codes), lanes)]
            self.in_cycles += await self._send("s_axis", [
                (sum(v << 8 * k for k, v in enumerate(row)), k == len(rows) - 1)
                for k, row in enumerate(rows)])

    async def settle(self, cycles=4):
        for _ in range(cycles):
            await self.ctx.tick()
            self.cycle += 1

    async def until(self, beats):
        while len(self.came_out) < beats:
            await self.settle(1)
            assert self.cycle < LIMIT, f"{len(self.came_out)} of {beats} came out"
        await self.settle(60)

    def flags(self):
        return self.ctx.get(self.dut.weights_loaded), self.ctx.get(self.dut.weights_error)

    async def _sink(self, ctx):
        draw, dut, cycle = random.Random(f"{self.stalls} out"), self.dut, 0
        while True:
            ctx.set(dut.m_axis_tready, not self._stalled(draw))
            _clk, _rst, valid, ready, data = await ctx.tick().sample(
                dut.m_axis_tvalid, dut.m_axis_tready, dut.m_axis_tdata)
            cycle += 1
            if valid and ready:
                self.came_out.append(data)
                self.out_cycles.append(cycle)


def found(run, network):
    """int64 (frames, fields) of what came out."""
    design = run.design
    fmt, lanes = design.stages[-1].out_edge.format, design.out_lanes
    size = -(-fmt.bits // 8) * 8
    flat = [beat >> size * k & (1 << size) - 1 for beat in run.came_out for k in range(lanes)]
    values = np.array(flat, np.int64)
    values = np.where(values >> size - 1, values - (1 << size), values) if fmt.is_signed else values
    return values.reshape(-1, sum(network.edges[name].size for name in network.outputs))


def expected(network, x):
    values = golden.run(network, x)
    return np.concatenate([values[name] for name in network.outputs], axis=1)


def planned(network, *, target=ECP5, **options):
    return plan(network, target, **{"interval_cycles": 24, "weights": "ram"} | options)


def sets(design, *networks):
    layout = describe_loaded(design)
    return [weight_words(layout, replaced(design.network, network,
                                          thresholds=layout["thresholds"]))
            for network in networks]


def of_any_bits(design, network, frames, weights):
    """What comes out, and what should, where all rows of weights are random bits.

    ``weights(stage, bits)`` is the matrix that such bits are, ``(rows, row_bits)``.
    """
    (words,), rng = sets(design, network), np.random.default_rng(3)
    words, matrices, at = words.copy(), {}, 0
    for stage in (stage for stage in design.stages if stage.loaded):
        memory = stage.loaded[0]
        bits = rng.integers(0, 2, (memory.rows, memory.row_bits))
        pad = np.zeros((memory.rows, 32 * memory.row_words - memory.row_bits), np.int64)
        packed = np.packbits(np.hstack([bits, pad]).astype(np.uint8), axis=1, bitorder="little")
        words[at:at + memory.words] = packed.view("<u4").reshape(-1)
        at += sum(each.words for each in stage.loaded)
        matrices[stage.name] = weights(stage, bits)

    async def script(run):
        await run.load(words)
        await run.send(frames.reshape(len(frames), -1))
        size = sum(network.edges[name].size for name in network.outputs)
        await run.until(len(frames) * (size // design.out_lanes))

    nodes = tuple(replace(node, weights=matrices[node.name]) if node.name in matrices else node
                  for node in network.nodes)
    other = type(network)(network.name, nodes, network.outputs)
    return found(Run(design, script), network), expected(other, frames)


def in_turn(design, networks, frames, *, stalls=None):
    """What comes out, and what should, where each of ``networks`` is loaded and sent ``frames``."""
    words = sets(design, *networks)

    async def script(run):
        for each in words:
            await run.load(each)
            await run.send(frames.reshape(len(frames), -1))
        size = sum(networks[0].edges[name].size for name in networks[0].outputs)
        await run.until(len(words) * len(frames) * (size // design.out_lanes))

    return (found(Run(design, script, stalls=stalls), networks[0]),
            np.concatenate([expected(network, frames) for network in networks]))
