import json

import pytest
from synth.recorded import ECP5_TIMING, ICE40_LOG, ICE40_TIMING

from hwgen.synth import Clock, CriticalPath
from hwgen.synth.timing import flip_flops_only, read_placement


@pytest.fixture
def read(tmp_path):
    def read(timing):
        path = tmp_path / "timing.json"
        path.write_text(json.dumps(timing))
        return read_placement(path)

    return read


def test_ecp5(read):
    placement = read(ECP5_TIMING)
    assert placement.clocks == (Clock(name="clk", fmax_mhz=271.297, constraint_mhz=25),)
    assert placement.critical == (
        CriticalPath(
            clock="clk",
            start="count_24.Q",
            end="led_1.DI",
            logic_ns=0.761,
            routing_ns=1.627,
            levels=1,
        ),
    )
    assert placement.utilisation["TRELLIS_COMB"] == (62, 83640)
    assert (placement.used("DP16KD"), placement.used("ICESTORM_RAM")) == (2, 0)


def test_ice40(read):
    placement = read(ICE40_TIMING)
    assert placement.clocks == (Clock(name="clk", fmax_mhz=73.605, constraint_mhz=12),)
    assert placement.critical == ()


def test_report_without_clocks_section(read):
    with pytest.raises(KeyError):
        read({"utilization": {}})


def test_flip_flops_alone_in_a_cell(tmp_path):
    log = tmp_path / "log"
    log.write_text(ICE40_LOG)
    assert flip_flops_only(log) == 2
    log.write_text("Info: nothing of the kind\n")
    assert flip_flops_only(log) == 0
