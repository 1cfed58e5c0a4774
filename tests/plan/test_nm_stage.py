"""The N:M stage: groups found, storage, candidates, cells and messages."""

import numpy as np
import pytest
from cases.errors import refused
from cases.targets import ECP5
from hypothesis import given
from hypothesis import strategies as st
from plan.synthesis import counted

from hwgen.ir import Dense, Edge, Input, MatVec, Network
from hwgen.numeric import Bipolar, Fixed, SpecError
from hwgen.plan import plan
from hwgen.plan.stages import NMStage
from hwgen.plan.stages.nm import fullest, group_of

U6 = Fixed(6, 0, False)


def pruned(seed, n_out, n_in, n, m):
    """``n`` nonzeros in every ``m`` inputs of each row."""
    rng = np.random.default_rng(seed)
    values = rng.integers(1, 16, (n_out, n_in // m, m)) * rng.choice([-1, 1], (n_out, n_in // m, m))
    kept = rng.permuted(np.broadcast_to(np.arange(m) < n, values.shape), axis=2)
    return (values * kept).reshape(n_out, n_in)


def stage_of(weights, pe=1, simd=None, levels=1, *, x=U6, fmt=Fixed(5), **more):
    n_in = weights.shape[1]
    mat_vec = MatVec("fc", ("x",), Dense(weights, fmt))
    return NMStage(mat_vec, Edge((n_in,), x, x.min, x.max), None, pe, simd or n_in, levels, **more)


def unpacked(stage):
    """The matrix that the rows hold, read as the hardware does."""
    dense = np.zeros((stage.n_out, stage.n_in), np.int64)
    w, bits = stage.weight_format.bits, stage.weight_format.bits + stage.index_bits
    for number, row in enumerate(stage.weight_rows()):
        fold, step = divmod(number, stage.sf)
        for p in range(stage.pe):
            for lane in range(stage.lanes):
                entry = row >> (p * stage.lanes + lane) * bits & ((1 << bits) - 1)
                group, place = divmod(lane, stage.places)
                assert entry >> w < stage.reach
                at = step * stage.simd + group * stage.size + place + (entry >> w)
                weight = stage.weight_format.decode(np.array([entry & ((1 << w) - 1)]))[0]
                dense[fold * stage.pe + p, at] += weight
    return dense


@given(n_out=st.integers(1, 12), groups=st.integers(1, 6), m=st.integers(1, 9), seed=st.integers(0),
       density=st.sampled_from([0, 0.2, 0.6, 1]), data=st.data())
def test_rows_hold_any_matrix(n_out, groups, m, seed, density, data):
    rng = np.random.default_rng(seed)
    weights = rng.integers(-16, 16, (n_out, groups * m)) * (rng.random((n_out, 1)) < density)
    pe = data.draw(st.sampled_from([k for k in range(1, n_out + 1) if n_out % k == 0]))
    side = data.draw(st.sampled_from([k for k in range(1, groups + 1) if groups % k == 0]))
    stage = stage_of(weights, pe, side * m, group=m)
    assert np.array_equal(unpacked(stage), weights)
    assert all(row < 1 << stage.weight_row_bits for row in stage.weight_rows())
    assert sum(stage.memory_bits.values()) == len(stage.weight_rows()) * stage.weight_row_bits


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 4), (1, 8), (4, 16), (3, 8), (1, 2)])
def test_group_is_found(n, m):
    weights = pruned(0, 16, 48 if m != 16 else 64, n, m)
    group = group_of(weights)
    assert fullest(weights, group) * m == n * group
    assert stage_of(weights).lanes == weights.shape[1] * n // m


def test_two_of_four_take_half_the_products_and_two_bits_more():
    stage = stage_of(pruned(0, 8, 32, 2, 4), 4, 16)
    assert (stage.lanes, stage.reach, stage.index_bits) == (8, 3, 2)
    assert stage.memory_bits == {"weights": 8 * 16 * 5, "index": 8 * 16 * 2}
    assert stage.interval_cycles == 2 * 2
    about = stage.to_dict()
    assert (about["n"], about["m"], about["lanes"], about["nonzeros"]) == (2, 4, 8, 128)


def network(weights):
    return Network("n", (Input("x", (), (weights.shape[1],), U6),
                         MatVec("fc", ("x",), Dense(weights, Fixed(5)))), ("fc",))


def test_planner_takes_it_for_matrices_pruned_in_groups():
    weights = pruned(0, 16, 48, 2, 4)
    design = plan(network(weights), ECP5, interval_cycles=48)
    stage = design.stages[0]
    assert (stage.core, stage.interval_cycles <= 48) == ("nm", True)
    assert stage.pe * stage.lanes == 8                  # 384 products in 48 cycles
    rng = np.random.default_rng(0)
    unstructured = rng.integers(1, 16, (16, 48)) * (rng.random((16, 48)) < 0.25)
    for other, core in ((unstructured, "sparse"), (np.full((16, 48), 3), "fixed")):
        assert plan(network(other), ECP5, interval_cycles=200).stages[0].core == core
    asked = {"fc": {"core": "nm", "group": 8, "pe": 2, "multipliers": "luts"}}
    stage = plan(network(weights), ECP5, interval_cycles=400, cores=asked).stages[0]
    assert (stage.size, stage.pe) == (8, 2)
    assert stage.estimate(ECP5).dsp == 0
    assert stage.folding.items() >= {"group": 8, "multipliers": "luts"}.items()


MEASURED = [  # n, m, n_out, n_in, pe, simd, multipliers: lut, ff, bram, dsp on ECP5
    ((2, 4, 64, 64, 4, 16, "blocks"), (1139, 679, 7, 32)),
    ((1, 4, 32, 64, 8, 16, "blocks"), (1627, 1110, 0, 32)),
    ((2, 4, 32, 32, 2, 16, "luts"), (2113, 1039, 0, 0)),
    ((2, 8, 64, 128, 8, 32, "blocks"), (5327, 2303, 0, 64)),
    ((4, 16, 64, 64, 2, 64, "blocks"), (4138, 1807, 0, 32)),
]


@pytest.mark.synth
def test_counts_are_those_of_synthesis(tmp_path):
    case, cells = MEASURED[0]
    found = counted(measured_stage(*case), "ecp5", tmp_path)
    assert (found.lut, found.ff, found.bram, found.dsp) == cells


def measured_stage(n, m, n_out, n_in, pe, simd, multipliers):
    return stage_of(pruned(0, n_out, n_in, n, m), pe, simd, multipliers=multipliers)


@pytest.mark.parametrize(("case", "cells"), MEASURED, ids=str)
def test_estimate_is_close_to_what_synthesis_counts(case, cells):
    estimate, (lut, ff, bram, dsp) = measured_stage(*case).estimate(ECP5), cells
    assert 0.85 * lut <= estimate.lut <= 1.15 * lut
    assert 0.85 * ff <= estimate.ff <= 1.15 * ff
    assert (estimate.bram, estimate.dsp) == (bram, dsp)


def test_refuses_what_it_cannot_compute():
    weights = pruned(0, 6, 8, 2, 4)
    with refused(SpecError, "nm core 'fc': group must divide simd = 2, not 4; choose from [1, 2]"):
        stage_of(weights, simd=2)
    with refused(SpecError, "nm core 'fc': group must divide n_in = 8, not 3; choose from"
                            " [1, 2, 4, 8]"):
        plan(network(weights), ECP5, interval_cycles=99, cores={"fc": {"core": "nm", "group": 3}})
    with refused(TypeError, "nm core 'fc': group must be an int, not '4'"):
        stage_of(weights, group="4")
    with refused(SpecError, "nm core 'fc': multipliers must be one of blocks, luts, not 'dsp'"):
        stage_of(weights, multipliers="dsp")
    with refused(SpecError, "nm core 'fc': input must be fixed point, not bipolar {-1, +1}"):
        stage_of(weights, x=Bipolar())
