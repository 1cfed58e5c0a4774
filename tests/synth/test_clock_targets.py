"""Cores follow the clock: a folded core planned for two clocks, placed and routed alone."""

import pytest

from hwgen.bench.binary_parts.works import binary_mlp
from hwgen.bench.frame.devices import ecp5_target
from hwgen.plan import plan
from hwgen.rtl.pipeline import Pipeline
from hwgen.rtl.text import to_rtlil
from hwgen.synth import Device, SynthJob, synthesise

pytestmark = pytest.mark.synth

ECP5 = Device(family="ecp5", size="25k", package="CABGA381", speed=6)
CLOCKS_MHZ = (50, 125)
FOLDINGS = {"fc1": {"pe": 2, "simd": 32}, "fc2": {"pe": 1, "simd": 8}}


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    network = binary_mlp((128, 16, 4), seed=1, name="clocks")
    found = {}
    for mhz in CLOCKS_MHZ:
        design = plan(network, ecp5_target(mhz * 1_000_000), clk_hz=mhz * 1_000_000,
                      interval_cycles=32, cores=FOLDINGS)
        folder = tmp_path_factory.mktemp(f"at{mhz}")
        source = folder / "core.il"
        source.write_text(to_rtlil(Pipeline(design), "core"))
        job = SynthJob(sources=[source], top="core", device=ECP5, clock_mhz=mhz,
                       out_of_context=True)
        found[mhz] = design, synthesise(job, folder / "out")
    return found


@pytest.mark.parametrize("mhz", CLOCKS_MHZ)
def test_each_meets_its_clock(reports, mhz):
    _, report = reports[mhz]
    assert report.met
    assert report.fmax_mhz >= mhz


def test_the_faster_one_has_more_registers_and_a_longer_latency_but_the_same_interval(reports):
    (slow, slow_report), (fast, fast_report) = (reports[mhz] for mhz in CLOCKS_MHZ)
    assert [stage.levels_per_register for stage in slow.stages] == [4, 4]
    assert [stage.levels_per_register for stage in fast.stages] == [1, 1]
    assert fast_report.ff > slow_report.ff + 50
    assert fast.latency_cycles > slow.latency_cycles
    assert fast.interval_cycles == slow.interval_cycles == 32
