"""Where multiplier blocks run out the planner makes products of LUTs, if those fit."""

from dataclasses import replace

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import fixed
from cases.targets import ECP5, UP5K

from hwgen.ir import Dense, Input, MatVec, Network, PerChannel, Requantise, SlidingWindow
from hwgen.numeric import Bipolar, Fixed, SpecError
from hwgen.plan.planner import FitError, misfits, plan


def network():
    return fixed(sizes=(32, 48, 10))


def made_of(design):
    return {stage.name: stage.folding.get("multipliers", "blocks") for stage in design.stages
            if stage.core == "fixed"}


def test_blocks_come_first():
    design = plan(network(), ECP5, interval_cycles=16)
    assert made_of(design) == {"fc1": "blocks", "fc2": "blocks"}
    assert design.estimate.dsp > 100


def test_the_stage_that_takes_the_fewest_luts_more_has_none():
    whole = plan(network(), ECP5, interval_cycles=16)
    few = replace(ECP5, dsps=whole.estimate.dsp - 1)
    design = plan(network(), few, interval_cycles=16)
    assert made_of(design) == {"fc1": "blocks", "fc2": "luts"}
    assert design.interval_cycles == whole.interval_cycles
    assert (design.latency_cycles, misfits(design)) == (whole.latency_cycles, [])


def test_all_stages_do_without_where_there_is_one_block():
    design = plan(network(), replace(ECP5, dsps=1), interval_cycles=128)
    assert made_of(design) == {"fc1": "luts", "fc2": "luts"}
    assert design.estimate.dsp == 0


def test_a_longer_interval_is_taken_where_luts_run_out_too():
    small = plan(network(), UP5K)
    assert small.estimate.dsp <= UP5K.dsps
    assert small.interval_cycles > plan(network(), replace(UP5K, luts=40000)).interval_cycles


def test_what_is_chosen_stays():
    few = replace(ECP5, dsps=16)
    with pytest.raises(FitError, match="DSP: needs about"):
        plan(network(), few, interval_cycles=16,
             cores={name: {"multipliers": "blocks"} for name in ("fc1", "fc2")})
    chosen = plan(network(), ECP5, interval_cycles=64, cores={"fc1": {"multipliers": "luts"}})
    assert made_of(chosen) == {"fc1": "luts", "fc2": "blocks"}
    with refused(SpecError, "fixed core 'fc2': multipliers must be one of blocks, luts,"
                            " not 'none'"):
        plan(network(), ECP5, cores={"fc2": {"multipliers": "none"}})


def scaled_network(*nodes, shape, channels):
    """The nodes, each reading the one before, and a multiplier of each channel behind them."""
    factors = np.arange(channels) * 1_234_567 + (1 << 30) + 1
    every = (Input("x", (), shape, Fixed(8)), *nodes,
             Requantise("q", (nodes[-1].name if nodes else "x",), factors, 6, "doubling_high",
                        Fixed(8)))
    return Network("net", every, ("q",))


def values(*shape):
    return np.random.default_rng(0).integers(-128, 128, shape)


def depthwise():
    return scaled_network(SlidingWindow("window", ("x",), (3, 3)),
                          MatVec("dw", ("window",), PerChannel(values(16, 9), Fixed(8))),
                          shape=(6, 6, 16), channels=16)


def unrolled():
    return scaled_network(MatVec("fc", ("x",), Dense(values(8, 6), Fixed(8))), shape=(6,),
                          channels=8)


def signs(n_out):
    weights = np.random.default_rng(1).choice((-1, 1), (n_out, 12))
    return scaled_network(MatVec("fc", ("x",), Dense(weights, Bipolar())), shape=(12,),
                          channels=n_out)


def sparse():
    weights = values(16, 24) * (np.random.default_rng(2).random((16, 24)) < 0.2)
    return scaled_network(MatVec("fc", ("x",), Dense(weights, Fixed(8))), shape=(24,),
                          channels=16)


def of(core, interval, **more):
    return {"interval_cycles": interval, "cores": {"fc": {"core": core, **more}}}


@pytest.mark.parametrize(("make", "node", "options"), [
    (depthwise, "dw", {"interval_cycles": 600}),
    (unrolled, "fc", {"interval_cycles": 16, "cores": {"fc": {"core": "fixed-unrolled"}}}),
    (lambda: scaled_network(shape=(4, 4, 8), channels=8), "q", {"interval_cycles": 16}),
    (lambda: signs(16), "fc", of("binary", 96, pe=8)),
    (lambda: signs(6), "fc", of("binary-unrolled", 16)),
    (sparse, "fc", of("sparse", 100, pe=8)),
    (sparse, "fc", of("sparse-columns", 100, pe=8, column_groups=2)),
], ids=["depthwise", "unrolled", "alone", "binary", "binary-unrolled", "sparse", "sparse-columns"])
def test_other_cores_do_without_blocks_too(make, node, options):
    few = replace(UP5K, luts=40000, ffs=20000)
    blocks = plan(make(), replace(few, dsps=200), **options)
    design = plan(make(), few, **options)
    chosen, stage = (next(stage for stage in made.stages if stage.name == node)
                     for made in (blocks, design))
    assert chosen.estimate(few).dsp > UP5K.dsps
    assert (stage.folding["multipliers"], stage.estimate(few).dsp) == ("luts", 0)
    assert chosen.folding.get("multipliers", "blocks") == "blocks"
    assert design.interval_cycles == blocks.interval_cycles
