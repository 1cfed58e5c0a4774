# amaranth: UnusedElaboratable=no
"""The netlist of an engine, simulated: equal to numpy, in the cycles of the formula."""

import json

import pytest
from cases.systolic import spec_of

from hwgen.flow.engine import build_engine, verify_engine
from hwgen.numeric import Fixed
from hwgen.synth import Device

pytestmark = [pytest.mark.cosim, pytest.mark.synth]

DEVICES = {
    "ecp5": Device(family="ecp5", size="85k", package="CABGA381", speed=6),
    "ice40": Device(family="ice40", size="up5k", package="sg48"),
}
BLOCKS = {"ecp5": "MULT18X18D", "ice40": "SB_MAC16"}


@pytest.mark.parametrize(("name", "multipliers", "depth"), [
    ("ecp5", "blocks", 64), ("ecp5", "luts", 8), ("ice40", "blocks", 8)])
def test_netlist_multiplies_as_numpy_does(tmp_path, name, multipliers, depth):
    spec = spec_of((2, 3, depth, 9), Fixed(8), Fixed(8, signed=False), multipliers=multipliers)
    folder = build_engine(spec, tmp_path / "array")
    result = verify_engine(folder, netlist=DEVICES[name])
    assert result.compared > 0
    assert result.cycles is not None
    path, = folder.glob("sim/netlist-*/netlist.json")
    kinds = [cell["type"] for cell in
             json.loads(path.read_text())["modules"]["array"]["cells"].values()]
    assert kinds.count(BLOCKS[name]) == (spec.macs if multipliers == "blocks" else 0)
    assert verify_engine(folder, netlist=DEVICES[name], stalls="random", seed=1).cycles is None
