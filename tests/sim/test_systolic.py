# amaranth: UnusedElaboratable=no
"""The systolic engine against numpy: every size, format and stall; cycles; wrong frames; resets."""

import itertools

import numpy as np
import pytest
from cases.errors import refused
from cases.systolic import PRODUCTS, host_of, operands, spec_of
from sim.systolic_bench import run_engine

from hwgen.numeric import Fixed
from hwgen.rtl.systolic import SystolicEngine
from hwgen.rtl.text import to_rtlil

STALLS = [(), ("x",), ("results",), ("weights", "x", "results")]


def check(spec, a, b, **options):
    """``a @ b`` comes out of the engine, and no error; the record."""
    return check_all(spec, [(a, b)], **options)


def check_all(spec, products, **options):
    """The same of several, one after another without a pause."""
    host = host_of(spec)
    jobs = [host.frames(a, b) for a, b in products]
    record = run_engine(spec, [frames for part in jobs for frames in part], **options)
    came_out = iter(record.frames)
    for (a, b), part in zip(products, jobs, strict=True):
        found = host.results([next(came_out) for _ in part], len(a), b.shape[1])
        np.testing.assert_array_equal(found, a @ b)
    assert not list(came_out)
    assert not record.error
    return record


@pytest.mark.parametrize(("sizes", "shape"), PRODUCTS, ids=str)
def test_products_take_the_cycles_that_are_stated(rng, sizes, shape):
    spec = spec_of(sizes)
    record = check(spec, *operands(rng, spec, *shape))
    assert record.cycles == spec.cycles(*shape)


@pytest.mark.parametrize("stalls", STALLS[1:], ids="+".join)
@pytest.mark.parametrize(("sizes", "shape"), PRODUCTS, ids=str)
def test_products_under_stalls(rng, sizes, shape, stalls):
    spec = spec_of(sizes)
    check(spec, *operands(rng, spec, *shape), stalls=stalls)


@pytest.mark.parametrize("bits", [(1, 1), (1, 8), (3, 5), (9, 2), (16, 12)], ids=str)
def test_formats_of_every_sign_at_their_extremes(rng, bits):
    for number, signs in enumerate(itertools.product((False, True), repeat=2)):
        x, weights = (Fixed(width, 0, sign) for width, sign in zip(bits, signs, strict=True))
        spec = spec_of((3, 2, 4, 3), x, weights, multipliers=("blocks", "luts")[number % 2])
        drawn, ends = (operands(rng, spec, 4, 9, 2, extreme=extreme) for extreme in (False, True))
        check_all(spec, [drawn, ends])


def test_the_longest_sum_of_the_largest_products_fits_exactly():
    spec = spec_of((2, 1, 1, 8))
    low, high = spec.x.min, spec.x.max
    check_all(spec, [(np.full((1, spec.inner), a), np.full((spec.inner, 1), b))
                     for a, b in ((low, low), (low, high), (high, low))])
    assert spec.accumulator == Fixed(20)            # 16 * 2**14 is 2**18, one more than fits 19


@pytest.mark.parametrize("stalls", STALLS, ids="+".join)
def test_jobs_of_any_lengths_follow_one_another(rng, stalls):
    """As from a host that sends products of several sizes without a pause."""
    spec = spec_of((3, 3, 8, 5))
    shapes = [(1, 1, 1), (8, 15, 3), (2, 3, 4), (1, 15, 1), (3, 4, 2), (8, 2, 2), (1, 1, 3)]
    record = check_all(spec, [operands(rng, spec, *shape) for shape in shapes], stalls=stalls)
    jobs = [job for shape in shapes for job in spec.jobs(*shape)]
    assert stalls or record.cycles == spec.cycles_of(jobs)


def test_a_sink_that_takes_nothing_stops_the_vectors_and_loses_none(rng):
    sizes, shape = (2, 2, 40, 1), (40, 2, 2)
    spec, host = spec_of(sizes), host_of(spec_of(sizes))
    a, b = operands(rng, spec, *shape)
    for seed in range(5):
        check(spec, a, b, stalls=("results",), seed=seed)
    assert len(host.frames(a, b)) == 1


@pytest.mark.parametrize("cycles", [1, 5, 9, 14, 20, 27, 33, 50])
def test_reset_in_the_middle(rng, cycles):
    spec = spec_of((3, 4, 6, 4))
    stalls = STALLS[-1] if cycles % 2 else ()
    check(spec, *operands(rng, spec, 11, 9, 5), reset_after=cycles, stalls=stalls, seed=cycles)


def wrong_frames(spec, job):
    """Name -> the job with something wrong in it."""
    beat, word = spec.weight_bytes, int.from_bytes(job.weights[:4], "little")
    yield "weights too short", job._replace(weights=job.weights[:-beat])
    yield "weights too long", job._replace(weights=job.weights + job.weights[-beat:])
    yield "vectors too short", job._replace(x=job.x[:-spec.x_bytes])
    yield "vectors too long", job._replace(x=job.x + job.x[-spec.x_bytes:])
    for name, more in (("vectors", spec.depth), ("tiles", spec.tiles << 16)):
        command = (word + more).to_bytes(4, "little")
        yield f"too many {name}", job._replace(weights=command + job.weights[4:])
    yield "a weight out of range", job._replace(weights=job.weights[:-1] + b"\x40")
    yield "an activation out of range", job._replace(x=job.x[:-1] + b"\x40")


@pytest.mark.parametrize("number", range(8))
def test_a_wrong_frame_is_told(rng, number):
    spec = spec_of((2, 4, 4, 2), Fixed(6), Fixed(6))
    job, = host_of(spec).frames(*operands(rng, spec, 4, 4, 4))
    name, wrong = list(wrong_frames(spec, job))[number]
    record = run_engine(spec, [wrong, job], complete=False, limit=120)
    assert record.error, name


def test_engine_converts_to_rtlil():
    for multipliers in ("blocks", "luts"):
        text = to_rtlil(SystolicEngine(spec_of((2, 3, 64, 2), multipliers=multipliers)), "core")
        module = "hwgen_multiply" if multipliers == "blocks" else "hwgen_multiply_luts"
        assert text.count(f"cell \\{module} ") == 6


def test_spec_must_be_one():
    with refused(TypeError, "spec must be a SystolicSpec, not 8"):
        SystolicEngine(8)
