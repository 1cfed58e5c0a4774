"""LFC on one ECP5-85, with the board's link: placed, routed, a bitstream."""

from hwgen.flow import api

from ..frame.row import Row
from .bench import SEED, tools_of
from .works import binary_mlp

__all__ = ["KEY", "lacking", "measure"]

SIZES, CLK_HZ, BOARD = (784, 1024, 1024, 1024, 10), 80_000_000, "ulx3s-85f"
FOLDINGS = ((32, 56), (32, 64), (32, 64), (10, 2))
KEY = (SIZES, CLK_HZ, FOLDINGS)


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """Bitstream, clock, images a second, cells; random weights of the network's size."""
    network = binary_mlp(SIZES, seed=SEED, name="lfc", argmax=True)
    # A register behind each adder: on a device that is this full, operands come from afar.
    cores = {f"fc{k}": {"pe": pe, "simd": simd, "levels_per_register": 1}
             for k, (pe, simd) in enumerate(FOLDINGS, 1)}
    design = api.plan(network, target=BOARD, interval_cycles=512, clk_hz=CLK_HZ, cores=cores)
    artefact = bench.build(design, "lfc")
    report = artefact.synthesise(seed=SEED, progress=bench.tell_step)
    common = {"work": "LFC W1A1 with the board's link", "device": f"{BOARD}, {report.device}",
              "seed": SEED, "tools": tools_of(report)}
    yield Row(**common, metric="bitstream", value=int(report.bitstream is not None), must="== 1")
    yield Row(**common, metric="interval", value=design.interval_cycles, unit="cycles",
              must="<= 520")
    yield Row(**common, metric="fmax", value=report.fmax_mhz, unit="MHz", must=">= 80",
              stretch=">= 125")
    yield Row(**common, metric="throughput", unit="images/s",
              value=round(report.fmax_mhz * 1e6 / design.interval_cycles))
    for metric, value in (("LUT4", report.lut_eq), ("FF", report.ff), ("block RAM", report.bram)):
        yield Row(**common, metric=metric, value=value)
