# amaranth: UnusedElaboratable=no
"""Weights that are loaded: the emitted Verilog against golden for two networks in turn."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from cases.loaded import two_networks
from cases.networks import inputs
from cases.targets import ECP5

from hwgen import golden
from hwgen.emit import read_manifest, write_artefact
from hwgen.emit.manifest import file_hashes
from hwgen.flow.artefact import Artefact
from hwgen.ir import Dense
from hwgen.numeric import Fixed, SpecError
from hwgen.plan import plan
from hwgen.verify import VerifyError, simulate

pytestmark = pytest.mark.cosim

FIRST, SECOND = two_networks()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    design = plan(FIRST, ECP5, interval_cycles=24, weights="ram")
    return write_artefact(design, tmp_path_factory.mktemp("loaded") / "net")


@pytest.mark.parametrize("bench", ["cocotb", "compiled"])
@pytest.mark.parametrize("stalls", ["none", "random", "both"])
def test_two_networks_in_turn(folder, bench, stalls):
    x = inputs(FIRST, 24)
    result = simulate(folder, x, bench=bench, stalls=stalls, seed=3, reload=SECOND)
    first, second = (golden.run(network, x)["fc3"] for network in (FIRST, SECOND))
    assert np.array_equal(result.scores, np.concatenate([first, second]))
    assert result.mismatched == 0
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("bench", ["cocotb", "compiled"])
@pytest.mark.parametrize("mode", ["reset", "length"])
def test_resets_and_sets_of_a_wrong_length(folder, bench, mode):
    assert simulate(folder, bench=bench, mode=mode, stalls="random", seed=5).mismatched == 0


@pytest.mark.parametrize("bench", ["cocotb", "compiled"])
def test_latency_and_interval_are_those_of_the_plan(folder, bench):
    manifest, result = read_manifest(folder), simulate(folder, bench=bench)
    assert result.latency_cycles == manifest["latency_cycles"]
    assert result.interval_cycles == manifest["interval_cycles"]
    constant = plan(FIRST, ECP5, interval_cycles=24)
    assert result.interval_cycles == constant.interval_cycles


@pytest.mark.parametrize("bench", ["cocotb", "compiled"])
def test_a_core_that_takes_wrong_sets_is_found(folder, bench, tmp_path):
    """`tlast` of the weights is not looked at where it comes late."""
    broken = shutil.copytree(folder, tmp_path / "net", ignore=shutil.ignore_patterns("sim"))
    path = broken / "case-fixed.v"
    text = path.read_text()
    assert text.count(".tlast(s_axis_weights_tlast)") == 1
    path.write_text(text.replace(".tlast(s_axis_weights_tlast)", ".tlast(1'h1)"))
    manifest = json.loads((broken / "manifest.json").read_text())
    (broken / "manifest.json").write_text(
        json.dumps(manifest | {"sha256": file_hashes(broken)}))
    with pytest.raises(VerifyError):
        simulate(broken, bench=bench, mode="length", stalls="input")


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


@pytest.mark.synth
def test_the_netlist_takes_sets_in_turn(folder):
    result = Artefact(folder).verify(frames=8, bench="compiled", netlist="ulx3s-85f",
                                     stalls="random", reload=SECOND)
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


def test_constants_load_nothing(artefact):
    with pytest.raises(SpecError, match="weights of 'case-fixed' must be ram to be loaded"):
        Artefact(artefact("fixed")).weight_bytes()
    with pytest.raises(SpecError, match="reload must be None, as the weights of 'case-fixed' are"):
        simulate(artefact("fixed"), reload=SECOND)


def test_reload_in_another_mode_is_refused(folder):
    with pytest.raises(SpecError, match="reload must be None in mode 'reset'"):
        simulate(folder, mode="reset", reload=SECOND)


def test_a_board_without_a_way_to_load_is_refused(folder):
    with pytest.raises(SpecError, match="board 'ulx3s-85f' must have what loads weights"):
        Artefact(folder).synthesise(board="ulx3s-85f")
