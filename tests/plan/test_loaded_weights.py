# amaranth: UnusedElaboratable=no
"""Weights that are loaded: widths from formats, what is refused, and what synthesis makes of it."""

from dataclasses import replace

import numpy as np
import pytest
from cases.errors import refused
from cases.loaded import CHANNELS, PLANES, POWERS, SHARED, other_weights, planes, two_networks
from cases.networks import FORMATS, NETWORKS, WEIGHT, fixed
from cases.targets import ECP5, UP5K
from plan.synthesis import counted

from hwgen.ir import (
    Dense,
    Input,
    Loaded,
    LoadedPerChannel,
    Matrix,
    MatVec,
    Network,
    PerChannel,
    Shared,
    load,
    replaced,
    with_loaded,
)
from hwgen.numeric import Bipolar, Fixed, SpecError, Ternary
from hwgen.plan import plan
from hwgen.plan.stages import FixedUnrolledStage
from hwgen.plan.stages.loaded_memory import LoadedMemory
from hwgen.rtl.loading import LoadedRows
from hwgen.rtl.pipeline import Pipeline

TARGETS = {"ecp5": ECP5, "ice40": UP5K}


def one_channel(values, fmt=WEIGHT):
    n_out, n_in = values.shape
    return PerChannel(values[:, :n_in // n_out], fmt)


class Mine(Matrix):
    """A kind of matrix of which there is none that is loaded."""

    kind, format = "mine", WEIGHT

    def __init__(self, values):
        self._values = values

    def to_dense(self):
        return self._values


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
     f"sparse core 'fc1': weights must be rom, as this core has no memory to load {WEIGHT} into,"
     " not ram; choose the fixed core"),
    (fixed, {"cores": {"fc1": {"core": "sparse", "weights": "ram"}}},
     "choices of 'fc1' on the sparse core must be among ['core', 'pe',"),
    (NETWORKS["binary"], {"weights": "ram", "cores": {"fc2": {"core": "binary-unrolled"}}},
     "binary-unrolled core 'fc2': weights must be rom, as this core has no memory to load"
     f" {Bipolar()} into, not ram; choose the binary core"),
    (NETWORKS["fixed-ternary"], {"weights": "ram", "cores": {"fc1": {"core": "fixed"}}},
     "fixed core 'fc1': weights must be rom, as this core has no memory to load"
     f" {Ternary()} into, not ram; choose the binary core"),
    (NETWORKS["fixed-codebook"], {"weights": "ram"},
     f"node 'fc1': weights must be rom, as no core has a memory to load {FORMATS[-1]} into, not"
     " ram; leave weights at rom, or give them as shared centroids (Shared), which the codebook"
     " core loads"),
    (lambda: fixed(sizes=(6, 3, 3), given_as=one_channel),
     {"weights": "ram", "cores": {"fc1": {"core": "fixed"}}},
     f"fixed core 'fc1': weights must be rom, as this core has no memory to load {WEIGHT} into,"
     " not ram; choose the depthwise core"),
    (lambda: fixed(sizes=(6, 3, 3), fmt=Ternary(), given_as=lambda values: one_channel(
        values, Ternary())), {"weights": "ram"},
     f"node 'fc1': weights must be rom, as no core has a memory to load {Ternary()} into, not ram;"
     " leave weights at rom"),
    (lambda: fixed(given_as=Mine), {"weights": "ram"},
     "node 'fc1': weights that are loaded must be a matrix of kind 'dense', 'power-sums',"
     " 'shared', 'per-channel', not 'mine'"),
])
def test_refused(build, options, message):
    with pytest.raises(SpecError) as caught:
        plan(build(), ECP5, interval_cycles=40, **options)
    assert str(caught.value).startswith(message)


def test_weights_that_are_loaded_may_be_any_of_their_format():
    assert Loaded(np.ones((2, 2), np.int64), Bipolar()).ends == (-1, 1)
    matrix = Loaded(np.ones((2, 3), np.int64), Fixed(4))
    assert (matrix.ends, matrix.shape) == ((-8, 7), (2, 3))
    assert Dense(matrix.values, Fixed(4)).ends == (1, 1)


def test_values_of_channels_may_be_any_and_all_others_stay_zero():
    matrix = LoadedPerChannel([[1, 2], [3, 4], [5, 6], [-7, -8]], Fixed(5), 2)
    assert matrix.bounds[0].tolist() == [
        [-16, 0, -16, 0], [-16, 0, -16, 0], [0, -16, 0, -16], [0, -16, 0, -16]]
    assert np.array_equal(matrix.bounds[1] == 15, matrix.bounds[0] == -16)
    assert matrix.to_dense().tolist() == PerChannel(matrix.values, Fixed(5), 2).to_dense().tolist()


def test_channels_of_the_same_shape_but_other_taps_are_refused():
    """Four outputs of 8 inputs both: of 4 channels and 2 taps, or of 2 channels and 4 taps."""
    values = np.arange(16).reshape(4, 4)
    first, other = (fixed(sizes=(8, 4), fmt=Fixed(5), given_as=lambda _, taps=taps: PerChannel(
        values[:, :taps], Fixed(5), taps // 2)) for taps in (2, 4))
    network = plan(first, ECP5, interval_cycles=40, weights="ram").network
    with refused(SpecError, "node 'fc1': weights must be 4 channels of 2 taps, 1 outputs each, of"
                            f" {Fixed(5)}, as the hardware has them, not 2 channels of 4 taps, 2"
                            f" outputs each, of {Fixed(5)}"):
        replaced(network, other)


def test_a_depthwise_core_adds_up_as_wide_as_any_weights_need():
    design = plan(CHANNELS["separable"](), ECP5, interval_cycles=200, weights="ram")
    stage = stages(design)["dw"]
    terms = 6 * 16 * 32
    assert stage.mat_vec.bias_range(stage.x) == (-(1 << 12), (1 << 12) - 1)
    assert stage.acc_format == Fixed.covering(-6 * 16 * 31 - (1 << 12), terms + (1 << 12) - 1)
    assert [memory.to_dict()["rows"] for memory in stage.loaded] == [6 * stage.nf, stage.nf]
    assert stage.folding == {"pe": stage.pe, "weights": "ram"}


@pytest.mark.parametrize("build", [POWERS["two-terms"], SHARED["five"], PLANES["ternary"],
                                   CHANNELS["twice"]])
def test_a_network_file_keeps_every_kind_that_is_loaded(build, tmp_path):
    network, other = build(), other_weights(build(), bias=3)
    design = plan(network, ECP5, interval_cycles=400, weights="ram")
    thresholds = [node.name for node in network.nodes if node.kind == "threshold"]
    for member in (design.network, replaced(design.network, other, thresholds=thresholds)):
        member.save(tmp_path / "net.hwgen")
        again = load(tmp_path / "net.hwgen")
        assert again.digest == member.digest
        assert all(node.is_loaded for node in again.nodes if node.kind == "mat_vec")
        stages = plan(again, ECP5, interval_cycles=400).stages
        assert [each.to_dict() for each in stages] == [each.to_dict() for each in design.stages]
    constant = with_loaded(design.network, {
        node.name: False for node in network.nodes if node.kind == "mat_vec"})
    assert constant.digest == network.digest


def binary_stages(network, weights):
    cores = {node.name: {"core": "binary", "planes": 1, "pe": 1} for node in network.nodes
             if node.kind == "mat_vec"}
    design = plan(network, ECP5, interval_cycles=4000, weights=weights, cores=cores)
    return [stage for stage in design.stages if stage.core == "binary"]


@pytest.mark.parametrize("name", PLANES)
def test_sums_of_planes_are_as_wide_as_any_weights_need_and_no_wider(name):
    first = PLANES[name]()
    loaded, found = binary_stages(first, "ram"), []
    biases = [stage.mat_vec.bias_range(stage.x)[1] for stage in loaded
              if stage.mat_vec.bias is not None]
    for seed in range(30):
        fill = ("random", "min", "max", "extremes")[seed % 4]
        other = other_weights(first, seed=seed, fill=fill, bias=min(biases))
        found.append(binary_stages(other, "rom"))
    for number, stage in enumerate(loaded):
        others = [stages[number] for stages in found]
        least, most = stage.acc_range
        assert least <= min(other.acc_range[0] for other in others)
        if stage.search is None:        # a sum ends at a score, below the sum of all planes
            scores = max(other.acc_edge.hi for other in others)
            assert most >= (scores << 1 if stage.result_shift else scores >> stage.low_bits)
        else:
            assert most >= max(other.acc_range[1] for other in others)
        assert stage.acc_format.bits <= 1 + max(other.acc_format.bits for other in others)
        assert stage.start_range[0] <= min(other.start_range[0] for other in others)
        assert stage.start_range[1] >= max(other.start_range[1] for other in others)
        if stage.search is not None:
            for step in range(1, stage.search.bits):
                held = stage.search.step_format(step)
                assert all(held.allowed(other.search.step(step)).all() for other in others)


def test_the_core_is_one_that_loads():
    """Ternary weights would go to the fixed core behind an input of eight planes."""
    network = planes(formats=[Ternary()], activation=Fixed(5), x=Fixed(8))
    cores = [plan(network, ECP5, interval_cycles=2000, weights=weights).stages[0].core
             for weights in ("rom", "ram")]
    assert cores == ["fixed", "binary"]


def test_constants_of_signs_are_all_one():
    """Of signs that meet signs: -n, whatever they are."""
    first = planes(formats=[Bipolar()], activation=Bipolar(), x=Bipolar(), sizes=(6, 8, 4))
    stage = binary_stages(first, "ram")[1]
    assert stage.start_range == (-4, -4)
    assert stage.has_one_start
    assert stage.has_one_low
    assert [memory.holds for memory in stage.loaded] == ["weights"]


def test_biases_that_follow_have_as_many_bits_as_the_first_ones():
    first = planes(formats=[Bipolar()], activation=Bipolar(), x=Bipolar())
    network = plan(first, ECP5, interval_cycles=200, weights="ram").network
    fc1 = network.node("fc1")
    held = fc1.bias_range(network.edges["x"])
    assert held == (-16, 15)
    small = other_weights(first, bias=1)
    again = replaced(network, small, thresholds=("act1", "act2"))
    assert again.node("fc1").bias_range(again.edges["x"]) == held
    assert {name: edge.format for name, edge in again.edges.items()} == {
        name: edge.format for name, edge in network.edges.items()}
    with refused(SpecError, "node 'fc1': bias_bits must be None where weights are not loaded,"
                            " not 5"):
        replace(small.node("fc1"), bias_bits=5)


def test_thresholds_that_are_not_loaded_must_stay():
    first = planes(formats=[Bipolar()], activation=Bipolar(), x=Bipolar())
    network = plan(first, ECP5, interval_cycles=200, weights="ram").network
    other = other_weights(first, bias=9)
    with pytest.raises(SpecError, match="node 'act2': thresholds must be as the hardware has it"):
        replaced(network, other, thresholds=("act1",))
    assert replaced(network, other, thresholds=("act1", "act2")).node("act2") is other.node("act2")


@pytest.mark.synth
@pytest.mark.parametrize(("build", "interval"), [
    (lambda: planes(formats=[Bipolar()], activation=Bipolar(), x=Bipolar(),
                    sizes=(128, 64, 64, 10)), 512),
    (lambda: planes(formats=[Ternary()], activation=Fixed(2, signed=False),
                    sizes=(32, 32, 16, 8)), 1024),
    (POWERS["larger"], 128), (SHARED["larger"], 256), (CHANNELS["larger"], 1200)],
    ids=["signs", "ternary", "powers", "shared", "channels"])
def test_designs_take_what_synthesis_counts(build, interval, tmp_path):
    design = plan(build(), ECP5, interval_cycles=interval, weights="ram")
    found, expected = counted(Pipeline(design), "ecp5", tmp_path), design.estimate
    assert (found.bram, found.dsp) == (expected.bram, expected.dsp)
    assert found.lut == pytest.approx(expected.lut, rel=0.08)
    assert found.ff == pytest.approx(expected.ff, rel=0.1)


@pytest.mark.synth
@pytest.mark.parametrize("family", TARGETS)
@pytest.mark.parametrize(("rows", "bits"), [(512, 32), (256, 40), (40, 64)])
def test_memories_take_what_synthesis_counts(family, rows, bits, tmp_path):
    spec = LoadedMemory("fc", "weights", rows=rows, row_bits=bits, in_blocks=True, values=Fixed(8),
                        contents=list, text="", folding={})
    found, expected = counted(LoadedRows(spec), family, tmp_path), spec.estimate(TARGETS[family])
    assert found.bram == expected.bram > 0
    assert (found.ff, found.lut) == (pytest.approx(expected.ff, abs=8),
                                     pytest.approx(expected.lut, abs=70))


def crowded():
    """Ten shared values but 0 on nine inputs: more than the codebook core has time for."""
    values = np.resize(np.delete(np.arange(-5, 6), 5), (4, 9))
    return Network("crowded", (
        Input("x", (), (9,), Fixed(8)), MatVec("fc", ("x",), Shared.of(values))), ("fc",))


@pytest.mark.parametrize(("core", "message"), [
    (None, "codebook core 'fc': weights must have 1 to 9 values but 0, of which each takes one of 9"
           " inputs' time, not 10; let fewer values be shared, or leave weights at rom on the fixed"
           " core"),
    ("fixed", "fixed core 'fc': weights must be rom, as this core has no memory to load codebook of"
              " 10 values (-5..5) into, not ram; choose the codebook core"),
    ("binary", "binary core 'fc': weights must be sums of bit planes, not codebook of 10 values"
               " (-5..5); choose the codebook core"),
    ("fixed-unrolled", f"choices of 'fc' on the fixed-unrolled core must be among"
                       f" {['core', *FixedUnrolledStage.choices]}, not ['weights']: this core's"
                       f" weights are constants, which cannot be loaded")])
def test_ways_out_lead_out(core, message):
    choice = {"weights": "ram"} if core is None else {"core": core, "weights": "ram"}
    with refused(SpecError, message):
        plan(crowded(), ECP5, cores={"fc": choice})
