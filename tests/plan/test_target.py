"""What the planner knows of a board."""

from dataclasses import replace

import pytest
from cases.errors import refused
from cases.targets import ECP5, UP5K

from hwgen.numeric import SpecError
from hwgen.plan import Cells, in_block_ram


def test_refuses_a_family_it_has_no_numbers_for():
    with refused(SpecError, "target 'test-ecp5': family must be one of"
                            " ['ecp5', 'gowin', 'ice40', 'xc7'], not 'xc6'"):
        replace(ECP5, family="xc6")


def test_families_differ_in_luts_and_memories():
    xc7 = replace(ECP5, family="xc7")
    assert [t.fabric.lut_inputs for t in (ECP5, UP5K, xc7)] == [4, 4, 6]
    assert [t.has_lut_ram for t in (ECP5, UP5K, xc7)] == [True, False, True]
    assert xc7.brams_for(512, 72) == 2      # RAMB18E1: a RAMB36E1 is two


def test_cells_add_up():
    total = Cells(1, 2, 3, 4) + Cells(10, 20, 30, 40)
    assert total.to_dict() == {"lut": 11, "ff": 22, "bram": 33, "dsp": 44}


@pytest.mark.parametrize(("depth", "width", "block"), [
    (32, 1000, False), (33, 32, True), (33, 31, False), (1024, 1, False), (1025, 1, True)])
def test_memories_of_few_rows_or_bits_stay_in_luts(depth, width, block):
    assert in_block_ram(depth, width) is block
    assert (ECP5.brams_for(depth, width) > 0) is block


@pytest.mark.parametrize(("depth", "width", "ecp5", "ice40"), [
    (256, 16, 1, 1), (256, 17, 1, 2), (512, 36, 1, 5), (513, 36, 2, 9),
    (4096, 1, 1, 1), (4097, 1, 1, 2), (16384, 3, 3, 12), (1 << 19, 8, 8 * 32, 8 * 128)])
def test_block_rams_of_a_memory(depth, width, ecp5, ice40):
    assert ECP5.brams_for(depth, width) == ecp5
    assert UP5K.brams_for(depth, width) == ice40
    assert ECP5.brams_for(depth, width) * ECP5.bram_bits >= depth * width
    assert UP5K.brams_for(depth, width) * UP5K.bram_bits >= depth * width


def test_adders_between_registers_follow_from_clock_and_family():
    assert [ECP5.adder_levels(mhz * 1_000_000) for mhz in (12, 25, 50, 100, 333)] == [
        16, 8, 4, 2, 1]
    assert [UP5K.adder_levels(mhz * 1_000_000) for mhz in (12, 24, 48)] == [8, 4, 2]
    with refused(SpecError, "clk_hz must be at most 333333333 on 'test-ecp5', where an adder of 16"
                            " bits takes 3.00 ns, not 500000000"):
        ECP5.adder_levels(500_000_000)


def test_wide_adders_take_longer():
    assert [UP5K.adder_levels(24_000_000, bits) for bits in (1, 16, 24, 62)] == [4, 4, 3, 1]
    assert [ECP5.adder_levels(50_000_000, bits) for bits in (16, 24, 62)] == [4, 3, 2]
