# amaranth: UnusedElaboratable=no
"""The shift core with weights that are loaded, whatever bits they are stored in."""

import numpy as np
import pytest
from cases.loaded import POWERS, other_weights
from cases.networks import inputs
from sim.loading import in_turn, of_any_bits, planned

from hwgen.ir import PowerSums

FOLDINGS = {"one": ({"pe": 1, "simd": 1}, None), "wide": ({"pe": 4, "simd": 2}, 1)}


def designed(first, choice, interval=600):
    return planned(first, interval_cycles=interval, cores={
        node.name: {"core": "shift"} | choice for node in first.nodes if node.kind == "mat_vec"})


@pytest.mark.parametrize("folding", FOLDINGS)
@pytest.mark.parametrize("name", sorted(set(POWERS) - {"larger"}))
def test_sets_take_turns(name, folding):
    choice, stalls = FOLDINGS[folding]
    first = POWERS[name]()
    second = other_weights(first)
    design = designed(first, choice)
    values, wanted = in_turn(design, (first, second, first), inputs(first, 6), stalls=stalls)
    assert np.array_equal(values, wanted)
    assert not np.array_equal(values[6:12], values[:6])


@pytest.mark.parametrize("fill", ["min", "max", "extremes"])
@pytest.mark.parametrize("name", ["inq", "two-terms", "dense"])
def test_sums_hold_the_extremes(name, fill):
    first = POWERS[name]()
    worst = other_weights(first, fill=fill, bias=1000)
    values, wanted = in_turn(designed(first, {}), (worst,), inputs(first, 6))
    assert np.array_equal(values, wanted)


@pytest.mark.parametrize("name", ["inq", "two-terms", "eight", "signs"])
def test_what_is_no_exponent_is_zero(name):
    """Any bits in the rows of weights are some weights: those of a network without them."""
    first = POWERS[name]()
    design = designed(first, {"pe": 2, "simd": 2})
    values, wanted = of_any_bits(design, first, inputs(first, 6), with_terms)
    assert np.array_equal(values, wanted)


def with_terms(stage, bits):
    """The sums of powers whose terms have these bits in the memory."""
    fields = bits.reshape(-1, stage.term_bits) @ (1 << np.arange(stage.term_bits))
    sign, exponent = fields >> stage.field_bits, fields % (1 << stage.field_bits)
    term = stage.sums.term_format
    assert (exponent >= stage.sums.exponents).any()
    values = np.where(exponent < stage.sums.exponents, 1 << exponent, 0) * (1 - 2 * sign)
    order = stage.nf, stage.sf, stage.pe, stage.simd, stage.terms
    codes = term.encode(values).reshape(order).transpose(4, 0, 2, 1, 3)
    return PowerSums(codes.reshape(stage.sums.codes.shape), stage.sums.exponents, stage.sums.bases)
