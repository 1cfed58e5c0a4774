"""TFC unrolled, a vector a cycle: LUTs and seconds to generate."""

import time

from hwgen.plan.planner import plan
from hwgen.plan.stages import MATRIX_CORES
from hwgen.rtl.pipeline import Pipeline
from hwgen.toolchain import find

from ..frame import da4ml_peer
from ..frame.bench import SEED, machine, tools_of
from ..frame.devices import ECP5, Z045, ecp5_target, xilinx_target
from ..frame.row import Row
from .works import binary_mlp

__all__ = ["KEY", "lacking", "measure"]

SIZES, CLK_HZ = (784, 64, 64, 64, 10), 100_000_000
KEY = (SIZES, CLK_HZ)
CORE = "binary-unrolled"

DEVICES = {ECP5: "LUT4 eq", Z045: "LUT6"}
PUBLISHED = {"LUT4 eq": 81_032}
DA4ML = "da4ml 0.6: 81,032 LUT4 eq, 26 stages, 125 s"


def lacking(bench) -> str | None:
    """The unrolled core."""
    return None if CORE in MATRIX_CORES else f"a core '{CORE}'"


def inputs(bench) -> dict:
    """Whether da4ml runs beside it."""
    return {"da4ml": da4ml_peer.is_there()}


def measure(bench):
    """Seconds to generate, interval, LUTs of ours and, where it is installed, of da4ml."""
    begin = time.monotonic()
    network = binary_mlp(SIZES, seed=SEED, name="tfc-unrolled")
    design = _design(network, ecp5_target(CLK_HZ))
    bench.build(design, "tfc")
    seconds = time.monotonic() - begin
    peer = _peer(bench, network)
    work = {"work": "TFC W1A1 unrolled", "seed": SEED}
    yield Row(**work, metric="generation", value=round(seconds, 1), unit="s", must="<= 60",
              device=machine(), published=DA4ML)
    yield Row(**work, metric="interval", value=design.interval_cycles, unit="cycles", must="== 1")
    yield Row(**work, metric="latency", value=design.latency_cycles, unit="cycles")
    designs = {ECP5: design, Z045: _design(network, xilinx_target(Z045, CLK_HZ))}
    for device, metric in DEVICES.items():
        report = bench.synthesise(Pipeline(designs[device]), "tfc", device)
        most = peer.get(metric) or PUBLISHED.get(metric)
        common = {**work, "device": str(device), "tools": tools_of(report)}
        yield Row(**common, metric=metric, value=report.lut_eq, must=most and f"<= {most}",
                  stretch=most and f"<= {int(0.75 * most)}", published=DA4ML)
        yield Row(**common, metric=f"FF beside {metric}", value=report.ff)
    work = {"work": "TFC W1A1 through da4ml, the same weights", "seed": SEED, "device": machine()}
    for metric, value in peer.items():
        yield Row(**work, metric=metric, value=value, tools=f"da4ml, yosys {_yosys()}")


def _design(network, target):
    """A vector a cycle: every layer unrolled."""
    cores = {f"fc{k}": {"core": CORE} for k in range(1, len(SIZES))}
    return plan(network, target, interval_cycles=1, clk_hz=CLK_HZ, cores=cores)


def _peer(bench, network) -> dict:
    """What da4ml makes of the network: seconds, stages, LUTs of each kind; empty without it."""
    if not da4ml_peer.is_there():
        bench.tell(None, "da4ml is not installed: its published numbers stand for it")
        return {}
    folder = bench.folder / bench.part / "da4ml"
    bench.tell(None, "da4ml")
    seconds, stages = da4ml_peer.generate(network, folder)
    found = {"generation, s": round(seconds, 1), "latency, cycles": stages}
    for device, metric in DEVICES.items():
        out = folder.with_name(f"da4ml-{device.family}")
        report = da4ml_peer.synthesised(folder, device, out, lambda seen: bench.tell(
            None, f"da4ml: {seen.step} {seen.fraction:.0%}, {seen.message}"))
        found[metric] = report.lut_eq
    return found


def _yosys() -> str:
    return find("yosys").version
