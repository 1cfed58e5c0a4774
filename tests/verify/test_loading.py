# amaranth: UnusedElaboratable=no
"""Weights that are loaded: the emitted Verilog against golden for two networks in turn."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from cases.loaded import CHANNELS, PLANES, POWERS, SHARED, other_weights, two_networks
from cases.networks import inputs
from cases.targets import ECP5

from hwgen import golden
from hwgen.emit import read_manifest, write_artefact
from hwgen.emit.manifest import file_hashes
from hwgen.flow.artefact import Artefact
from hwgen.ir import Dense, PowerSums, Shared
from hwgen.numeric import Fixed, SpecError
from hwgen.plan import plan
from hwgen.verify import VerifyError, simulate

pytestmark = pytest.mark.cosim

FIRST, SECOND = two_networks()
MIXED = PLANES["mixed"]()

PAIRS = {"fixed": (FIRST, SECOND), "planes": (MIXED, other_weights(MIXED, bias=9)),
         "powers": two_networks(POWERS["two-terms"]), "shared": two_networks(SHARED["five"]),
         "channels": (CHANNELS["separable"](), other_weights(CHANNELS["separable"](), bias=30))}
"""Kind -> two networks of one structure, the first of which is in the artefact."""

INTERVALS = {"fixed": 24, "planes": 300, "powers": 24, "shared": 54, "channels": 120}

BINARY = {"planes": {"fc1": {"core": "binary"}}}
"""Cores where they are not those that are taken unasked."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Kind -> artefact, written when it is asked for."""
    written = {}

    def folder(kind):
        if kind not in written:
            design = plan(PAIRS[kind][0], ECP5, interval_cycles=INTERVALS[kind], weights="ram",
                          cores=BINARY.get(kind))
            written[kind] = write_artefact(design, tmp_path_factory.mktemp(kind) / "net")
        return written[kind]

    return folder


@pytest.fixture(params=PAIRS)
def kind(request):
    return request.param


@pytest.fixture
def folder(folders):
    return folders("fixed")


@pytest.mark.parametrize("bench", ["cocotb", "compiled"])
@pytest.mark.parametrize("stalls", ["none", "random", "both"])
def test_two_networks_in_turn(folders, kind, bench, stalls):
    x = inputs(PAIRS[kind][0], 24)
    result = simulate(folders(kind), x, bench=bench, stalls=stalls, seed=3, reload=PAIRS[kind][1])
    first, second = (golden.run(network, x)[network.scores] for network in PAIRS[kind])
    assert np.array_equal(result.scores, np.concatenate([first, second]))
    assert result.mismatched == 0
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("bench", ["cocotb", "compiled"])
@pytest.mark.parametrize("mode", ["reset", "length"])
def test_resets_and_sets_of_a_wrong_length(folders, kind, bench, mode):
    assert simulate(folders(kind), bench=bench, mode=mode, stalls="random", seed=5).mismatched == 0


@pytest.mark.parametrize("bench", ["cocotb", "compiled"])
def test_latency_and_interval_are_those_of_the_plan(folders, kind, bench):
    manifest, result = read_manifest(folders(kind)), simulate(folders(kind), bench=bench)
    assert result.latency_cycles == manifest["latency_cycles"]
    assert result.interval_cycles == manifest["interval_cycles"]
    constant = plan(PAIRS[kind][0], ECP5, interval_cycles=INTERVALS[kind], cores=BINARY.get(kind))
    assert result.interval_cycles == constant.interval_cycles


def broken(folder, at, right, wrong):
    """A copy of the artefact with ``wrong`` in its Verilog where it has ``right``, once."""
    copy = shutil.copytree(folder, at / "net", ignore=shutil.ignore_patterns("sim"))
    path = next(copy.glob("case-*.v"))
    text = path.read_text()
    assert text.count(right) == 1
    path.write_text(text.replace(right, wrong))
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest | {"sha256": file_hashes(copy)}))
    return copy


@pytest.mark.parametrize("bench", ["cocotb", "compiled"])
def test_a_core_that_takes_wrong_sets_is_found(folder, bench, tmp_path):
    """`tlast` of the weights is not looked at where it comes late."""
    wrong = broken(folder, tmp_path, ".tlast(s_axis_weights_tlast)", ".tlast(1'h1)")
    with pytest.raises(VerifyError):
        simulate(wrong, bench=bench, mode="length", stalls="input")


def test_bytes_of_a_network_and_where_they_lie(folder):
    artefact = Artefact(folder)
    own = (folder / "weights.bin").read_bytes()
    layout = artefact.manifest["weights"]
    assert artefact.weight_bytes() == artefact.weight_bytes(FIRST) == own
    assert len(artefact.weight_bytes(SECOND)) == len(own) == layout["bytes"] == 4 * layout["words"]
    memory = next(m for m in layout["memories"] if m["holds"] == "bias")
    bits, begin = memory["value_bits"], memory["offset"]
    row = int.from_bytes(own[begin:begin + 4 * memory["row_words"]], "little")
    code = row & (1 << bits) - 1
    assert code - (code >> bits - 1 << bits) == FIRST.node(memory["node"]).bias[0]
    text = (folder / "README.txt").read_text()
    assert f"one frame = {layout['words']} words of 32 bits" in text
    assert f"byte {begin:>8}  {memory['node']}, bias: {memory['rows']} rows" in text


def test_thresholds_and_starts_that_are_loaded(folders):
    """Each of them is in the set, and a set that has one of another network is another set."""
    artefact = Artefact(folders("planes"))
    layout, (first, second) = artefact.manifest["weights"], PAIRS["planes"]
    assert layout["thresholds"] == ["act1", "act2"]
    sets = [artefact.weight_bytes(network) for network in (first, second)]
    for memory in layout["memories"]:
        begin = memory["offset"]
        end = begin + 4 * memory["rows"] * memory["row_words"]
        assert sets[0][begin:end] != sets[1][begin:end], memory["holds"]
    assert {memory["holds"] for memory in layout["memories"]} == {
        "weights", "starts", "step1_lane0", "inverts"}
    last = first.node("act2").thresholds + np.eye(1, 3, 2, dtype=np.int64)
    nodes = tuple(replace(node, thresholds=last) if node.name == "act2" else node
                  for node in first.nodes)
    assert artefact.weight_bytes(type(first)("net", nodes, first.outputs)) != sets[0]


def test_a_layout_of_another_version_is_refused(folders):
    artefact = Artefact(folders("planes"))
    artefact.manifest["weights"]["memories"][1]["row_bits"] += 1
    with pytest.raises(SpecError, match="memory 'starts' of node 'fc1' must be laid out as in the"):
        artefact.weight_bytes()


@pytest.mark.synth
def test_the_netlist_takes_sets_in_turn(folders, kind):
    result = Artefact(folders(kind)).verify(frames=8, bench="compiled", netlist="ulx3s-85f",
                                            stalls="random", reload=PAIRS[kind][1])
    assert (len(result.scores), result.mismatched) == (16, 0)


def test_other_structures_are_refused(folder):
    artefact = Artefact(folder)

    def message(network):
        with pytest.raises(SpecError) as caught:
            artefact.weight_bytes(network)
        return str(caught.value)

    def changed(name, **fields):
        nodes = tuple(replace(node, **fields) if node.name == name else node
                      for node in SECOND.nodes)
        return type(SECOND)(SECOND.name, nodes, SECOND.outputs)

    node = SECOND.node("rq1")
    assert message(changed("rq1", shift=node.shift + 1)) == (
        "node 'rq1': shift must be as the hardware has it, since it is not loaded, and is another"
        " in network 'case-fixed'")
    values = SECOND.node("fc3").weights.values
    assert message(changed("fc3", weights=Dense(values, Fixed(9)))) == (
        f"node 'fc3': weights must be (4, 4) of {Fixed(8)}, as the hardware has them, not (4, 4)"
        f" of {Fixed(9)}")
    _, longer = two_networks(sizes=(7, 8, 4, 4))
    assert message(longer).startswith("node 'x': shape must be as the hardware has it")
    fc1 = artefact.network.node("fc1")
    least, most = fc1.bias_range(artefact.network.edges["x"])
    assert message(changed("fc1", bias=np.full(8, most + 1))) == (
        f"node 'fc1': biases must be in {least}..{most}, which the hardware has the bits for,"
        f" not {most + 1}..{most + 1}")
    assert message(changed("fc1", bias=None)) == (
        "node 'fc1': bias must be there, as it is in the hardware")
    _, shorter = two_networks(sizes=(6, 8, 4))
    assert message(shorter) == "network 'case-fixed' must have the 7 nodes of 'case-fixed', not 5"


def test_other_sums_of_powers_and_other_centroids_are_refused(folders):
    def message(kind, change):
        network = PAIRS[kind][1]
        nodes = tuple(replace(node, weights=change(node.weights)) if node.name == "fc2" else node
                      for node in network.nodes)
        with pytest.raises(SpecError) as caught:
            Artefact(folders(kind)).weight_bytes(type(network)("net", nodes, network.outputs))
        return str(caught.value)

    assert message("powers", lambda w: PowerSums(w.codes, w.exponents, (0, 3))) == (
        "node 'fc2': weights must be (4, 8), sums of 2 powers of two with 5 exponents from (0, 2),"
        " as the hardware has them, not (4, 8), sums of 2 powers of two with 5 exponents from"
        " (0, 3)")
    assert message("powers", lambda w: Dense(w.to_dense(), Fixed(8))) == (
        "node 'fc2': weights must be a matrix of kind 'power-sums', not 'dense'")
    assert message("shared", lambda w: Shared.of(np.resize(np.arange(1, 7), w.shape))) == (
        "node 'fc2': centroids must be at most 4 but 0, of at most 6 bits, as the hardware has"
        " them, not 6 of 4 bits")
    assert message("shared", lambda w: Shared.of(np.resize([-33, 0], w.shape))) == (
        "node 'fc2': centroids must be at most 4 but 0, of at most 6 bits, as the hardware has"
        " them, not 1 of 7 bits")


def test_constants_load_nothing(artefact):
    with pytest.raises(SpecError, match="weights of 'case-fixed' must be ram to be loaded"):
        Artefact(artefact("fixed")).weight_bytes()
    with pytest.raises(SpecError, match="reload must be None, as the weights of 'case-fixed' are"):
        simulate(artefact("fixed"), reload=SECOND)


def test_reload_in_another_mode_is_refused(folder):
    with pytest.raises(SpecError, match="reload must be None in mode 'reset'"):
        simulate(folder, mode="reset", reload=SECOND)
