"""Weights in block RAM: what the netlist and the routed design hold is what the network has."""

import json

import numpy as np
import pytest
from cases.networks import binary
from cases.targets import ECP5
from synth.block_ram import routed, rows_read, words

from hwgen.emit import to_verilog
from hwgen.plan import plan
from hwgen.rtl.pipeline import COMPONENTS
from hwgen.synth import Device, SynthJob, synthesise

pytestmark = pytest.mark.synth

DEVICE = Device(family="ecp5", size="85k", package="CABGA381", speed=6)


@pytest.fixture(scope="module")
def placed(tmp_path_factory):
    """Folder of a binarised layer of 64 rows of 72 weights, and its stage."""
    work = tmp_path_factory.mktemp("layer")
    network = binary(sizes=(12, 72, 64, 4), levels=(4, 9))
    design = plan(network, ECP5, cores={"fc2": {"pe": 4, "simd": 18}})
    stage = next(stage for stage in design.stages if stage.name == "fc2")
    source = work / "layer.v"
    source.write_text(to_verilog(COMPONENTS[stage.core](stage), "layer", folder=work))
    job = SynthJob(sources=[source], top="layer", device=DEVICE, clock_mhz=50,
                   out_of_context=True, min_memory_bits=64 * 72)
    synthesise(job, work / "out")
    return work / "out", stage


def test_netlist_holds_every_weight(placed):
    folder, stage = placed
    rows, width = stage.weight_rows(), stage.pe * stage.simd
    assert (len(rows), width) == (64, 72)
    expected = np.array([[row >> k & 1 for k in range(width)] for row in rows])
    held = rows_read(folder / "netlist.json", "layer", "weights.address", "w", len(rows))
    assert np.array_equal(held, expected)
    assert 0.3 < expected.mean() < 0.7


def test_routed_design_holds_what_the_netlist_does(placed):
    folder, _ = placed
    cells = json.loads((folder / "netlist.json").read_text())["modules"]["layer"]["cells"]
    blocks = [words(cell).tobytes() for cell in cells.values() if cell["type"] == "DP16KD"]
    assert len(blocks) >= 2
    assert sorted(routed(folder / "design.config")) == sorted(blocks)
