"""Stages of the shift and the codebook core: choice, storage, cells and messages."""

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import inputs
from cases.targets import ECP5, UP5K

from hwgen import golden
from hwgen.ir import (
    Argmax,
    Dense,
    Edge,
    Input,
    MatVec,
    Network,
    PowerSums,
    Requantise,
    Shared,
    Threshold,
    with_loaded,
)
from hwgen.numeric import (
    Bipolar,
    Codebook,
    Fixed,
    Logarithmic,
    Planes,
    PowerOfTwo,
    SpecError,
    Ternary,
    unpack_rows,
)
from hwgen.plan import plan
from hwgen.plan.matrix_core import default_core
from hwgen.plan.stages import CodebookStage, ShiftStage

U8, SIGN, LOG = Fixed(8, 0, False), Bipolar(), Logarithmic(7)
POWERS = PowerSums.of([[8, -1, 0, 4], [1, 2, -4, 0]], 4)
SHARED = Shared([[0, 1, 2, 2], [2, 1, 0, 1]], [-9, 0, 40])


def mat_vec(weights):
    return MatVec("fc", ("x",), weights)


def edge(fmt, n_in=4):
    return Edge((n_in,), fmt, fmt.min, fmt.max)


@pytest.mark.parametrize(("weights", "x", "expected"), [
    *((POWERS, x, "shift") for x in (U8, Fixed(4), SIGN, Ternary(), LOG)),
    *((SHARED, x, "codebook") for x in (U8, Fixed(4), SIGN, Ternary())),
    (Dense([[8, -1, 0, 4]], PowerOfTwo(4)), U8, "fixed"),
    (Dense([[-9, 0, 40, 40]], Codebook((-9, 0, 40))), U8, "fixed"),
    (Shared([[0, 1], [2, 2]], [1, 2, 40]), U8, "fixed"),        # more centroids than inputs
    (Shared([[0, 0], [0, 0]], [0]), U8, "sparse"),
    (PowerSums(POWERS.codes, 4, (1,)), Planes((3, 5)), "binary"),
], ids=str)
def test_the_kind_of_matrix_chooses_the_core(weights, x, expected):
    for post in (None, Threshold("act", ("fc",), np.zeros(2, int), np.zeros(2, bool))):
        if expected in ("shift", "codebook") or post is None:
            found = default_core(mat_vec(weights), edge(x, weights.shape[1]), post)
            assert found == expected


def test_shared_weights_that_are_mostly_0_are_stored_without_them():
    rng = np.random.default_rng(1)
    few = rng.choice([-9, 40, 7], (12, 24)) * (rng.random((12, 24)) < 0.2)
    groups = np.zeros((12, 24), int)
    groups.reshape(12, 6, 4)[:, :, 1] = rng.choice([-9, 40, 7], (12, 6))
    for values, core in ((few, "sparse"), (groups, "nm")):
        node = mat_vec(Shared.of(values))
        assert default_core(node, edge(U8, 24)) == core
        assert default_core(node, edge(SIGN, 24)) == "codebook"
        loaded = with_loaded(Network("n", (Input("x", (), (24,), U8), node), ("fc",)), {"fc": True})
        assert default_core(loaded.node("fc"), edge(U8, 24)) == "codebook"


def shift(weights=POWERS, x=U8, pe=1, simd=2, post=None):
    return ShiftStage(mat_vec(weights), edge(x, weights.shape[1]), post, pe, simd, 1)


def codebook(weights=SHARED, x=U8, pe=1, simd=2, post=None):
    return CodebookStage(mat_vec(weights), edge(x, weights.shape[1]), post, pe, simd, 1)


THRESHOLD = Threshold("act", ("fc",), np.zeros(2, int), np.zeros(2, bool))


@pytest.mark.parametrize(("make", "message"), [
    (lambda: shift(Dense([[3, 1]], Fixed(3))),
     "shift core 'fc': weights must be powers of two or sums of them (PowerSums), not"
     " fixed s3.0 (-4..3); choose the fixed core"),
    (lambda: shift(x=Planes((3, 5))),
     "shift core 'fc': input must be fixed point, ternary, signs or logarithmic, not"
     " planes (3, 5) + 0 (0..8)"),
    (lambda: shift(post=THRESHOLD),
     "shift core 'fc': what follows must be a Requantise or nothing, not a Threshold"),
    (lambda: shift(simd=3),
     "shift core 'fc': simd must divide n_in = 4, not 3; choose from [1, 2, 4]"),
    (lambda: codebook(x=LOG),
     "codebook core 'fc': input must be fixed point, ternary or signs, not"
     " logarithmic {0, 1 .. 64}"),
    (lambda: codebook(post=THRESHOLD),
     "codebook core 'fc': what follows must be a Requantise or nothing, not a Threshold"),
    (lambda: codebook(simd=4),
     "codebook core 'fc': simd must leave n_in / simd of at least 2, the values but 0 of the"
     " weights, not 4; choose from [1, 2]"),
    (lambda: codebook(Dense([[1, 2], [3, 0]], Fixed(3)), simd=1),
     "codebook core 'fc': weights must have 1 to 2 values but 0, of which each takes one of 2"
     " inputs' time, not 3; choose the fixed core"),
    (lambda: codebook(Dense([[0, 0]], Fixed(3)), simd=1),
     "codebook core 'fc': weights must have 1 to 2 values but 0, of which each takes one of 2"
     " inputs' time, not 0; choose the fixed core"),
])
def test_what_has_no_exact_form_is_refused(make, message):
    with refused(SpecError, message):
        make()


@pytest.mark.parametrize(("exponents", "bases"), [
    (1, (0,)), (7, (1, 0)), (8, (0,)), (5, (2, 1, 0))])
def test_rows_of_the_shift_core_hold_every_term(rng, exponents, bases):
    term = PowerOfTwo(exponents)
    codes = rng.choice(term.encode(term.levels), (len(bases), 6, 8))
    stage = shift(PowerSums(codes, exponents, bases), pe=3, simd=4)
    assert stage.term_bits == term.bits
    assert stage.memory_bits == {"weights": stage.sums.stored_bits}
    fields = np.array(unpack_rows(stage.weight_rows(), 3 * 4 * len(bases),
                                  Fixed(term.bits, 0, False)))
    fields = fields.reshape(2, 2, 3, 4, len(bases))       # fold, row, output, input, term
    low = fields % (1 << stage.field_bits)
    values = np.where(low == (1 << stage.field_bits) - 1, 0,
                      (1 << low) * (1 - 2 * (fields >> stage.field_bits)))
    dense = (values << np.array(bases)).sum(axis=-1)
    assert np.array_equal(dense.transpose(0, 2, 1, 3).reshape(6, 8), stage.sums.to_dense())


def test_rows_and_sums_of_the_codebook_core():
    weights = Shared([[0, 1, 2, 2, 0, 0, 1, 1], [2, 1, 0, 1, 1, 1, 0, 0]], [-9, 0, 40])
    stage = codebook(weights, pe=2, simd=2)
    assert stage.centroids.tolist() == [-9, 40]
    assert stage.codes.tolist() == [[0, 2, 1, 1, 0, 0, 2, 2], [1, 2, 0, 2, 2, 2, 0, 0]]
    assert stage.weight_rows() == [0b10_01_10_00, 0b10_00_01_01, 0b10_10_00_00, 0b00_00_10_10]
    assert stage.centroid_rows() == [-9 & 127, 40]
    assert stage.memory_bits == {"weights": 2 * 16, "centroids": 2 * 7}
    assert stage.sum_format == Fixed.covering(0, 3 * 255)       # of -9 in either row
    assert stage.lane_format == Fixed.covering(0, 2 * 255)      # in the even inputs
    assert (stage.group, stage.ways, stage.interval_cycles) == (2, 1, 4)
    assert stage.to_dict()["multipliers"] == 1


def test_foldings_leave_time_for_the_centroids():
    weights = Shared(np.arange(64).reshape(4, 16) % 5, [-3, -1, 0, 2, 9])
    network = Network("n", (Input("x", (), (16,), U8), MatVec("fc", ("x",), weights)), ("fc",))
    for interval in (64, 16, 4):
        stage = plan(network, ECP5, interval_cycles=interval).stages[0]
        assert stage.core == "codebook"
        assert stage.sf >= 4
        assert stage.interval_cycles <= interval
    with refused(SpecError, "network 'n': interval_cycles must be at least 4, which the codebook"
                            " core 'fc' takes with pe = 4, simd = 4, levels_per_register = 4, not"
                            " 2"):
        plan(network, ECP5, interval_cycles=2, cores={"fc": {"core": "codebook"}})


def test_either_core_computes_the_same_network():
    """Any core that can hold the values may be asked for."""
    weights = PowerSums.of(np.resize([1, -2, 4, 0, 8], (6, 10)), 4)
    nodes = [Input("x", (), (10,), U8), MatVec("fc", ("x",), weights, np.arange(6)),
             Requantise("act", ("fc",), np.array([1]), 3, "half_up", Fixed(6)),
             Argmax("class", ("act",))]
    network = Network("n", nodes, ("act", "class"))
    assert golden.run(network, inputs(network, 5))["act"].shape == (5, 6)
    for core in ("shift", "codebook", "fixed"):
        stages = plan(network, ECP5, interval_cycles=60, cores={"fc": {"core": core}}).stages
        assert [stage.core for stage in stages] == [core, "argmax"]
        assert stages[0].estimate(ECP5).dsp == {"shift": 0}.get(core, stages[0].estimate(ECP5).dsp)


def random_powers(n_out, n_in, exponents, bases):
    term = PowerOfTwo(exponents)
    codes = np.random.default_rng(0).choice(term.encode(term.levels), (len(bases), n_out, n_in))
    return PowerSums(codes, exponents, bases)


def random_shared(n_out, n_in, centroids):
    indices = np.random.default_rng(0).integers(0, len(centroids), (n_out, n_in))
    indices.flat[:len(centroids)] = np.arange(len(centroids))
    return Shared(indices, centroids)


C16 = sorted({*np.linspace(-127, 127, 15).round().astype(int).tolist()})
C7 = [-100, -40, -10, 0, 12, 45, 90]

MEASURED = [  # stage; LUT, FF, block RAMs and multipliers that yosys 0.69 counts on ECP5, and iCE40
    (lambda: shift(random_powers(64, 64, 8, (0,)), U8, 1, 1), (438, 151, 2, 0), (387, 213, 6, 0)),
    (lambda: shift(random_powers(64, 64, 8, (0,)), U8, 8, 8),
     (3907, 1682, 9, 0), (4935, 2422, 24, 0)),
    (lambda: shift(random_powers(64, 64, 7, (1, 0)), U8, 8, 8),
     (7525, 3573, 15, 0), (8466, 4017, 36, 0)),
    (lambda: shift(random_powers(64, 64, 4, (0,)), Fixed(4), 8, 8),
     (1829, 906, 8, 0), (2479, 1414, 18, 0)),
    (lambda: shift(random_powers(64, 64, 7, (0,)), LOG, 8, 8),
     (3174, 1418, 8, 0), (3671, 2062, 18, 0)),
    (lambda: codebook(random_shared(64, 64, C16), U8, 8, 4),
     (4357, 782, 4, 8), (25306, 12115, 10, 8)),
    (lambda: codebook(random_shared(64, 64, C16), U8, 8, 1),
     (1518, 362, 1, 2), (7933, 3943, 5, 2)),
    (lambda: codebook(random_shared(64, 64, C7), U8, 8, 8),
     (7953, 1303, 6, 8), (25488, 11924, 16, 8)),
    (lambda: codebook(random_shared(32, 48, C7), Fixed(6), 4, 4),
     (1951, 402, 2, 2), (5858, 2735, 5, 2)),
]


@pytest.mark.parametrize("case", range(len(MEASURED)))
@pytest.mark.parametrize("family", [0, 1], ids=["ecp5", "ice40"])
def test_estimate_is_close_to_what_synthesis_counts(case, family):
    make, *counts = MEASURED[case]
    lut, ff, bram, dsp = counts[family]
    stage = make()
    if case not in (0, 8):              # what was counted has two levels a register
        stage = type(stage)(stage.mat_vec, stage.x, None, stage.pe, stage.simd, 2)
    found = stage.estimate((ECP5, UP5K)[family])
    assert 0.85 * lut <= found.lut <= 1.15 * lut
    assert 0.85 * ff <= found.ff <= 1.15 * ff
    assert (found.bram, found.dsp) == (bram, dsp)


@pytest.mark.parametrize(("pe", "simd", "levels"), [(1, 1, 1), (4, 2, 1), (4, 4, 2), (2, 1, 3)])
def test_latency_is_that_of_the_documentation(pe, simd, levels):
    rows, node = 16 // simd, mat_vec(random_powers(4, 16, 7, (1, 0)))
    depth = (2 * simd - 1).bit_length()
    stage = ShiftStage(node, edge(U8, 16), None, pe, simd, levels)
    assert stage.schedule(list(range(rows)))[0] == rows + 5 + depth // levels
    node = mat_vec(random_shared(4, 16, [-3, 0, 1, 5]))
    stage = CodebookStage(node, edge(U8, 16), None, pe, simd, levels)
    group = min(pe, 16 // (simd * 3))
    assert stage.schedule(list(range(rows)))[0] == (
        rows + 7 + group * 3 + (simd - 1).bit_length() // levels + (group > 1))
