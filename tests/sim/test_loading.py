# amaranth: UnusedElaboratable=no
"""Weights that are loaded: any set, between frames, under stalls on every stream; wrong lengths."""

import random

import numpy as np
import pytest
from amaranth.sim import Simulator
from cases.loaded import other_weights, two_networks
from cases.networks import inputs
from cases.targets import ECP5

from hwgen import golden
from hwgen.emit.weights import describe_loaded, weight_words
from hwgen.ir import replaced
from hwgen.plan import plan
from hwgen.rtl.pipeline import Pipeline

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
        lanes = self.design.in_lanes
        for frame in frames:
            codes = [int(v) & 0xFF for v in frame]
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


def planned(network, **options):
    return plan(network, ECP5, **{"interval_cycles": 24, "weights": "ram"} | options)


def sets(design, *networks):
    layout = describe_loaded(design)
    return [weight_words(layout, replaced(design.network, network)) for network in networks]


@pytest.mark.parametrize("stalls", [None, 1, 2])
@pytest.mark.parametrize("cores", [
    None, {"fc1": {"pe": 1, "simd": 1}, "fc2": {"pe": 4, "simd": 8}},
    {"fc1": {"pe": 8, "simd": 6, "packing": "18x18"}, "fc2": {"weights": "rom"},
     "fc3": {"pe": 1, "simd": 4}}])
def test_sets_take_turns_between_frames(cores, stalls):
    first, second = two_networks()
    design = planned(first, cores=cores, interval_cycles=64)
    if cores and "weights" in cores["fc2"]:
        second = replace_node(second, first.node("fc2"))
    words, x = sets(design, first, second), inputs(first, 6)

    async def script(run):
        for number in (0, 1, 0):
            await run.load(words[number])
            await run.send(x.reshape(6, -1))
        await run.until(18 * (5 // design.out_lanes))

    run = Run(design, script, stalls=stalls)
    values = found(run, first)
    assert np.array_equal(values[:6], expected(first, x))
    assert np.array_equal(values[6:12], expected(second, x))
    assert np.array_equal(values[12:], values[:6])
    assert not np.array_equal(values[6:12], values[:6])


def replace_node(network, node):
    nodes = tuple(node if each.name == node.name else each for each in network.nodes)
    return type(network)(network.name, nodes, network.outputs)


@pytest.mark.parametrize("fill", ["min", "max", "extremes"])
@pytest.mark.parametrize("packing", ["none", "18x18", "25x18"])
def test_sums_hold_the_extremes_of_the_formats(fill, packing):
    first, _ = two_networks()
    design = planned(first, cores={f"fc{k}": {"packing": packing} for k in (1, 2, 3)})
    ranges = [stage.mat_vec.bias_range(stage.x)[1] for stage in design.stages
              if stage.loaded and stage.mat_vec.bias is not None]
    worst = other_weights(first, fill=fill, bias=min(ranges))
    (words,), x = sets(design, worst), inputs(first, 6)

    async def script(run):
        await run.load(words)
        await run.send(x.reshape(6, -1))
        await run.until(6 * (5 // design.out_lanes))

    assert np.array_equal(found(Run(design, script), first), expected(worst, x))


def test_a_set_of_a_wrong_length_is_refused_and_the_next_one_taken():
    first, second = two_networks()
    design = planned(first)
    words, x, seen = sets(design, first, second), inputs(first, 3), []

    async def script(run):
        assert run.flags() == (0, 0)
        for wrong in (words[0][:-1], words[0][:1], np.append(words[0], 7),
                      np.append(words[0], words[0])):
            await run.load(wrong)
            await run.settle()
            seen.append(run.flags())
            run.ctx.set(run.dut.s_axis_tvalid, 1)
            await run.settle(30)
            assert not run.ctx.get(run.dut.s_axis_tready)
            run.ctx.set(run.dut.s_axis_tvalid, 0)
            await run.load(words[0])
            await run.settle()
            seen.append(run.flags())
        await run.send(x.reshape(3, -1))
        await run.load(words[1][:-3])
        await run.settle()
        seen.append(run.flags())
        await run.load(words[1])
        await run.settle()
        seen.append(run.flags())
        await run.send(x.reshape(3, -1))
        await run.until(6 * (5 // design.out_lanes))

    run = Run(design, script)
    assert seen == [(0, 1), (1, 0)] * 5
    assert np.array_equal(found(run, first), np.concatenate([expected(first, x),
                                                             expected(second, x)]))


def test_latency_and_interval_are_those_of_constant_weights():
    first, _ = two_networks()
    design, constant = planned(first), plan(first, ECP5, interval_cycles=24)
    (words,), x = sets(design, first), inputs(first, 12)
    beats = 5 // design.out_lanes

    async def script(run):
        await run.load(words)
        await run.send(x.reshape(12, -1))
        await run.until(12 * beats)

    run = Run(design, script)
    assert set(np.diff(run.out_cycles[::beats][4:])) == {design.interval_cycles}
    assert run.out_cycles[0] - run.in_cycles[0] == design.latency_cycles
    assert design.interval_cycles == constant.interval_cycles
    folding = {stage.name: (stage.pe, stage.simd) for stage in constant.stages[:-1]}
    assert {stage.name: (stage.pe, stage.simd) for stage in design.stages[:-1]} == folding


def test_words_are_the_rows_that_constant_weights_are_stored_in():
    first, _ = two_networks()
    for packing in ("none", "18x18"):
        design = planned(first, cores={"fc1": {"pe": 8, "packing": packing}})
        (words,) = sets(design, first)
        data, rows = words.astype("<u4").tobytes(), []
        for stage in design.stages[:-1]:
            rows += [(row, stage.loaded[0]) for row in stage.weight_rows()]
            if stage.mat_vec.bias is not None:
                rows += [(row, stage.loaded[1]) for row in stage.bias_rows()]
        assert data == b"".join(row.to_bytes(4 * memory.row_words, "little")
                                for row, memory in rows)
