"""Graphs of adders against numpy on every kind of matrix; digits, ranges, depths, registers."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwgen.numeric import SpecError
from hwgen.plan.stages.adder_digits import choices, digits, ones
from hwgen.plan.stages.adder_graph import AdderGraph, Term
from hwgen.plan.stages.adder_rows import _alike, _in_order, constant_product, least_depth
from hwgen.plan.stages.adder_schedule import Schedule
from hwgen.plan.stages.adder_sharing import Sharing

# -- digits --------------------------------------------------------------------------------------


def fewest(limit):
    """Fewest signed digits of every number up to ``limit``, by trying all."""
    found, weight, sums = {0: 0}, 0, {0}
    powers = [sign << k for k in range(limit.bit_length() + 1) for sign in (1, -1)]
    while not set(range(-limit, limit + 1)) <= found.keys():
        weight, sums = weight + 1, {a + b for a in sums for b in powers}
        for value in sums:
            found.setdefault(value, weight)
    return found


def test_ones_are_the_fewest_digits_and_choices_leave_one_less():
    least = fewest(100)
    for value in range(-100, 101):
        assert ones(value) == least[value]
        assert sum((-1 if minus else 1) << power for power, minus in digits(value)) == value
        assert len(digits(value)) == least[value]
        plus, negative = choices(value)
        for power in range(7):
            for mask, sign in ((plus, 1), (negative, -1)):
                rest = value - (sign << power)
                if abs(rest) <= 100:
                    assert (mask >> power & 1) == (least[rest] == least[value] - 1)


# -- graphs --------------------------------------------------------------------------------------


def check(matrix, constants=None, lo=-8, hi=7, **options):
    """Values, exact ranges, order, levels; and no more adders than digits ask for."""
    matrix = np.asarray(matrix, np.int64)
    graph = constant_product(matrix, lo, hi, constants, **options)
    low, high = np.broadcast_to(lo, matrix.shape[1]), np.broadcast_to(hi, matrix.shape[1])
    x = np.random.default_rng(0).integers(low, high + 1, (40, matrix.shape[1]))
    x[0], x[1] = low, high
    added = np.zeros(len(matrix), np.int64) if constants is None else np.asarray(constants)
    np.testing.assert_array_equal(graph.evaluate(x), x @ matrix.T + added)
    check_values(graph, low, high)
    assert graph.adders <= count_of(matrix, added)
    return graph


def count_of(matrix, constants):
    """Adders without sharing: one less than the digits of a row; a row of minuses has one more."""
    total = 0
    for row, constant in zip(matrix.tolist(), constants.tolist(), strict=True):
        terms = [minus for weight in row for _, minus in digits(weight)]
        total += max(0, len(terms) + bool(constant) - 1)
        total += bool(terms) and all(terms) and not constant
    return total


def check_values(graph, low, high):
    forms = [np.eye(graph.n_in, dtype=np.int64)[x] for x in range(graph.n_in)]
    offsets = [0] * graph.n_in
    for number, value in enumerate(graph.values):
        if number >= graph.n_in:
            signed = [((-1 if term.negative else 1) << term.shift, term.value)
                      for term in value.terms]
            forms.append(sum((gain * forms[at] for gain, at in signed),
                             np.zeros(graph.n_in, np.int64)))
            offsets.append(sum(gain * offsets[at] for gain, at in signed)
                           if value.terms else value.lo)
            assert all(term.value < number for term in value.terms)
            assert value.level == (1 + max(graph.values[t.value].level for t in value.terms)
                                   if value.terms else 0)
            assert not value.terms or not value.terms[0].negative
        form = forms[number]
        ends = np.stack([form * low, form * high])
        assert (value.lo, value.hi) == (ends.min(axis=0).sum() + offsets[number],
                                        ends.max(axis=0).sum() + offsets[number])
        assert -(1 << value.bits) <= 2 * value.lo if value.lo < 0 else value.hi < 1 << value.bits


@st.composite
def matrices(draw):
    rows, columns = draw(st.integers(1, 7)), draw(st.integers(1, 8))
    low, high = draw(st.sampled_from([(-1, 1), (0, 1), (-8, 7), (0, 255), (-128, 127),
                                      (-40_000, 40_000)]))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    matrix = rng.integers(low, high + 1, (rows, columns))
    return matrix * (rng.random(matrix.shape) < draw(st.sampled_from([0.3, 1.0])))


@settings(max_examples=40, deadline=None)
@given(matrices(), st.booleans(), st.sampled_from([(-8, 7), (0, 15), (-3, 0), (5, 9)]))
def test_any_matrix(matrix, has_constants, limits):
    rng = np.random.default_rng(1)
    check(matrix, rng.integers(-99, 100, len(matrix)) if has_constants else None, *limits)


ROW = np.array([37, -128, 0, 91, 127, -5, 64, 3])


@pytest.mark.parametrize(("matrix", "adders"), [
    ([ROW, ROW, ROW], None), ([ROW, 0 * ROW, -ROW], None), ([0 * ROW], 0), ([[1]], 0),
    ([[-1]], 1), ([[4], [-8]], 1), ([[0, 2, 0]], 0), ([[3], [6], [-12]], 2), ([[7]], 1),
    ([[45]], 2), ([[1, 1], [2, 2], [-4, -4]], 2), ([[-1, -1]], 2), ([[1, -1], [-1, 1]], 2),
    (np.eye(5), 0), (np.full((3, 4), -128), None), ([[1 << 40, -(1 << 40)]], 1),
    ([[(1 << 30) - 1, 1 << 20]], 2),
], ids=str)
def test_matrices_that_leave_little_to_add(matrix, adders):
    found = check(np.asarray(matrix, np.int64)).adders
    assert adders is None or found == adders


def test_equal_and_negated_rows_cost_one_row():
    lone = check([ROW]).adders
    assert check([ROW, ROW, 2 * ROW, 4 * ROW]).adders == lone
    assert check([ROW, -ROW]).adders <= lone + 1


def test_ranges_of_inputs_of_their_own():
    matrix = np.array([[3, -5, 7], [-1, 9, 2]])
    check(matrix, None, np.array([0, -4, 2]), np.array([1, 9, 2]))


def test_sharing_halves_the_adders_of_a_random_matrix():
    matrix = np.random.default_rng(0).integers(-128, 128, (20, 20))
    graph = check(matrix, lo=-128, hi=127)
    assert graph.adders < 0.58 * count_of(matrix, np.zeros(20, np.int64))
    assert graph.adders <= 545


def test_the_same_graph_each_time():
    matrix = np.random.default_rng(3).integers(-30, 31, (12, 10))
    first, second = (constant_product(matrix, -8, 7) for _ in range(2))
    assert first.values == second.values
    assert first.outputs == second.outputs


@pytest.mark.parametrize("extra", [0, 1, 99])
def test_depth_limit_is_kept(extra):
    rng = np.random.default_rng(4)
    matrix, constants = rng.integers(-128, 128, (9, 13)), rng.integers(1, 99, 9)
    least = least_depth(matrix, constants)
    assert check(matrix, constants, max_depth=least + extra).depth <= least + extra
    assert check(matrix, constants).depth <= least + 1
    with pytest.raises(SpecError) as error:
        constant_product(matrix, 0, 1, constants, max_depth=least - 1)
    assert str(error.value) == (f"max_depth must be at least {least} for these weights,"
                                f" not {least - 1}")


def test_rows_that_are_alike_start_from_each_other():
    rng = np.random.default_rng(5)
    base = rng.integers(-128, 128, 24)
    matrix = base + rng.integers(-3, 4, (8, 24))
    left, parents = _alike(matrix)
    assert any(parent is not None for parent in parents)
    for row, parent in enumerate(parents):
        whole = left[row] if parent is None else (
            left[row] + (-1 if parent[1] else 1) * matrix[parent[0]])
        np.testing.assert_array_equal(whole, matrix[row])
    constants = rng.integers(-20, 21, 8)
    together = check(matrix, constants)
    alone = constant_product(matrix, -8, 7, constants, max_depth=30)
    assert together.adders < 0.9 * alone.adders
    assert _alike(rng.integers(-128, 128, (8, 24)))[1] == [None] * 8


def test_rows_come_behind_their_parents():
    assert _in_order([(2, False), None, (1, True), None]) == [1, 2, 0, 3]


def test_too_many_values(monkeypatch):
    monkeypatch.setattr("hwgen.plan.stages.adder_graph.MAX_VALUES", 2)
    with pytest.raises(SpecError, match="^unrolled sums must be at most 2 values, not more;"
                                        " choose the folded core$"):
        constant_product(np.array([[1, 1]]), 0, 1)


def test_sums_are_what_is_left_of_the_rows():
    matrix = np.random.default_rng(6).integers(-128, 128, (6, 6))
    shared = Sharing(matrix)
    forms = list(np.eye(6, dtype=np.int64))
    for a, b, shift, minus, flipped in shared.sums:
        left, right = forms[a] << max(0, -shift), forms[b] << max(0, shift)
        forms.append((-1 if flipped else 1) * (left - right if minus else left + right))
    rows = [sum(weight * forms[value] for value, weight in row.items()) for row in shared.rows]
    np.testing.assert_array_equal(rows, matrix)


# -- bits and registers --------------------------------------------------------------------------


def test_low_bits_pass_an_adder_by():
    graph = AdderGraph([0, 0], [15, 15])

    def adder(a, b):
        return graph.values[graph.add(a, b).value]

    x, y = Term(0, 0, False), Term(1, 0, False)
    assert (adder(x, y).bits, adder(x, y).adder_bits) == (5, 5)
    added = adder(x, Term(1, 3, False))             # 15 + 8 * 15 = 135: 8 bits, 3 of them of x
    assert (added.bits, added.low_bits, added.adder_bits) == (8, 3, 5)
    taken = adder(x, Term(1, 3, True))              # -120 .. 15
    assert (taken.bits, taken.low_bits, taken.adder_bits) == (8, 3, 5)
    over = adder(Term(0, 3, False), Term(1, 0, True))   # -15 .. 120: y's low bits are negated
    assert (over.bits, over.low_bits, over.adder_bits) == (8, 0, 8)


@pytest.mark.parametrize("levels", [1, 2, 5])
def test_registers_are_in_order_and_few(levels):
    matrix = np.random.default_rng(7).integers(-128, 128, (10, 12))
    graph = constant_product(matrix, -128, 127)
    found = Schedule(graph, levels)
    assert found.last == -(-graph.depth // levels)
    for number, value in enumerate(graph.values):
        for term in value.terms:
            assert found.levels[term.value] < found.levels[number]
            assert found.slot(term.value) <= found.reads_at(number)
    assert all(found.slot(output.value) <= found.last for output in graph.outputs)
    assert found.register_bits <= early_bits(graph, levels) - 100 * (levels == 1)


def early_bits(graph, levels):
    """Bits of registers with every adder as early as can be."""
    last, until = -(-graph.depth // levels), {}
    for value in graph.values:
        for term in value.terms:
            until[term.value] = max(until.get(term.value, 0), (value.level - 1) // levels)
    until |= {output.value: last for output in graph.outputs}
    return sum(graph.values[n].bits * max(0, end - (max(0, graph.values[n].level - 1) // levels))
               for n, end in until.items() if graph.values[n].terms or n < graph.n_in)


def test_every_small_matrix():
    for entries in itertools.product((-3, 0, 1, 2), repeat=4):
        check(np.array(entries).reshape(2, 2), lo=-2, hi=1)
