# amaranth: UnusedElaboratable=no
"""Trees of weighed sums: values of any signs and gains, the stated registers, ranges."""

import numpy as np
import pytest
from amaranth.hdl import Shape
from sim.test_chain import settle

from hwgen.plan.stages.weighed_sum import Addend, addends_of, halved, sum_levels
from hwgen.rtl.weighed_sum import weighed_sum

GAINS = [(1,), (-1,), (2, -1), (1, -2), (3, -5, 7), (-1, -4), (-3, -6, -1), (8, 1, 1, -2, 5),
         (16, 1), (-16, 31, 1, 2, 2)]


def value_of(addend, v):
    return (-v if addend.negative else v) << addend.shift


@pytest.mark.parametrize("gain", [*range(-40, 41), 255, 341, -1023])
def test_digits_of_a_gain_are_the_fewest(gain):
    found = addends_of(gain, 5)
    assert sum(value_of(addend, 1) for addend in found) == gain
    shifts = [addend.shift for addend in found]
    assert all(b - a > 1 for a, b in zip(shifts, shifts[1:], strict=False))


def test_levels_of_adders():
    def levels(*gains):
        return sum_levels([addend for gain in gains for addend in addends_of(gain, 3)])

    assert [levels(), levels(1), levels(4), levels(3), levels(1, -2), levels(1, 1, 1)] == [
        0, 0, 0, 1, 1, 2]
    assert [levels(-1), levels(-1, -2), levels(-3)] == [1, 2, 1]


@pytest.mark.parametrize("registers", [[True], [False, True], [True] * 4, [False, True] * 2])
@pytest.mark.parametrize("gains", GAINS, ids=str)
def test_sum_of_weighed_values_after_the_stated_registers(rng, gains, registers):
    highs = [int(high) for high in rng.integers(1, 12, len(gains))]
    terms = sorted(((addend, k) for k, gain in enumerate(gains)
                    for addend in addends_of(gain, highs[k])),
                   key=lambda term: (term[0].negative, term[0].shift))
    levels = max(1, sum_levels([addend for addend, _ in terms]))
    registers = [*(registers * 4)[:levels - 1], True]
    cases = [highs, [0] * len(gains), *rng.integers(0, np.array(highs) + 1, (6, len(gains)))]
    given = settle(lambda m, *x: weighed_sum(m, [(addend, x[k]) for addend, k in terms],
                                             shape=Shape(16, True), register_after=registers,
                                             prefix="y"),
                   [Shape(high.bit_length()) for high in highs], cases, sum(registers))
    assert given == [int(np.dot(gains, case)) for case in cases]


def test_nothing_to_add_is_zero():
    assert settle(lambda m, x: weighed_sum(m, [], shape=Shape(3, True), register_after=[True],
                                           prefix="y"), [Shape(1)], [(0,), (1,)], 1) == [0, 0]


def test_bits_that_pass_by_the_adder():
    total, high = Addend(False, 0, 0, 100), Addend(True, 1, 0, 50)
    assert total.passes(high) == 1              # t - 2 s: the lowest bit is that of t
    assert Addend(False, 1, 0, 50).passes(Addend(True, 0, 0, 100)) == 0
    assert total.with_other(high) == Addend(False, 0, -100, 100)
    assert total.adder_bits(high) == 8 - 1
    assert len(halved([total] * 5, Addend.with_other)) == 3
