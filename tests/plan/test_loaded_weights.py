# amaranth: UnusedElaboratable=no
"""Weights that are loaded: widths from formats, what is refused, and what synthesis makes of it."""

import numpy as np
import pytest
from cases.errors import refused
from cases.loaded import other_weights, two_networks
from cases.networks import NETWORKS, fixed
from cases.targets import ECP5, UP5K
from plan.synthesis import counted

from hwgen.ir import Dense, Loaded, PowerSums, load, replaced, with_loaded
from hwgen.numeric import Bipolar, Fixed, PowerOfTwo, SpecError
from hwgen.plan import plan
from hwgen.plan.stages.loaded_memory import LoadedMemory
from hwgen.rtl.loading import LoadedRows

TARGETS = {"ecp5": ECP5, "ice40": UP5K}


def stages(design):
    return {stage.name: stage for stage in design.stages}


@pytest.mark.parametrize("fill", ["random", "min", "max"])
def test_widths_are_the_same_whatever_the_weights(fill):
    first, _ = two_networks()
    designs = [plan(network, ECP5, interval_cycles=24, weights="ram")
               for network in (first, other_weights(first, fill=fill, bias=1000))]
    for left, right in zip(*(design.stages for design in designs), strict=True):
        assert left.folding == right.folding
        assert (left.in_edge.format, left.out_edge.format) == (right.in_edge.format,
                                                               right.out_edge.format)
        assert [m.to_dict() for m in left.loaded] == [m.to_dict() for m in right.loaded]
        if left.core == "fixed":
            assert left.acc_format == right.acc_format


def test_accumulators_hold_the_worst_weights_and_biases():
    first, _ = two_networks()
    stage = stages(plan(first, ECP5, interval_cycles=24, weights="ram"))["fc1"]
    products = 6 * 128 * 128
    assert stage.mat_vec.bias_range(stage.x) == (-(1 << 17), (1 << 17) - 1)
    assert products < 1 << 17
    assert stage.acc_format == Fixed.covering(-6 * 128 * 127 - (1 << 17), products + (1 << 17) - 1)
    constant = stages(plan(first, ECP5, interval_cycles=24))["fc1"]
    assert constant.acc_format.bits < stage.acc_format.bits


def test_weights_of_one_node():
    first, _ = two_networks()
    design = plan(first, ECP5, interval_cycles=24, cores={"fc2": {"weights": "ram"}})
    assert [memory.node for memory in design.loaded] == ["fc2"]
    assert stages(design)["fc2"].folding["weights"] == "ram"
    others = plan(first, ECP5, interval_cycles=24, weights="ram", cores={"fc2": {"weights": "rom"}})
    assert {memory.node for memory in others.loaded} == {"fc1", "fc3"}


def test_a_network_file_keeps_what_is_loaded(tmp_path):
    first, second = two_networks()
    design = plan(first, ECP5, interval_cycles=24, weights="ram")
    design.network.save(tmp_path / "net.hwgen")
    again = load(tmp_path / "net.hwgen")
    assert again.digest == design.network.digest != first.digest
    assert plan(again, ECP5, interval_cycles=24).to_dict() == design.to_dict()
    assert plan(again, ECP5, interval_cycles=24, weights="rom").loaded == ()
    assert np.array_equal(replaced(again, second).node("fc1").weights.values,
                          second.node("fc1").weights.values)
    assert with_loaded(again, {"fc1": True}) is again


@pytest.mark.parametrize(("build", "options", "message"), [
    (fixed, {"weights": "flash"}, "weights of 'fc1' must be one of rom, ram, not 'flash'"),
    (fixed, {"weights": "ram", "cores": {"fc1": {"memory": "logic"}}},
     "fixed core 'fc1': memory must be auto or block where weights are ram, not 'logic'"),
    (fixed, {"weights": "ram", "cores": {"fc1": {"core": "sparse"}}},
     "sparse core 'fc1': weights must be rom, as this core has no memory to load them into, not"
     " ram; choose the fixed core"),
    (fixed, {"cores": {"fc1": {"core": "sparse", "weights": "ram"}}},
     "choices of 'fc1' on the sparse core must be among ['core', 'pe',"),
    (NETWORKS["binary"], {"weights": "ram"},
     f"node 'fc1': format of weights that are loaded must be fixed point, not {Bipolar()}"),
    (lambda: fixed(fmt=PowerOfTwo(4), given_as=lambda w: PowerSums.of(w, 4)), {"weights": "ram"},
     "node 'fc1': weights that are loaded must be a dense matrix, not of kind 'power-sums'"),
])
def test_refused(build, options, message):
    with pytest.raises(SpecError) as caught:
        plan(build(), ECP5, interval_cycles=40, **options)
    assert str(caught.value).startswith(message)


def test_weights_that_are_loaded_have_every_code_of_their_format():
    with refused(SpecError, "format of weights that are loaded must be fixed point, not"
                            f" {Bipolar()}"):
        Loaded(np.ones((2, 2), np.int64), Bipolar())
    matrix = Loaded(np.ones((2, 3), np.int64), Fixed(4))
    assert (matrix.ends, matrix.shape) == ((-8, 7), (2, 3))
    assert Dense(matrix.values, Fixed(4)).ends == (1, 1)


@pytest.mark.synth
@pytest.mark.parametrize("family", TARGETS)
@pytest.mark.parametrize(("rows", "bits"), [(512, 32), (256, 40), (40, 64)])
def test_memories_take_what_synthesis_counts(family, rows, bits, tmp_path):
    spec = LoadedMemory("fc", "weights", rows=rows, row_bits=bits, in_blocks=True, values=Fixed(8),
                        folding={})
    found, expected = counted(LoadedRows(spec), family, tmp_path), spec.estimate(TARGETS[family])
    assert found.bram == expected.bram > 0
    assert (found.ff, found.lut) == (pytest.approx(expected.ff, abs=8),
                                     pytest.approx(expected.lut, abs=70))
