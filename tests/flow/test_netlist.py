# amaranth: UnusedElaboratable=no
"""The netlist that nextpnr gets, simulated: equal to golden on the stored vectors."""

import json

import numpy as np
import pytest
from cases.networks import NETWORKS, convolution, fixed, sparse
from cases.targets import ECP5, UP5K

from hwgen.emit import write_artefact
from hwgen.flow.artefact import Artefact
from hwgen.ir import Argmax, Dense, Input, MatVec, Network
from hwgen.numeric import Bipolar, SpecError
from hwgen.plan import plan
from hwgen.synth import Device, write_gates
from hwgen.toolchain import ToolError
from hwgen.verify import MismatchError, simulate

pytestmark = [pytest.mark.cosim, pytest.mark.synth]

DEVICES = {
    "ecp5": Device(family="ecp5", size="85k", package="CABGA381", speed=6),
    "ice40": Device(family="ice40", size="up5k", package="sg48"),
    "hx8k": Device(family="ice40", size="hx8k", package="ct256"),
}
TARGETS = {"ecp5": ECP5, "ice40": UP5K, "hx8k": UP5K}


def unrolled():
    rng, sizes = np.random.default_rng(0), (24, 6)
    matrix = Dense(rng.choice([-1, 1], sizes[::-1]), Bipolar())
    nodes = (Input("x", (), sizes[:1], Bipolar()), MatVec("fc", ("x",), matrix),
             Argmax("argmax", ("fc",)))
    return Network("unrolled", nodes, ("fc", "argmax"))


CASES = {  # network, cores, cells that its netlists must have
    "binary": (NETWORKS["binary"], {"fc3": {"memory": "block"}}, "DP16KD SB_RAM40_4K"),
    "convolution": (lambda: convolution(shape=(6, 6, 1), channels=(2, 2), pool=False), {}, ""),
    "fixed": (lambda: fixed(sizes=(2, 2, 2)), {
        name: {"core": "fixed", "pe": 1, "simd": 1} for name in ("fc1", "fc2")},
        "MULT18X18D SB_MAC16"),
    "luts": (lambda: fixed(sizes=(4, 4, 3)), {
        name: {"multipliers": "luts", "pe": 1, "simd": 2} for name in ("fc1", "fc2")}, ""),
    "sparse": (lambda: sparse(sizes=(6, 6, 3), density=0.4), {}, ""),
    "unrolled": (unrolled, {"fc": {"core": "binary-unrolled"}}, ""),
}


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    folder, made = tmp_path_factory.mktemp("netlists"), {}

    def get(name, device):
        if (name, device) not in made:
            network, cores, _ = CASES[name]
            design = plan(network(), TARGETS[device], cores=cores)
            made[name, device] = Artefact(write_artefact(design, folder / f"{name}-{device}"))
        return made[name, device]

    return get


@pytest.mark.parametrize(("name", "device", "options"), [
    *((name, device, {}) for name in CASES for device in ("ecp5", "ice40")),
    ("binary", "ecp5", {"stalls": "random", "seed": 2, "mode": "reset", "bench": "compiled"}),
    ("binary", "hx8k", {"stalls": "random", "mode": "length"}),
])
def test_netlist_gives_the_golden_values(artefact, name, device, options):
    core = artefact(name, device)
    result = core.verify(netlist=DEVICES[device], **options)
    assert result.compared > 0 == result.mismatched
    if not options:
        assert result.latency_cycles == core.manifest["latency_cycles"]
    size = DEVICES[device].size
    netlist = core.folder / "sim" / f"netlist-{DEVICES[device].family}-{size}" / "netlist.json"
    kinds = {cell["type"] for cell in cells(json.loads(netlist.read_text()), core).values()}
    assert not CASES[name][2] or kinds & set(CASES[name][2].split())
    assert name != "luts" or not kinds & {"MULT18X18D", "SB_MAC16"}


def cells(design, core):
    return design["modules"][core.manifest["top"]]["cells"]


def flip_ram(design, core):
    """Bit 0 of row 0 of the weights in block RAM, those of the scores."""
    [ram] = [cell for cell in cells(design, core).values() if cell["type"] == "DP16KD"]
    value = int(ram["parameters"]["INITVAL_00"].replace("x", "0"), 2) ^ 1
    ram["parameters"]["INITVAL_00"] = f"{value:0320b}"


def test_one_wrong_bit_of_a_block_ram_is_found(artefact, tmp_path):
    core = artefact("binary", "ecp5")
    gates = core.netlist(DEVICES["ecp5"])
    design = json.loads((gates.with_suffix("") / "netlist.json").read_text())
    flip_ram(design, core)
    (tmp_path / "netlist.json").write_text(json.dumps(design))
    write_gates(tmp_path / "netlist.json", core.manifest["top"], DEVICES["ecp5"],
                tmp_path / "broken.v")
    with pytest.raises(MismatchError) as caught:
        simulate(core.folder, netlist=tmp_path / "broken.v")
    first, *more = str(caught.value).splitlines()
    assert first.startswith(f"{core.name}, broken: node '{caught.value.mismatch.node}' of image ")
    assert more == ["  the netlist is flat: no streams between stages are left in it to name the"
                    " first node that is wrong"]


def test_netlist_and_its_verilog_are_used_again(artefact):
    core = artefact("binary", "ecp5")
    gates = core.netlist(DEVICES["ecp5"])
    before = gates.stat().st_mtime_ns, (gates.with_suffix("") / "report.json").stat().st_mtime_ns
    assert core.netlist(DEVICES["ecp5"]) == gates
    after = gates.stat().st_mtime_ns, (gates.with_suffix("") / "report.json").stat().st_mtime_ns
    assert after == before


def one_cell(folder, kind, **parameters):
    cell = {"type": kind, "parameters": parameters, "connections": {}, "port_directions": {},
            "attributes": {}, "hide_name": 0}
    module = {"attributes": {}, "ports": {}, "cells": {"c": cell}, "netnames": {}}
    library = {"attributes": {"blackbox": 1}, "ports": {}, "cells": {}, "netnames": {}}
    path = folder / "netlist.json"
    path.write_text(json.dumps({"modules": {"top": module, kind: library}}))
    return path


@pytest.mark.parametrize(("family", "size", "package"), [
    ("xc7", "7z020", "clg400"), ("gowin", "gw1n-9", "QFN48")])
def test_families_without_models_are_refused(artefact, family, size, package):
    device = Device(family=family, size=size, package=package)
    with pytest.raises(SpecError) as caught:
        artefact("binary", "ecp5").verify(netlist=device)
    assert str(caught.value) == ("netlist must be of ecp5 or ice40 to be simulated, not of"
                                 f" {family}, whose block RAMs yosys has no models of")


def test_cells_without_a_model_are_refused(tmp_path):
    netlist = one_cell(tmp_path, "EHXPLLL")
    with pytest.raises(SpecError, match=r"^netlist must be of cells with a model \(LUT4, .*\),"
                                        r" not 1 EHXPLLL$"):
        write_gates(netlist, "top", DEVICES["ecp5"], tmp_path / "gates.v")


def test_block_ram_written_at_port_b_is_refused(tmp_path):
    netlist = one_cell(tmp_path, "DP16KD")
    netlist.write_text(netlist.read_text().replace('"connections": {}',
                                                   '"connections": {"WEB": ["1"]}'))
    with pytest.raises(SpecError) as caught:
        write_gates(netlist, "top", DEVICES["ecp5"], tmp_path / "gates.v")
    assert str(caught.value) == ("netlist: DP16KD 'c' must be written at port A alone, as its"
                                 " model is")


@pytest.mark.parametrize(("kind", "mode", "what"), [
    ("DP16KD", {"CSDECODE_A": "0b001"}, "DP16KD_must_be_selected_by_0"),
    ("MULT18X18D", {"REG_OUTPUT_CLK": "CLK1"}, "MULT18X18D_must_have_registers_of_CLK0")])
def test_modes_without_a_model_are_refused(kind, mode, what, tmp_path):
    with pytest.raises(ToolError, match=what):
        write_gates(one_cell(tmp_path, kind, **mode), "top", DEVICES["ecp5"],
                    tmp_path / "gates.v")
