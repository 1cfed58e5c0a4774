"""Small designs through the real tools.

The working folder lies below /tmp, of which WebAssembly tools have one of their own: so this also
shows that no absolute path is passed.
"""

import pytest
from synth.designs import LPF, PCF, Blinker, Macs, write

from hwgen.synth import Device, SynthJob, SynthReport, synthesise
from hwgen.toolchain import ToolError

pytestmark = pytest.mark.synth

BOARDS = {
    "ecp5": (Device(family="ecp5", size="85k", package="CABGA381", speed=6), LPF, 25),
    "ice40": (Device(family="ice40", size="up5k", package="sg48"), PCF, 12),
}


@pytest.mark.parametrize("family", BOARDS)
def test_blinker_to_bitstream(family, tmp_path):
    device, pins, clock_mhz = BOARDS[family]
    constraints = tmp_path / f"pins{device.tools.constraint_suffix}"
    constraints.write_text(pins)
    job = SynthJob(
        sources=[write(Blinker(), "blinker", tmp_path)],
        top="blinker",
        device=device,
        constraints=constraints,
        clock_mhz=clock_mhz,
        min_cells=40,
        min_memory_bits=8192,
    )
    seen = []
    out = tmp_path / "out"
    report = synthesise(job, out, progress=seen.append)
    assert SynthReport.load(out / "report.json") == report
    assert report.met
    assert (report.clock.name, report.clock.constraint_mhz) == ("clk", clock_mhz)
    assert 26 <= report.ff <= 40
    assert 26 <= report.lut_eq <= 70
    assert (report.bram, report.dsp) == ({"ecp5": 1, "ice40": 2}[family], 0)
    assert report.critical[0].levels > 0
    stream = (out / report.bitstream).read_bytes()
    assert stream[:2] == b"\xff\x00"
    assert {"ecp5": b"LFE5U-85F", "ice40": b"\x7e\xaa\x99\x7e"}[family] in stream[:64]
    assert len(stream) > 100_000
    # The bar moves while nextpnr works.
    assert len({p.fraction for p in seen if p.step == "nextpnr"}) > 4


@pytest.mark.parametrize("family", BOARDS)
def test_core_with_more_ports_than_pins_is_measured_alone(family, tmp_path):
    device, _, _ = BOARDS[family]
    job = SynthJob(
        sources=[write(Macs(), "macs", tmp_path)],
        top="macs",
        device=device,
        clock_mhz=40,
        out_of_context=True,
    )
    report = synthesise(job, tmp_path / "out")
    assert report.bitstream is None
    assert report.dsp == 4
    assert report.met
    # Nothing was taken away with the ports: 24 bits of the total, twice 17 of the partial sums.
    assert report.ff >= 24 + 2 * 17
    assert report.lut_eq >= 24


def test_too_large_design_is_refused_before_placement(tmp_path):
    source = tmp_path / "big.v"
    source.write_text(
        "module big(input clk, input [8:0] a, output reg [8:0] q);\n"
        "  reg [8:0] m [0:131071]; reg [16:0] n;\n"
        "  always @(posedge clk) begin n <= n + a; m[n] <= a; q <= m[~n]; end\n"
        "endmodule\n"
    )
    device = Device(family="ecp5", size="12k", package="CABGA381", speed=6)
    job = SynthJob(sources=[source], top="big", device=device, clock_mhz=25)
    with pytest.raises(ToolError) as caught:
        synthesise(job, tmp_path / "out")
    assert caught.value.reason == (
        "netlist of 'big' for ecp5-12k-CABGA381-6: DP16KD must be at most 56, not 64"
    )


UNPLACED = {
    "xc7": (Device(family="xc7", size="7z020", package="clg400"), {"RAMB18E1", "CARRY4", "FDRE"}),
    "gowin": (Device(family="gowin", size="gw1n-9", package="QN88"), {"SPX9", "ALU", "DFFR"}),
}


@pytest.mark.parametrize("family", UNPLACED)
def test_family_without_place_and_route_ends_after_yosys(family, tmp_path):
    device, kinds = UNPLACED[family]
    job = SynthJob(
        sources=[write(Blinker(), "blinker", tmp_path)],
        top="blinker",
        device=device,
        clock_mhz=25,
        place=False,
        min_memory_bits=8192,
    )
    report = synthesise(job, tmp_path / "out")
    assert SynthReport.load(tmp_path / "out" / "report.json") == report
    assert synthesise(job, tmp_path / "out", reuse=True) == report
    assert (report.mode, report.fmax_mhz, report.met) == ("synthesis", None, None)
    assert (report.bram, report.dsp) == (1, 0)
    assert 26 <= report.ff <= 40
    assert 26 <= report.lut_eq <= 70
    assert kinds <= set(report.cells)
    assert report.utilisation[device.tools.bram] == (1, device.totals[device.tools.bram])
    assert list(report.tools) == ["yosys"]
