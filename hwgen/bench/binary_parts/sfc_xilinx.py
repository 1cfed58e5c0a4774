"""SFC at interval 16: layers synthesised one by one for Xilinx 7, and summed."""

from hwgen.rtl.joint import JointCore
from hwgen.rtl.stream import element_shape

from ..frame.bench import SEED, tools_of
from ..frame.devices import Z045, xilinx_target
from ..frame.row import Row
from .works import binary_mlp, folded

__all__ = ["KEY", "lacking", "layer_reports", "measure"]

SIZES, CLK_HZ = (784, 256, 256, 256, 10), 200_000_000
FOLDINGS = ((16, 784), (16, 256), (16, 256), (10, 16))
MEMORY = "block"
"""16 rows of weights: in LUTs each weight takes one, in block RAM 16 of 512 rows are used."""

KEY = (SIZES, CLK_HZ, FOLDINGS, MEMORY)

FINN_LUT = "FINN SFC-max: 91,131 LUT6 placed"


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """Interval as planned, LUT6, flip-flops and block RAM of all layers."""
    network = binary_mlp(SIZES, seed=SEED, name="sfc")
    design = folded(network, xilinx_target(Z045, CLK_HZ), FOLDINGS, clk_hz=CLK_HZ,
                    memory=MEMORY)
    reports = layer_reports(bench, design, Z045)
    common = {"work": "SFC W1A1, layers one by one, weights in block RAM", "device": str(Z045),
              "seed": SEED, "tools": tools_of(reports[0])}
    yield Row(**common, metric="interval", value=design.interval_cycles, unit="cycles",
              must="<= 16", published="16")
    yield Row(**common, metric="LUT6", value=sum(report.lut_eq for report in reports),
              must="<= 45000", stretch="<= 32000", published=FINN_LUT)
    yield Row(**common, metric="FF", value=sum(report.ff for report in reports))
    yield Row(**common, metric="BRAM36", value=sum(report.bram for report in reports) / 2,
              published="4.5")


def layer_reports(bench, design, device) -> list:
    """Each stage alone, and what joins them."""
    reports = [bench.synthesise(stage, f"stage-{stage.name}", device) for stage in design.stages]
    for joint, stage in zip(design.joints, design.stages, strict=True):
        if not joint.is_wire:
            between = JointCore(element_shape(stage.in_edge), joint)
            reports.append(bench.synthesise(between, f"lanes-{stage.name}", device))
    return reports
