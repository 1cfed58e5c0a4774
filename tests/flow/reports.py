"""A synthesis report for tests that run no synthesis."""

from hwgen.synth import Clock, SynthReport

__all__ = ["REPORT"]

REPORT = SynthReport(
    top="board_top", device="ecp5-85k", package="CABGA381", speed=6, mode="board", clock_mhz=25.0,
    seed=1, lut=5, lut_eq=6, ff=7, bram=1, spram=0, dsp=2, memory_bits=9, cells={"LUT4": 5},
    utilisation={}, clocks=(Clock(name="clk", fmax_mhz=50.0, constraint_mhz=25.0),), critical=(),
    tools={"yosys": "0.69"}, seconds={}, bitstream="board_top.bit", digest="")
