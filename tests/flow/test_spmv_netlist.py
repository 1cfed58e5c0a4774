# amaranth: UnusedElaboratable=no
"""The netlist of a sparse engine, simulated: equal to numpy, in the cycles of the formula."""

import json

import pytest
from cases.spmv import spec_of

from hwgen.flow.engine import build_engine, verify_engine
from hwgen.numeric import Fixed
from hwgen.synth import Device

pytestmark = [pytest.mark.cosim, pytest.mark.synth]

ECP5 = Device(family="ecp5", size="85k", package="CABGA381", speed=6)


def test_netlist_multiplies_as_numpy_does(tmp_path):
    spec = spec_of((2, 256, 64, 2), Fixed(9), Fixed(8))
    assert spec.x_in_blocks
    assert spec.sums_in_blocks
    folder = build_engine(spec, tmp_path / "spmv")
    result = verify_engine(folder, netlist=ECP5)
    assert result.cycles is not None
    path, = folder.glob("sim/netlist-*/netlist.json")
    cells = json.loads(path.read_text())["modules"]["spmv"]["cells"].values()
    blocks = [cell for cell in cells if cell["type"] == "DP16KD"]
    assert len(blocks) == spec.lanes * (spec.x_lanes + 2)
    assert all("OUTREG" in (cell["parameters"]["REGMODE_A"], cell["parameters"]["REGMODE_B"])
               for cell in blocks)
    assert sum(cell["type"] == "MULT18X18D" for cell in cells) == spec.lanes
    assert verify_engine(folder, netlist=ECP5, stalls="random", seed=1).cycles is None
