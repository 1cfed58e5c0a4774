"""The hardware of a compressed network: simulated, placed and routed on an ECP5-85."""

from hwgen.flow import api
from hwgen.flow.mnist import as_read

from ..frame.bench import SEED, machine, tools_of
from ..frame.row import Row
from .work import Part, compressed

__all__ = ["BOARD", "IMAGES", "INTERVAL", "METRICS", "Gates", "rows"]

BOARD, INTERVAL, IMAGES = "ulx3s-85f", 16_384, 200
"""Asked of each network, which makes them comparable; and test images through the Verilog."""

METRICS = {"interval": "interval", "fmax": "fmax", "lut": "LUT4", "ff": "FF", "bram": "block RAM",
           "dsp": "multiplier blocks", "met": "meets its clock", "mismatched": "mismatched"}


class Gates(Part):
    """A part of the hardware of those works that ask for it; see :class:`.work.Part`."""

    def __init__(self, file, works):
        super().__init__(file, [work for work in works if work.gates])
        self.KEY = [self.KEY, BOARD, INTERVAL, IMAGES]

    def measure(self, bench):
        """Rows of each work, whose trainings are those of its other part."""
        for work in self.works:
            result, split = compressed(bench, work)
            yield from rows(bench, work.name, result.network, split)


def rows(bench, work: str, network, split):
    """Rows of a network's hardware, with the board's link.

    Parameters
    ----------
    bench : Bench
    work : str
    network : Network
    split : Split     its test samples go through the emitted Verilog
    """
    design = api.plan(network, target=BOARD, interval_cycles=INTERVAL)
    artefact = bench.build(design, network.name)
    images = split.x_test[:IMAGES]
    x = as_read(network, images.reshape(len(images), -1))
    seen = artefact.verify(x, seed=SEED, bench="compiled", progress=bench.tell_step)
    yield Row(work=work, metric=METRICS["mismatched"], value=seen.mismatched, must="== 0",
              device=machine(), tools=f"Verilator {seen.version}", seed=SEED)
    report = artefact.synthesise(seed=SEED, progress=bench.tell_step)
    found = {"interval": (design.interval_cycles, "cycles"), "fmax": (report.fmax_mhz, "MHz"),
             "lut": (report.lut_eq, ""), "ff": (report.ff, ""), "bram": (report.bram, ""),
             "dsp": (report.dsp, ""), "met": (int(report.met), "")}
    for metric, (value, unit) in found.items():
        yield Row(work=work, metric=METRICS[metric], value=value, unit=unit, tools=tools_of(report),
                  must="== 1" if metric == "met" else None, device=f"{BOARD}, {report.device}",
                  seed=SEED)
