"""How many multiplier blocks a product takes: what was counted, and what synthesis makes."""

from dataclasses import replace

import numpy as np
import pytest
from cases.targets import ECP5, UP5K
from plan.synthesis import counted

from hwgen.ir import Dense, Edge, MatVec, Requantise
from hwgen.numeric import DOUBLING_HIGH, Fixed
from hwgen.plan.stages import FixedStage, RequantiseStage
from hwgen.plan.stages.product_blocks import asked_blocks, inferred_blocks

TARGETS = {"ecp5": ECP5, "ice40": UP5K, "xc7": replace(ECP5, family="xc7")}

# Operands, negative bits for signed ones; blocks on ECP5, iCE40 UP5K, Xilinx 7 as yosys 0.69 has it
INFERRED = [
    (-20, 15, 2, 2, 1), (16, -16, 1, 1, 1), (-17, 8, 1, 1, 1), (-32, 31, 4, 4, 4),
    (36, -32, 4, 6, 4), (-4, 4, 1, 0, 0), (9, 2, 1, 1, 1), (-26, 18, 2, 4, 4), (-25, 17, 2, 4, 1),
    (25, 18, 2, 4, 4), (-18, 18, 1, 3, 1), (-16, 15, 1, 1, 1),
]


def signed(bits):
    return Fixed(abs(bits), 0, bits < 0)


@pytest.mark.parametrize("case", INFERRED, ids=str)
def test_blocks_that_yosys_takes_by_itself(case):
    a, b = map(signed, case[:2])
    for family, blocks in zip(TARGETS, case[2:], strict=True):
        assert inferred_blocks(a, b, TARGETS[family]) == blocks
        assert inferred_blocks(b, a, TARGETS[family]) == blocks
        assert inferred_blocks(a, b, replace(TARGETS[family], dsps=0)) == 0


def test_one_block_is_asked_for_where_it_takes_the_operands():
    assert asked_blocks(Fixed(1), Fixed(1), ECP5) == 1
    assert asked_blocks(Fixed(16), Fixed(16, 0, False), UP5K) == 1
    assert asked_blocks(Fixed(5), Fixed(5), UP5K) == 0
    assert asked_blocks(Fixed(20), Fixed(8), UP5K) == 2
    assert asked_blocks(Fixed(8), Fixed(8), replace(UP5K, dsps=0)) == 0


def stage(ends, packing="8x8", **how):
    """Products of eight bits, and ``ends`` of a requantise behind them."""
    rng = np.random.default_rng(0)
    node = MatVec("fc", ("x",), Dense(rng.integers(-128, 128, (4, 16)), Fixed(8)))
    multiplier, shift, rounding = ends
    post = Requantise("act", ("fc",), np.array(multiplier), shift, rounding, Fixed(8))
    return FixedStage(node, Edge((16,), Fixed(8), -128, 127), post, 2, 2, 1, packing=packing, **how)


ENDS = {
    "one": ([23171], 26, "half_up"), "eight": ([8], 15, "half_up"),
    "each": ([23171, 3, 30001, 16385], 26, "half_even"),
    "two roundings": ([1 << 30, 3 << 29, 5 << 28, 7 << 28], 8, DOUBLING_HIGH),
}


@pytest.mark.synth
@pytest.mark.parametrize("family", ["ecp5", "ice40"])
@pytest.mark.parametrize("ends", ENDS)
def test_estimate_has_every_block_of_the_netlist(ends, family, tmp_path):
    one = stage(ENDS[ends], packing="8x8" if family == "ice40" else "none")
    assert one.estimate(TARGETS[family]).dsp == counted(one, family, tmp_path).dsp > 0
    in_luts = replace(one, multipliers="luts")
    assert in_luts.estimate(TARGETS[family]).dsp == counted(in_luts, family, tmp_path).dsp == 0


@pytest.mark.synth
def test_so_it_has_of_a_requantise_alone(tmp_path):
    alone = RequantiseStage(stage(ENDS["each"]).post, Edge((4,), Fixed(20), -9999, 9999), 2)
    assert alone.estimate(UP5K).dsp == counted(alone, "ice40", tmp_path).dsp == 2
