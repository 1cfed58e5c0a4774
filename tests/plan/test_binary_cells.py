"""Cells of the binarised core: counted parts, and estimates against what synthesis counts."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from cases.targets import ECP5, UP5K
from plan.synthesis import counted

from hwgen.bench.cost_parts.sweep import CASES, UNITS
from hwgen.plan.stages import BinaryStage
from hwgen.plan.stages import binary_cells as binary_cells_module
from hwgen.plan.stages.binary_cells import COSTS, PARTS, binary_cells
from hwgen.plan.stages.popcount_cells import heap_luts, heap_waits, popcount_parts, waiting_bits
from hwgen.plan.target import FAMILIES

TARGETS = {"ecp5": ECP5, "ice40": UP5K}

# What yosys 0.69 counts for cases of the sweep: LUT, FF, block RAM. `hwgen bench cost` counts all.
MEASURED = {
    ("1-1-1 512 to 64 pe 4 simd 32 levels 1", "ecp5"): (581, 467, 4),
    ("1-1-1 512 to 64 pe 4 simd 32 levels 1", "ice40"): (795, 579, 10),
    ("1-1-1 512 to 64 pe 8 simd 64 levels 1", "ecp5"): (1157, 1335, 15),
    ("1-1-1 64 to 16 pe 1 simd 8 levels 1", "ecp5"): (315, 138, 0),
    ("1-1-1 64 to 16 pe 1 simd 8 levels 1", "ice40"): (370, 131, 1),
    ("1-1-scores 256 to 10 pe 2 simd 32 levels 1", "ecp5"): (300, 283, 2),
    ("1-1-scores 256 to 10 pe 2 simd 32 levels 1", "ice40"): (581, 392, 6),
    ("1-u2-u2 128 to 32 pe 4 simd 32 levels 1", "ecp5"): (1105, 865, 0),
    ("1-u2-u2 128 to 32 pe 4 simd 32 levels 1", "ice40"): (1430, 838, 4),
    ("s2-u2-u2 128 to 32 pe 4 simd 16 side levels 1", "ecp5"): (961, 1029, 4),
    ("s2-u2-u2 128 to 32 pe 4 simd 16 side levels 1", "ice40"): (1531, 1162, 10),
    ("t-1-scores 128 to 10 pe 2 simd 32 levels 1", "ecp5"): (616, 528, 0),
    ("t-1-scores 128 to 10 pe 2 simd 32 levels 1", "ice40"): (905, 582, 2),
    ("r2-r2-r2 128 to 32 pe 4 simd 16 side levels 1", "ecp5"): (1070, 1154, 4),
    ("r2-r2-r2 128 to 32 pe 4 simd 16 side levels 1", "ice40"): (1672, 1287, 10),
    ("1-u8-1 64 to 32 pe 2 simd 16 side levels 2", "ecp5"): (1041, 722, 1),
    ("window 1 8x8x4 lanes 4", "ecp5"): (180, 45, 0),
    ("window 1 8x8x4 lanes 4", "ice40"): (171, 57, 1),
    ("window 1 16x16x32 lanes 8 pad 1", "ecp5"): (288, 90, 1),
    ("wide u2 32x32x8 pad 1", "ecp5"): (385, 241, 0),
    ("wide u2 32x32x8 pad 1", "ice40"): (489, 280, 2),
    ("pool 1 8x8x16 lanes 16", "ecp5"): (80, 89, 0),
    ("pool u2 16x16x64 lanes 4", "ecp5"): (253, 77, 0),
    ("1-u8-1 64 to 32 pe 2 simd 16 side levels 2", "ice40"): (1216, 635, 10),
}


def case(text):
    return next(case for case in CASES + UNITS if str(case) == text)


@pytest.mark.parametrize(("text", "family"), MEASURED, ids=str)
def test_estimate_is_close_to_what_synthesis_counts(text, family):
    found, (lut, ff, bram) = case(text).stage().estimate(TARGETS[family]), MEASURED[text, family]
    assert 0.8 * lut <= found.lut <= 1.2 * lut
    assert 0.85 * ff <= found.ff <= 1.15 * ff
    assert (found.bram, found.dsp) == (bram, 0)


@pytest.mark.synth
def test_counts_are_those_of_synthesis(tmp_path):
    text, family = next(iter(MEASURED))
    found = counted(case(text).stage(), family, tmp_path)
    assert (found.lut, found.ff, found.bram) == pytest.approx(MEASURED[text, family], rel=0.05)


def test_every_family_has_costs_of_parts_there_are():
    assert set(COSTS) == set(FAMILIES)
    assert all(set(costs) <= set(PARTS) for costs in COSTS.values())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("number", range(0, len(CASES), 3))
def test_every_family_has_an_estimate(number, family):
    cells = binary_cells(CASES[number].stage(), replace(ECP5, family=family))
    assert cells.lut > 50
    assert cells.ff > 50


@pytest.mark.parametrize(("bits", "parts"), [
    # 63 bits: 16 counts of three bits, 15 adders of 2, 3, 4 and 5 bits with 15 carry-ins.
    (63, {"count3": 16, "add": 8 * 2 + 4 * 3 + 2 * 4 + 5, "inject": 15}),
    (64, {"count3": 16, "add": 41, "inject": 15}),
    (3, {"count3": 1}),
    (7, {"count3": 2, "add": 2, "inject": 1}),
])
def test_parts_of_a_popcount(bits, parts):
    found = popcount_parts(bits, 99, spare=True)
    assert {part: found[part] for part in ("count3", "add", "inject") if found[part]} == parts


def test_chains_of_a_popcount_begin_with_one_slot_and_have_whole_cells():
    # 2 * 2 + 1 slots for the counts; 2 + 1 + 1 for the adder.
    assert popcount_parts(7, 99, spare=True)["chain"] == 6 + 4
    # 88 LUTs for 63 bits, one slot and the rounding of each of five chains on top.
    assert popcount_parts(63, 99, spare=True)["chain"] == 34 + 26 + 18 + 12 + 8


def test_registers_of_a_popcount_are_its_sums_and_the_bits_that_wait():
    # Four counts, two sums of 0..7, one of 0..15; two bits wait for level 2, one for level 3.
    assert popcount_parts(15, 1, spare=True)["ff"] == 4 * 2 + 2 * 3 + 4
    assert waiting_bits(15, 1, spare=True) == {1: 2, 2: 1}
    assert waiting_bits(16, 1, spare=True) == {1: 2, 2: 1, 3: 1}
    assert waiting_bits(16, 2, spare=True) == {0: 2, 1: 2}
    assert not popcount_parts(15, 9, spare=True)["ff"]


def test_parts_of_a_compressor_tree():
    # Of 7 bits two triples in parity form: a sum and a carry each, two LUTs; a product that is
    # left over; an adder of two bits. Registers: 2 + 2 bits, 3 at the end, twice what is left.
    how = {"spare": True, "parity": 6, "plain": False}
    assert heap_luts(7, **how) == 2 * 2 + 1 + 2
    assert heap_waits(7, 1, **how) == {1: 4 + 3, 2: 1}
    assert heap_waits(7, 2, **how) == {1: 3 + 1}
    assert not heap_waits(7, 3, **how)
    # Nine in parity form: five LUTs for a sum and four carries, a full adder and an adder of two.
    assert heap_luts(9, **(how | {"parity": 9})) == 5 + 1 + 2
    # Plain bits: one is left over; of four a full adder takes three, six become three.
    assert heap_luts(5, spare=True, parity=0, plain=True) == 1 + 2
    assert heap_luts(7, spare=True, parity=0, plain=True) == 3
    # Three and two bits are left of eight after one level, all in registers, then a sum of four.
    assert heap_waits(8, 1, spare=False, parity=0, plain=True) == {1: 5 + 4}


def test_operands_that_wait_long_are_shift_registers_where_there_are_such():
    waits = {1: 8, 2: 4}
    assert binary_cells_module._waiting(waits, 10, 1, ECP5) == {"ff": 10 * (8 + 8)}
    # The four, with the register before them, are three in a row.
    found = binary_cells_module._waiting(waits, 10, 1, replace(ECP5, family="xc7"))
    assert found == {"ff": 10 * 8 - 10 * 4, "shift": 10 * 4}


def test_columns_of_a_memory_of_few_rows_are_mostly_the_same():
    # Of two rows a column is 0, 1, the address or its complement, however many there are.
    assert binary_cells_module.rom_parts(2, 500, ECP5)["ff"] == 4
    wide = binary_cells_module.rom_parts(32, 30, ECP5)
    assert (wide["ff"], round(wide["rom"])) == (30, 30 * 3)
    assert binary_cells_module.rom_parts(64, 64, ECP5) == {"bram": 2}
    assert not binary_cells_module.rom_parts(1, 64, ECP5)


def test_operand_registers_of_equal_columns_are_one():
    few, many = CASES[3].stage(), CASES[0].stage()
    assert binary_cells_module._memories(few, ECP5)["ff"] - 16 == 2 * 256    # 32 rows of 256 bits
    blocks = binary_cells_module._memories(many, replace(ECP5, family="xc7"))
    assert blocks["ff"] - binary_cells_module._memories(many, ECP5)["ff"] == 128     # their own
    one = BinaryStage(few.mat_vec, few.x, few.post, 32, 256, 1)              # one row: constants
    assert binary_cells_module._memories(one, ECP5)["ff"] == 256
    few, many = (binary_cells_module.rom_parts(rows, 6, ECP5)["rom"] for rows in (4, 8))
    assert few < many


@pytest.mark.parametrize(("width", "rows"), [(1, 416), (2, 384), (5, 192)])
def test_an_ecp5_has_inputs_in_blocks_where_yosys_counts_luts_as_dearer(width, rows):
    """The fewest rows of so many bits, in steps of 16, that yosys put into a block by itself."""
    def parts(depth, target=ECP5):
        stage = SimpleNamespace(row_bits=width, inputs_in_block_ram=False)
        return binary_cells_module.input_parts(stage, depth, target)

    assert parts(rows) == {"bram": 1}
    fewer = parts(rows - 16)
    assert fewer["bram"] == 0
    assert fewer["ram"] == (rows // 16 - 1) * -(-width // 4) * 6
    assert parts(rows, UP5K) == {"bram": UP5K.blocks_of(rows, width)}
