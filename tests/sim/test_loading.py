# amaranth: UnusedElaboratable=no
"""Weights that are loaded: any set, between frames, under stalls on every stream; wrong lengths."""

from dataclasses import replace

import numpy as np
import pytest
from cases.loaded import other_weights, two_networks
from cases.networks import inputs
from cases.targets import ECP5
from sim.loading import Run, expected, found, in_turn, planned, sets

from hwgen.plan import plan


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
    values, wanted = in_turn(design, (first, second, first), inputs(first, 6), stalls=stalls)
    assert np.array_equal(values, wanted)
    assert not np.array_equal(values[6:12], values[:6])


def replace_node(network, node):
    nodes = tuple(node if each.name == node.name else each for each in network.nodes)
    return type(network)(network.name, nodes, network.outputs)


@pytest.mark.parametrize("fill", ["min", "max", "extremes"])
@pytest.mark.parametrize("packing", ["none", "18x18", "25x18"])
def test_sums_hold_the_extremes_of_the_formats(fill, packing):
    first, _ = two_networks()
    design = planned(first, cores={f"fc{k}": {"packing": packing} for k in (1, 2, 3)},
                     target=replace(ECP5, family="xc7" if packing == "25x18" else "ecp5"))
    ranges = [stage.mat_vec.bias_range(stage.x)[1] for stage in design.stages
              if stage.loaded and stage.mat_vec.bias is not None]
    worst = other_weights(first, fill=fill, bias=min(ranges))
    values, wanted = in_turn(design, (worst,), inputs(first, 6))
    assert np.array_equal(values, wanted)


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
