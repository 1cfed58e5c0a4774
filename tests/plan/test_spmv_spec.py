"""What is derived of a sparse engine: widths, cycles, blocks; and what is refused."""

import json

import pytest
from cases.errors import refused
from cases.spmv import spec_of
from cases.targets import ECP5

from hwgen.numeric import Fixed, SpecError, format_from_dict
from hwgen.plan.engines import ENGINES, SpmvSpec
from hwgen.plan.engines.spmv_timing import SpmvJob

U4 = Fixed(4, signed=False)
WHOLE = SpmvSpec()

LUTS, FLIP_FLOPS = 8500, 15556
"""Of that engine on an ECP5-85, as the table in ``docs/spmv.md``."""


def test_engine_is_in_the_table():
    assert ENGINES["spmv"] is SpmvSpec


@pytest.mark.parametrize(("x", "weights", "terms", "bits"), [
    (Fixed(16), Fixed(16), 256, 40), (Fixed(16), Fixed(16), 1, 32), (Fixed(8), Fixed(8), 3, 17),
    (U4, U4, 1, 8), (U4, Fixed(4), 2, 9), (Fixed(1), Fixed(1), 1, 1), (Fixed(32), Fixed(16), 1, 48),
    (Fixed(32), Fixed(32), 1, 62), (Fixed(32, signed=False), Fixed(32, signed=False), 1, 62)],
    ids=str)
def test_sums_have_just_the_bits_that_their_extremes_need(x, weights, terms, bits):
    fmt = spec_of((1, 1, 1, 1), x, weights, terms=terms).accumulator
    ends = [terms * a * b for a in (x.min, x.max) for b in (weights.min, weights.max)]
    assert (fmt.bits, fmt.is_signed) == (bits, min(ends) < 0)
    assert bits == 62 or fmt.min <= min(0, *ends) <= max(0, *ends) <= fmt.max


@pytest.mark.parametrize(("weights", "columns", "slots", "step", "size"), [
    (16, 4096, 256, 4, 4), (8, 4096, 256, 4, 3), (32, 4096, 256, 4, 6), (16, 256, 256, 8, 4),
    (16, 256, 3, 2, 4), (6, 512, 256, 9, 3), (7, 512, 256, 8, 3), (5, 4, 1, 1, 1),
    (32, 65536, 65536, 8, 7)])
def test_steps_fill_an_entry_up_to_bytes(weights, columns, slots, step, size):
    spec = spec_of((1, columns, slots, 1), weights=Fixed(weights))
    assert (spec.step_bits, spec.entry_bytes) == (step, size)
    assert spec.entry_bits <= 8 * size
    assert spec.max_step == (1 << step) - 1


def test_cycles_of_a_product_alone_and_in_a_row():
    job = SpmvJob(512, 33, 820, True)
    alone = 512 // 8 + 820 + 33 + 17 + WHOLE.skew_cycles
    assert WHOLE.cycles_of([job]) == alone
    assert WHOLE.cycles_of([job] * 9) == alone + 8 * (820 + 2)
    slow = SpmvJob(4096, 1, 1, True)                # x is what is waited for
    assert WHOLE.cycles_of([slow] * 9) - WHOLE.cycles_of([slow] * 8) == 512
    tall = SpmvJob(1, 256, 1, True)                 # the sums are
    assert WHOLE.cycles_of([tall] * 9) - WHOLE.cycles_of([tall] * 8) == 256
    kept = SpmvJob(1, 1, 1, False)                  # an update of a sum is
    few, many = (WHOLE.cycles_of([kept] * count + [job]) for count in (3, 9))
    assert many - few == 6 * 5
    assert (WHOLE.skew_cycles, WHOLE.latency_cycles) == (7, 24)


def test_memory_and_blocks_follow_from_the_sizes():
    assert WHOLE.memory_bits == {"x": 16 * 2 * 4096 * 16, "sums": 16 * 2 * 256 * 40,
                                 "queue": 16 * (16 * 40 + 1)}
    assert (WHOLE.matrix_bytes, WHOLE.x_bytes, WHOLE.result_bytes) == (64, 16, 80)
    assert WHOLE.command_beats == 1
    assert spec_of((1, 4, 2, 1), weights=Fixed(4)).command_beats == 8


def test_estimate_is_close_to_what_synthesis_counts():
    found = WHOLE.estimate(ECP5)
    assert (found.lut, found.ff) == pytest.approx((LUTS, FLIP_FLOPS), rel=0.05)
    assert (found.bram, found.dsp) == (192, 16)


def test_description_is_json_and_holds_the_formats():
    entry = json.loads(json.dumps(spec_of((2, 4, 3, 2), U4, Fixed(6)).to_dict()))
    assert entry["engine"] == "spmv"
    assert format_from_dict(entry["x"]) == U4
    assert (entry["matrix_bytes"], entry["x_bytes"], entry["command_beats"]) == (4, 2, 2)


@pytest.mark.parametrize(("change", "error", "rule"), [
    ({"lanes": 0}, SpecError, "lanes must be in 1..64, not 0"),
    ({"columns": 65537}, SpecError, "columns must be in 1..65536, not 65537"),
    ({"slots": 0}, SpecError, "slots must be in 1..65536, not 0"),
    ({"terms": 0}, SpecError, f"terms must be in 1..{1 << 32}, not 0"),
    ({"x_lanes": 3}, SpecError, "x_lanes must be a power of two, not 3"),
    ({"columns": 12}, SpecError, "columns must be a multiple of x_lanes, 8, not 12"),
    ({"lanes": 2.0}, TypeError, "lanes must be an int, not 2.0"),
    ({"x": 8}, TypeError, "x must be Fixed, not 8"),
    ({"weights": Fixed(33)}, SpecError, "weights must be integers of up to 32 bits, whose scale is"
                                        f" the host's, not {Fixed(33)}"),
    ({"x": Fixed(8, 2)}, SpecError, "x must be integers of up to 32 bits, whose scale is the"
                                    f" host's, not {Fixed(8, 2)}"),
    ({"multipliers": "dsp"}, SpecError, "multipliers must be one of ['blocks', 'luts'],"
                                        " not 'dsp'")], ids=str)
def test_wrong_sizes_are_refused(change, error, rule):
    with refused(error, f"engine 'spmv': {rule}"):
        SpmvSpec(**change)


@pytest.mark.parametrize(("jobs", "rule"), [
    ([], "the last job must send its sums, as cycles are counted to them"),
    ([SpmvJob(1, 1, 1, False)], "the last job must send its sums, as cycles are counted to them"),
    ([SpmvJob(4097, 1, 1, True)], "columns of a job must be in 1..4096, not 4097"),
    ([SpmvJob(1, 257, 1, True)], "slots of a job must be in 1..256, not 257"),
    ([SpmvJob(1, 1, 0, True)], f"beats of a job must be in 1..{1 << 24}, not 0")], ids=str)
def test_wrong_jobs_are_refused(jobs, rule):
    with refused(SpecError, f"engine 'spmv': {rule}"):
        WHOLE.cycles_of(jobs)
