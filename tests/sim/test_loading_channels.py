# amaranth: UnusedElaboratable=no
"""The depthwise core with weights that are loaded: sets in turn, extremes, and no cycle between."""

import numpy as np
import pytest
from cases.loaded import CHANNELS, other_weights
from cases.networks import inputs
from cases.targets import ECP5
from sim.loading import Run, expected, found, in_turn, planned, sets

from hwgen.plan import plan
from hwgen.plan.stages import DepthwiseStage, divisors


def lanes(network):
    """One lane, two or so, and all channels side by side."""
    every = divisors(network.node("dw").weights.channels)
    return sorted({*every[:2], every[-1]})


def designed(network, lanes=None):
    pe = {} if lanes is None else {"pe": lanes * network.node("dw").weights.multiplier}
    design = planned(network, interval_cycles=400, cores={"dw": pe})
    stage = next(stage for stage in design.stages if stage.name == "dw")
    assert isinstance(stage, DepthwiseStage)
    return design, stage


@pytest.mark.parametrize("name", sorted(set(CHANNELS) - {"larger"}))
def test_sets_take_turns(name):
    """One lane without stalls, others with them on every stream."""
    first = CHANNELS[name]()
    second = other_weights(first, bias=30)
    for number, each in enumerate(lanes(first)):
        design, _ = designed(first, each)
        values, wanted = in_turn(design, (first, second), inputs(first, 3), stalls=number or None)
        assert np.array_equal(values, wanted)
        assert not np.array_equal(values[3:], values[:3])


@pytest.mark.parametrize("fill", ["min", "max", "extremes"])
@pytest.mark.parametrize("name", ["separable", "wide", "signs"])
def test_sums_hold_the_extremes_of_the_format(name, fill):
    first = CHANNELS[name]()
    design, stage = designed(first)
    worst = other_weights(first, fill=fill, bias=stage.mat_vec.bias_range(stage.x)[1])
    values, wanted = in_turn(design, (worst,), inputs(first, 2))
    assert np.array_equal(values, wanted)


@pytest.mark.parametrize("each", [1, 5])
def test_a_frame_may_come_in_the_cycle_after_a_set(each):
    """Scales of an input, at once behind the sink: also where one row is all that is loaded."""
    first = CHANNELS["scales"]()
    second, x = other_weights(first), inputs(first, 1)
    design, stage = designed(first, each)
    assert stage.loaded[0].rows == 5 // each
    words = sets(design, first, second)

    async def script(run):
        for number, each in enumerate(words):
            await run.load(each)
            await run.send(x)
            await run.until((number + 1) * (5 // design.out_lanes))

    values = found(Run(design, script), first)
    assert np.array_equal(values, np.concatenate([expected(first, x), expected(second, x)]))


@pytest.mark.parametrize("name", ["separable", "twice", "one"])
def test_cycles_are_those_of_constant_weights(name):
    first = CHANNELS[name]()
    (design, _), x = designed(first), inputs(first, 3)
    constant = plan(first, ECP5, interval_cycles=400, cores={
        stage.name: {"pe": stage.pe} for stage in design.stages if stage.loaded})
    assert (design.interval_cycles, design.latency_cycles) == (
        constant.interval_cycles, constant.latency_cycles)
    (words,) = sets(design, first)
    size = sum(first.edges[name].size for name in first.outputs) // design.out_lanes

    async def script(run):
        await run.load(words)
        await run.settle()
        await run.send(x[:1].reshape(1, -1))
        await run.until(size)
        await run.send(np.concatenate([x, x]).reshape(6, -1))
        await run.until(7 * size)

    run = Run(design, script)
    begins = run.out_cycles[::size]
    assert begins[0] - run.in_cycles[0] == design.latency_cycles
    assert set(np.diff(begins[-3:])) == {design.interval_cycles}
