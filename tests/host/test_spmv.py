"""The host of a sparse engine: packing against a second reading, bounds, damage, files."""

import dataclasses

import numpy as np
import pytest
import scipy.sparse
from cases.errors import refused
from cases.spmv import MATRICES, drawn, host_of, product, spec_of, vector

from hwgen.host.csr import Csr
from hwgen.host.spmv import SpmvHost
from hwgen.host.spmv_frames import unpack_tile
from hwgen.host.spmv_place import place
from hwgen.numeric import Fixed, SpecError
from hwgen.plan.engines.spmv_timing import SpmvJob


def engine_in_python(spec, jobs, *, counted=None):
    """What ``docs/spmv.md`` says an engine does with each job, entry by entry."""
    def integer(octets, fmt):
        return int.from_bytes(octets, "little", signed=fmt.is_signed)

    def low(word, bits, signed=False):
        value = word & ((1 << bits) - 1)
        return value - (1 << bits) if signed and value >> bits - 1 else value

    frames, acc = [], spec.accumulator
    sums = [[0] * spec.lanes for _ in range(spec.slots)]
    for job in jobs:
        word = int.from_bytes(job.matrix[:8], "little")
        columns, slots = (word & 0xFFFF) + 1, (word >> 16 & 0xFFFF) + 1
        beats, sends = (word >> 32 & 0xFFFFFF) + 1, word >> 56
        begin, size = spec.command_beats * spec.matrix_bytes, -(-spec.x.bits // 8)
        assert not any(job.matrix[8:begin])
        assert len(job.matrix) == begin + beats * spec.matrix_bytes
        assert len(job.x) == -(-columns // spec.x_lanes) * spec.x_bytes
        x = [integer(job.x[k:k + size], spec.x) for k in range(0, len(job.x), size)]
        assert not any(x[columns:])
        for lane in range(spec.lanes):
            slot, total = -1, 0
            for beat in range(beats):
                at = begin + beat * spec.matrix_bytes + lane * spec.entry_bytes
                entry = int.from_bytes(job.matrix[at:at + spec.entry_bytes], "little")
                value = low(entry, spec.weights.bits, spec.weights.is_signed)
                entry >>= spec.weights.bits
                column, step = low(entry, spec.column_bits), entry >> spec.column_bits
                assert step < 1 << spec.step_bits
                assert column < columns
                total += value * x[column]
                if step:
                    slot += step
                    sums[slot][lane] += total
                    total = 0
            assert total == 0
            assert slot < slots
        if sends:
            size = -(-acc.bits // 8)
            frames.append(b"".join(low(value, acc.bits, acc.is_signed).to_bytes(
                size, "little", signed=acc.is_signed) for row in sums[:slots] for value in row))
            sums = [[0] * spec.lanes for _ in range(spec.slots)]
            assert len(frames[-1]) == job.result_bytes
        else:
            assert job.result_bytes == 0
    assert not any(map(any, sums))
    return frames, False


@pytest.mark.parametrize("name", MATRICES)
def test_frames_multiply_as_the_matrix_does(rng, name):
    sizes, shape = MATRICES[name]
    spec = spec_of(sizes)
    host, matrix, x = host_of(spec), drawn(rng, spec, *shape), vector(rng, spec, shape[1])
    packed = host.pack(matrix)
    y = host.multiply(packed, x, lambda jobs: engine_in_python(spec, jobs))
    np.testing.assert_array_equal(y, product(matrix, x))
    theirs = scipy.sparse.csr_array((matrix.values, matrix.columns, matrix.starts), matrix.shape)
    np.testing.assert_array_equal(y, theirs @ x)
    again = packed.unpacked(host.form)
    for part in ("starts", "columns", "values"):
        np.testing.assert_array_equal(getattr(again, part), getattr(matrix, part))


def test_sums_of_products(rng):
    spec = spec_of((3, 4, 2, 2))
    host = host_of(spec)
    pairs = [(drawn(rng, spec, 15, n, density), vector(rng, spec, n))
             for n, density in ((4, 0.3), (1, 0.1), (11, 0.05))]
    packed = host.pack_together([matrix for matrix, _ in pairs])
    y = host.multiply_sum([(one, x) for one, (_, x) in zip(packed, pairs, strict=True)],
                          lambda jobs: engine_in_python(spec, jobs))
    np.testing.assert_array_equal(y, sum(product(*pair) for pair in pairs))
    # One of them alone has its rows at the same places, also where groups have none of its rows.
    for one, (matrix, x) in zip(packed, pairs, strict=True):
        y = host.multiply(one, x, lambda jobs: engine_in_python(spec, jobs))
        np.testing.assert_array_equal(y, product(matrix, x))


@pytest.mark.parametrize(("x", "weights", "y_range", "entries"), [
    (Fixed(7), Fixed(6), (-63, 63), 1),                     # as x itself
    (Fixed(7), Fixed(6), (-64, 63), 2),                     # x holds -64, not its negative
    (Fixed(7), Fixed(6), (-1983, 1983), 2),                 # 63 * 31 + 30
    (Fixed(7), Fixed(6), (-1984, 7), 3),
    (Fixed(7), Fixed(6), (-40000, 40000), 22),
    (Fixed(8, signed=False), Fixed(8), (-3000, 30000), 4),  # columns of either sign
    (Fixed(8, signed=False), Fixed(8), (-300, 0), 2),
    (Fixed(8, signed=False), Fixed(8, signed=False), (5, 300), 2),
    (Fixed(16), Fixed(16), (-2**29, 2**29), 2),
    (Fixed(16), Fixed(16), (-2**35, 2**35), 34)], ids=str)
def test_products_are_added_to_an_earlier_y(rng, x, weights, y_range, entries):
    spec = spec_of((3, 8, 2, 2), x, weights, terms=96)
    host, matrix = host_of(spec), drawn(rng, spec, 7, 5, 0.2)       # some rows without entries
    earlier = host.earlier(7, y_range)
    assert earlier.matrix.nnz == 7 * entries
    before, added = host.pack_together([earlier.matrix, matrix])
    ends = [*y_range, *y_range, min(max(0, y_range[0]), y_range[1])]
    for _ in range(2):
        y = np.array([*ends, *rng.integers(*y_range, 2, endpoint=True)])
        vectors = earlier.digits(y), vector(rng, spec, 5)
        np.testing.assert_array_equal(earlier.matrix.to_dense() @ vectors[0], y)
        found = host.multiply_sum(list(zip((before, added), vectors, strict=True)),
                                  lambda jobs: engine_in_python(spec, jobs))
        np.testing.assert_array_equal(found, y + matrix.to_dense() @ vectors[1])


def test_every_y_of_a_range_is_made_of_products():
    for x, y_range in ((Fixed(3), (-47, 45)), (Fixed(2, signed=False), (-33, 40)),
                       (Fixed(2, signed=False), (-40, -2)), (Fixed(2), (-5, 5))):
        spec = spec_of((1, 4, 4, 1), x, Fixed(4))
        every = np.arange(y_range[0], y_range[1] + 1)
        earlier = host_of(spec).earlier(len(every), y_range)
        digits = earlier.digits(every)
        assert x.min <= digits.min() <= digits.max() <= x.max
        np.testing.assert_array_equal(earlier.matrix.to_dense() @ digits, every)


@pytest.mark.parametrize(("x", "weights", "words", "rule"), [
    (Fixed(7), Fixed(6), {"y_range": (-2**18 - 1, 0)},
     "y_range must ascend within -262144..262143, what sums hold, not -262145..0"),
    (Fixed(7), Fixed(6), {"y_range": (1, 0)},
     "y_range must ascend within -262144..262143, what sums hold, not 1..0"),
    (Fixed(7), Fixed(6), {"y_range": (0, 1), "x_range": (1, 3)},
     "x_range must hold 0 and 1, of which an earlier y is made, not be 1..3"),
    (Fixed(7), Fixed(1), {"y_range": (0, 1)},
     "weights must hold 1 for an earlier y in 0..1, not be fixed s1.0 (-1..0)"),
    (Fixed(7), Fixed(6), {"y_range": (0, 131071), "x_range": (0, 1)},
     "an earlier y in 0..131071 must take at most 4096 entries for each element, not 65536: narrow"
     " y_range, or build the engine with wider x or weights")], ids=str)
def test_an_earlier_y_that_products_cannot_make_is_refused(x, weights, words, rule):
    with refused(SpecError, rule):
        host_of(spec_of((2, 4, 2, 2), x, weights)).earlier(3, **words)


def test_an_earlier_y_outside_of_its_range_is_refused():
    earlier = host_of(spec_of((2, 4, 2, 2))).earlier(2, (-5, 9))
    with refused(SpecError, "y must be in -5..9, for which its matrix was made, not in -6..3"):
        earlier.digits([-6, 3])
    with refused(SpecError, "y must be of shape (2,), not (3,)"):
        earlier.digits([1, 2, 3])
    with refused(TypeError, "y must be integers, not float64"):
        earlier.digits([1.0, 2.0])


def test_a_matrix_without_entries_needs_no_engine():
    host = host_of(spec_of((2, 4, 2, 2)))
    packed = host.pack(Csr.of((5, 3), *np.zeros((3, 0), int)))
    assert (packed.tiles, packed.beats) == ((), 0)
    np.testing.assert_array_equal(host.multiply(packed, [1, 2, 3], None), np.zeros(5))


def test_a_dense_row_is_shared_by_all_lanes(rng):
    spec = spec_of((8, 64, 16, 8), terms=128)
    dense = np.zeros((40, 64), np.int64)
    dense[17] = rng.integers(1, 9, 64)
    dense[np.arange(40), np.arange(40)] = 3
    rows, columns = np.nonzero(dense)
    matrix = Csr.of(dense.shape, rows, columns, dense[rows, columns])
    packed = host_of(spec).pack(matrix)
    assert packed.beats == -(-matrix.nnz // spec.lanes)
    assert len(packed.rows) - len(np.unique(packed.rows)) >= 3
    x = vector(rng, spec, 64)
    y = host_of(spec).multiply(packed, x, lambda jobs: engine_in_python(spec, jobs))
    np.testing.assert_array_equal(y, dense @ x)


@pytest.mark.parametrize("lanes", [1, 3, 16])
def test_a_tile_takes_its_fair_share_of_beats_while_there_are_slots(rng, lanes):
    for _ in range(20):
        counts = rng.integers(1, rng.integers(2, 60), (rng.integers(1, 50), 1))
        parts = place(counts, lanes, len(counts) + lanes)
        loads = np.bincount(parts.lanes, (parts.ends - parts.begins)[:, 0], lanes)
        assert loads.max() == -(-counts.sum() // lanes)
        for row in range(len(counts)):
            begins, ends = parts.begins[parts.rows == row, 0], parts.ends[parts.rows == row, 0]
            assert begins.tolist() == [0, *ends[:-1].tolist()]
            assert ends[-1] == counts[row, 0]
        places = parts.lanes * 1000 + parts.slots
        assert len(np.unique(places)) == len(places)


def test_rows_are_not_cut_where_there_is_no_slot_left(rng):
    counts = rng.integers(1, 30, (12, 2))
    parts = place(counts, 4, 3)
    assert sorted(parts.rows.tolist()) == list(range(12))
    assert np.bincount(parts.lanes).tolist() == [3] * 4
    assert parts.slots.max() == 2


def test_bounds_of_a_row_are_exact():
    spec = spec_of((2, 8, 2, 2), Fixed(5), Fixed(4), terms=2)       # sums in -240..256
    host = host_of(spec)
    assert spec.accumulator == Fixed(10)                            # -512..511
    fits = Csr.of((1, 5), [0] * 5, range(5), [-8, -8, -8, -7, -1])  # 32 * 16 is one too many
    with refused(SpecError, "matrix: the sum of row 0 must fit fixed s10.0 (-512..511) for every x"
                            " in -16..15, but reaches from -480 to 512; 1 row(s) do not: narrow"
                            " x_range, scale the matrix, or build the engine with more terms"):
        host.pack(fits)
    packed = host.pack(fits, x_range=(-15, 15))
    for x in (-15, 15):
        y = host.multiply(packed, [x] * 5, lambda jobs: engine_in_python(spec, jobs))
        assert y.tolist() == [-32 * x]
    with refused(SpecError, "x must be in -15..15, for which no sum overflows, not in -16..3"):
        host.frames(packed, [-16, 3, 0, 0, 0])
    with pytest.raises(SpecError, match="the sum of row 0 must fit"):
        host.pack_together([Csr.of((1, 5), [0] * 4, range(4), [-8, -8, -8, -7]),
                            Csr.of((1, 1), [0], [0], [-1])])


def test_parts_of_a_row_may_overflow_where_their_sum_does_not():
    """As 40 and -40 products that two lanes take, of which an accumulator holds 2."""
    spec = spec_of((2, 128, 2, 2), Fixed(5), Fixed(4), terms=2)
    host = host_of(spec)
    matrix = Csr.of((1, 80), [0] * 80, range(80), [7] * 40 + [-7] * 40)
    packed = host.pack(matrix, x_range=(0, 0))
    widened = dataclasses.replace(packed, x_range=(1, 15))
    assert len(packed.rows) == 2
    y = host.multiply(widened, [15] * 80, lambda jobs: engine_in_python(spec, jobs))
    assert y.tolist() == [0]


@pytest.mark.parametrize(("bits", "wide"), [(16, 32), (32, 16), (32, 32)])
def test_wide_values_are_exact_up_to_62_bits(rng, bits, wide):
    spec = spec_of((2, 8, 4, 2), Fixed(bits), Fixed(wide), terms=1 << 20)
    host = host_of(spec)
    assert spec.accumulator.bits <= 62
    matrix = drawn(rng, spec, 5, 7, 0.2, extreme=True)
    if bits + wide == 64:
        with pytest.raises(SpecError, match="must fit fixed s62"):
            host.pack(matrix)
    half = 1 << bits - 4
    packed = host.pack(matrix, x_range=(-half, half))
    x = rng.choice([-half, half], 7)
    y = host.multiply(packed, x, lambda jobs: engine_in_python(spec, jobs))
    np.testing.assert_array_equal(y, product(matrix, x))


@pytest.mark.parametrize(("change", "error", "rule"), [
    ({"x": [1.0, 2, 3]}, TypeError, "x must be integers, not float64"),
    ({"x": [1, 2]}, SpecError, "x must be of shape (3,), not (2,)"),
    ({"x": [1, 2, 64]}, SpecError, "x must be in -64..63, for which no sum overflows, not in"
                                   " 1..64"),
    ({"values": [1.5]}, TypeError, "matrix: values must be integers, not float64; Csr.quantised"
                                   " makes them so"),
    ({"values": [32]}, SpecError, "matrix: values must be in fixed s6.0 (-32..31), not 32 at index"
                                  " [0] (1 of 1 are outside)"),
    ({"x_range": (-65, 3)}, SpecError, "x_range must ascend within -64..63, not -65..3"),
    ({"x_range": (4, 3)}, SpecError, "x_range must ascend within -64..63, not 4..3")], ids=str)
def test_what_the_engine_cannot_multiply_is_refused(change, error, rule):
    host = host_of(spec_of((2, 4, 2, 2)))
    with refused(error, rule):
        packed = host.pack(Csr.of((2, 3), [0], [1], change.get("values", [3])),
                           x_range=change.get("x_range"))
        host.frames(packed, change["x"])


def test_an_error_of_the_engine_is_told(rng):
    spec = spec_of((2, 4, 2, 2))
    host = host_of(spec)
    packed = host.pack(drawn(rng, spec, 3, 3, 0.5))
    with refused(SpecError, "engine 'spmv': must be sent whole frames within its limits, but its"
                            " frame_error is set: one was damaged on its way; reset it"):
        host.multiply(packed, [1, 2, 3], lambda jobs: (engine_in_python(spec, jobs)[0], True))
    with pytest.raises(SpecError, match=r"results must be 1 frame\(s\) of \[\d+\] bytes, not 0"):
        host.multiply(packed, [1, 2, 3], lambda jobs: ([], False))


def test_packed_matrix_in_a_file(rng, tmp_path):
    spec = spec_of((3, 4, 2, 2))
    host, matrix, x = host_of(spec), drawn(rng, spec, 15, 11, 0.25), vector(rng, spec, 11)
    packed = host.pack(matrix, frac=3)
    packed.save(tmp_path / "a.npz")
    loaded = host.load(tmp_path / "a.npz")
    assert (loaded.tiles, loaded.frac, loaded.shape) == (packed.tiles, 3, (15, 11))
    y = host.multiply(loaded, x, lambda jobs: engine_in_python(spec, jobs))
    np.testing.assert_array_equal(y, product(matrix, x))


def damaged(packed, form):
    """Rule -> the packed matrix with something in it that breaks it."""
    tile, begin, size = packed.tiles[0], form.command_bytes, form.entry_bytes
    frame, weights = tile.frame, form.weights.bits

    def of(frame, **more):
        return dataclasses.replace(packed, tiles=(tile._replace(frame=frame), *packed.tiles[1:]),
                                   **more)

    def entry(change):
        word = int.from_bytes(frame[begin:begin + size], "little")
        return of(frame[:begin] + change(word).to_bytes(size, "little") + frame[begin + size:])

    yield "bytes and whole beats of", of(frame[:-1])
    yield "as its command says", of(frame[:-form.beat_bytes])
    yield "columns must be below", entry(
        lambda word: word | ((1 << form.column_bits) - 1) << weights)
    yield "slots must be below", entry(
        lambda word: word | form.max_step << weights + form.column_bits)
    yield "spare bits of an entry must be 0", entry(lambda word: word | 1 << 8 * size - 1)
    yield "must ask for up to", of(frame[:1] + b"\xff" + frame[2:])
    yield "not ask for sums", of(frame[:7] + b"\1" + frame[8:])
    steps = bytearray(frame)
    for at in range(begin, len(frame), size):
        word = int.from_bytes(frame[at:at + size], "little")
        word &= (1 << weights + form.column_bits) - 1
        steps[at:at + size] = word.to_bytes(size, "little")
    yield "each row must be ended", of(bytes(steps))
    yield "rows must be in", dataclasses.replace(packed, rows=packed.rows + packed.shape[0])
    yield "places must be in", dataclasses.replace(packed, places=packed.places + 10**6)
    yield "each place must be of one row", dataclasses.replace(
        packed, places=np.zeros_like(packed.places))
    yield "only where a row has its place", dataclasses.replace(
        packed, rows=packed.rows[1:], places=packed.places[1:])
    yield "slots must be in", dataclasses.replace(packed, slots=packed.slots + form.slots)
    yield "of a group in", dataclasses.replace(packed, tiles=packed.tiles[::-1])
    yield "within 11 columns", dataclasses.replace(
        packed, tiles=(tile._replace(begin=9), *packed.tiles[1:]))
    yield "x_range must ascend", dataclasses.replace(packed, x_range=(3, 2))


def test_damaged_packed_matrices_are_refused_on_load(rng, tmp_path):
    spec = spec_of((3, 6, 2, 2), weights=Fixed(13))
    host, path = host_of(spec), tmp_path / "a.npz"
    packed = host.pack(drawn(rng, spec, 15, 11, 0.4))
    for rule, broken in damaged(packed, host.form):
        broken.save(path)
        with pytest.raises(SpecError, match=rule) as caught:
            host.load(path)
        assert str(caught.value).startswith(f"{path}: "), rule
    packed.save(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(SpecError, match="must be a packed matrix"):
        host.load(path)
    path.write_bytes(b"")
    with pytest.raises(SpecError, match="must be a packed matrix"):
        host.load(path)


def test_a_loaded_matrix_that_could_overflow_is_refused(tmp_path):
    narrow, wide = (spec_of((2, 8, 2, 2), terms=terms) for terms in (1, 64))
    matrix = Csr.of((1, 8), [0] * 8, range(8), [-32] * 8)
    host_of(wide).pack(matrix).save(tmp_path / "a.npz")
    host_of(wide).load(tmp_path / "a.npz")
    with pytest.raises(SpecError, match="the sum of row 0 must fit"):
        host_of(narrow).load(tmp_path / "a.npz")


def test_random_bits_of_frames_are_refused_or_make_another_matrix(rng):
    """Nothing but a SpecError comes of them, and what is read again is within the tile."""
    spec = spec_of((3, 6, 2, 2), weights=Fixed(13))
    host = host_of(spec)
    frame = host.pack(drawn(rng, spec, 6, 5, 0.6)).tiles[0].frame
    refusals = 0
    for _ in range(300):
        octets = bytearray(frame)
        octets[rng.integers(len(octets))] ^= 1 << int(rng.integers(8))
        try:
            tile = unpack_tile(host.form, bytes(octets))
        except SpecError:
            refusals += 1
            continue
        assert (tile.column < tile.columns).all()
        assert (tile.slot < tile.slots).all()
    assert 30 < refusals < 300


@pytest.mark.parametrize(("entry", "rule"), [
    ({}, "engine must be 'spmv', not None"),
    ({"engine": "spmv", "lanes": 1}, "engine 'spmv': must have the entry 'columns'")])
def test_a_manifest_of_another_kind_is_refused(entry, rule):
    with refused(SpecError, rule):
        SpmvHost.from_manifest(entry)


def test_jobs_say_what_their_commands_do(rng):
    spec = spec_of((3, 4, 2, 2))
    jobs = host_of(spec).frames(host_of(spec).pack(drawn(rng, spec, 15, 11, 0.25)), [1] * 11)
    for job in jobs:
        tile = unpack_tile(host_of(spec).form, job.matrix)
        assert SpmvJob(tile.columns, tile.slots, tile.beats, tile.sends) == SpmvJob(
            job.columns, job.slots, job.beats, bool(job.result_bytes))
