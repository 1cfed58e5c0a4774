# amaranth: UnusedElaboratable=no
"""The sparse engine against numpy: every size, format and stall; cycles; damaged frames; resets."""

import itertools

import numpy as np
import pytest
from cases.errors import refused
from cases.spmv import MATRICES, drawn, host_of, jobs_of, product, spec_of, vector
from sim.spmv_bench import STREAMS, run_engine, sending

from hwgen.host.csr import Csr
from hwgen.numeric import Fixed
from hwgen.rtl.spmv import SpmvEngine
from hwgen.rtl.text import to_rtlil


class Check:
    """Products of lists of (matrix, x), each added up, one after another without a pause."""

    def __init__(self, spec, products, **options):
        self.spec, self.products, self.options = spec, products, options
        self.host, self.sent, self.jobs = host_of(spec), [], []
        for each in products:
            packed = self.host.pack_together([matrix for matrix, _ in each])
            own = self.host.frames_of_sum(
                [(one, x) for one, (_, x) in zip(packed, each, strict=True)])
            self.sent.append((packed, own))
            self.jobs += own
        self.run = sending(spec, self.jobs, **options)

    def judge(self, record):
        came_out = iter(record.frames)
        for each, (packed, own) in zip(self.products, self.sent, strict=True):
            found = self.host.results([next(came_out) for job in own if job.result_bytes], *packed)
            np.testing.assert_array_equal(found, sum(product(*pair) for pair in each))
        assert not list(came_out)
        assert not record.error
        if not self.options.get("stalls"):
            assert record.cycles == self.spec.cycles_of(jobs_of(self.jobs))


def check(spec, *checks):
    """Each ``(products, options)`` in turn, with a reset between them."""
    checks = [Check(spec, products, **options) for products, options in checks]
    for each, record in zip(checks, run_engine(spec, *(each.run for each in checks)), strict=True):
        each.judge(record)


@pytest.mark.parametrize("name", MATRICES)
def test_products_take_the_cycles_that_are_stated(rng, name):
    sizes, shape = MATRICES[name]
    spec = spec_of(sizes)
    pair = drawn(rng, spec, *shape), vector(rng, spec, shape[1])
    check(spec, ([[pair]], {}), ([[pair], [pair]], {"stalls": STREAMS}))


def test_products_of_all_kinds_follow_one_another_under_stalls_and_through_resets(rng):
    spec = spec_of((3, 8, 4, 2))
    shapes = [(11, 21, 0.3), (1, 1, 1.0), (30, 5, 0.2), (12, 8, 1.0)]
    products = [[(drawn(rng, spec, *shape), vector(rng, spec, shape[1]))] for shape in shapes]
    stalls = [("s_axis_matrix",), ("s_axis",), ("m_axis",), STREAMS, ()]
    resets = [{"reset_after": cycles, "seed": cycles, "stalls": STREAMS if cycles % 2 else ()}
              for cycles in (1, 9, 17, 26, 41)]
    check(spec, *((products, {"stalls": each}) for each in stalls),
          *((products[:1], each) for each in resets))


def test_products_follow_one_another_in_the_cycles_that_are_stated(rng):
    """Some wait for x, some for a bank of sums, some for neither."""
    spec = spec_of((3, 8, 8, 1))
    shapes = [(2, 1, 1.0), (24, 2, 0.6), (24, 1, 1.0), (4, 8, 0.9), (1, 8, 0.2), (24, 8, 0.5),
              (24, 9, 0.1), (3, 17, 0.5), (1, 1, 1.0)]
    check(spec, ([[(drawn(rng, spec, *shape), vector(rng, spec, shape[1]))] for shape in shapes],
                 {}))


def test_products_are_added_up(rng):
    """That is y += A x, also where a row is touched again as soon as it may be."""
    spec = spec_of((4, 4, 2, 4))        # a command is one beat: nothing else keeps jobs apart
    assert spec.command_beats == 1
    sums = [[(drawn(rng, spec, 12, n, density), vector(rng, spec, n))
             for n, density in ((3, 1.0), (1, 0.5), (4, 0.1), (9, 0.3))],
            [(drawn(rng, spec, 2, 1, 1.0), vector(rng, spec, 1)) for _ in range(4)]]
    check(spec, (sums, {}), (sums, {"stalls": STREAMS}))


@pytest.mark.parametrize("bits", [(1, 1), (3, 5), (16, 12)], ids=str)
def test_formats_of_every_sign_at_their_extremes(rng, bits):
    for number, signs in enumerate(itertools.product((False, True), repeat=2)):
        x, weights = (Fixed(width, 0, sign) for width, sign in zip(bits, signs, strict=True))
        spec = spec_of((2, 8, 3, 2), x, weights, multipliers=("blocks", "luts")[number % 2])
        check(spec, ([[(drawn(rng, spec, 5, 8, 0.7, extreme=extreme),
                        vector(rng, spec, 8, extreme=extreme))] for extreme in (False, True)], {}))


def test_the_longest_sum_of_the_largest_products_fits_exactly():
    spec = spec_of((2, 8, 1, 2), terms=8)
    ends = itertools.product((spec.weights.min, spec.weights.max), (spec.x.min, spec.x.max))
    check(spec, ([[(Csr.of((2, 8), [1] * 8, range(8), [a] * 8), np.full(8, b))]
                  for a, b in ends], {}))


def test_products_are_added_to_an_earlier_y(rng):
    spec = spec_of((2, 8, 4, 2))
    earlier, matrix = host_of(spec).earlier(5, (-1900, 1900)), drawn(rng, spec, 5, 6, 0.4)
    y, x = np.array([-1900, 1900, 0, 77, -1234]), vector(rng, spec, 6)
    before = earlier.matrix, earlier.digits(y)
    np.testing.assert_array_equal(product(*before), y)
    check(spec, ([[before, (matrix, x)]], {"stalls": STREAMS}))


def test_values_of_32_bits_are_exact():
    """Also sums at their end: four products of the formats' least values are 2^48."""
    spec = spec_of((2, 4, 2, 2), Fixed(16), Fixed(32), terms=4)
    assert spec.accumulator == Fixed(50)                            # 49 would hold 2^48 - 1
    matrix = Csr.of((3, 4), [0, 0, 0, 0, 1, 1, 1, 2], [0, 1, 2, 3, 0, 1, 3, 2],
                    [-2**31] * 4 + [2**31 - 1, -2**31, 2**31 - 1, -1])
    vectors = [-2**15] * 4, [2**15 - 1] * 4, [-2**15, 2**15 - 1, -1, -2**15], [1, -1, 12345, 0]
    check(spec, ([[(matrix, np.array(x))] for x in vectors], {"stalls": STREAMS}))


def damaged(spec, job):
    """Name -> the job with something wrong in it."""
    beat, entries = spec.matrix_bytes, spec.command_beats * spec.matrix_bytes
    size, weights, columns = spec.entry_bits, spec.weights.bits, spec.column_bits
    first = int.from_bytes(job.matrix[entries:entries + 3], "little")

    def entry(value):
        return job._replace(matrix=job.matrix[:entries] + value.to_bytes(3, "little")
                            + job.matrix[entries + 3:])

    def command(change):
        word = int.from_bytes(job.matrix[:8], "little") ^ change
        return job._replace(matrix=word.to_bytes(8, "little") + job.matrix[8:])

    yield "cut", job._replace(matrix=job.matrix[:-beat])
    yield "cut in a command", job._replace(matrix=job.matrix[:beat])
    yield "a command alone", job._replace(matrix=job.matrix[:entries])
    yield "too long", job._replace(matrix=job.matrix + 3 * job.matrix[-beat:])
    yield "a column past the end", entry(first & ~(31 << weights) | 12 << weights)
    yield "a slot past the end", entry(first | ((1 << spec.step_bits) - 1) << weights + columns)
    yield "spare bits", entry(first | 1 << size)
    yield "too many columns", command(1 << 6)
    yield "too many slots", command(1 << 20)
    yield "too many beats", command(1 << 40)
    yield "an unknown flag", command(1 << 57)
    bare = bytearray(job.matrix[:entries + beat])
    bare[4:7] = bytes(3)                        # a beat, whose entries have no steps
    for lane in range(spec.lanes):
        at = entries + lane * spec.entry_bytes
        word = int.from_bytes(bare[at:at + 3], "little") & ((1 << weights + columns) - 1)
        bare[at:at + 3] = word.to_bytes(3, "little")
    yield "a row without an end", job._replace(matrix=bytes(bare))
    yield "x too short", job._replace(x=job.x[:-spec.x_bytes])
    yield "x too long", job._replace(x=job.x + 9 * job.x[-spec.x_bytes:])
    yield "x out of range", job._replace(x=job.x[:-1] + b"\x40")


SPEC = spec_of((2, 20, 7, 2), weights=Fixed(13))      # 13 + 5 + 3 bits in 3 bytes


def test_damage_is_told_and_what_follows_is_unharmed(rng):
    """Neither hangs nor leaves anything behind, whatever it makes of the damaged job.

    Behind it comes the job as it should be, and one with a row in every slot.
    """
    host, x = host_of(SPEC), vector(rng, SPEC, 10)
    matrices = drawn(rng, SPEC, 12, 10, 0.3), drawn(rng, SPEC, 14, 10, 1.0)
    short, tall = (host.pack(matrix) for matrix in matrices)
    (job,), (last,) = (host.frames(packed, x) for packed in (short, tall))
    assert job.slots < last.slots == SPEC.slots
    wrong = dict(damaged(SPEC, job))
    runs = [sending(SPEC, [job, each, job, last], complete=False, limit=210)
            for each in wrong.values()]
    for kind, record in zip(wrong, run_engine(SPEC, *runs), strict=True):
        assert record.error, kind
        # A command that is cut has not come to the flag that asks for sums.
        assert len(record.frames) == 4 - (kind == "cut in a command"), kind
        for frame, packed, matrix in ((record.frames[0], short, matrices[0]),
                                      (record.frames[-2], short, matrices[0]),
                                      (record.frames[-1], tall, matrices[1])):
            found = host.results([frame], packed)
            np.testing.assert_array_equal(found, product(matrix, x), kind)


def test_engine_converts_to_rtlil():
    for multipliers in ("blocks", "luts"):
        text = to_rtlil(SpmvEngine(spec_of((2, 64, 64, 2), multipliers=multipliers)), "core")
        module = "hwgen_multiply" if multipliers == "blocks" else "hwgen_multiply_luts"
        assert text.count(f"cell \\{module} ") == 2


def test_spec_must_be_one():
    with refused(TypeError, "spec must be an SpmvSpec, not 8"):
        SpmvEngine(8)
