"""Cells of unrolled cores, ends of a network, lanes, sums and forks, against synthesis."""

import numpy as np
import pytest

from hwgen.bench.cost_parts.joining import JOINING
from hwgen.bench.cost_parts.measure import TARGETS, target_of
from hwgen.bench.cost_parts.others import OTHERS
from hwgen.bench.cost_parts.pools import POOLS
from hwgen.ir import Dense, Edge, MatVec, Requantise
from hwgen.numeric import Bipolar, Fixed
from hwgen.plan.stages import BinaryStage, UnrolledStage
from hwgen.plan.stages.scaling import Scaling
from hwgen.plan.stages.unrolled_cells import _lengths

# What yosys 0.69 counts: LUT and FF. `hwgen bench cost` counts all.
MEASURED = {
    ("unrolled 1-1-1 48 to 16 levels 1", "ecp5"): (686, 1189),
    ("unrolled 1-1-scores 64 to 12 levels 2", "ecp5"): (769, 542),
    ("unrolled s2-1-u2 32 to 8 levels 1", "ecp5"): (466, 565),
    ("argmax 1 of 10, 12 bits", "ecp5"): (55, 37), ("argmax 3 of 16, 8 bits", "ecp5"): (132, 58),
    ("thermometer 3 of 5 bits lanes 8", "ecp5"): (137, 26),
    ("thermometer 7 of 8 bits lanes 4", "ecp5"): (274, 30), ("lanes 1 4 to 32", "ecp5"): (7, 37),
    ("lanes u2 48 to 8", "ecp5"): (92, 100), ("lanes u2 12 to 8", "ecp5"): (45, 102),
    ("unrolled 1-1-1 48 to 16 levels 1", "ice40"): (1627, 1306),
    ("unrolled 1-1-1 48 to 16 levels 1", "xc7"): (603, 633),
    ("unrolled 1-1-scores 64 to 12 levels 2", "ice40"): (1943, 1163),
    ("unrolled 1-1-scores 64 to 12 levels 2", "xc7"): (541, 516),
    ("unrolled s2-1-u2 32 to 8 levels 1", "ice40"): (965, 735),
    ("unrolled s2-1-u2 32 to 8 levels 1", "xc7"): (374, 409),
    ("argmax 1 of 10, 12 bits", "ice40"): (66, 37), ("argmax 1 of 10, 12 bits", "xc7"): (50, 37),
    ("argmax 3 of 16, 8 bits", "ice40"): (109, 58), ("argmax 3 of 16, 8 bits", "xc7"): (100, 58),
    ("thermometer 3 of 5 bits lanes 8", "ice40"): (28, 26),
    ("thermometer 3 of 5 bits lanes 8", "xc7"): (25, 26),
    ("thermometer 7 of 8 bits lanes 4", "ice40"): (32, 30),
    ("thermometer 7 of 8 bits lanes 4", "xc7"): (40, 30),
    ("lanes 1 4 to 32", "ice40"): (41, 37), ("lanes 1 4 to 32", "xc7"): (6, 37),
    ("lanes u2 48 to 8", "ice40"): (109, 100), ("lanes u2 48 to 8", "xc7"): (94, 100),
    ("lanes u2 12 to 8", "ice40"): (113, 102), ("lanes u2 12 to 8", "xc7"): (43, 102),
}


@pytest.mark.parametrize(("text", "family"), MEASURED, ids=str)
def test_estimate_is_close_to_what_synthesis_counts(text, family):
    case, (lut, ff) = next(case for case in OTHERS if str(case) == text), MEASURED[text, family]
    target = TARGETS[family]
    found = case.estimate(case.stage(target.fabric.lut_inputs), target)
    assert 0.75 * lut <= found.lut <= 1.25 * lut
    assert 0.8 * ff <= found.ff <= 1.2 * ff
    assert (found.bram, found.dsp) == (0, 0)


# The same of what is at the ends of branches; `hwgen bench cost --part fixed` counts it.
JOINED = {
    "add u4 + u4 lanes 1": ((52, 22), (70, 40), (32, 22)),
    "add s8 + s8 lanes 8": ((220, 86), (467, 305), (144, 86)),
    "add s8 + s6 << 2 lanes 4": ((119, 51), (254, 162), (78, 51)),
    "add s12 + s12 << 1 + s12 lanes 2": ((143, 99), (322, 215), (106, 99)),
    "add u5 + u5 + u5 + u5 lanes 4": ((163, 94), (317, 210), (115, 94)),
    "add u4 + u3 << 1 lanes 16": ((224, 93), (512, 336), (120, 93)),
    "fork to 2 lanes 4 of u8": ((5, 2), (6, 2), (5, 2)),
    "fork to 3 lanes 4 of u8": ((9, 3), (10, 3), (7, 3)),
    "fork to 4 lanes 1 of u8": ((14, 4), (14, 4), (11, 4)),
}


@pytest.mark.parametrize("text", JOINED)
def test_sums_and_forks_are_close_and_their_registers_exact(text):
    case = next(case for case in JOINING if str(case) == text)
    for family, (lut, ff) in zip(("ecp5", "ice40", "xc7"), JOINED[text], strict=True):
        found = case.estimate(case.stage(), target_of(case, family))
        assert 0.8 * lut <= found.lut <= 1.2 * lut, family
        assert (found.ff, found.bram, found.dsp) == (ff, 0, 0), family


POOLED = {      # pools behind a sliding window: LUT, FF of each family
    "window-max-wide of 9 u4 channels 4": ((311, 198), (517, 300), (272, 150)),
    "window-max-wide of 9 u8 channels 8": ((1160, 726), (1909, 1116), (1037, 534)),
    "window-max-wide of 4 u2 channels 16": ((183, 114), (366, 246), (148, 114)),
    "window-max-wide of 6 u1 channels 6": ((76, 57), (136, 92), (70, 57)),
    "window-sum-wide of 9 u4 channels 4": ((296, 258), (609, 456), (227, 210)),
    "window-sum-wide of 4 u8 channels 8": ((399, 242), (830, 566), (284, 242)),
    "window-sum-wide of 6 u5 channels 6": ((316, 255), (670, 500), (237, 255)),
    "window-max of 9 u4 channels 8 lanes 8": ((184, 154), (340, 218), (150, 152)),
    "window-sum of 9 u4 channels 8 lanes 8": ((328, 250), (526, 378), (210, 248)),
}


@pytest.mark.parametrize("text", POOLED)
def test_pools_of_windows_are_close(text):
    case = next(case for case in POOLS if str(case) == text)
    for family, (lut, ff) in zip(("ecp5", "ice40", "xc7"), POOLED[text], strict=True):
        found = case.estimate(case.stage(), target_of(case, family))
        assert 0.85 * lut <= found.lut <= 1.15 * lut, family
        assert 0.97 * ff <= found.ff <= 1.03 * ff, family
        assert (found.bram, found.dsp) == (0, 0), family


BLOCK_OF = ("18x18", "16x16", "25x18")
SCALED = {      # by what it scales, of what products are made: LUT, FF, blocks of each family
    "binary": {
        ("shift", "blocks"): ((483, 451, 0), (727, 488, 0), (362, 419, 0)),
        ("one", "blocks"): ((491, 465, 4), (745, 502, 4), (354, 409, 4)),
        ("one", "luts"): ((667, 670, 0), (1014, 707, 0), (542, 638, 0))},
    "binary-unrolled": {
        ("shift", "blocks"): ((569, 688, 0), (1664, 1181, 0), (430, 474, 0)),
        ("one", "blocks"): ((703, 726, 8), (1895, 1281, 8), (393, 468, 8)),
        ("one", "luts"): ((1040, 1087, 0), (2381, 1663, 0), (731, 871, 0))}}


def scaled(core, how, multipliers, family, block):
    """Signs, and behind them a requantise: by a shift, or by a multiplier for all."""
    x, weights = Fixed(2, 0, False), np.random.default_rng(1).choice([-1, 1], (16, 64))
    multiplier, shift = {"shift": (1, 4), "one": (181, 11)}[how]
    post = Requantise("act", ("fc",), np.array([multiplier]), shift, "half_up", Fixed(4, 0, False))
    lut_inputs = 6 if family == "xc7" else 4
    more = {"multipliers": multipliers, "scaling": Scaling(block), "lut_inputs": lut_inputs}
    if core == "binary":
        node = MatVec("fc", ("x",), Dense(weights, Bipolar()))
        return BinaryStage(node, Edge((64,), x, 0, 3), post, 4, 16, 1, 1, **more)
    node = MatVec("fc", ("x",), Dense(weights[:8, :24], Bipolar()))
    return UnrolledStage(node, Edge((24,), x, 0, 3), post, 8, **more)


@pytest.mark.parametrize(("core", "how", "multipliers"), [
    (core, *case) for core, cases in SCALED.items() for case in cases], ids=str)
def test_a_requantise_behind_signs_counts(core, how, multipliers):
    cells = zip(("ecp5", "ice40", "xc7"), SCALED[core][how, multipliers], BLOCK_OF, strict=True)
    for family, (lut, ff, dsp), block in cells:
        target = TARGETS[family] if family != "ice40" else target_of(JOINING[0], family)
        found = scaled(core, how, multipliers, family, block).estimate(target)
        assert 0.75 * lut <= found.lut <= 1.25 * lut, family
        assert 0.9 * ff <= found.ff <= 1.15 * ff, family
        assert found.dsp == dsp, family


def test_registers_between_those_who_read_a_value():
    assert _lengths(-1, {0}) == [1]
    assert _lengths(2, {2, 7, 4}) == [2, 3]
    assert _lengths(2, {1, 2}) == []
