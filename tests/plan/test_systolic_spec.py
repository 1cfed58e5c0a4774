"""What is derived of a systolic engine: widths, jobs, cycles, blocks; and what is refused."""

import json

import pytest
from cases.errors import refused
from cases.systolic import PRODUCTS, spec_of
from cases.targets import ECP5, UP5K

from hwgen.numeric import Fixed, SpecError, format_from_dict
from hwgen.plan.engines import ENGINES, SystolicSpec

U4 = Fixed(4, signed=False)


def test_engine_is_in_the_table():
    assert ENGINES["systolic"] is SystolicSpec


@pytest.mark.parametrize(("x", "weights", "terms", "bits"), [
    (Fixed(8), Fixed(8), 1, 16), (Fixed(8), Fixed(8), 2, 17), (Fixed(8), Fixed(8), 4, 18),
    (Fixed(8), Fixed(8), 3, 17), (U4, U4, 1, 8), (U4, Fixed(4), 1, 8), (Fixed(1), Fixed(1), 1, 1),
    (Fixed(1), Fixed(1), 1024, 11)], ids=str)
def test_sums_have_just_the_bits_that_their_extremes_need(x, weights, terms, bits):
    spec = spec_of((1, 1, 1, 1), x, weights)
    fmt = spec.sum_of(terms)
    ends = [terms * a * b for a in (x.min, x.max) for b in (weights.min, weights.max)]
    assert fmt.bits == bits
    assert fmt.min <= min(0, *ends) <= max(0, *ends) <= fmt.max
    narrower = Fixed(bits - 1, signed=fmt.is_signed) if bits > 1 else fmt
    assert bits == 1 or not narrower.min <= min(0, *ends) <= max(0, *ends) <= narrower.max


@pytest.mark.parametrize(("sizes", "shape"), PRODUCTS, ids=str)
def test_jobs_hold_the_whole_product(sizes, shape):
    spec, (m, k, n) = spec_of(sizes), shape
    jobs = spec.jobs(m, k, n)
    assert sum(job.vectors for job in jobs) == m * -(-n // spec.columns)
    assert {job.tiles for job in jobs} == {-(-k // spec.rows)}
    assert max(job.vectors for job in jobs) <= spec.depth


def test_cycles_of_a_large_product_are_nearly_those_of_its_products():
    spec = spec_of((8, 8, 256, 256))
    assert spec.cycles(256, 784, 64) == 9 + 8 * 98 * 256 + spec.latency_cycles
    assert spec.utilisation(256, 784, 64) > 0.999
    assert spec.latency_cycles == 8 + 8 + 7


def test_memory_and_blocks_follow_from_the_sizes():
    spec = spec_of((8, 8, 256, 256))
    assert (spec.inner, spec.accumulator, spec.macs) == (2048, Fixed(27), 64)
    assert spec.memory_bits == {"weights": 2 * 64 * 8, "accumulators": 256 * 8 * 27,
                                "queue": spec.queue_depth * (8 * 27 + 1)}
    estimate = spec.estimate(ECP5)
    assert (estimate.dsp, estimate.bram) == (64, 6)
    assert spec.estimate(UP5K).dsp == 64
    assert spec_of((2, 2, 4, 4), multipliers="luts").estimate(ECP5).dsp == 0
    assert spec_of((2, 2, 4, 4), Fixed(18), Fixed(20)).estimate(ECP5).dsp == 4 * 2


def test_description_is_json_and_holds_the_formats():
    spec = spec_of((2, 3, 4, 5), U4, Fixed(6))
    entry = json.loads(json.dumps(spec.to_dict()))
    assert entry["engine"] == "systolic"
    assert format_from_dict(entry["accumulator"]) == spec.accumulator
    assert (entry["x_bytes"], entry["weight_bytes"], entry["command_beats"]) == (2, 3, 2)


@pytest.mark.parametrize(("change", "error", "rule"), [
    ({"rows": 0}, SpecError, "rows must be in 1..256, not 0"),
    ({"columns": 257}, SpecError, "columns must be in 1..256, not 257"),
    ({"depth": 65537}, SpecError, "depth must be in 1..65536, not 65537"),
    ({"tiles": 0}, SpecError, "tiles must be in 1..65536, not 0"),
    ({"rows": 2.0}, TypeError, "rows must be an int, not 2.0"),
    ({"x": 8}, TypeError, "x must be Fixed, not 8"),
    ({"multipliers": "dsp"}, SpecError, "multipliers must be one of ['blocks', 'luts'],"
                                        " not 'dsp'"),
    ({"x": Fixed(40), "weights": Fixed(40), "tiles": 65536}, SpecError,
     "sums of 131072 products (rows * tiles) must fit 62 bits, not take 97 with x of fixed s40.0"
     " (-549755813888..549755813887) and weights of fixed s40.0 (-549755813888..549755813887):"
     " choose fewer tiles or narrower formats")], ids=str)
def test_wrong_sizes_are_refused(change, error, rule):
    with refused(error, f"engine 'systolic': {rule}"):
        SystolicSpec(**{"rows": 2, "columns": 2} | change)


@pytest.mark.parametrize(("shape", "rule"), [
    ((0, 1, 1), "m must be at least 1, not 0"),
    ((1, 9, 1), "k must be at most 8 (2 rows times 4 tiles), not 9")], ids=str)
def test_wrong_products_are_refused(shape, rule):
    with refused(SpecError, f"engine 'systolic': {rule}"):
        spec_of((2, 2, 4, 4)).cycles(*shape)


@pytest.mark.parametrize(("target", "sizes", "measured"), [
    (ECP5, (8, 8, 256, 256), {"lut": 2817, "ff": 4724, "bram": 6, "dsp": 64}),
    (UP5K, (4, 2, 128, 64), {"lut": 958, "ff": 1522, "bram": 3, "dsp": 8})], ids=["ecp5", "up5k"])
def test_cells_are_as_synthesis_found_them(target, sizes, measured):
    """As ``hwgen bench fixed --part systolic`` measured, and a smaller one before placement."""
    estimate = spec_of(sizes).estimate(target).to_dict()
    assert {kind: estimate[kind] for kind in ("bram", "dsp")} == {
        kind: measured[kind] for kind in ("bram", "dsp")}
    for kind in ("lut", "ff"):
        assert abs(estimate[kind] / measured[kind] - 1) < 0.1
