"""The netlist that yosys wrote: what it holds, whether it can be true, and cutting its ports."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from hwgen.synth.occupied import FLIP_FLOPS, LUTS, OCCUPIED, route_throughs

__all__ = ["Netlist", "cut_ports", "read_netlist"]

_PADS = {"SB_IO", "SB_GB_IO", "TRELLIS_IO"}
# Notes on where a cell came from, which flattening leaves behind.
_NOTES = {"$scopeinfo"}


@dataclass(frozen=True)
class Netlist:
    """The cells of a flat netlist.

    Parameters
    ----------
    cells : dict of str to int
        Count of each cell type.
    route_throughs : int
        LUTs taken up beside them; see :func:`hwgen.synth.occupied.route_throughs`.
    """

    cells: dict
    route_throughs: int = 0

    @property
    def logic_cells(self):
        """Cells that are no pads."""
        return sum(count for kind, count in self.cells.items() if kind not in _PADS)

    @property
    def unmapped(self):
        """Cell types of yosys that no device has."""
        return sorted(kind for kind in self.cells if kind.startswith("$"))

    @property
    def lut(self):
        """LUT cells."""
        return sum(self.cells.get(kind, 0) for kind in LUTS)

    @property
    def ff(self):
        """Flip-flops outside pads and DSP blocks."""
        return sum(count for kind, count in self.cells.items() if kind.startswith(FLIP_FLOPS))

    @property
    def lut_eq(self):
        """LUTs with those that carries and distributed RAM take up.

        On an ECP5 equal to the total that nextpnr prints before packing. The carries of an iCE40
        lie beside its LUTs; how many share a cell only shows when it is packed.
        """
        occupied = sum(count * OCCUPIED.get(kind, 0) for kind, count in self.cells.items())
        return occupied + self.route_throughs

    def memory_bits(self, device):
        """Bits that the memory cells can hold."""
        bits = device.tools.bits
        return sum(count * bits.get(kind, 0) for kind, count in self.cells.items())

    def needs(self, device):
        """Cells of each scarce kind, by the names in nextpnr's report."""
        needs = Counter({device.tools.comb: self.lut_eq})
        for kind, count in self.cells.items():
            if kind in device.tools.uses:
                name, blocks = device.tools.uses[kind]
                needs[name] += blocks * count
        return needs

    def faults(self, job):
        """Say why this cannot be the netlist of a job, in a list of sentences; empty if it can."""
        faults = []
        if self.unmapped:
            faults.append(f"cells must be of the device, not {', '.join(self.unmapped)}")
        if self.logic_cells < job.min_cells:
            faults.append(f"there must be at least {job.min_cells} cells, not {self.logic_cells}")
        bits = self.memory_bits(job.device)
        if bits < job.min_memory_bits:
            faults.append(
                f"memory cells must hold at least {job.min_memory_bits} bits, not {bits}"
            )
        totals = job.device.totals
        for name, used in self.needs(job.device).items():
            if used > totals.get(name, used):
                faults.append(f"{name} must be at most {totals[name]}, not {used}")
        return faults


def read_netlist(path, top):
    """Read the cells of the top module of a netlist in yosys's JSON.

    Returns
    -------
    Netlist

    Raises
    ------
    ValueError
        If the file is not complete JSON, or has no such module.
    """
    modules = json.loads(Path(path).read_text(encoding="utf-8"))["modules"]
    if top not in modules:
        raise ValueError(f"netlist must have a module {top!r}, not only {sorted(modules)[:5]!r}")
    kinds = Counter(cell["type"] for cell in modules[top]["cells"].values())
    cells = {kind: n for kind, n in sorted(kinds.items()) if kind not in _NOTES}
    return Netlist(cells, route_throughs(modules[top]))


def cut_ports(path, new_path, top, keep):
    """Write a netlist without the ports of its top module, but for some; the nets stay.

    So nextpnr adds no pads for them, neither needs nor times them, and still keeps and times all
    the logic behind them, on its real clock networks. Works alike for all families.
    """
    design = json.loads(Path(path).read_text(encoding="utf-8"))
    module = design["modules"][top]
    module["ports"] = {name: port for name, port in module["ports"].items() if name in keep}
    Path(new_path).write_text(json.dumps(design), encoding="utf-8")
