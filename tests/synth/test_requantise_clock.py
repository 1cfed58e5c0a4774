"""Wide products of a requantise follow the clock: placed and routed alone, as planned for it."""

from dataclasses import replace

import pytest

from hwgen.bench.fixed_parts.requantise import CASES, requantise_stage
from hwgen.rtl.requantise import RequantiseUnit
from hwgen.rtl.text import to_rtlil
from hwgen.synth import SynthJob, synthesise

pytestmark = pytest.mark.synth


@pytest.mark.parametrize(("device", "mhz", "multipliers"), [CASES[0], CASES[3]],
                         ids=["ecp5", "up5k"])
def test_each_meets_its_clock(device, mhz, multipliers, tmp_path):
    stage, source = requantise_stage(device, mhz, multipliers), tmp_path / "core.il"
    if device.family == "ecp5":     # a smaller one is placed sooner
        device = replace(device, size="25k")
    # Behind the block RAM of the multipliers a register, then five adders, or a block's and two.
    assert stage.narrowing.product.registers == (1 + 5 if multipliers == "luts" else 1 + 2 + 2)
    source.write_text(to_rtlil(RequantiseUnit(stage), "core"))
    report = synthesise(SynthJob(sources=[source], top="core", device=device, clock_mhz=mhz,
                                 out_of_context=True), tmp_path / "out")
    assert report.met
    assert report.fmax_mhz >= mhz
    assert report.dsp == (0 if multipliers == "luts" else 4)
