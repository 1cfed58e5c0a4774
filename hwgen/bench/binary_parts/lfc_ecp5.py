"""The trained LFC on one ECP5-85, with the board's link: placed, routed, a bitstream."""

from hwgen.flow import api

from ..frame import trained
from ..frame.bench import SEED, tools_of
from ..frame.row import Row

__all__ = ["KEY", "inputs", "lacking", "measure"]

NAME, CLK_HZ, BOARD = "mnist-lfc-w1a1", 80_000_000, "ulx3s-85f"
FOLDINGS = ((32, 56), (32, 64), (32, 64), (10, 2))
KEY = (NAME, CLK_HZ, FOLDINGS)


def inputs(bench):
    """The file that decides the result."""
    return trained.digests([NAME])


def lacking(bench) -> str | None:
    """The network."""
    return trained.lacking([NAME])


def measure(bench):
    """Bitstream, clock, images a second, cells; 8-bit pixels come in."""
    network = api.load(trained.NETWORKS / f"{NAME}.hwgen")
    # A register behind each adder: on a device that is this full, operands come from afar.
    cores = {f"fc{k}": {"pe": pe, "simd": simd, "levels_per_register": 1}
             for k, (pe, simd) in enumerate(FOLDINGS, 1)}
    design = api.plan(network, target=BOARD, interval_cycles=512, clk_hz=CLK_HZ, cores=cores)
    artefact = bench.build(design, "lfc")
    report = artefact.synthesise(seed=SEED, progress=bench.tell_step)
    common = {"work": f"{NAME} with the board's link", "device": f"{BOARD}, {report.device}",
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
