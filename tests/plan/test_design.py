# amaranth: UnusedElaboratable=no
"""A design's derived numbers, against the stages and against the generated memories."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import NETWORKS, binary, fixed, sparse
from cases.targets import ECP5
from sim.harness import convert

from hwgen.ir import Dense, Edge, MatVec, Requantise, Threshold
from hwgen.numeric import Bipolar, Fixed, SpecError
from hwgen.plan import CORES, Design, plan
from hwgen.plan.stages import MATRIX_CORES, BinaryStage, FixedStage, SparseStage
from hwgen.rtl.folded import BinaryMatVec, FixedMatVec
from hwgen.rtl.pipeline import Pipeline
from hwgen.rtl.sparse import SparseMatVec

U4 = Fixed(4, 0, False)


@pytest.mark.parametrize("case", NETWORKS)
@pytest.mark.parametrize("interval", [None, 100])
def test_interval_is_that_of_the_slowest_stage_and_no_conversion_is_slower(case, interval):
    network = NETWORKS[case]()
    design = plan(network, ECP5, interval_cycles=interval)
    assert design.interval_cycles == max(stage.interval_cycles for stage in design.stages)
    assert design.slowest.interval_cycles == design.interval_cycles
    assert design.bottleneck == design.slowest.name
    lanes = [design.in_lanes]
    for joint, stage in zip(design.joints, design.stages, strict=True):
        conversion = joint.conversion
        assert (conversion.lanes_in, conversion.lanes_out) == (lanes[-1], stage.in_lanes)
        for width in (conversion.lanes_in, conversion.lanes_middle, conversion.lanes_out):
            beats, rest = divmod(stage.in_edge.size, width)
            assert beats <= design.interval_cycles
            assert rest == 0
        assert stage.out_edge.size // stage.out_lanes <= stage.interval_cycles
        lanes.append(stage.out_lanes)
    assert design.out_lanes == lanes[-1] == 1


def test_shown_in_a_line_without_its_weights():
    assert repr(plan(binary(), ECP5, interval_cycles=100)) == (
        "<Design 'case-binary' for test-ecp5: code thermometer, fc1 binary, fc2 binary, fc3 binary,"
        " argmax argmax; a frame every 14 cycles at 50 MHz>")


@pytest.mark.parametrize("case", NETWORKS)
def test_latency_is_at_least_a_register_for_each_step(case):
    design = plan(NETWORKS[case](), ECP5)
    fewest = sum(getattr(stage, "issue_to_output", 1) for stage in design.stages)
    assert design.latency_cycles >= fewest + 2
    slower = replace(design, stages=plan(design.network, ECP5, interval_cycles=5000).stages)
    unrolled = [stage.core for stage in slower.stages if stage.core.endswith("unrolled")]
    assert (slower.latency_cycles >= design.latency_cycles or case.startswith("sparse")
            or unrolled)    # of these a sum needs no cycle for each of its terms


@pytest.mark.parametrize("case", NETWORKS)
def test_to_dict_is_json_and_enough_to_plan_it_again(case):
    design = plan(NETWORKS[case](), ECP5, interval_cycles=100, clk_hz=33_000_000)
    document = json.loads(json.dumps(design.to_dict()))
    assert document == design.to_dict()
    assert document["digest"] == design.network.digest
    assert (document["target"], document["clk_hz"]) == ("test-ecp5", 33_000_000)
    cores = {}
    for entry in document["stages"]:
        choices = getattr(CORES[entry["core"]], "choices", None)
        if choices:
            cores[entry["nodes"][0]] = {"core": entry["core"], **{
                key: value for key, value in entry["folding"].items() if key in choices}}
    again = plan(design.network, ECP5, clk_hz=document["clk_hz"], interval_cycles=100,
                 cores=cores)
    assert again.to_dict() == document


def test_weight_bits_add_up_the_stages():
    design = plan(fixed(), ECP5)
    assert set(design.weight_bits) == {"weights", "bias", "multipliers"}
    for purpose, bits in design.weight_bits.items():
        assert bits == sum(stage.memory_bits.get(purpose, 0) for stage in design.stages)
    assert json.loads(json.dumps(design.weight_bits)) == design.weight_bits


# -- the constants in the generated hardware -------------------------------------------------------

def constant_memory_bits(component):
    """Bits of all memories that nothing writes, in the RTLIL of ``component``."""
    bits = 0
    for module in convert(component).split("\nmodule ")[1:]:
        if "$memwr" not in module:
            bits += sum(int(width) * int(rows) for width, rows in
                        re.findall(r"memory width (\d+) size (\d+)", module))
    return bits


FOLDINGS = [(1, 1), (2, 3), (4, 1), (1, 6), (4, 6)]


def matrix(rng, fmt, bias):
    """4 rows of 6, of both extremes."""
    weights = rng.choice([fmt.min, fmt.max], (4, 6))
    return MatVec("fc", ("x",), Dense(weights, fmt), rng.integers(-99, 99, 4) if bias else None)


@pytest.mark.parametrize(("pe", "simd"), FOLDINGS)
@pytest.mark.parametrize("post", [True, False], ids=["threshold", "scores"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
def test_binary_memories_are_the_stated_ones(rng, pe, simd, post, bias):
    node = post and Threshold("act", ("fc",), rng.integers(-6, 7, 4), rng.integers(0, 2, 4))
    stage = BinaryStage(matrix(rng, Bipolar(), bias), Edge((6,), Bipolar(), -1, 1), node or None,
                        pe, simd, 2)
    assert stated(stage) == constant_memory_bits(BinaryMatVec(stage))


@pytest.mark.parametrize(("pe", "simd"), FOLDINGS)
@pytest.mark.parametrize("multiplier", [None, [1], [5], [3, 1, 9, 1]], ids=str)
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
def test_fixed_memories_are_the_stated_ones(rng, pe, simd, multiplier, bias):
    node = multiplier and Requantise("act", ("fc",), np.array(multiplier), 2, "half_up", U4)
    stage = FixedStage(matrix(rng, Fixed(5), bias), Edge((6,), U4, 0, 15), node, pe, simd, 2)
    assert stated(stage) == constant_memory_bits(FixedMatVec(stage))


def test_sparse_memories_are_the_stated_ones_with_multipliers(rng):
    node = Requantise("act", ("fc",), np.array([3, 1, 9, 1]), 2, "half_up", U4)
    stage = SparseStage(matrix(rng, Fixed(5), True), Edge((6,), U4, 0, 15), node, 2)
    assert stage.memory_bits["multipliers"] == 4 * 4
    assert sum(stage.memory_bits.values()) == constant_memory_bits(SparseMatVec(stage))


def stated(stage):
    """The stated bits but those of memories of one row, which are plain constants."""
    rows = {"weights": stage.nf * stage.sf}
    return sum(bits for purpose, bits in stage.memory_bits.items()
               if rows.get(purpose, stage.nf) > 1)


def test_weight_bits_are_those_of_the_whole_pipeline():
    for network in (binary(sizes=(5, 14, 12, 4)), fixed()):
        design = plan(network, ECP5, interval_cycles=200)
        assert all(stage.nf > 1 for stage in design.stages if stage.core in MATRIX_CORES)
        assert sum(design.weight_bits.values()) == constant_memory_bits(Pipeline(design))


# -- refusals --------------------------------------------------------------------------------------

def test_refuses_stages_that_are_not_the_network_s():
    design = plan(sparse(), ECP5)
    nodes = "['fc1', 'rq1', 'fc2', 'rq2', 'fc3', 'argmax']"
    with refused(SpecError, f"design 'case-fixed': stages must compute the nodes {nodes} in order,"
                            f" not ['fc1', 'rq1', 'fc2', 'rq2', 'fc3']"):
        replace(design, stages=design.stages[:-1])
    with refused(SpecError, f"design 'case-fixed': stages must compute the nodes {nodes} in order,"
                            f" not ['fc2', 'rq2', 'fc1', 'rq1', 'fc3', 'argmax']"):
        replace(design, stages=(design.stages[1], design.stages[0], *design.stages[2:]))
    with refused(SpecError, "design 'case-fixed': stages must not be empty"):
        replace(design, stages=[])


def test_a_list_of_stages_becomes_a_tuple():
    design = plan(sparse(), ECP5)
    assert Design(design.network, ECP5, 1, list(design.stages)).stages == design.stages
